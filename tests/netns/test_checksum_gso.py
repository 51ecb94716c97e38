#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""Packets of every make: checksums left to the interface, VLAN, IPv6 headers, bursts in one."""
import json
import select
import socket
import struct

import topology as net
from sip import Call, again, sdp
from ksft import run, same, test
from topology import PHONE, PHONE6, ROUTER, ROUTER6, SERVER, SERVER6, Tcp, Udp, shell

net.build()

HIDE = ((f"{PHONE}:5060", f"{ROUTER}:5060"), (PHONE, ROUTER))
# of <linux/in6.h> and <linux/udp.h>, unknown to Python
IPV6_HOPOPTS, IPV6_RTHDRDSTOPTS, IPV6_DSTOPTS, UDP_SEGMENT = 54, 55, 59, 103
# one option header of eight bytes, filled with PadN
PADDING = bytes((0, 0, 1, 4, 0, 0, 0, 0))


class Wire:
    """What arrives at the provider, and are its checksums right?"""

    def __init__(self):
        net.enter("provider")
        self.socket = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(3))
        self.socket.bind(("eth0", 3))

    def judge(self):
        """How many UDP and TCP packets have come since; all of them right."""
        count = 0
        while select.select([self.socket], [], [], 0.2)[0]:
            data, sender = self.socket.recvfrom(65536)
            if sender[2] != socket.PACKET_HOST or data[0] >> 4 not in (4, 6):
                continue
            verdict = right6(data) if data[0] >> 4 == 6 else right4(data)
            assert verdict is not False, data
            count += verdict is True
        self.socket.close()
        return count


def ones_sum(data):
    total = sum(struct.unpack(f">{len(data) // 2}H", data[:len(data) & ~1]))
    total += data[-1] << 8 if len(data) % 2 else 0
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return total


def right4(data):
    size, protocol = (data[0] & 15) * 4, data[9]
    segment = data[size:struct.unpack(">H", data[2:4])[0]]
    if ones_sum(data[:size]) != 0xffff:
        return False
    if protocol not in (6, 17):
        return None
    return ones_sum(data[12:20] + struct.pack(">HH", protocol, len(segment)) + segment) == 0xffff


def right6(data):
    at, protocol = 40, data[6]
    while protocol in (0, 43, 60):
        protocol, at = data[at], at + 8 + data[at + 1] * 8
    if protocol not in (6, 17):
        return None
    segment = data[at:]
    return ones_sum(data[8:40] + struct.pack(">II", len(segment), protocol) + segment) == 0xffff


def offload(state, *features):
    for space, device in (("phone", "eth0"), ("router", "lan"), ("router", "wan"), ("provider", "eth0")):
        shell(f"ip netns exec {space} ethtool -K {device} " + " ".join(f"{name} {state}" for name in features))


def messages(name, host, seen, server, transport="UDP"):
    """Messages of growing length, with and without a description, and what becomes of them."""
    for size in range(12):
        call = Call(f"{name}{size}", host, "", server, transport)
        data = call.request("NOTIFY", extra="\nX: " + "x" * size)
        yield data, again(data, (host, seen))


def unfinished(phone, server):
    for data, wanted in messages("half", f"{PHONE}:5060", f"{ROUTER}:5060", SERVER):
        phone.send(data, SERVER)
        same(server.recv(), wanted)


@test("H-31", "checksums that the interface is to compute, and those that are whole: right in either case")
def partial():
    phone, server = Udp("phone", PHONE, 5060), Udp("provider", SERVER, 5060)
    # left open from the phone on: the provider's stack believes its neighbour
    unfinished(phone, server)
    # computed by the router's interface, behind the helper
    shell("ip netns exec router ethtool -K wan tx off")
    wire = Wire()
    unfinished(phone, server)
    assert wire.judge() >= 12
    # whole when they come to the router, which has to correct them
    offload("off", "tx", "rx", "gso", "tso", "gro")
    wire = Wire()
    unfinished(phone, server)
    call = Call("sum", f"{PHONE}:5060", f"{ROUTER}:5060", SERVER)
    data = call.request("INVITE", sdp(PHONE, 4000))
    phone.send(data, SERVER)
    same(server.recv(), again(data, *HIDE))
    assert wire.judge() >= 13
    server.send(call.response("486 Busy Here"), ROUTER)
    assert phone.recv()
    phone.close()
    server.close()


