#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""The header table of FEATURES.md 1e, cell by cell, and what stands beside it."""
import json
import os

import topology as net
from sip import Call, again, message
from ksft import run, same, test
from topology import OTHER, PHONE, ROUTER, SERVER, Udp, router
from transports import all_ways

net.build()
phone = Udp("phone", PHONE, 5060)
server = Udp("provider", SERVER, 5060)

CTL = os.path.abspath("tools/sipalg-ctl/sipalg-ctl")
LOCAL, ALG = f"{PHONE}:5060", f"{ROUTER}:5060"
REQUEST = """OPTIONS sip:a@{address} SIP/2.0
    Via: SIP/2.0/{transport} {address};branch=z9hG4bK{name}
    From: <sip:a@{address}>;tag=from
    To: <sip:a@{address}>;tag=to
    Call-ID: {name}@{address}
    CSeq: 1 OPTIONS
    Contact: <sip:a@{address}>
    Record-Route: <sip:{address};lr>
    Route: <sip:{address};lr>"""
RESPONSE = REQUEST.replace("OPTIONS sip:a@{address} SIP/2.0", "SIP/2.0 200 OK")

# What crosses the router, and is it sent from inside?
MESSAGES = {
    "inbound request": (REQUEST, False),
    "outbound response": (RESPONSE, True),
    "outbound request": (REQUEST, True),
    "inbound response": (RESPONSE, False),
}
# The cells, and whether the header changes. The To of an outbound response goes
# back as the peer wrote it in the request (C4); the Route of an inbound request
# is mapped back if it is ours (1e, below the table).
CELLS = {
    "1e inbound request To": True,
    "1e inbound request From": False,
    "1e inbound request Call-ID": False,
    "1e inbound request Via": False,
    "1e inbound request Request-URI": True,
    "1e inbound request Contact": False,
    "1e inbound request Record-Route": False,
    "1e inbound request Route": True,
    "1e outbound response To": True,
    "1e outbound response From": False,
    "1e outbound response Call-ID": False,
    "1e outbound response Via": False,
    "1e outbound response Request-URI": False,
    "1e outbound response Contact": True,
    "1e outbound response Record-Route": True,
    "1e outbound response Route": False,
    "1e outbound request To": False,
    "1e outbound request From": True,
    "1e outbound request Call-ID": False,
    "1e outbound request Via": True,
    "1e outbound request Request-URI": False,
    "1e outbound request Contact": True,
    "1e outbound request Record-Route": True,
    "1e outbound request Route": True,
    "1e inbound response To": False,
    "1e inbound response From": True,
    "1e inbound response Call-ID": False,
    "1e inbound response Via": True,
    "1e inbound response Request-URI": False,
    "1e inbound response Contact": False,
    "1e inbound response Record-Route": True,
    "1e inbound response Route": True,
}


def line(data, header):
    """One header of a message; the start line is the Request-URI's."""
    lines = data.decode().split("\r\n")
    if header == "Request-URI":
        return lines[0]
    return next(text for text in lines if text.startswith(header + ":"))


def across(data, outbound):
    """What becomes of a message on its way through the router."""
    if outbound:
        phone.send(data, SERVER)
        return server.recv()
    server.send(data, ROUTER)
    return phone.recv()


WAYS = all_ways(phone, server)


def written(text, way, address, name):
    return message(text.format(address=address, name=name, transport=way.transport))


def speak(way=WAYS[0]):
    """The phone has named itself outside, in every header there is."""
    assert way.across(written(REQUEST, way, way.local, "speak"), True)


def cell(row, changed):
    _, way, kind, header = row.split()
    text, outbound = MESSAGES[f"{way} {kind}"]

    @test(row, ("translated" if changed else "left alone") + ", UDP and TCP, IPv4 and IPv6")
    def check():
        for link in WAYS:
            before, after = (link.local, link.alg) if outbound else (link.alg, link.local)
            speak(link)
            data = written(text, link, before, f"{way}{kind}{header}")
            got = link.across(data, outbound)
            assert got, "nothing has arrived"
            wanted = line(data, header)
            if changed:
                wanted = wanted.replace(before, after)
            same(line(got, header).encode(), wanted.encode())


