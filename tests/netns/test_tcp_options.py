#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""SIP over TCP with what endpoints agree on: options, MPTCP, ECN, segments of 64 kB and more."""
import json
import select
import socket
import struct

import topology as net
from endpoints import PLAIN, PORTS, Line, both_ways, gets
from ksft import run, test
from topology import PHONE, PHONE6, SERVER, enter, router, shell

net.build()
ENDS = ("phone", "provider")
TOOL = "tools/sipalg-ctl/sipalg-ctl -n router"
# of <linux/tcp.h>, <linux/mptcp.h>, <linux/rtnetlink.h> and <linux/if_link.h>
OPTIONS, DELIVERED_CE = 5, 196      # where they are in struct tcp_info
TIMESTAMPS, SACK, SCALING, ECN = 1, 2, 4, 8
IPPROTO_MPTCP, SOL_MPTCP, MPTCP_INFO = 262, 284, 1
MP_CAPABLE, MP_JOIN = 0, 1
RTM_NEWLINK, IFLA_GSO_MAX_SIZE, IFLA_GSO_IPV4_MAX_SIZE = 16, 41, 63
GSO_AS_EVER, GSO_BIG = 65536, 180000


def shown():
    return json.loads(shell(f"{TOOL} -j stats show"))


def info(sock):
    return sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 256)


def set_tcp(**values):
    for name, value in values.items():
        for space in ENDS:
            shell(f"ip netns exec {space} sysctl -qw net.ipv4.tcp_{name}='{value}'")


def line_of(delay, loss):
    """What the router's links do to everything."""
    for device in ("lan", "wan"):
        router(f"tc qdisc replace dev {device} root netem delay {delay}ms loss {loss}%" if delay else
               f"tc qdisc del dev {device} root")


@test("H-3", "window scaling, timestamps and SACK, each of them on and off, on a line that loses")
def options():
    names = {"timestamps": TIMESTAMPS, "sack": SACK, "window_scaling": SCALING}
    line_of(10, 2)
    for bits in range(8):
        on = {name: bits >> i & 1 for i, name in enumerate(names)}
        set_tcp(**on)
        line = Line(SO_RCVBUF=1 << 20) if bits & 1 else Line()
        for sock in (line.phone, line.server):
            assert info(sock)[OPTIONS] & 7 == sum(names[name] for name in names if on[name]), on
        both_ways(line)
        line.close()
    set_tcp(**dict.fromkeys(names, 1))
    line_of(0, 0)


@test("H-3", "ECN: a mark that the router sets is echoed, whatever has changed its length")
def ecn():
    set_tcp(ecn=1)
    net.attach("table inet marks { chain pre { type filter hook prerouting priority -200; "
               "tcp dport 5060 ip ecn ect0 ip ecn set ce; }; }")
    line = Line()
    both_ways(line)
    for sock in (line.phone, line.server):
        assert info(sock)[OPTIONS] & ECN
    marked, = struct.unpack_from("I", info(line.phone), DELIVERED_CE)
    assert marked > 5, marked
    line.close()
    router("nft delete table inet marks")
    set_tcp(ecn=2)


def gso_max(size):
    """The longest packet that every interface takes, of IPv4 and IPv6: BIG TCP."""
    def attribute(kind):
        return struct.pack("HHI", 8, kind, size)
    for space, devices in (("phone", ("eth0",)), ("provider", ("eth0",)), ("router", ("lan", "wan"))):
        enter(space)
        for device in devices:
            message = struct.pack("BxHiII", 0, 0, socket.if_nametoindex(device), 0, 0) + \
                attribute(IFLA_GSO_MAX_SIZE) + attribute(IFLA_GSO_IPV4_MAX_SIZE)
            with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE) as link:
                link.send(struct.pack("IHHII", 16 + len(message), RTM_NEWLINK, 5, 1, 0) + message)
                error, = struct.unpack_from("i", link.recv(4096), 16)
                assert not error, (device, error)


class Longest:
    """How many packets longer than `length` the router has got of SIP's."""

    def __init__(self, length):
        net.attach("table inet longest { chain pre { type filter hook prerouting priority -250; "
                   f"meta l4proto tcp meta length > {length} counter; }}; }}")

    def count(self):
        text = router("nft -j list table inet longest")
        return next(item["counter"]["packets"] for entry in json.loads(text)["nftables"] if "rule" in entry
                    for item in entry["rule"]["expr"] if "counter" in item)

    @staticmethod
    def close():
        router("nft delete table inet longest")


