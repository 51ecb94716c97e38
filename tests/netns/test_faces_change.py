#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""The router's outside address changes: phones that are registered, calls that are up."""
import json
import time

import topology as net
from ksft import run, test
from sip import Call, message, sdp
from topology import (PHONE, PHONE6, RELAY, RELAY6, ROUTER, ROUTER6, SERVER, SERVER6, Tcp, Udp,
                      router)

NEXT, NEXT6 = "203.0.113.9", "2001:db8:ffff::9"

net.build()


class Side:
    """One family: a phone, a provider, and the address that the router has now."""

    def __init__(self, phone, server, relay, address, other):
        self.phone_ip, self.server_ip, self.relay = phone, server, relay
        self.address, self.other = address, other
        self.phone, self.server = Udp("phone", phone, 5060), Udp("provider", server, 5060)
        self.six = ":" in phone
        self.count = 0

    def host(self, address, port=5060):
        return f"[{address}]:{port}" if self.six else f"{address}:{port}"

    def close(self):
        self.phone.close()
        self.server.close()

    def move(self):
        """A new lease: the old address goes, another one comes."""
        length = 64 if self.six else 24
        router(f"ip addr del {self.address}/{length} dev wan")
        router(f"ip addr add {self.other}/{length} dev wan" + (" nodad" if self.six else ""))
        self.address, self.other = self.other, self.address

    def register(self, expires=3600, name="reg", sent=None):
        """A REGISTER and its 2xx; gives the address that it came from."""
        self.count += 1
        own = self.host(self.phone_ip)
        server = f"[{self.server_ip}]" if self.six else self.server_ip
        text = f"""REGISTER sip:{server} SIP/2.0
            Via: SIP/2.0/UDP {own};branch=z9hG4bK{name}{self.count};rport
            From: <sip:alice@{server}>;tag={name}
            To: <sip:alice@{server}>
            Call-ID: {name}@register.example
            CSeq: {self.count} REGISTER
            Contact: <sip:alice@{own}>
            Expires: {expires}"""
        self.phone.send(message(text), self.server_ip)
        got = self.server.recv()
        assert got, "the provider gets no REGISTER"
        source = self.server.sender
        seen = self.host(*source)
        assert f"Contact: <sip:alice@{seen}>".encode() in got, got
        answer = message(f"""SIP/2.0 200 OK
            Via: SIP/2.0/UDP {seen};branch=z9hG4bK{name}{self.count};rport
            From: <sip:alice@{server}>;tag={name}
            To: <sip:alice@{server}>;tag=s
            Call-ID: {name}@register.example
            CSeq: {self.count} REGISTER
            Contact: <sip:alice@{seen}>;expires={expires}""")
        self.server.send(answer, *source)
        back = self.phone.recv()
        assert back and own.encode() in back, back
        return source

    def invite_in(self, name="in"):
        """Does the registrar's INVITE reach the phone?"""
        self.count += 1
        server = f"[{self.server_ip}]" if self.six else self.server_ip
        text = f"""OPTIONS sip:alice@{self.host(self.address)} SIP/2.0
            Via: SIP/2.0/UDP {self.host(self.server_ip)};branch=z9hG4bK{name}{self.count}
            From: <sip:bob@{server}>;tag={name}
            To: <sip:alice@{server}>
            Call-ID: {name}{self.count}@call.example
            CSeq: 1 OPTIONS"""
        self.server.send(message(text), self.address)
        return self.phone.recv(1)


def four():
    return Side(PHONE, SERVER, RELAY, ROUTER, NEXT)


def six():
    return Side(PHONE6, SERVER6, RELAY6, ROUTER6, NEXT6)


def ctl(command):
    return json.loads(router(f"tools/sipalg-ctl/sipalg-ctl -j {command}"))


def nowhere(address):
    """Nothing of ours names an address any more."""
    listed = "\n".join(net.expectations("media") + net.expectations("signalling"))
    assert f"dst={address} " not in listed, listed
    assert address not in json.dumps(ctl("registration list"))


def both(check):
    def run_both():
        for make in (four, six):
            side = make()
            try:
                check(side)
            finally:
                if side.address not in (ROUTER, ROUTER6):
                    side.move()
                side.close()
                router("conntrack -F 2>/dev/null")
    return run_both


@both
def idle_phone(side):
    assert side.register() == (side.address, 5060)
    before = side.address
    side.move()
    time.sleep(2)
    nowhere(before)
    assert side.register() == (side.address, 5060)
    assert side.invite_in(), "a call does not reach the phone"
    assert side.address in json.dumps(ctl("registration list"))


@both
def keepalives(side):
    side.register()
    side.move()
    for _ in range(10):
        side.phone.send(b"\r\n\r\n", side.server_ip)
        assert side.server.recv() == b"\r\n\r\n"
        assert side.server.sender == (side.address, 5060), side.server.sender
        time.sleep(20)
    assert side.register() == (side.address, 5060)
    assert side.invite_in()


