#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""Threats by what stands in a message: numbers, bombs, loops, floods (doc/security.md)."""
import json
import time

import topology as net
from sip import Call, again, sdp
from ctl import forget_all, stats
from ksft import run, test
from topology import OTHER, PHONE, RELAY, ROUTER, SERVER, STRANGER, Udp, router, shell

net.build()
phone = Udp("phone", PHONE, 5060)
server = Udp("provider", SERVER, 5060)
CTL = "tools/sipalg-ctl/sipalg-ctl"
HIDE = ((f"{PHONE}:5060", f"{ROUTER}:5060"), (PHONE, ROUTER))

# each is longer than a number may be, less than one, or written as no number is
EDGES = ("0", "00", "1", "-1", "+1", "01", "1023", "65535", "65536", "65537", "4294967295", "4294967296",
         "4294967297", "2147483647", "2147483648", "9223372036854775807", "9223372036854775808",
         "18446744073709551615", "18446744073709551616", "18446744073709551617", "9" * 300,
         "0" * 300 + "90", "0x5a", "1e3", "", " ", "1 2", "1.5", "\u0661", "%31")


def calls():
    return json.loads(router(f"{CTL} -j call list"))


def call_of(name):
    return Call(name, f"{PHONE}:5060", f"{ROUTER}:5060", SERVER)


def is_same_but_numbers(got, data):
    """What left differs by addresses and ports at most: the edge itself stands as it stood."""
    got = got.replace(ROUTER.encode(), PHONE.encode())
    return len(got.split(b"\r\n")) == len(data.split(b"\r\n"))


def arrives(data):
    phone.send(data, SERVER)
    got = server.recv()
    assert got and is_same_but_numbers(got, data), (data, got)
    return got


def reset():
    forget_all()
    # what Via named is kept for c-timeout, a route from outside for a day
    time.sleep(90000)
    left = stats()
    assert left["memory_bytes"] == 0 and left["pinholes"]["open"] == 0, left


def changed(data, old, new):
    assert old.encode() in data, old
    return data.replace(old.encode(), new.encode(), 1)


@test("T-19", "every number of a message at its edges: it arrives, and opens nothing that is not its own (T-3)")
def numbers():
    long = "\nExpires: @\nSession-Expires: @\nMin-SE: @\nRSeq: @\nRAck: @ @ INVITE\nMax-Forwards: @"
    for number, edge in enumerate(EDGES):
        for place, (old, new) in enumerate((
                ("CSeq: 1 ", f"CSeq: {edge} "), ("User-Agent: test", "User-Agent: test" + long.replace("@", edge)),
                ("Content-Length: ", f"Content-Length: {edge}\nX: "), ("m=audio 4000 ", f"m=audio {edge} "),
                ("m=audio 4000 ", f"m=audio 4000/{edge} "), ("o=- 7 1 ", f"o=- {edge} {edge} "),
                (f"c=IN IP4 {PHONE}", f"c=IN IP4 {PHONE}/{edge}"), ("t=0 0", f"t={edge} {edge}"),
                (f"Contact: <sip:alice@{PHONE}:5060>", f"Contact: <sip:alice@{PHONE}:{edge}>;expires={edge};q={edge}"),
                (f"UDP {PHONE}:5060", f"UDP {PHONE}:{edge};rport={edge};ttl={edge}"),
                ("a=rtpmap:0", f"a=rtcp:{edge}\na=rtpmap:0"))):
            data = call_of(f"n{number}p{place}").request("INVITE", sdp(PHONE, 4000))
            phone.send(changed(data, old, new.replace("\n", "\r\n")), SERVER)
            assert server.recv(1), (edge, new)
            for line in net.expectations() + net.expectations("signalling"):
                port = int(line.split(" dport=")[1].split()[0])
                assert port >= 1024, (edge, new, line)
                assert f" dst={ROUTER} " in line, (edge, new, line)
            assert len(net.expectations()) <= 64, (edge, new)
            router(f"{CTL} call end --all")
    assert stats()["pinholes"]["open"] == 0