for a_row, a_change in CELLS.items():
    cell(a_row, a_change)


def options(name, headers, via=f"UDP {LOCAL};branch=z9hG4bK"):
    return message(f"""OPTIONS sip:bob@{SERVER} SIP/2.0
        Via: SIP/2.0/{via}{name}
        From: <sip:a@{SERVER}>;tag=from
        To: <sip:bob@{SERVER}>
        Call-ID: {name}
        CSeq: 1 OPTIONS
        {headers}""")


@test("H-7", "the Request-URI and the digest of an outbound request stay, even with our address")
def digest():
    data = message(f"""REGISTER sip:{LOCAL} SIP/2.0
        Via: SIP/2.0/UDP {LOCAL};branch=z9hG4bKh7
        From: <sip:a@{SERVER}>;tag=1
        To: <sip:a@{SERVER}>
        Call-ID: h7
        CSeq: 1 REGISTER
        Authorization: Digest username="a", realm="{PHONE}", nonce="n", uri="sip:{LOCAL}", response="r"
        Proxy-Authorization: Digest username="a", realm="{PHONE}", uri="sip:{LOCAL}\"""")
    same(across(data, True), again(data, (f"UDP {LOCAL}", f"UDP {ALG}")))


@test("H-6", "addresses that only begin or end like ours stay")
def neighbours():
    data = options("h6", f"Contact: <sip:a@1{PHONE}>, <sip:a@{PHONE}0>, <sip:{PHONE}@{LOCAL}>")
    same(across(data, True), again(data, (f"UDP {LOCAL}", f"UDP {ALG}"),
                                   (f"@{LOCAL}>", f"@{ALG}>")))


@test("H-18", "other parties' Record-Route, Route and Contact are never rewritten")
def others():
    data = options("h18", f"""Route: <sip:10.9.8.7;lr>, <sip:{SERVER};lr>
        Record-Route: <sip:192.168.1.11;lr>
        Contact: <sip:a@172.16.0.1:5060>""")
    same(across(data, True), again(data, (f"UDP {LOCAL}", f"UDP {ALG}")))
    answer = again(data, (f"OPTIONS sip:bob@{SERVER} SIP/2.0", "SIP/2.0 200 OK"),
                   (f"UDP {LOCAL}", f"UDP {ALG}"))
    same(across(answer, False), again(answer, (f"UDP {ALG}", f"UDP {LOCAL}")))


@test("H-8", "several Vias in one line: ours is translated and comes back, another's stays")
def vias():
    data = options("via", "Subject: vias",
                   f"UDP {LOCAL};branch=z9hG4bKa, SIP/2.0/UDP {OTHER}:5060;branch=z9hG4bK")
    hidden = again(data, (f"UDP {LOCAL}", f"UDP {ALG}"))
    same(across(data, True), hidden)
    answer = again(hidden, (f"OPTIONS sip:bob@{SERVER} SIP/2.0", "SIP/2.0 200 OK"))
    same(across(answer, False), again(answer, (f"UDP {ALG}", f"UDP {LOCAL}")))


@test("H-8", "compact names, odd case, spaces and folded lines are kept and understood")
def spellings():
    data = (f"OPTIONS sip:bob@{SERVER} SIP/2.0\r\n"
            f"v : SIP / 2.0 / UDP\r\n {LOCAL} ;branch=z9hG4bKh8\r\n"
            f"f:<sip:a@{SERVER}>;tag=1\r\nT: <sip:bob@{SERVER}>\r\n"
            f"i:h8\r\ncseq: 1\r\n\tOPTIONS\r\n"
            f"M: \"a\" <sip:a@{LOCAL}>\r\n ;q=0.5\r\nl:0\r\n\r\n").encode()
    same(across(data, True), data.replace(LOCAL.encode(), ALG.encode()))


