#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""
The setting public-address: a 1:1 NAT outside of the router.

    phone --- router 203.0.113.1 --- 1:1 NAT 198.51.100.77 --- provider

The NAT is in the provider's namespace, so that its sockets see what the world sees.
"""
import json
import subprocess

import topology as net
from ksft import run, same, test
from sip import Call, again, message, sdp
from topology import (OTHER, PHONE, PHONE6, RELAY, RELAY6, ROUTER, ROUTER6, SERVER, SERVER6, Tcp,
                      Udp, router, shell)

EXTERNAL, EXTERNAL6 = "198.51.100.77", "2001:db8:eeee::77"
TOOL = "tools/sipalg-ctl/sipalg-ctl"
PAIRS = f"{ROUTER}={EXTERNAL},{ROUTER6}={EXTERNAL6}"

net.build()
with open("/tmp/outer.nft", "w", encoding="ascii") as rules:
    rules.write("".join(f"""table {family} outer {{
        chain out {{ type nat hook output priority -100
            {family} daddr {external} dnat to {local}
        }}
        chain in {{ type nat hook input priority 100
            {family} saddr {local} snat to {external}
        }}
    }}
    """ for family, local, external in (("ip", ROUTER, EXTERNAL), ("ip6", ROUTER6, EXTERNAL6))))
shell("ip netns exec provider nft -f /tmp/outer.nft")
shell("ip -n provider route add default dev eth0; ip -n provider -6 route add default dev eth0")


def ctl(command, status=0):
    done = subprocess.run(f"ip netns exec router {TOOL} {command}", shell=True,
                          capture_output=True, text=True)
    assert done.returncode == status, (command, done.returncode, done.stdout, done.stderr)
    return done.stdout + done.stderr


def pairs(text):
    ctl(f"setting set public-address {text}")


class Side:
    """One family, and what the provider knows the router by."""

    def __init__(self, phone, server, relay, local, external):
        self.phone_ip, self.server_ip, self.relay = phone, server, relay
        self.local, self.external = local, external
        self.phone, self.server = Udp("phone", phone, 5060), Udp("provider", server, 5060)

    def host(self, address, port=5060):
        return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"

    def name(self, address):
        return f"[{address}]" if ":" in address else address

    def call(self, name):
        return Call(name, self.host(self.phone_ip), self.host(self.external),
                    self.name(self.server_ip))

    def close(self):
        self.phone.close()
        self.server.close()

    def out(self, data):
        """What the phone sends leaves with EXTERNAL, and with nothing else changed."""
        self.phone.send(data, self.server_ip)
        got = self.server.recv()
        same(got, again(data, (self.phone_ip, self.external)))
        assert self.server.sender == (self.external, 5060), self.server.sender
        return got

    def back(self, data):
        """What the provider answers comes back as the phone wrote it."""
        self.server.send(data, self.external)
        same(self.phone.recv(), again(data, (self.external, self.phone_ip)))

    def talks(self, port):
        """Audio, from outside first, at the address and port that the provider was told."""
        ours, theirs = Udp("phone", self.phone_ip, port), Udp("provider", self.relay, port + 2000)
        theirs.send(b"in", self.external, port)
        assert ours.recv(1) == b"in", net.expectations()
        ours.send(b"out", self.relay, port + 2000)
        assert theirs.recv(1) == b"out" and theirs.sender == (self.external, port), theirs.sender
        ours.close()
        theirs.close()


def both(check):
    def run_both():
        for side in (Side(PHONE, SERVER, RELAY, ROUTER, EXTERNAL),
                     Side(PHONE6, SERVER6, RELAY6, ROUTER6, EXTERNAL6)):
            pairs(PAIRS)
            try:
                check(side)
            finally:
                side.close()
    return run_both


@both
def call_out(side):
    call = side.call("out")
    side.out(call.request("INVITE", sdp(side.phone_ip, 4000)))
    assert net.pinhole(side.local, 4000), net.expectations()
    assert not net.pinhole(side.external, 4000)
    side.back(again(call.response("200 OK", body=sdp(side.relay, 6000)),
                    (";rport", f";received={side.external};rport=5060")))
    side.out(call.request("ACK", to_tag=True))
    side.talks(4000)
    asked = call.peer_request("UPDATE", side.host(side.external))
    side.server.send(asked, side.external)
    same(side.phone.recv(), again(asked, (side.external, side.phone_ip)))
    side.out(call.peer_response("200 OK", "UPDATE"))
    side.out(call.request("BYE", cseq=2, to_tag=True))
    side.back(call.response("200 OK", "BYE"))


@both
def call_in(side):
    def register(form):
        return message(form.format(own=side.host(side.phone_ip), server=side.name(side.server_ip)))
    side.out(register("""REGISTER sip:{server} SIP/2.0
        Via: SIP/2.0/UDP {own};branch=z9hG4bKreg;rport
        From: <sip:alice@{server}>;tag=r
        To: <sip:alice@{server}>
        Call-ID: reg@call.example
        CSeq: 1 REGISTER
        Contact: <sip:alice@{own}>
        Expires: 600"""))
    side.back(again(register("""SIP/2.0 200 OK
        Via: SIP/2.0/UDP {own};branch=z9hG4bKreg;rport
        From: <sip:alice@{server}>;tag=r
        To: <sip:alice@{server}>;tag=s
        Call-ID: reg@call.example
        CSeq: 1 REGISTER
        Contact: <sip:alice@{own}>;expires=600"""), (side.phone_ip, side.external)))
    router("conntrack -F 2>/dev/null")
    call = side.call("in")
    uri = side.host(side.external)
    invite = call.peer_request("INVITE", uri, body=sdp(side.relay, 6010))
    # the To of the caller names the router, and comes back so
    invite = again(invite, (f'To: "alice" <sip:alice@{side.name(side.server_ip)}>;tag=phone-in',
                            f"To: <sip:alice@{side.name(side.external)}>"))
    side.server.send(invite, side.external)
    got = side.phone.recv()
    same(got, again(invite, (side.external, side.phone_ip)))
    ringing = again(call.peer_response("200 OK", "INVITE", body=sdp(side.phone_ip, 4010)),
                    (f'To: "alice" <sip:alice@{side.name(side.server_ip)}>',
                     f"To: <sip:alice@{side.name(side.phone_ip)}>"))
    side.out(ringing)
    ack = call.peer_request("ACK", uri)
    side.server.send(ack, side.external)
    same(side.phone.recv(), again(ack, (side.external, side.phone_ip)))
    side.talks(4010)
    side.phone.send(call.request("BYE", cseq=2, to_tag=True), side.server_ip)
    side.server.recv()
    side.server.send(call.response("200 OK", "BYE"), side.external)
    assert side.phone.recv()


test("issue 18", "public-address: a call out; EXTERNAL is written, LOCAL is opened, the phone sees its own")(call_out)
test("issue 18", "public-address: a registered phone is called at EXTERNAL")(call_in)


@test("issue 18", "public-address: the same over TCP, in one connection")
def tcp():
    pairs(PAIRS)
    for phone, server, external in ((PHONE, SERVER, EXTERNAL), (PHONE6, SERVER6, EXTERNAL6)):
        here, there = Tcp.pair("phone", phone, 5070, server)
        name = f"[{server}]" if ":" in server else server
        own = f"[{phone}]:5070" if ":" in phone else f"{phone}:5070"
        call = Call("tcp", own, own.replace(phone, external), name, "TCP")
        data = call.request("INVITE", sdp(phone, 4020))
        wanted = again(data, (phone, external))
        here.send(data)
        same(there.recv(len(wanted)), wanted)
        data = call.response("486 Busy Here")
        there.send(data)
        same(here.recv(len(again(data, (external, phone)))), again(data, (external, phone)))
        here.close()
        there.close()


@both
def learnt(side):
    """A phone that has learnt EXTERNAL by STUN writes that: not a byte is changed, either way."""
    call = side.call("stun")
    call.host = side.host(side.external)
    data = call.request("OPTIONS")
    side.phone.send(data, side.server_ip)
    same(side.server.recv(), data)
    data = call.response("200 OK", "OPTIONS")
    side.server.send(data, side.external)
    same(side.phone.recv(), data)


test("H-13", "public-address: a phone that knows EXTERNAL is left alone")(learnt)


@both
def not_the_routers(side):
    call = side.call("own")
    side.phone.send(call.request("INVITE", sdp(side.external, 8080)), side.server_ip)
    assert side.server.recv()
    for address in (side.local, side.external):
        assert not net.pinhole(address, 8080), net.expectations()
    side.server.send(call.response("486 Busy Here"), side.external)
    assert side.phone.recv()


test("H-25", "public-address: who names EXTERNAL names the router, and opens nothing of it")(not_the_routers)


@test("H-26", "public-address: two phones that call each other by EXTERNAL are told the direct path")
def turned():
    pairs(PAIRS)
    side = Side(PHONE, SERVER, RELAY, ROUTER, EXTERNAL)
    other = Udp("other", OTHER, 5060)
    call = side.call("turned")
    side.out(call.request("INVITE", sdp(PHONE, 4030)))
    # the other one is known to the proxy by the port that NAT has given it
    other.send(b"\r\n\r\n", SERVER)
    assert side.server.recv() == b"\r\n\r\n"
    leg = Call("leg", "", "", SERVER)
    invite = leg.peer_request("INVITE", side.host(*side.server.sender), body=sdp(EXTERNAL, 4030))
    side.server.send(invite, *side.server.sender)
    got = other.recv()
    assert got and f"c=IN IP4 {PHONE}\r\n".encode() in got, got
    side.close()
    other.close()


@test("issue 18", "public-address: a PBX on the router, and a host that is only routed, are LOCAL themselves")
def plain():
    router("nft delete table inet nat")
    router("conntrack -F 2>/dev/null")
    net.attach("""table inet sip {
        chain output { type filter hook output priority filter
            udp dport 5060 ct helper set "sip-udp"
        }
        chain forward { iifname wan udp dport 5060 accept
        }
    }""")
    shell(f"ip -n provider route add 192.168.1.0/24 via {ROUTER}")
    shell(f"ip -n provider route add 2001:db8:1::/64 via {ROUTER6}")
    for space, family in (("router", 4), ("router", 6), ("phone", 4), ("phone", 6)):
        local = {4: (ROUTER, PHONE), 6: (ROUTER6, PHONE6)}[family][space == "phone"]
        external = {4: EXTERNAL, 6: EXTERNAL6}[family]
        server_ip, relay = {4: (SERVER, RELAY), 6: (SERVER6, RELAY6)}[family]
        pairs(f"{local}={external}")
        host = f"[{local}]" if family == 6 else local
        name = f"[{server_ip}]" if family == 6 else server_ip
        server, pbx = Udp("provider", server_ip, 5060), Udp(space, local, 5060)
        call = Call(f"plain{space}{family}", f"{host}:5060", f"{host}:5060".replace(local, external),
                    name)
        data = call.request("INVITE", sdp(local, 4040))
        pbx.send(data, server_ip)
        same(server.recv(), again(data, (local, external)))
        assert net.pinhole(local, 4040) and not net.pinhole(external, 4040)
        data = call.response("200 OK", body=sdp(relay, 6040))
        server.send(data, *server.sender)
        same(pbx.recv(), again(data, (external, local)))
        pbx.send(call.request("ACK", to_tag=True), server_ip)
        assert server.recv()
        data = call.peer_request("BYE", call.seen)
        server.send(data, *server.sender)
        same(pbx.recv(), again(data, (external, local)))
        data = call.peer_response("200 OK", "BYE")
        pbx.send(data, server_ip)
        same(server.recv(), again(data, (local, external)))
        server.close()
        pbx.close()
    net.attach(net.MASQUERADE)
    router("conntrack -F 2>/dev/null")


@test("issue 18", "public-address acts at once on a call that is up, and on none when it is taken back")
def at_once():
    side = Side(PHONE, SERVER, RELAY, ROUTER, EXTERNAL)
    pairs("none")
    call = side.call("once")
    call.seen = side.host(ROUTER)
    side.phone.send(call.request("INVITE", sdp(PHONE, 4050)), SERVER)
    same(side.server.recv(), again(call.request("INVITE", sdp(PHONE, 4050)), (PHONE, ROUTER)))
    side.server.send(call.response("200 OK", body=sdp(RELAY, 6050)), EXTERNAL)
    assert side.phone.recv()
    pairs(PAIRS)
    call.seen = side.host(EXTERNAL)
    side.out(call.request("ACK", to_tag=True))
    side.out(call.request("INVITE", sdp(PHONE, 4050), cseq=2, to_tag=True))
    side.back(call.response("200 OK", body=sdp(RELAY, 6050)))
    side.out(call.request("ACK", cseq=2, to_tag=True))
    side.talks(4050)
    side.out(call.request("BYE", cseq=3, to_tag=True))
    side.back(call.response("200 OK", "BYE"))
    side.close()


@test("issue 18", "public-address: what it may be, and what is refused by a sentence, all or nothing")
def settings():
    def rows():
        return {row["name"]: row for row in json.loads(ctl("-j setting list"))}
    many = ",".join(f"10.0.0.{i}=198.51.100.{i}" for i in range(1, 18))
    sixteen = many.rsplit(",", 1)[0]
    long = ",".join(f"2001:db8:1111:2222:3333:4444:5555:{i:x}=2001:db8:aaaa:bbbb:cccc:dddd:eeee:{i:x}"
                    for i in range(0x1000, 0x1010))
    for value in (sixteen, long, f"{ROUTER}={EXTERNAL}", PAIRS):
        pairs(value)
        assert rows()["public-address"]["value"] == value, rows()["public-address"]
        assert value.split(",")[-1] in ctl("setting list")
    before = rows()
    assert before["public-address"]["default"] == "none"
    for value, sentence, status in (
            (many, "16 pairs", 1), (ROUTER, "LOCAL=EXTERNAL", 1), (f"{ROUTER}=", "LOCAL=EXTERNAL", 1),
            (f"={ROUTER}", "LOCAL=EXTERNAL", 1), (f"{ROUTER}={EXTERNAL},", "LOCAL=EXTERNAL", 1),
            (f"{ROUTER}={EXTERNAL6}", "one family", 1), (f"{ROUTER6}={EXTERNAL}", "one family", 1),
            (f"{ROUTER}/24={EXTERNAL}", "LOCAL=EXTERNAL", 1), ("router=world", "LOCAL=EXTERNAL", 1),
            (f"{ROUTER}={ROUTER}", "twice", 2), (f"{ROUTER}={EXTERNAL},{ROUTER}=198.51.100.78", "twice", 2),
            (f"{ROUTER}={EXTERNAL},203.0.113.2={EXTERNAL}", "twice", 2),
            (f"{ROUTER}={EXTERNAL},{EXTERNAL}=198.51.100.78", "twice", 2),
            (f"0.0.0.0={EXTERNAL}", "no NAT", 2), (f"{ROUTER}=127.0.0.1", "no NAT", 2),
            (f"{ROUTER}=224.0.0.5", "no NAT", 2), (f"{ROUTER}=255.255.255.255", "no NAT", 2),
            (f"{ROUTER6}=fe80::1", "no NAT", 2), (f"::1={EXTERNAL6}", "no NAT", 2),
            (f"{ROUTER6}=ff0e::1", "no NAT", 2), (f"::ffff:203.0.113.1={EXTERNAL6}", "no NAT", 2)):
        text = ctl(f"setting set hold-timeout 60 public-address {value}", status)
        assert sentence in text and "public-address" in text, (value, text)
        assert rows() == before, value
    # another setting that is wrong takes this one with it
    ctl("setting set public-address none hold-timeout 99999999", 1)
    ctl("setting set public-address none nat64-prefix 3fff::/32", 2)
    assert rows() == before
    ctl("setting reset")
    assert rows()["public-address"]["value"] == "none"
    pairs(PAIRS)
    pairs("none")
    assert rows()["public-address"]["value"] == "none"


CHECKED = "each LOCAL of public-address is an address of this router"
BEYOND = "no EXTERNAL of public-address is an address of this router"


@test("issue 18", "check: a LOCAL that is nobody's, and an EXTERNAL that is the router's own")
def checked():
    def levels():
        found = subprocess.run(f"ip netns exec router {TOOL} -j check", shell=True,
                               capture_output=True, text=True).stdout
        return {row["name"]: row for row in json.loads(found)}
    pairs("none")
    assert CHECKED not in levels() and BEYOND not in levels()
    pairs(PAIRS)
    assert levels()[CHECKED]["state"] == "ok" and levels()[BEYOND]["state"] == "ok", levels()
    pairs(f"{ROUTER}={EXTERNAL},203.0.113.200=198.51.100.78")
    row = levels()[CHECKED]
    assert row["state"] == "note" and "203.0.113.200" in row["fault"], row
    pairs(f"{EXTERNAL}={ROUTER},{ROUTER6}={EXTERNAL6}")
    row = levels()[BEYOND]
    assert row["state"] == "fault" and ROUTER in row["fault"], row
    pairs("none")


run()