@test("H-31", "TCP: several messages in one large packet, checksums and lengths are right")
def large_segments():
    for state in ("on", "off"):
        offload(state, "tx", "rx", "gso", "tso", "gro")
        client, accepted = Tcp.pair("phone", PHONE, 40001)
        wire = Wire()
        both = list(messages("gso", f"{PHONE}:40001", f"{ROUTER}:40001", SERVER, "TCP"))
        data, wanted = (b"".join(part) for part in zip(*both))
        client.send(data * 4)
        same(accepted.recv(len(wanted) * 4), wanted * 4)
        if state == "off":
            assert wire.judge() > 4
        client.close()
        accepted.close()


@test("H-31", "VLAN: with tags in the frame and with tags beside it")
def vlan():
    address = "192.168.3.30"
    shell("ip -n phone link add link eth0 name tagged type vlan id 30;"
          f"ip -n phone addr add {address}/24 dev tagged; ip -n phone link set tagged up;"
          "ip -n router link add link lan name tagged type vlan id 30;"
          "ip -n router addr add 192.168.3.1/24 dev tagged; ip -n router link set tagged up;"
          f"ip -n phone rule add from {address} table 30; ip -n phone route add default via 192.168.3.1 table 30")
    net.router("nft insert rule inet sip forward iifname tagged accept")
    server = Udp("provider", SERVER, 5060)
    ours = Udp("phone", address, 5072)

    def reaches():
        ours.send(b"\r\n", SERVER)
        return server.recv(1)
    net.until(reaches, 20)
    for state in ("off", "on"):
        offload(state, "txvlan", "rxvlan")
        for data, wanted in messages("vlan" + state, f"{address}:5072", f"{ROUTER}:5072", SERVER):
            wire = Wire()
            ours.send(data, SERVER)
            same(server.recv(), wanted)
            assert wire.judge() == 1
            # the answer changes as well, and goes into the VLAN
            answer = again(wanted, (wanted.split(b"\r\n")[0].decode(), "SIP/2.0 200 OK"))
            server.send(answer, ROUTER, 5072)
            got = ours.recv()
            assert got and f"UDP {address}:5072;".encode() in got, got
    ours.close()
    server.close()


@test("H-31", "IPv6 with hop-by-hop and destination options before UDP")
def extension_headers():
    phone, server = Udp("phone", PHONE6, 5060), Udp("provider", SERVER6, 5060)
    for options in ((IPV6_HOPOPTS,), (IPV6_DSTOPTS,), (IPV6_HOPOPTS, IPV6_DSTOPTS)):
        for option in options:
            phone.socket.setsockopt(socket.IPPROTO_IPV6, option, PADDING)
        for data, wanted in messages("ext", f"[{PHONE6}]:5060", f"[{ROUTER6}]:5060", f"[{SERVER6}]"):
            wire = Wire()
            phone.send(data, SERVER6)
            same(server.recv(), wanted)
            assert wire.judge() == 1
        for option in options:
            phone.socket.setsockopt(socket.IPPROTO_IPV6, option, b"")
    call = Call("ext", f"[{PHONE6}]:5060", f"[{ROUTER6}]:5060", f"[{SERVER6}]")
    phone.socket.setsockopt(socket.IPPROTO_IPV6, IPV6_HOPOPTS, PADDING)
    data = call.request("INVITE", sdp(PHONE6, 4100))
    phone.send(data, SERVER6)
    same(server.recv(), again(data, (PHONE6, ROUTER6)))
    assert net.pinhole(ROUTER6, 4100)
    server.send(call.response("486 Busy Here"), ROUTER6)
    assert phone.recv()
    phone.close()
    server.close()