@test("S3-58", "a Contact and a From without angle brackets are translated as well")
def bare():
    data = options("bare", f"Contact: sip:a@{LOCAL}")
    data = again(data, (f"<sip:a@{SERVER}>;tag", f"sip:a@{PHONE};tag"))
    same(across(data, True), again(data, (f"UDP {LOCAL}", f"UDP {ALG}"),
                                   (f"a@{LOCAL}", f"a@{ALG}"), (f"a@{PHONE};tag", f"a@{ROUTER};tag")))


@test("S3-28", "REFER: a third phone that is known outside is named by its public address")
def refer():
    other = Udp("other", OTHER, 5062)
    data = again(options("third", f"Contact: <sip:c@{OTHER}:5062>"), (LOCAL, f"{OTHER}:5062"))
    other.send(data, SERVER)
    same(server.recv(), again(data, (f"{OTHER}:5062", f"{ROUTER}:5062")))
    data = again(options("refer", f"Refer-To: <sip:c@{OTHER}:5062?Replaces=x%40{OTHER}%3Bto-tag%3D1>"),
                 ("OPTIONS", "REFER"))
    same(across(data, True), again(data, (f"UDP {LOCAL}", f"UDP {ALG}"),
                                   (f"c@{OTHER}:5062", f"c@{ROUTER}:5062")))
    other.close()


@test("C4", "To and From of an answer go back as the peer wrote them, with and without a port")
def answered_as_asked():
    speak()
    for number, address in enumerate((ALG, ROUTER, f"{SERVER}:5060", "10.9.8.7")):
        data = message(f"""MESSAGE sip:a@{ALG} SIP/2.0
            Via: SIP/2.0/UDP {SERVER}:5060;branch=z9hG4bKc4{number}
            From: "{ROUTER}" <sip:b@{address}>;tag=from
            To: "x" <sip:a@{address};y={ROUTER}>
            Call-ID: c4{number}
            CSeq: 1 MESSAGE""")
        got = across(data, False)
        answer = again(got, (f"MESSAGE sip:a@{LOCAL} SIP/2.0", "SIP/2.0 200 OK"))
        back = across(answer, True)
        for header in ("From", "To"):
            same(line(back, header).encode(), line(data, header).encode())


@test("C6", "Call-ID stays in every message, whatever address is in it")
def call_ids():
    for number, address in enumerate((LOCAL, PHONE, ALG, ROUTER)):
        data = again(options("c6", "Subject: x"), ("Call-ID: c6", f"Call-ID: {number}@{address}"))
        same(line(across(data, True), "Call-ID").encode(), line(data, "Call-ID").encode())
        same(line(across(data, False), "Call-ID").encode(), line(data, "Call-ID").encode())


@test("RFC 3261 16.6", "Max-Forwards, CSeq, branch, tags, unknown headers, and what RFC 5626 adds stay")
def untouched():
    data = options("keep", f"""Max-Forwards: 7
        User-Agent: phone at {LOCAL}
        X-Unknown: <sip:{LOCAL}>
        Identity: {PHONE}
        Replaces: x@{PHONE};to-tag=1;from-tag=2
        Contact: <sip:a@{LOCAL};ob>;+sip.instance="<urn:uuid:{PHONE}>";reg-id=1""")
    same(across(data, True), again(data, (f"UDP {LOCAL}", f"UDP {ALG}"),
                                   (f"a@{LOCAL};ob", f"a@{ALG};ob")))


@test("RFC 8224", "what a caller has signed is translated all the same, and counted")
def signed():
    def counted():
        return json.loads(router(f"{CTL} -j stats show")).get("identity_changed", 0)

    call, before = Call("signed", LOCAL, ALG, SERVER), counted()
    for extra, more in (("", 0), ("\nIdentity: c2lnbmVk;info=<https://example.com/c>", 1)):
        data = call.request("OPTIONS", extra=extra)
        same(across(data, True), again(data, (LOCAL, ALG)))
        assert counted() == before + more, (extra, counted())


run()