def long_packets(size, length, hosts=(PHONE, PHONE6)):
    """Streams in packets longer than `length`, in every mode."""
    gso_max(size)
    set_tcp(rmem="4096 8000000 16000000", wmem="4096 8000000 16000000")
    for mode in ("full", "observe"):
        shell(f"{TOOL} setting set mode {mode}")
        for host in hosts:
            line = Line(host=host)
            for sock, other in ((line.phone, line.server), (line.server, line.phone)):
                for _ in range(20):     # the windows open
                    sock.sendall(b"\r\n" * 40000)
                    gets(other, b"\r\n" * 40000)
            if mode == "observe":
                line.message = untouched(line.message)
                line.answer = untouched(line.answer)
            longest = Longest(length)
            for _ in range(5):      # how much of it goes into one packet is for the sender to choose
                both_ways(line, 300, 1200)
                if longest.count() > 3:
                    break
            assert longest.count() > 3, (mode, host, longest.count())
            longest.close()
            line.close()
    shell(f"{TOOL} setting reset")
    gso_max(GSO_AS_EVER)
    shell(f"{TOOL} call end --all")


def untouched(make):
    """A message that arrives as it was."""
    def made(*words, **named):
        data, _ = make(*words, **named)
        return data, data
    return made


@test("H-31", "packets of 64 kB that an interface would cut (GSO, GRO), IPv4 and IPv6")
def gso():
    long_packets(GSO_AS_EVER, 60000)


@test("H-31", "packets longer than 64 kB (BIG TCP), IPv4 and IPv6")
def big_tcp():
    long_packets(GSO_BIG, 66000)


def speaks_mptcp(sock):
    try:
        sock.getsockopt(SOL_MPTCP, MPTCP_INFO, 64)
        return True
    except OSError:     # it has fallen back to TCP
        return False


@test("fault T7", "two ends with MPTCP: they speak TCP where lengths may change, and MPTCP elsewhere")
def mptcp():
    for space in ENDS:
        shell(f"ip netns exec {space} sysctl -qw net.mptcp.enabled=1")
    router(f"nft insert rule inet sip forward tcp dport {PLAIN} accept")
    line = Line(PLAIN, protocol=IPPROTO_MPTCP)
    data, _ = line.message()
    line.phone.send(data)
    gets(line.server, data)
    assert speaks_mptcp(line.phone) and speaks_mptcp(line.server)
    line.close()
    line = Line(protocol=IPPROTO_MPTCP)
    both_ways(line)
    assert not speaks_mptcp(line.phone) and not speaks_mptcp(line.server)
    line.close()


class Raw:
    """A SYN with options of one's own, and what of it arrives."""

    def __init__(self):
        enter("provider")
        self.wire = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(0x0800))
        self.wire.bind(("eth0", 0x0800))
        enter("phone")
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_TCP)
        self.socket.bind((PHONE, 0))

    def options(self, options, port=5060):
        source = next(PORTS)
        head = struct.pack("!HHIIBBHHH", source, port, 1000, 0, (5 + len(options) // 4) << 4, 2, 1000, 0, 0) + options
        pseudo = socket.inet_aton(PHONE) + socket.inet_aton(SERVER) + struct.pack("!HH", 6, len(head))
        total = sum(struct.unpack(f"!{len(pseudo + head) // 2}H", pseudo + head))
        while total >> 16:
            total = (total & 0xffff) + (total >> 16)
        self.socket.sendto(head[:16] + struct.pack("!H", ~total & 0xffff) + head[18:], (SERVER, 0))
        while select.select([self.wire], [], [], 2)[0]:
            data = self.wire.recv(65536)
            size = (data[0] & 15) * 4
            if data[9] == 6 and struct.unpack("!HH", data[size:size + 4]) == (source, port):
                return data[size + 20:size + (data[size + 12] >> 4) * 4]
        return None


@test("fault T7", "the offer of MPTCP is blanked where lengths may change, and nowhere else")
def mptcp_offer():
    raw = Raw()
    capable = bytes((30, 4, MP_CAPABLE << 4 | 1, 0x81))
    mss = struct.pack("!BBH", 2, 4, 1460)
    assert raw.options(mss + capable) == mss + bytes((1, 1, 1, 1))
    assert raw.options(capable + mss) == bytes((1, 1, 1, 1)) + mss
    assert raw.options(mss + capable, PLAIN) == mss + capable
    shell(f"{TOOL} setting set mode pinholes")      # where no length changes
    assert raw.options(mss + capable) == mss + capable
    shell(f"{TOOL} setting reset")


@test("fault T7", "a SYN that joins an MPTCP connection begun elsewhere is left alone, and counted")
def mptcp_join():
    before = shown()["tcp"]["foreign"]
    join = bytes((30, 12, MP_JOIN << 4, 1)) + bytes(range(8))
    assert Raw().options(join) == join
    assert shown()["tcp"]["foreign"] == before + 1


run()