@test("T-19", "an answered call whose timers are of absurd length ends as its limits say")
def lengths():
    router(f"{CTL} setting set maximum-call-duration 3")
    for number, edge in enumerate(EDGES):
        call = call_of(f"len{number}")
        arrives(call.request("INVITE", sdp(PHONE, 4100 + 2 * number)))
        server.send(call.response("200 OK", body=sdp(RELAY, 8000), extra=f"""
            Expires: {edge}
            Session-Expires: {edge};refresher=uac
            Min-SE: {edge}"""), ROUTER)
        assert phone.recv(), edge
    assert len(calls()) == len(EDGES)
    for row in calls():
        assert 0 <= row["session_interval_seconds"] <= 180, row
        assert 0 <= row["expires_in_seconds"] <= 200, row
    time.sleep(240)
    assert not calls(), calls()


@test("T-18", "a thousand Vias, Routes, Contacts or m= lines, and headers without end: passed, and no more")
def bombs():
    def lines(text, count=1000):
        return "".join(f"\n            {text.format(n)}" for n in range(count))
    bodies = sdp(PHONE, 4000)
    for name, data in (
            ("via", call_of("via").request("INVITE", bodies, extra=lines(f"Via: SIP/2.0/UDP {PHONE}:5060;branch=z9hG4bK{{}}", 900))),
            ("route", call_of("route").request("INVITE", bodies, extra=lines("Route: <sip:10.9.8.7:{};lr>"))),
            ("contact", call_of("contact").request("INVITE", bodies, extra=lines("m: <sip:a@192.168.1.10:{}>"))),
            ("one", call_of("one").request("INVITE", bodies, extra="\nContact: " + ",".join(
                f"<sip:a@{PHONE}:{5000 + n}>" for n in range(1000)))),
            ("empty", call_of("empty").request("INVITE", bodies, extra=lines("X{}:", 4000))),
            ("long", call_of("long").request("INVITE", bodies, extra="\nX: " + "a" * 50000)),
            ("fold", call_of("fold").request("INVITE", bodies).replace(b"User-Agent: test", b"User-Agent:" + b"\r\n x" * 10000)),
            ("param", call_of("param").request("INVITE", bodies).replace(b";rport", b";rport" + b";a=b" * 10000)),
            ("quote", call_of("quote").request("INVITE", bodies).replace(b'"alice"', b'"' + b"\\\\" * 20000 + b'"')),
            ("angle", call_of("angle").request("INVITE", bodies, extra="\nContact: " + "<" * 30000)),
            ("media", call_of("media").request("INVITE", sdp(PHONE, 4000, lines("m=audio {} RTP/AVP 0")))),
            ("attr", call_of("attr").request("INVITE", sdp(PHONE, 4000, lines("a=candidate:1 1 UDP 1 192.168.1.10 {} typ host"))))):
        if name != "attr":
            assert len(data) < 65000, (name, len(data))
        phone.send(data, SERVER)
        assert server.recv(), name
        assert len(net.expectations()) <= 2 and len(net.expectations("signalling")) <= 8, name
        assert stats()["memory_bytes"] < 40000, (name, stats()["memory_bytes"])
        router(f"{CTL} call end --all")
    assert stats()["passed_unchanged"]["too_long"] + stats()["passed_unchanged"].get("too_many_media", 0) >= 3


@test("T-14", "nobody is sent anything by us: one message in, one out, and hardly longer")
def amplification():
    before = [link_packets(name) for name in ("lan", "lan2", "wan")]
    sent = got = 0
    for number in range(50):
        data = call_of(f"amp{number}").request("INVITE", sdp(PHONE, 4200), extra="".join(
            f"\n            Contact: <sip:a@{PHONE}:5060>" for _ in range(15)))
        phone.send(data, SERVER)
        out = server.recv()
        sent, got = sent + len(data), got + len(out)
        server.send(call_of(f"amp{number}").response("486 Busy Here"), ROUTER)
        assert phone.recv()
    time.sleep(600)         # nor later, when timers end what has begun
    assert got <= 1.25 * sent, (sent, got)
    for sock in (phone, server):
        assert sock.recv(0.1) is None
    after = [link_packets(name) for name in ("lan", "lan2", "wan")]
    # each link has carried fifty messages each way, and a few neighbours' questions
    for old, new in zip(before, after):
        assert new - old <= 50 + 30, (before, after)


