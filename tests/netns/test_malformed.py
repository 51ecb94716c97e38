#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""Messages that are broken, foreign or hostile: they pass, and nobody is told too much."""
import random
import re

import corpus
import topology as net
from sip import Call, again, sdp
from ctl import forget_all, stats
from ksft import run, same, test
from topology import PHONE, RELAY, ROUTER, SERVER, Tcp, Udp, shell

net.build()
phone = Udp("phone", PHONE, 5060)
server = Udp("provider", SERVER, 5060)
tool = "tools/sipalg-ctl/sipalg-ctl -n router"

LOCAL, ALG = f"{PHONE}:5060", f"{ROUTER}:5060"
HIDE = ((LOCAL, ALG), (PHONE, ROUTER))


def reset():
    forget_all()


def invite(name="doubt", body=True):
    call = Call(name, LOCAL, ALG, SERVER)
    return call.request("INVITE", sdp(PHONE, 4000) if body else "", extra=f"""
            Record-Route: <sip:{LOCAL};lr>
            Expires: 120""")


def put_back(got, data):
    """The router's address taken for the phone's again, and the length as it was."""
    got = got.replace(ROUTER.encode(), PHONE.encode())
    length = re.compile(rb"(?im)^((?:content-length|l)\s*:\s*)(\d+)")
    before, after = length.search(data), length.search(got)
    if before and after:
        got = got[:after.start(2)] + before[2] + got[after.end(2):]
    return got


def harmless(data, sender=phone):
    """
    It has arrived, and nothing but addresses has changed: all that a broken
    message may suffer. Says whether it was translated.
    """
    sender.send(data, SERVER)
    got = server.recv(1)
    if got is None:
        raise AssertionError(f"dropped: {data!r}")
    if put_back(got, data) != data:
        raise AssertionError(f"got {got!r}\nfor {data!r}")
    return got != data


@test("H-24", "a message that lacks something, or has nonsense there, passes; the reason is counted")
def broken():
    whole = invite("broken")
    before = stats()["passed_unchanged"].get("parse_error", 0)
    unchanged = 0
    for old, new in (("Call-ID: broken@call.example\r\n", ""), ("CSeq: 1 INVITE\r\n", ""),
                     ("CSeq: 1 INVITE", "CSeq: one INVITE"), ("CSeq: 1 INVITE", "CSeq: 99999999999999 INVITE"),
                     ("CSeq: 1 INVITE", "CSeq: 1 BYE"), ("CSeq: 1 INVITE", "CSeq:"), ("From: ", "Frum: "),
                     ("To: ", "Too: "), ("Via: ", "Vie: "), ("Via: SIP/2.0/UDP ", "Via: "),
                     ("Contact: <sip:alice@", "Contact: <sip:alice@@"), ("Contact: <", "Contact: "),
                     ("Expires: 120", "Expires: -1"), ("Expires: 120", "Expires: " + "9" * 400),
                     ("Max-Forwards: 70", "Max-Forwards"), ("Max-Forwards: 70", ": 70"),
                     ("Max-Forwards: 70", "\0\0\0: \0"), ("SIP/2.0\r\n", "SIP/2.0 \r\n"),
                     ("SIP/2.0\r\n", "SIP/3.0\r\n"), (" SIP/2.0\r\n", "\r\n"), ("INVITE sip", "INVITE  sip"),
                     ("v=0", "v=zero"), ("m=audio 4000", "m=audio 99999"), ("m=audio 4000", "m=audio"),
                     ("m=audio 4000", "m=audio -1"), ("c=IN IP4 192.168.1.10", "c=IN IP4 192.168.1.10/127/3/4"),
                     ("a=rtpmap", "m=\r\nm=audio 1 2 3\r\na=rtpmap"), ("t=0 0", "t=0 0\r\nc=\r\nm= \r\no=")):
        assert old.encode() in whole, old
        unchanged += not harmless(whole.replace(old.encode(), new.encode(), 1))
        reset()
    assert stats()["passed_unchanged"]["parse_error"] > before
    assert unchanged > 5, unchanged


@test("H-24", "an INVITE that ends at any byte passes")
def cut():
    whole = invite("cut")
    for end in range(1, len(whole)):
        harmless(whole[:end])
    reset()


@test("H-34", "1,500 messages with random faults: each arrives, with addresses changed at most (T-24)")
def noise():
    chance = random.Random(3261)
    seeds = [data for _, data in corpus.messages() if 200 < len(data) < 4000 and ROUTER.encode() not in data]
    seeds += [invite("noise")] * 20
    joints = (b"\r\n", b"\n", b" ", b";", b"<", b">", b'"', b",", b"\0", b":", b"@", b"[", b"\xff", b"%", b"\r\n ")
    translated = 0
    for _ in range(1500):
        data = bytearray(chance.choice(seeds))
        for _ in range(chance.randint(1, 4)):
            at = chance.randrange(len(data))
            kind = chance.randrange(4)
            if kind == 0:
                data[at] = chance.randrange(256)
            elif kind == 1:
                data[at:at] = chance.choice(joints)
            elif kind == 2:
                del data[at:at + chance.randint(1, 40)]
            else:
                data[at:at] = data[at:at + chance.randint(1, 200)]
        data = bytes(data)
        phone.send(data, SERVER)
        got = server.recv(1)
        # the one reason to drop there is (S1-4)
        if got is None:
            assert stats()["dropped"].get("no_connection_line"), data
            continue
        # ports may be others, too: many of these calls want the same
        if re.sub(rb"\d+", b"#", put_back(got, data)) != re.sub(rb"\d+", b"#", data):
            raise AssertionError(f"got {got!r}\nfor {data!r}")
        translated += got != data
    assert translated > 200, translated
    assert set(reason for reason, count in stats()["dropped"].items() if count) <= {"no_connection_line"}
    reset()


