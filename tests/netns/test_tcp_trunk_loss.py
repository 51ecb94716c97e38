#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""Trunks over TCP on a bad day: bursts, losses, what others send."""
import socket
import struct
import time

import topology as net
from sip import Call, again
from ksft import run, same, test
from topology import PHONE, ROUTER, SERVER, Tcp, enter, router, shell

net.build()
HERE = f"{PHONE}:5060"
# a trunk that has been busy for long may send as much at once
shell("ip -n phone route change default via 192.168.1.1 initcwnd 100")


def options(name, host=HERE):
    return Call(name, host, "", SERVER, "TCP").request("OPTIONS")


class Line:
    """A connection of the phone's, and what it is known by outside."""

    def __init__(self, port):
        self.phone, self.server = Tcp.pair("phone", PHONE, port)
        self.seen = f"{ROUTER}:{port}"

    def hidden(self, data):
        return again(data, (HERE, self.seen))

    def gets(self, wanted, seconds=5):
        same(self.server.recv(len(wanted), seconds), wanted)

    def arrives(self, name):
        data = options(name)
        self.phone.send(data)
        self.gets(self.hidden(data))

    def close(self):
        self.phone.close()
        self.server.close()


def lose(segments):
    """What comes from the phone is lost before the router while this is so."""
    if segments:
        net.attach("table inet lose { chain pre { type filter hook prerouting priority -400; "
                   "tcp dport 5060 tcp flags & psh == psh drop; }; }")
    else:
        router("nft delete table inet lose")


@test("H-3", "one segment lost, and thirty messages behind it: all arrive translated, and all later ones")
def burst_behind_loss():
    line = Line(40001)
    line.arrives("before")
    burst = [options(f"burst{i}") for i in range(31)]
    lose(True)
    line.phone.send(burst[0])
    lose(False)
    for data in burst[1:]:
        line.phone.send(data)
    line.gets(b"".join(line.hidden(data) for data in burst), 30)
    line.arrives("after")
    line.close()


def forged_syn(source, source_port, target, target_port):
    """A SYN of a stranger's who has guessed both ends."""
    tcp = struct.pack("!HHIIBBHHH", source_port, target_port, 0x12345678, 0, 5 << 4, 2, 1000, 0, 0)
    pseudo = socket.inet_aton(source) + socket.inet_aton(target) + struct.pack("!BBH", 0, 6, len(tcp))
    total = sum(struct.unpack(f"!{(len(pseudo) + len(tcp)) // 2}H", pseudo + tcp))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return tcp[:16] + struct.pack("!H", ~total & 0xffff) + tcp[18:]


@test("H-25", "a SYN that a stranger forges into a connection moves no message boundary")
def stray_syn():
    line = Line(40004)
    line.arrives("first")
    enter("phone")
    with socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_TCP) as raw:
        raw.sendto(forged_syn(PHONE, 40004, SERVER, 5060), (SERVER, 0))
    time.sleep(1)
    for name in ("second", "third"):
        line.arrives(name)
    line.close()


def grow(line, count):
    """So many messages that all grow, in as few packets as the sender can."""
    parts = [options(f"full{i:03}", PHONE) for i in range(count)]
    wanted = b"".join(again(data, (f"TCP {PHONE};", f"TCP {line.seen};"),
                            (f"alice@{PHONE}>", f"alice@{line.seen}>")) for data in parts)
    line.phone.send(b"".join(parts))
    line.gets(wanted, 20)
    line.arrives("after")
    line.close()


@test("H-3", "messages that have grown beyond the receiver's window come again, and all arrive")
def beyond_window():
    grow(Line(40005), 400)


@test("H-31", "messages that grow in a packet of 64 KB: none of them is lost")
def full_packet():
    shell("ip netns exec provider sysctl -qw net.ipv4.tcp_rmem='4096 4000000 8000000'")
    line = Line(40006)
    # the receiver's window grows with what it gets
    for _ in range(20):
        line.phone.send(b"\r\n" * 32000)
        line.gets(b"\r\n" * 32000)
    grow(line, 195)


run()
