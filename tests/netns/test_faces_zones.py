#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""
Two networks of the same addresses behind one router, each in a conntrack zone.

    phone 192.168.1.10 --- lan  (zone 1) ---.
                                             router 203.0.113.1 --- provider
    twin  192.168.1.10 --- twin (zone 2) ---'

Who comes from inside is in the zone of its network, what comes from outside in none;
the mark of a connection leads what is for 192.168.1.10 to the right one of the two.
"""
import time

import topology as net
from ksft import run, test
from sip import Call, message, sdp
from topology import PHONE, PHONE6, RELAY, RELAY6, ROUTER, SERVER, SERVER6, Udp, router, shell

net.build()
net.namespace("twin")
net.link("twin", "eth9", "twin", (f"{PHONE}/24", f"{PHONE6}/64"), ())
shell("ip -n twin route add default dev eth9; ip -n twin -6 route add default dev eth9")
# the twin's network is known by its mark alone
for family, prefix in (("-4", "192.168.1.0/24"), ("-6", "2001:db8:1::/64")):
    router(f"ip {family} route add {prefix} dev twin table 2")
    router(f"ip {family} rule add fwmark 2 table 2 prio 10")
for name in ("lan", "twin"):
    router(f"sysctl -qw net.ipv4.conf.{name}.proxy_arp=1 net.ipv6.conf.{name}.proxy_ndp=1")
    router(f"sysctl -qw net.ipv4.conf.{name}.rp_filter=0")
router("sysctl -qw net.ipv4.conf.all.rp_filter=0")
for address in (SERVER6, RELAY6):
    router(f"ip -6 neigh add proxy {address} dev twin")
net.attach("""table inet zones {
    chain before { type filter hook prerouting priority raw
        iifname lan ct original zone set 1
        iifname twin ct original zone set 2
    }
    chain marks { type filter hook prerouting priority mangle
        iifname lan ct mark set 1
        iifname twin ct mark set 2
        meta mark set ct mark
    }
}
table inet sip {
    chain forward { iifname twin meta l4proto { tcp, udp } th dport 5060 accept
    }
}""")
COUNT = [0]


def host(address, port=5060):
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"


class Phone:
    """A phone of one of the two networks."""

    def __init__(self, space, six=False, port=5060):
        self.space, self.six, self.port = space, six, port
        self.ip, self.server_ip, self.relay = ((PHONE6, SERVER6, RELAY6) if six else
                                               (PHONE, SERVER, RELAY))
        self.name = f"[{self.server_ip}]" if six else self.server_ip
        self.socket = Udp(space, self.ip, port)
        self.seen = None

    def sends(self, data, server):
        """What the provider gets of it; neighbours may have to be found."""
        for _ in range(5):
            self.socket.send(data, self.server_ip)
            got = server.recv(1)
            if got:
                self.seen = server.sender
                return got
        raise AssertionError("the provider gets nothing")

    def register(self, server):
        own = host(self.ip, self.port)
        COUNT[0] += 1
        text = """{first}
            Via: SIP/2.0/UDP {at};branch=z9hG4bKreg{count};rport
            From: <sip:same@{server}>;tag=same
            To: <sip:same@{server}>{tag}
            Call-ID: same@register.example
            CSeq: {count} REGISTER
            Contact: <sip:same@{at}>
            Expires: 3600"""
        got = self.sends(message(text.format(
            first=f"REGISTER sip:{self.name} SIP/2.0", at=own, count=COUNT[0], server=self.name,
            tag="")), server)
        seen = host(*self.seen)
        assert f"Contact: <sip:same@{seen}>".encode() in got, got
        server.send(message(text.format(first="SIP/2.0 200 OK", at=seen, count=COUNT[0],
                                        server=self.name, tag=";tag=s")), *self.seen)
        back = self.socket.recv()
        assert back and f"Contact: <sip:same@{own}>".encode() in back, back

    def is_called(self, server):
        """An OPTIONS of the provider's, to where the phone is registered."""
        COUNT[0] += 1
        server.send(message(f"""OPTIONS sip:same@{host(*self.seen)} SIP/2.0
            Via: SIP/2.0/UDP {self.name};branch=z9hG4bKin{COUNT[0]}
            From: <sip:bob@{self.name}>;tag={COUNT[0]}
            To: <sip:same@{self.name}>
            Call-ID: {self.space}{COUNT[0]}@call.example
            CSeq: 1 OPTIONS"""), *self.seen)
        got = self.socket.recv(1)
        assert got, f"{self.space} is not called"
        assert got.startswith(f"OPTIONS sip:same@{host(self.ip, self.port)} ".encode()), got
        return got


class Session:
    """A call of a phone, the same to the letter as the twin's."""

    def __init__(self, phone, server, peer_port):
        self.phone, self.server, self.peer_port = phone, server, peer_port
        self.call = Call("same", host(phone.ip, phone.port), "", phone.name)
        got = phone.sends(self.call.request("INVITE", sdp(phone.ip, 4000)), server)
        self.public = phone.seen[0]
        self.port = int(got.split(b"m=audio ")[1].split()[0])
        assert f" {self.public}\r\n".encode() in got, got
        self.call.seen = host(*phone.seen)
        self.answer(self.call.response("200 OK", body=sdp(phone.relay, peer_port)))
        phone.sends(self.call.request("ACK", to_tag=True), server)

    def answer(self, data):
        self.server.send(data, *self.phone.seen)
        got = self.phone.socket.recv()
        assert got and host(self.phone.ip, self.phone.port).encode() in got, got

    def talks(self, first):
        ours = Udp(self.phone.space, self.phone.ip, 4000)
        theirs = Udp("provider", self.phone.relay, self.peer_port)
        word = self.phone.space.encode()
        for way in (first, "out" if first == "in" else "in"):
            if way == "in":
                theirs.send(word, self.public, self.port)
                assert ours.recv(1) == word, (word, net.expectations())
            else:
                ours.send(word, self.phone.relay, self.peer_port)
                assert theirs.recv(1) == word, word
                assert theirs.sender == (self.public, self.port), theirs.sender
        ours.close()
        theirs.close()

    def hang_up(self):
        self.phone.sends(self.call.request("BYE", cseq=2, to_tag=True), self.server)
        self.answer(self.call.response("200 OK", "BYE"))