def link_packets(name):
    """Packets that the router has sent by an interface."""
    return json.loads(shell(f"ip -n router -s -j link show {name}"))[0]["stats64"]["tx"]["packets"]


def ring(call, fork, streams):
    """One of many phones rings, and describes so many streams."""
    base = 10000 + 200 * fork
    more = "\n".join(f"m=audio {base + 2 * i} RTP/AVP 0" for i in range(1, streams))
    server.send(call.response("183 Session Progress", tag=f"t{fork}", body=sdp(RELAY, base, more)), ROUTER)
    assert phone.recv()
    return base


@test("T-18", "16 forks of 4 streams each have all their ways; of many streams each the newest have, and no more is kept")
def forks():
    # 56 bytes of a call and its mapping are for those who tell another router of them
    for streams, setting, memory in ((4, 4, 16156), (4, 32, 16156), (32, 32, 16156), (64, 64, 28056)):
        router(f"{CTL} setting set max-media-per-call {setting}")
        call = call_of(f"forks{streams}x{setting}")
        arrives(call.request("INVITE", sdp(PHONE, 4700)))
        own = len(net.expectations())
        base = [ring(call, fork, streams) for fork in range(16)]
        opened = len(net.expectations()) - own
        now = stats()
        used = now["memory_bytes"] - now["memory_conntrack_bytes"]
        assert opened == 2 * max(64, 2 * setting), opened
        assert all(net.pinhole(RELAY, base[-1] + i) for i in range(2 * streams))
        assert used < memory, used
        reset()


@test("T-17", "media that names the router's own public port goes round once, and a message that passes twice is let be")
def loops():
    call = call_of("loop")
    arrives(call.request("INVITE", sdp(PHONE, 4300)))
    server.send(call.response("200 OK", body=sdp(ROUTER, 4300)), ROUTER)
    assert phone.recv()
    ours = Udp("phone", PHONE, 4300)
    before = [link_packets(name) for name in ("lan", "wan")]
    for _ in range(10):
        ours.send(b"round", ROUTER, 4300)
    copies = 0
    while ours.recv(0.5):
        copies += 1
    assert copies <= 10, copies
    after = [link_packets(name) for name in ("lan", "wan")]
    assert after[0] - before[0] <= 15 and after[1] - before[1] <= 5, (before, after)
    ours.close()


@test("T-21", "a flood of what is refused, broken or too much leaves a handful of lines in the log")
def log():
    shell("dmesg -c >/dev/null")
    router(f"{CTL} setting set max-calls-per-source 1 unknown-message drop deny-methods SUBSCRIBE rate-limit 1000000")
    first = call_of("log").request("INVITE", sdp(PHONE, 4400))
    arrives(first)
    for number in range(500):
        for data in (again(first, ("log@", f"log{number}@")), first.replace(b"CSeq: 1", b"CSeq: x"),
                     call_of(f"log{number}").request("SUBSCRIBE"), first.replace(f"c=IN IP4 {PHONE}\r\n".encode(), b"")):
            phone.send(data, SERVER)
        while server.recv(0.001):
            pass
    lines = [line for line in shell("dmesg").splitlines() if "sipalg" in line]
    assert len(lines) <= 30, (len(lines), lines[:5])


@test("T-20", "a phone that names hosts outside, and a peer that names ones inside, open no way between others")
def reverse():
    victim = Udp("other", OTHER, 8080)
    for number, (mine, theirs) in enumerate(((STRANGER, OTHER), ("192.168.1.1", "192.168.2.1"), (ROUTER, ROUTER))):
        call = call_of(f"rev{number}")
        arrives(call.request("INVITE", sdp(mine, 8080)))
        server.send(call.response("200 OK", body=sdp(theirs, 8080)), ROUTER)
        assert phone.recv()
        for line in net.expectations():
            # what the phone said of somebody outside is good for nothing but its own packets
            assert f" src={PHONE} " in line and f" dst={STRANGER} " in line, line
        ours = Udp("phone", PHONE, 9000)
        ours.send(b"attack", OTHER, 8080)
        assert victim.recv(0.5) is None
        ours.close()
    victim.close()


run(after=reset)
