#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""By which address media leaves is for routes and the administrator's rules to say."""
import time

import topology as net
from ksft import run, test
from sip import Call, sdp
from topology import PHONE, PHONE6, RELAY, RELAY6, ROUTER, ROUTER6, SERVER, SERVER6, Udp, router

SECOND, FAR = "198.51.100.1", "198.51.100.60"
SECOND6, FAR6 = "2001:db8:eeee::1", "2001:db8:dddd::60"
GATEWAY6 = "2001:db8:eeee::60"

net.build()
net.link("provider", "eth1", "wan2", (f"{FAR}/24", f"{FAR6}/128", f"{GATEWAY6}/64"), (f"{SECOND}/24", f"{SECOND6}/64"))
# the second uplink is the way to the world, as far as the first does not lead there
router(f"ip route add default via {GATEWAY6} dev wan2")
COUNT = [0]


def host(address, port=5060):
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"


class Session:
    """A call of the phone with audio of a host outside."""

    def __init__(self, peer, port=4000):
        six = ":" in peer
        self.phone_ip, self.server_ip = (PHONE6, SERVER6) if six else (PHONE, SERVER)
        COUNT[0] += 1
        port += 2 * COUNT[0]
        self.phone = Udp("phone", self.phone_ip, 5060)
        self.server = Udp("provider", self.server_ip, 5060)
        self.call = Call(f"rules{COUNT[0]}", host(self.phone_ip), "",
                         f"[{self.server_ip}]" if six else self.server_ip)
        self.phone.send(self.call.request("INVITE", sdp(self.phone_ip, port)), self.server_ip)
        got = self.server.recv()
        assert got, "no INVITE"
        self.seen = self.server.sender
        self.call.seen = host(*self.seen)
        self.public = got.split(b"\r\nc=IN IP")[1].split(b"\r\n")[0][2:].decode()
        self.port = int(got.split(b"m=audio ")[1].split()[0])
        self.server.send(self.call.response("200 OK", body=sdp(peer, port + 2000)), *self.seen)
        assert self.phone.recv()
        self.phone.send(self.call.request("ACK", to_tag=True), self.server_ip)
        assert self.server.recv()
        self.ours = Udp("phone", self.phone_ip, port)
        self.theirs = Udp("provider", peer, port + 2000)

    def leaves_by(self, tries=5):
        """What the peer sees the phone's audio come from; neighbours may have to be found."""
        for _ in range(tries):
            self.ours.send(b"audio", *self.theirs.address)
            if self.theirs.recv(0.5) == b"audio":
                return self.theirs.sender
        raise AssertionError("no audio")

    def comes_in(self):
        self.theirs.send(b"in", self.public, self.port)
        return self.ours.recv(1) == b"in"

    def end(self):
        self.phone.send(self.call.request("BYE", cseq=2, to_tag=True), self.server_ip)
        assert self.server.recv()
        self.server.send(self.call.response("200 OK", "BYE"), *self.seen)
        assert self.phone.recv()
        for sock in (self.ours, self.theirs, self.phone, self.server):
            sock.close()


def nat(rules):
    router("nft delete table inet nat")
    net.attach(f"""table inet nat {{
        chain post {{ type nat hook postrouting priority srcnat
            {rules}
        }}
    }}""")
    router("conntrack -F 2>/dev/null")


def with_rules(rules):
    """Runs a test under other rules."""
    def mark(function):
        def other():
            nat(rules)
            try:
                function()
            finally:
                nat("oifname wan masquerade")
        return other
    return mark


@test("N3", "control: by one uplink, audio leaves from the port that was told")
def control():
    for peer, address in ((RELAY, ROUTER), (RELAY6, ROUTER6)):
        session = Session(peer)
        assert session.public == address
        assert session.leaves_by() == (address, session.port)
        assert session.comes_in()
        session.end()


@test("N3", "two uplinks: what routes lead out by the second leaves with the second's address")
@with_rules('oifname { "wan", "wan2" } masquerade')
def uplinks():
    for peer, address, second in ((FAR, ROUTER, SECOND), (FAR6, ROUTER6, SECOND6)):
        session = Session(peer)
        assert session.public == address
        assert session.leaves_by()[0] == second
        session.end()


@test("N3", "no rule for the second uplink: audio leaves there as it is")
def no_rule():
    for peer, phone in ((FAR, PHONE), (FAR6, PHONE6)):
        session = Session(peer)
        assert session.leaves_by()[0] == phone
        session.end()


@test("N3", "a destination that is exempt from masquerade gets the phone's own address (IPsec)")
@with_rules(f"""oifname wan ip daddr != {RELAY} masquerade
            oifname wan ip6 daddr != {RELAY6} masquerade""")
def exempt():
    for peer, phone, address in ((RELAY, PHONE, ROUTER), (RELAY6, PHONE6, ROUTER6)):
        session = Session(peer)
        assert session.public == address
        assert session.leaves_by()[0] == phone
        session.end()


@test("N3", "masquerade random: the promise is kept from the second packet on")
@with_rules("oifname wan masquerade random")
def random():
    for peer, address in ((RELAY, ROUTER), (RELAY6, ROUTER6)):
        session = Session(peer)
        assert session.leaves_by() == (address, session.port)
        assert session.comes_in()
        session.end()


@test("N3", "masquerade fully-random and persistent: the same")
@with_rules("oifname wan masquerade fully-random,persistent")
def fully_random():
    session = Session(RELAY)
    assert session.leaves_by() == (ROUTER, session.port)
    session.end()


@test("N3", "masquerade to :range keeps the ports that were told inside it, and audio at them")
@with_rules("""oifname wan meta l4proto { tcp, udp } masquerade to :40000-40999""")
def port_range():
    for peer, address in ((RELAY, ROUTER), (RELAY6, ROUTER6)):
        session = Session(peer)
        assert session.leaves_by() == (address, session.port)
        assert 40000 <= session.port <= 40999, session.port
        session.end()


@test("N3", "snat to a pool: media has the address that signalling has, by any of its addresses")
def pool():
    for number in (2, 3):
        router(f"ip addr add 203.0.113.{number}/24 dev wan")
    try:
        for flags in ("", " persistent"):
            nat(f"oifname wan ip saddr 192.168.0.0/16 snat ip to 203.0.113.1-203.0.113.3{flags}")
            session = Session(RELAY)
            assert session.leaves_by() == (session.public, session.port), flags
            assert session.comes_in()
            session.end()
    finally:
        nat("oifname wan masquerade")
        for number in (2, 3):
            router(f"ip addr del 203.0.113.{number}/24 dev wan")


@test("N3", "a connection of ours belongs to its uplink: it ends with it as any masqueraded one")
def uplink_down():
    session = Session(RELAY)
    session.leaves_by()
    assert net.connections(ROUTER, session.port)
    router("ip link set wan down")
    router("ip link set wan up")
    time.sleep(2)
    assert not net.connections(ROUTER, session.port)
    net.until(lambda: session.leaves_by() == (ROUTER, session.port), 10)
    assert session.comes_in()
    session.end()
    # IPv6 addresses do not come back by themselves
    router(f"ip addr replace {ROUTER6}/64 dev wan nodad")


run(after=net.nothing_left)