@test("C14", "not SIP at all passes uncounted, a method unknown is translated, claims of SIP/2.0 as is set")
def classes():
    for data in (b"\0", b"\0\0\0\0", b"\r\n\r\n", b"x" * 2000, b"jaK", b"\x16\x03\x01\x02\x00\x01",
                 b"\0\1\0\0\x21\x12\xa4\x42" + b"i" * 12, b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"):
        before = stats()["passed_unchanged"].get("parse_error", 0)
        assert not harmless(data)
        assert stats()["passed_unchanged"].get("parse_error", 0) == before, data
    assert harmless(again(invite("class", body=False), ("INVITE", "FROBNICATE")))
    bad = invite("class").replace(b"CSeq: 1", b"CSeq: x")
    assert not harmless(bad)
    shell(f"{tool} setting set unknown-message drop")
    phone.send(bad, SERVER)
    assert server.recv(1) is None
    for data in (b"\0\0\0\0", b"\r\n\r\n", b"\0\1\0\0\x21\x12\xa4\x42" + b"i" * 12):
        assert not harmless(data)
    reset()


@test("C7", "TLS, on any port that a rule names, passes untouched and is counted")
def tls():
    client, accepted = Tcp.pair("phone", PHONE, 41000)
    hello = b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + invite("tls") + bytes(range(256))
    client.send(hello)
    same(accepted.recv(len(hello)), hello)
    accepted.send(hello)
    same(client.recv(len(hello)), hello)
    assert any(count for name, count in stats()["tcp"].items() if "tls" in name or "not_sip" in name or
               "foreign" in name), stats()["tcp"]
    client.close()
    accepted.close()


@test("C11", "only a stream that wants media needs a c=: others pass without")
def no_connection():
    for number, lines in enumerate(("m=audio 0 RTP/AVP 0", "", "a=sendrecv", "m=video 0 RTP/AVP 96\r\nm=audio 0 RTP/AVP 0")):
        data = invite(f"c11{number}").replace(f"c=IN IP4 {PHONE}\r\n".encode(), b"")
        data = again(data.replace(b"m=audio 4000 RTP/AVP 0\r\n", (lines + "\r\n" if lines else "").encode()),
                     ("INVITE", "INVITE"))
        assert harmless(data), lines
    data = again(invite("c11drop").replace(f"c=IN IP4 {PHONE}\r\n".encode(), b""), ("INVITE", "INVITE"))
    phone.send(data, SERVER)
    assert server.recv(1) is None
    reset()


@test("C13", "a call that our own timer has ended: its BYE, 200 and ACK pass all the same, and nobody is sent any")
def timer():
    shell(f"{tool} setting set maximum-call-duration 3")
    call = Call("c13", LOCAL, ALG, SERVER)
    phone.send(call.request("INVITE", sdp(PHONE, 4010)), SERVER)
    assert server.recv()
    server.send(call.response("200 OK", body=sdp(RELAY, 6010)), ROUTER)
    assert phone.recv()
    ack = call.request("ACK", to_tag=True)
    assert harmless(ack)
    net.until(lambda: not net.expectations(), 400)
    assert phone.recv(60) is None and server.recv(60) is None
    assert harmless(call.request("BYE", cseq=2, to_tag=True))
    answer = call.response("200 OK", "BYE")
    server.send(answer, ROUTER)
    same(phone.recv(), again(answer, HIDE[0][::-1]))
    call.cseq = 1
    answer = call.response("200 OK", body=sdp(RELAY, 6010))
    server.send(answer, ROUTER)
    same(phone.recv(), again(answer, HIDE[0][::-1]))
    assert harmless(ack)
    reset()


@test("H-35", "the log tells what and why, seldom, and neither addresses nor names nor content (T-21)")
def discreet():
    shell("dmesg -c >/dev/null")
    bad = invite("c11drop").replace(f"c=IN IP4 {PHONE}\r\n".encode(), b"")
    for number in range(200):
        phone.send(bad.replace(b"c11drop", b"secret%d" % number), SERVER)
    assert server.recv(1) is None
    lines = [line for line in shell("dmesg").splitlines() if "sipalg" in line]
    assert lines and any("no_connection_line" in line for line in lines), lines
    assert len(lines) < 30, len(lines)
    for line in lines:
        for word in (PHONE, ROUTER, SERVER, "secret", "alice", "bob", "INVITE", "tag"):
            assert word not in line, line
    reset()


run(after=net.nothing_left)