@both
def at_once(side):
    """Not a moment between."""
    side.register()
    side.move()
    assert side.register() == (side.address, 5060)
    assert side.invite_in()


@both
def comes_back(side):
    side.register()
    side.move()
    side.register()
    side.move()
    assert side.register() == (side.address, 5060)
    assert side.invite_in()


test("N1", "an idle registered phone is known by the new address with its next REGISTER")(idle_phone)
test("N1", "a phone that sends keepalives leaves by the new address at once")(keepalives)
test("N1", "REGISTER follows the change at once")(at_once)
test("N1", "the address changes, and changes back")(comes_back)


@test("N1", "a rule of `snat to` that is edited as the address goes has its way")
def snat():
    router("nft delete table inet nat")
    rule = """table ip nat {{
        chain post {{ type nat hook postrouting priority srcnat
            oifname wan snat to {}
        }}
    }}"""
    side = four()
    net.attach(rule.format(side.address))
    try:
        side.register()
        side.move()
        router("nft delete table ip nat")
        net.attach(rule.format(side.address))
        time.sleep(2)
        assert side.register() == (side.address, 5060)
        assert side.invite_in()
    finally:
        side.move()
        side.close()
        router("nft delete table ip nat")
        net.attach(net.MASQUERADE)
        router("conntrack -F 2>/dev/null")


@test("N1", "TCP: the phone connects again, and is registered by the new address")
def tcp():
    for side in (four(), six()):
        try:
            for _ in range(2):
                client, server = Tcp.pair("phone", side.phone_ip, 6060, side.server_ip)
                own = side.host(side.phone_ip, 6060)
                host = f"[{side.server_ip}]" if side.six else side.server_ip
                client.send(message(f"""REGISTER sip:{host} SIP/2.0
                    Via: SIP/2.0/TCP {own};branch=z9hG4bKtcp;rport
                    From: <sip:alice@{host}>;tag=tcp
                    To: <sip:alice@{host}>
                    Call-ID: tcp@register.example
                    CSeq: 1 REGISTER
                    Contact: <sip:alice@{own};transport=tcp>
                    Expires: 3600"""))
                got = server.recv(4096, 2)
                assert f"Contact: <sip:alice@{side.host(side.address, 6060)};".encode() in got, got
                client.close()
                server.close()
                side.move()
                time.sleep(2)
        finally:
            if side.address not in (ROUTER, ROUTER6):
                side.move()
            side.close()
            router("conntrack -F 2>/dev/null")


@both
def call_up(side):
    """The phone only talks on, then it tells its peer."""
    own, seen = side.host(side.phone_ip), side.host(side.address)
    call = Call("n2", own, seen, f"[{side.server_ip}]" if side.six else side.server_ip)
    side.phone.send(call.request("INVITE", sdp(side.phone_ip, 4000)), side.server_ip)
    assert f" {side.address}\r\n".encode() in side.server.recv()
    side.server.send(call.response("200 OK", body=sdp(side.relay, 6000)), side.address)
    assert side.phone.recv()
    side.phone.send(call.request("ACK", to_tag=True), side.server_ip)
    assert side.server.recv()
    space = "phone", "provider"
    ours, theirs = Udp(space[0], side.phone_ip, 4000), Udp(space[1], side.relay, 6000)
    ours.send(b"out", side.relay, 6000)
    assert theirs.recv() == b"out" and theirs.sender == (side.address, 4000), theirs.sender
    theirs.send(b"in", side.address, 4000)
    assert ours.recv() == b"in"

    before = side.address
    side.move()
    for _ in range(5):
        ours.send(b"on", side.relay, 6000)
        assert theirs.recv() == b"on" and theirs.sender[0] == side.address, theirs.sender
        time.sleep(0.5)
    nowhere(before)
    assert before not in json.dumps(ctl("call list"))

    call.seen = side.host(side.address)
    side.phone.send(call.request("INVITE", sdp(side.phone_ip, 4000), cseq=2, to_tag=True),
                    side.server_ip)
    got = side.server.recv()
    assert side.server.sender == (side.address, 5060)
    assert f"c=IN IP{6 if side.six else 4} {side.address}\r\n".encode() in got, got
    port = int(got.split(b"m=audio ")[1].split()[0])
    assert net.pinhole(side.address, port)
    side.server.send(call.response("200 OK", body=sdp(side.relay, 6000)), side.address)
    assert side.phone.recv()
    side.phone.send(call.request("ACK", to_tag=True), side.server_ip)
    assert side.server.recv()
    theirs.send(b"back", side.address, port)
    assert ours.recv() == b"back"
    ours.send(b"forth", side.relay, 6000)
    assert theirs.recv() == b"forth" and theirs.sender == (side.address, port), theirs.sender
    media = ctl("call list")[0]["media"][0]
    assert media["public"] == side.host(side.address, port), media
    side.phone.send(call.request("BYE", cseq=3, to_tag=True), side.server_ip)
    assert side.server.recv()
    side.server.send(call.response("200 OK", "BYE"), side.address)
    assert side.phone.recv()
    ours.close()
    theirs.close()
    time.sleep(40)


