#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""The packets around the messages: fragments, full frames, checksums, marks."""
import select
import socket
import struct

import topology as net
from sip import Call, again, sdp
from ksft import run, same, test
from topology import PHONE, RELAY, ROUTER, SERVER, Udp

net.build()
phone = Udp("phone", PHONE, 5060)
server = Udp("provider", SERVER, 5060)

HIDE = ((f"{PHONE}:5060", f"{ROUTER}:5060"), (PHONE, ROUTER))


# of <linux/in.h> and <asm/socket.h>, unknown to Python
IP_MTU_DISCOVER, IP_PMTUDISC_DO, SO_NO_CHECK = 10, 2, 11


class Sniffer:
    """What really arrives at the provider: whole packets, before its own stack."""

    def __init__(self):
        net.enter("provider")
        self.socket = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(0x0800))
        self.socket.bind(("eth0", 0x0800))

    def packets(self):
        """All IPv4 packets that have come since."""
        got = []
        while select.select([self.socket], [], [], 0.2)[0]:
            data, sender = self.socket.recvfrom(65536)
            if sender[2] == socket.PACKET_HOST:
                got.append(data)
        return got

    def close(self):
        self.socket.close()


def ones_sum(data):
    if len(data) % 2:
        data += b"\0"
    total = sum(struct.unpack(f">{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return total


def checksum_right(packet):
    """Are the checksums of IP and UDP or TCP right? UDP's may be absent."""
    size = (packet[0] & 15) * 4
    if ones_sum(packet[:size]) != 0xffff:
        return False
    segment, protocol = packet[size:], packet[9]
    if protocol == 17 and segment[6:8] == b"\0\0":
        return True
    pseudo = packet[12:20] + struct.pack(">HH", protocol, len(segment))
    return ones_sum(pseudo + segment) == 0xffff


def honest_checksums():
    """Interfaces that compute checksums, as a wire needs them."""
    for space, device in (("phone", "eth0"), ("router", "lan"), ("router", "wan"),
                          ("provider", "eth0")):
        net.shell(f"ip netns exec {space} ethtool -K {device} tx off rx off gso off tso off gro off")


def new(name, host=f"{PHONE}:5060"):
    return Call(name, host, f"{ROUTER}:5060", SERVER)


def notify(name, size, host=f"{PHONE}:5060"):
    return new(name, host).request("NOTIFY", extra="\nX: " + "x" * size)


@test("H-21", "messages of 1.5 to 60 KB in UDP fragments arrive translated and whole")
def fragments():
    for size in (1500, 3000, 10000, 30000, 60000):
        data = notify(f"frag{size}", size)
        phone.send(data, SERVER)
        same(server.recv(), again(data, HIDE[0]))
        answer = new(f"frag{size}").response("200 OK", "NOTIFY", extra="\nX: " + "x" * size)
        server.send(answer, ROUTER)
        same(phone.recv(), again(answer, HIDE[0][::-1]))


@test("H-29", "a NOTIFY of a hundred busy lamps in one message arrives")
def lamps():
    data = new("blf").request("NOTIFY", extra="\nContent-Type: application/dialog-info+xml")
    body = b"".join(b"<dialog id='%03d'>" % i + b"y" * 480 for i in range(100))
    data = data.replace(b"Content-Length: 0", b"Content-Length: %d" % len(body)) + body
    phone.send(data, SERVER)
    wanted, content = again(data[:-len(body)], HIDE[0]), body
    same(server.recv(), wanted.replace(b"Content-Length: 0", b"Content-Length: %d" % len(body)) + content)


@test("H-21b", "a message that grows over the MTU arrives although its sender forbade fragments")
def do_not_fragment():
    # 5060 outside is the first phone's, so this one's messages get a port put in
    phone.send(b"\r\n\r\n", SERVER)
    assert server.recv()
    other = Udp("other", net.OTHER, 5060)
    other.socket.setsockopt(socket.IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_DO)
    grown = 0
    # up to a full frame: 1500 bytes less those of IP and UDP
    room = 1472 - len(notify("df", 0, net.OTHER)) - 1
    for size in range(room - 56, room + 1, 4):
        data = notify("df", size, net.OTHER)
        other.send(data, SERVER)
        got = server.recv()
        assert got, f"{len(data)} bytes have not arrived"
        port = server.sender[1]
        same(got, again(data, (f"UDP {net.OTHER};", f"UDP {ROUTER}:{port};"),
                        (f"alice@{net.OTHER}>", f"alice@{ROUTER}:{port}>")))
        grown += len(data) <= 1472 < len(got)
    assert grown, "no message has grown over the MTU"
    other.close()


@test("H-31", "checksums are right after translation, over UDP and TCP")
def checksums():
    honest_checksums()
    sniffer = Sniffer()
    for size in range(40):
        phone.send(notify(f"sum{size}", size, PHONE if size % 2 else f"{PHONE}:5060"), SERVER)
        assert server.recv()
    client, accepted = net.Tcp.pair("phone", PHONE, 40000)
    for size in range(20):
        data = Call(f"sumt{size}", f"{PHONE}:40000", "", SERVER, "TCP").request(
            "NOTIFY", extra="\nX: " + "x" * size)
        client.send(data)
        wanted = again(data, (f"{PHONE}:40000", f"{ROUTER}:40000"))
        same(accepted.recv(len(wanted)), wanted)
    packets = sniffer.packets()
    assert len(packets) > 60, len(packets)
    wrong = [packet for packet in packets if not checksum_right(packet)]
    assert not wrong, f"{len(wrong)} of {len(packets)}"
    for end in (client, accepted, sniffer):
        end.close()


@test("H-31", "a UDP packet without a checksum is translated and arrives")
def no_checksum():
    phone.socket.setsockopt(socket.SOL_SOCKET, SO_NO_CHECK, 1)
    data = notify("nosum", 10)
    phone.send(data, SERVER)
    same(server.recv(), again(data, HIDE[0]))
    phone.socket.setsockopt(socket.SOL_SOCKET, SO_NO_CHECK, 0)


@test("H-33", "DSCP, TTL and the source port are not the helper's to change")
def marks():
    sniffer = Sniffer()
    phone.socket.setsockopt(socket.IPPROTO_IP, socket.IP_TOS, 0x68)
    call = new("dscp")
    for data in (call.request("OPTIONS"), call.request("INVITE", sdp(PHONE, 4000)), b"\r\n\r\n"):
        phone.send(data, SERVER)
        assert server.recv()
        assert server.sender == (ROUTER, 5060)
    seen = {(packet[1], packet[8]) for packet in sniffer.packets()}
    assert seen == {(0x68, 63)}, seen
    phone.socket.setsockopt(socket.IPPROTO_IP, socket.IP_TOS, 0)
    server.send(call.response("486 Busy Here"), ROUTER)
    assert phone.recv()
    sniffer.close()


@test("H-21", "an INVITE whose description lies in the second fragment opens its pinholes")
def second_fragment():
    call = new("late")
    data = call.request("INVITE", sdp(PHONE, 4010), extra="\nX: " + "x" * 2000)
    phone.send(data, SERVER)
    same(server.recv(), again(data, *HIDE))
    assert net.pinhole(ROUTER, 4010) and net.pinhole(ROUTER, 4011)
    ours, theirs = Udp("phone", PHONE, 4010), Udp("provider", RELAY, 8010)
    theirs.send(b"in", ROUTER, 4010)
    assert ours.recv() == b"in"
    ours.close()
    theirs.close()
    server.send(call.response("486 Busy Here"), ROUTER)
    assert phone.recv()


@test("H-25", "a SIP message inside the tail of somebody's fragmented datagram is nobody's (T-2)")
def smuggled():
    inner = new("smuggle").request("INVITE", sdp(PHONE, 4020))
    data = b"x" * 1480 + inner
    phone.send(data, SERVER)
    same(server.recv(), data)
    assert not net.expectations()


run(after=net.nothing_left)
