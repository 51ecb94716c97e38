#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""By which address media leaves is for routes and the administrator's rules to say."""
import time

import topology as net
from ksft import run, test
from sip import Call, sdp
from topology import (PHONE, PHONE6, RELAY, RELAY6, ROUTER, ROUTER6, SERVER, SERVER6, Udp, router,
                      shell)

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
        router(f"ip addr add 2001:db8:ffff::{number}/64 dev wan nodad")
    try:
        for flags in ("", " persistent"):
            nat(f"""oifname wan ip saddr 192.168.0.0/16 snat ip to 203.0.113.1-203.0.113.3{flags}
                oifname wan ip6 saddr 2001:db8:1::/64 snat ip6 to 2001:db8:ffff::1-2001:db8:ffff::3{flags}""")
            for peer in (RELAY, RELAY6):
                session = Session(peer)
                assert session.leaves_by() == (session.public, session.port), flags
                assert session.comes_in()
                session.end()
    finally:
        nat("oifname wan masquerade")
        for number in (2, 3):
            router(f"ip addr del 203.0.113.{number}/24 dev wan")
            router(f"ip addr del 2001:db8:ffff::{number}/64 dev wan")


TUNNELS = ((PHONE, "192.168.1.0/24", "10.8.0.5", "10.8.0.0/24", ROUTER, SERVER),
           (PHONE6, "2001:db8:1::/64", "fd08::5", "fd08::/64", ROUTER6, SERVER6))


def xfrm(inside, beyond, here, there, spi):
    """A tunnel of ESP between the router and the provider, for what these networks say."""
    key = "aead 'rfc4106(gcm(aes))' 0x" + 20 * "5a" + " 128"
    for source, target, number in ((here, there, spi), (there, here, spi + 1)):
        for space in ("router", "provider"):
            shell(f"ip -n {space} xfrm state add src {source} dst {target} proto esp "
                  f"spi {number} reqid 1 mode tunnel {key}")
    for space, out, into in (("router", (inside, beyond, here, there), "fwd"),
                             ("provider", (beyond, inside, there, here), "in")):
        src, dst, left, right = out
        shell(f"ip -n {space} xfrm policy add src {src} dst {dst} dir out "
              f"tmpl src {left} dst {right} proto esp reqid 1 mode tunnel")
        shell(f"ip -n {space} xfrm policy add src {dst} dst {src} dir {into} "
              f"tmpl src {right} dst {left} proto esp reqid 1 mode tunnel")


@test("N3", "policy IPsec: media that a policy is for leaves by the tunnel, and nothing of it in clear")
def ipsec():
    shell("ip -n provider addr add 10.8.0.5/32 dev lo; ip -n provider addr add fd08::5/128 dev lo")
    for number, (_, inside, beyond_host, beyond, here, there) in enumerate(TUNNELS):
        router(f"ip route add {beyond} via {there} dev wan")
        shell(f"ip -n provider route replace {inside} via {here} src {beyond_host}")
        xfrm(inside, beyond, here, there, 0x1000 + 16 * number)
    with open("/tmp/clear.nft", "w", encoding="ascii") as file:
        file.write("""table inet clear {
            counter bare {
            }
            chain pre { type filter hook prerouting priority raw
                ip daddr 10.8.0.5 meta secpath missing counter name bare
                ip6 daddr fd08::5 meta secpath missing counter name bare
            }
        }""")
    shell("ip netns exec provider nft -f /tmp/clear.nft")
    try:
        for rules in ("oifname wan ip daddr != 10.8.0.0/24 masquerade\n"
                      "oifname wan ip6 daddr != fd08::/64 masquerade",
                      "oifname wan rt ipsec missing masquerade"):
            nat(rules)
            for phone, _, peer, _, here, _ in TUNNELS:
                session = Session(peer)
                assert session.public == here
                source = session.leaves_by()
                assert source[0] == phone, source
                # a peer that answers where audio comes from is heard by the same way
                session.theirs.send(b"back", *source)
                assert session.ours.recv(1) == b"back"
                session.end()
        bare = shell("ip netns exec provider nft list counter inet clear bare")
        assert "packets 0 " in bare, bare
    finally:
        shell("ip netns exec provider nft delete table inet clear")
        for space in ("router", "provider"):
            shell(f"ip -n {space} xfrm policy flush; ip -n {space} xfrm state flush")
        for _, inside, _, beyond, _, _ in TUNNELS:
            router(f"ip route del {beyond}")
            shell(f"ip -n provider route del {inside}")
        nat("oifname wan masquerade")


MANY = [f"192.0.2.{i}" for i in range(1, 13)]
MANY6 = [f"2001:db8:aaaa::{i:x}" for i in range(1, 13)]


@test("N3", "ECMP: each stream has the address of the uplink that the multipath route has chosen for it")
def ecmp():
    for address in MANY:
        shell(f"ip -n provider addr add {address}/32 dev lo")
    for address in MANY6:
        shell(f"ip -n provider addr add {address}/128 dev lo")
    router(f"ip route add default nexthop via {SERVER} dev wan nexthop via {FAR} dev wan2")
    router("ip -6 route del default")
    router(f"ip -6 route add default nexthop via {SERVER6} dev wan nexthop via {GATEWAY6} dev wan2")
    # an uplink's provider takes no packet of another's address (BCP 38)
    with open("/tmp/strict.nft", "w", encoding="ascii") as file:
        file.write(f"""table inet strict {{
            chain pre {{ type filter hook prerouting priority raw
                iifname eth0 udp dport >= 6000 ip saddr != {ROUTER} drop
                iifname eth1 udp dport >= 6000 ip saddr != {SECOND} drop
                iifname eth0 udp dport >= 6000 ip6 saddr != {ROUTER6} drop
                iifname eth1 udp dport >= 6000 ip6 saddr != {SECOND6} drop
            }}
        }}""")
    shell("ip netns exec provider nft -f /tmp/strict.nft")
    nat('oifname { "wan", "wan2" } masquerade')
    try:
        for peers, both in ((MANY, {ROUTER, SECOND}), (MANY6, {ROUTER6, SECOND6})):
            used = set()
            for peer in peers:
                session = Session(peer)
                used.add(session.leaves_by()[0])
                session.end()
            assert used == both, used
    finally:
        nat("oifname wan masquerade")
        shell("ip netns exec provider nft delete table inet strict")
        router("ip route del default")
        router("ip -6 route del default")
        router(f"ip -6 route add default via {GATEWAY6} dev wan2")


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