test("N2", "a call goes on from the new address, and its next offer names it")(call_up)


@both
def without(side):
    """The namespace has no address outside for a while: nothing is promised, nothing is kept."""
    side.register()
    before, length = side.address, 64 if side.six else 24
    router(f"ip addr del {before}/{length} dev wan")
    time.sleep(2)
    nowhere(before)
    for _ in range(5):
        side.phone.send(b"\r\n\r\n", side.server_ip)
        assert not side.server.recv(1)
    nowhere(before)
    router(f"ip addr add {before}/{length} dev wan" + (" nodad" if side.six else ""))
    net.until(lambda: side.phone.send(b"\r\n\r\n", side.server_ip) or side.server.recv(1), 20)
    assert side.register() == (before, 5060)
    assert side.invite_in()


test("N1", "no address at all for a while: nothing is promised, and all is well when there is one")(without)

PAGE = "doc/network-changes.md"


def taken(side):
    """Seconds until nothing of the old address is left, and packets lost until all is well."""
    before = side.address
    side.move()
    start = time.monotonic()

    def gone(left):
        net.until(lambda: not left(), 5)
        return time.monotonic() - start
    seconds = (gone(lambda: [hole for kind in ("media", "signalling")
                             for hole in net.expectations(kind) if f"dst={before} " in hole]),
               gone(lambda: before in json.dumps(ctl("registration list"))),
               gone(lambda: net.connections(before, 5060)))
    side.phone.send(b"\r\n\r\n", side.server_ip)
    assert side.server.recv() and side.server.sender == (side.address, 5060)
    assert side.register() == (side.address, 5060) and side.invite_in()
    return seconds


@both
def seconds(side):
    """At once; where the last address went less than a second ago, at the end of that second."""
    side.register()
    time.sleep(5)
    first, second = taken(side), taken(side)
    if net.TIME_IS_REAL:
        return
    rows = ("pinholes to the old address | closed", "registrations at it | forgotten",
            "signalling flows translated to it | ended")
    with open(PAGE, encoding="utf-8") as file:
        told = file.read()
    for row, once, again in zip(rows, first, second):
        # in whole seconds: addresses that flap are looked at once a second
        line = f"| {row} | {once:.0f} s | {again:.0f} s |"
        print(f"# {line}")
        assert line in told, line


test("N1", "the seconds that it takes are those that the page tells")(seconds)


@test("N8", "a flow that a port forward has begun ends with the address, prolonged or not")
def forwarded():
    net.attach(f"""table ip forwards {{
        chain pre {{ type nat hook prerouting priority dstnat
            iifname wan udp dport 5060 dnat to {PHONE}
        }}
    }}
    table inet sip {{
        chain forward {{ iifname wan udp dport 5060 accept
        }}
    }}""")
    side = four()
    try:
        call = Call("n8", side.host(PHONE), side.host(side.address), SERVER)
        uri = side.host(side.address)
        side.server.send(call.peer_request("INVITE", uri, body=sdp(RELAY, 6000)).replace(
            b";tag=phone-n8", b""), side.address)
        assert side.phone.recv()
        side.phone.send(call.peer_response("200 OK", "INVITE", body=sdp(PHONE, 4000)), SERVER)
        assert side.server.recv()
        side.server.send(call.peer_request("ACK", uri), side.address)
        assert side.phone.recv()
        assert net.connections(side.address, 5060)
        before = side.address
        side.move()
        time.sleep(2)
        assert not net.connections(before, 5060), net.connections(before, 5060)
        assert ctl("stats show")["face_lost"] >= 1
    finally:
        side.move()
        side.close()
        router("nft delete table ip forwards")
        router("conntrack -F 2>/dev/null")


@test("N1", "an address that flaps every second, and a thousand others, cost little and break nothing")
def flapping():
    side = four()
    side.register()
    lost = ctl("stats show")["face_lost"]
    lines = "".join(f"addr add 10.9.{i // 250}.{i % 250 + 1}/32 dev wan\n" for i in range(1000))
    with open("/tmp/addresses", "w", encoding="ascii") as file:
        file.write(lines)
    router("ip -batch /tmp/addresses")
    with open("/tmp/addresses", "w", encoding="ascii") as file:
        file.write(lines.replace("add 10", "del 10"))
    router("ip -batch /tmp/addresses")
    assert ctl("stats show")["face_lost"] == lost
    for _ in range(20):
        router(f"ip addr del {ROUTER}/24 dev wan")
        time.sleep(0.5)
        router(f"ip addr add {ROUTER}/24 dev wan")
        time.sleep(0.5)
    time.sleep(3)
    assert side.register() == (side.address, 5060)
    assert side.invite_in()
    assert ctl("stats show")["face_lost"] - lost <= 21
    side.close()


run()
