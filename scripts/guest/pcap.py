# SPDX-License-Identifier: GPL-2.0
"""Reads UDP packets from a pcap file, and tells SIP, RTP and RTCP apart."""

import ipaddress
import struct
from dataclasses import dataclass

ETHERNET = 14
RTCP_TYPES = range(200, 208)


@dataclass(frozen=True)
class Packet:
    time: float
    source: str         # "address:port"
    destination: str
    data: bytes

    @property
    def kind(self):
        if len(self.data) >= 8 and self.data[0] >> 6 == 2:
            return "RTCP" if self.data[1] in RTCP_TYPES else "RTP"
        if b"SIP/2.0" in self.data[:self.data.find(b"\r\n")]:
            return "SIP"
        return "other"


def _records(blob):
    if len(blob) < 24:
        return
    order = {0xa1b2c3d4: "<", 0xd4c3b2a1: ">"}[struct.unpack_from("<I", blob)[0]]
    at = 24
    while at + 16 <= len(blob):
        seconds, micro, kept, _ = struct.unpack_from(order + "IIII", blob, at)
        yield seconds + micro / 1e6, blob[at + 16:at + 16 + kept]
        at += 16 + kept


def _endpoint(address, port):
    text = str(ipaddress.ip_address(address))
    return f"[{text}]:{port}" if ":" in text else f"{text}:{port}"


def read_udp(path):
    with open(path, "rb") as file:
        blob = file.read()
    packets, fragments = [], {}
    for time, frame in _records(blob):
        protocol, ip = frame[12:14], frame[ETHERNET:]
        if protocol == b"\x08\x00" and ip[9] == 17:
            size = (ip[0] & 15) * 4
            source, destination = ip[12:16], ip[16:20]
            payload = _whole(ip, size, fragments)
        elif protocol == b"\x86\xdd" and ip[6] == 17:
            source, destination, payload = ip[8:24], ip[24:40], ip[40:]
        else:
            continue
        if payload is None:
            continue
        sport, dport, length = struct.unpack_from("!HHH", payload)
        packets.append(Packet(time, _endpoint(source, sport), _endpoint(destination, dport),
                              payload[8:length]))
    return packets


def _whole(ip, size, fragments):
    """The datagram's bytes, or None until its last fragment has come (in order)."""
    total, identity, offset = struct.unpack_from("!HHH", ip, 2)
    key = ip[12:20] + identity.to_bytes(2, "big")
    data = fragments.pop(key, b"") + ip[size:total]
    if offset & 0x2000:
        fragments[key] = data
        return None
    return data