@test("H-33", "IPv6: traffic class, hop limit, flow label and port are not the helper's to change")
def marks():
    offload("on", "tx", "rx")
    phone, server = Udp("phone", PHONE6, 5060), Udp("provider", SERVER6, 5060)
    phone.socket.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_TCLASS, 0x68)
    wire = Wire()
    for data, wanted in messages("mark", f"[{PHONE6}]:5060", f"[{ROUTER6}]:5060", f"[{SERVER6}]"):
        phone.send(data, SERVER6)
        same(server.recv(), wanted)
        assert server.sender == (ROUTER6, 5060), server.sender
        packet = wire.socket.recv(65536)
        while packet[6] != 17:
            packet = wire.socket.recv(65536)
        assert (struct.unpack(">H", packet[:2])[0] >> 4 & 0xff, packet[7]) == (0x68, 63), packet
    wire.socket.close()
    phone.close()
    server.close()


def unchanged():
    stats = json.loads(shell("tools/sipalg-ctl/sipalg-ctl -n router -j stats show"))
    return stats["passed_unchanged"].get("gso", 0)


@test("H-31", "a burst of datagrams in one packet (UDP GSO): each is translated, in order")
def burst():
    offload("on", "tx", "rx", "gso")
    shell("ip netns exec router ethtool -K wan tx off")
    phone, server = Udp("phone", PHONE, 5060), Udp("provider", SERVER, 5060)
    calls = [Call(f"burst{number}", f"{PHONE}:5060", "", SERVER).request("NOTIFY") for number in range(3)]
    assert len(set(map(len, calls))) == 1
    phone.socket.setsockopt(socket.IPPROTO_UDP, UDP_SEGMENT, len(calls[0]))
    phone.send(b"".join(calls), SERVER)
    for data in calls:
        same(server.recv(), again(data, HIDE[0]))
    # the first ones of a flow, one of them with a description; IPv6 as well
    net.router("conntrack -D -p udp 2>/dev/null || true")
    call = Call("bursts", f"{PHONE}:5060", f"{ROUTER}:5060", SERVER)
    data = call.request("INVITE", sdp(PHONE, 4200))
    phone.socket.setsockopt(socket.IPPROTO_UDP, UDP_SEGMENT, len(data))
    phone.send(data + data + data[:-7], SERVER)
    same(server.recv(), again(data, *HIDE))
    same(server.recv(), again(data, *HIDE))
    assert server.recv().startswith(b"INVITE ")
    assert net.pinhole(ROUTER, 4200)
    phone.socket.setsockopt(socket.IPPROTO_UDP, UDP_SEGMENT, 0)
    server.send(call.response("486 Busy Here"), ROUTER)
    assert phone.recv()
    phone6, server6 = Udp("phone", PHONE6, 5060), Udp("provider", SERVER6, 5060)
    data = Call("burst6", f"[{PHONE6}]:5060", "", f"[{SERVER6}]").request("NOTIFY")
    phone6.socket.setsockopt(socket.IPPROTO_UDP, UDP_SEGMENT, len(data))
    wire = Wire()
    phone6.send(data * 5, SERVER6)
    for _ in range(5):
        same(server6.recv(), again(data, (PHONE6, ROUTER6)))
    assert wire.judge() == 5
    assert not unchanged()
    for sock in (phone, server, phone6, server6):
        sock.close()


@test("H-34", "a burst for the router itself arrives as it came, and so does the router's own")
def burst_inwards():
    offload("on", "tx", "rx", "gso")
    before = unchanged()
    for ours, local in ((PHONE, "192.168.1.1"), (PHONE6, "2001:db8:1::1")):
        here, phone = Udp("router", local, 5060), Udp("phone", ours, 5061)
        host = f"[{ours}]" if ":" in ours else ours
        data = Call("inwards", f"{host}:5061", "", SERVER).request("NOTIFY")
        phone.socket.setsockopt(socket.IPPROTO_UDP, UDP_SEGMENT, len(data))
        phone.send(data * 2, local)
        same(here.recv(), data)
        same(here.recv(), data)
        here.socket.setsockopt(socket.IPPROTO_UDP, UDP_SEGMENT, len(data))
        here.send(data * 2, ours, 5061)
        same(phone.recv(), data)
        same(phone.recv(), data)
        here.close()
        phone.close()
    assert unchanged() == before + 2


run(after=net.nothing_left)