def both(check):
    def run_both():
        for six in (False, True):
            pair = [Phone("phone", six), Phone("twin", six)]
            server = Udp("provider", pair[0].server_ip, 5060)
            try:
                check(pair, server)
            finally:
                for sock in (pair[0].socket, pair[1].socket, server):
                    sock.close()
                router("conntrack -F 2>/dev/null")
    return run_both


@both
def calls(pair, server):
    """The same Call-ID, tags, addresses and ports, at the same time."""
    sessions = [Session(phone, server, 6000 + 2 * i) for i, phone in enumerate(pair)]
    assert sessions[0].port != sessions[1].port
    for session, first in zip(sessions, ("in", "out")):
        session.talks(first)
    sessions[0].hang_up()
    time.sleep(10)
    # what the other one has is its own
    sessions[1].talks("in")
    sessions[1].hang_up()


@both
def registrations(pair, server):
    for phone in pair:
        phone.register(server)
    assert pair[0].seen != pair[1].seen
    for phone in pair:
        phone.is_called(server)
    for phone in reversed(pair):
        # its flow is forgotten: only the pinhole leads to it
        router("conntrack -F 2>/dev/null")
        got = phone.is_called(server)
        via = [line for line in got.split(b"\r\n") if line.startswith(b"Via")][0].decode()
        call_id = [line for line in got.split(b"\r\n") if line.startswith(b"Call-ID")][0].decode()
        cseq, seen = "CSeq: 1 OPTIONS", phone.seen
        # the answer to it is translated in the zone of the phone that gives it
        phone.socket.send(message(f"""SIP/2.0 200 OK
            {via}
            From: <sip:bob@{phone.name}>;tag=x
            To: <sip:same@{phone.name}>;tag=y
            {call_id}
            {cseq}
            Contact: <sip:same@{host(phone.ip)}>"""), phone.server_ip)
        got = server.recv()
        assert got and server.sender == seen, (server.sender, seen)
        assert f"Contact: <sip:same@{host(*seen)}>".encode() in got, got
    # and each keeps its port
    router("conntrack -F 2>/dev/null")
    for phone in reversed(pair):
        before = phone.seen
        phone.register(server)
        assert phone.seen == before, (phone.seen, before)


test("N5", "two phones of one address in two zones call at once: audio from outside first, each to its own")(calls)
test("N5", "both are registered with one account, and called, with nothing but the pinholes left")(registrations)


@test("N5", "an interface for each zone, on both sides: the same addresses everywhere")
def tenants():
    net.link("provider", "eth2", "wan2", (), ())
    shell("ip netns add provider2; ip -n provider link set eth2 netns provider2")
    shell("ip -n provider2 link set lo up")
    shell(f"ip -n provider2 addr add {SERVER}/24 dev eth2; ip -n provider2 addr add {RELAY}/24 dev eth2")
    shell("ip -n provider2 link set eth2 up")
    router("nft delete table inet zones")
    router("nft delete table inet nat")
    router("conntrack -F 2>/dev/null")
    # each tenant's outside address is the same, and so is its provider's
    router("ip route add 203.0.113.0/24 dev wan2 src 203.0.113.1 table 2")
    router("sysctl -qw net.ipv4.conf.wan2.proxy_arp=0 net.ipv4.conf.wan2.rp_filter=0 "
           "net.ipv4.conf.wan2.arp_ignore=0 net.ipv4.conf.all.arp_filter=0")
    net.attach(f"""table inet zones {{
        chain before {{ type filter hook prerouting priority raw
            iifname {{ lan, wan }} ct zone set 1
            iifname {{ twin, wan2 }} ct zone set 2
        }}
        chain marks {{ type filter hook prerouting priority mangle
            iifname {{ twin, wan2 }} meta mark set 2
        }}
    }}
    table ip nat2 {{
        chain post {{ type nat hook postrouting priority srcnat
            oifname {{ wan, wan2 }} snat to {ROUTER}
        }}
    }}
    table inet sip {{
        chain forward {{ iifname {{ wan, wan2 }} udp dport 5060 accept
        }}
    }}""")
    pair = [Phone("phone", port=5070), Phone("twin", port=5070)]
    servers = [Udp("provider", SERVER, 5060), Udp("provider2", SERVER, 5060)]
    sessions = [Session(phone, server, 6000) for phone, server in zip(pair, servers)]
    # nobody is in anybody's way: both have the very port of the phone
    assert [session.port for session in sessions] == [4000, 4000], [s.port for s in sessions]
    assert [phone.seen for phone in pair] == [(ROUTER, 5070)] * 2
    for session, space in zip(sessions, ("provider", "provider2")):
        ours, theirs = Udp(session.phone.space, PHONE, 4000), Udp(space, RELAY, 6000)
        theirs.send(space.encode(), ROUTER, 4000)
        assert ours.recv(1) == space.encode(), net.expectations()
        ours.close()
        theirs.close()
    sessions[0].hang_up()
    time.sleep(10)
    holes = net.expectations()
    assert holes, "the other tenant's pinholes have gone with this one's call"
    sessions[1].hang_up()
    for sock in (pair[0].socket, pair[1].socket, *servers):
        sock.close()


run(after=net.nothing_left)
