#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""What one party must not be able to take from another, or from the router."""
import json
import time

import topology as net
from sip import Call, again, message, sdp
from ctl import forget_all
from ksft import run, same, test
from topology import OTHER, PHONE, RELAY, ROUTER, SERVER, STRANGER, Udp, router

net.build()
phone = Udp("phone", PHONE, 5060)
other = Udp("other", OTHER, 5060)
server = Udp("provider", SERVER, 5060)
relay = Udp("provider", RELAY, 5060)
CTL = "tools/sipalg-ctl/sipalg-ctl"


def data(arguments):
    return json.loads(router(f"{CTL} -j {arguments}"))


def reset():
    forget_all()
    time.sleep(40)
    router("conntrack -D -p udp 2>/dev/null || true")


def register(name, host, seen, registrar, cseq=1, expires=3600):
    """The request of a phone and the answer of its registrar."""
    request = message(f"""REGISTER sip:{registrar} SIP/2.0
        Via: SIP/2.0/UDP {host};branch=z9hG4bK{name}{cseq};rport
        From: <sip:{name}@{registrar}>;tag={name}
        To: <sip:{name}@{registrar}>
        Call-ID: {name}
        CSeq: {cseq} REGISTER
        Contact: <sip:{name}@{host}>;expires={expires}""")
    answer = message(f"""SIP/2.0 200 OK
        Via: SIP/2.0/UDP {seen};branch=z9hG4bK{name}{cseq};rport
        From: <sip:{name}@{registrar}>;tag={name}
        To: <sip:{name}@{registrar}>;tag=r
        Call-ID: {name}
        CSeq: {cseq} REGISTER
        Contact: <sip:{name}@{seen}>;expires={expires}""")
    return request, answer


def registered(name, sock, registrar, **options):
    host, seen = f"{sock.address[0]}:5060", f"{ROUTER}:5060"
    request, answer = register(name, host, seen, registrar.address[0], **options)
    sock.send(request, registrar.address[0])
    same(registrar.recv(), again(request, (host, seen)))
    assert registrar.sender == (ROUTER, 5060), registrar.sender
    registrar.send(answer, ROUTER)
    same(sock.recv(), again(answer, (seen, host)))


def rings(name, sock, provider):
    """A call of the provider comes to this phone, with its own address in the URI."""
    call = Call(name, f"{sock.address[0]}:5060", f"{ROUTER}:5060", provider.address[0])
    invite = again(call.peer_request("INVITE", f"{ROUTER}:5060", body=sdp(provider.address[0], 8000)),
                   (f";tag={call.tags[0]}", ""))
    provider.send(invite, ROUTER)
    same(sock.recv(), again(invite, (f"INVITE sip:alice@{ROUTER}:", f"INVITE sip:alice@{sock.address[0]}:")))


@test("S3-43", "two phones, two providers, one public port: both stay registered and can be called")
def one_port():
    registered("first", phone, server)
    registered("second", other, relay)
    assert len(data("registration list")) == 2, data("registration list")
    rings("one1", phone, server)
    rings("one2", other, relay)
    # and again when conntrack has forgotten both: the pinholes lead there
    router("conntrack -D -p udp")
    rings("one3", phone, server)
    rings("one4", other, relay)
    registered("first", phone, server, cseq=2, expires=0)
    registered("second", other, relay, cseq=2, expires=0)
    assert not net.expectations("signalling")


@test("S3-36", "a 2xx to a SUBSCRIBE that nobody sent keeps nothing alive (T-8)")
def not_asked():
    body = message(f"""SIP/2.0 200 OK
        Via: SIP/2.0/UDP {SERVER}:5060;branch=z9hG4bKs
        From: <sip:x@{SERVER}>;tag=a
        To: <sip:y@{SERVER}>;tag=b
        Call-ID: notasked
        CSeq: 1 SUBSCRIBE
        Expires: 604800
        Contact: <sip:x@{PHONE}:5060>""")
    phone.send(body, SERVER)
    assert server.recv()
    time.sleep(200)
    assert not net.connections(PHONE, 5060), net.connections(PHONE, 5060)


@test("S1-2", "media-source answer: the answer narrows the caller's pinhole to the address it names")
def narrowed():
    router(f"{CTL} setting set media-source answer")
    call = Call("narrow", f"{PHONE}:5060", f"{ROUTER}:5060", SERVER)
    phone.send(call.request("INVITE", sdp(PHONE, 4000)), SERVER)
    assert server.recv()
    assert net.pinhole(ROUTER, 4000)
    server.send(call.response("200 OK", body=sdp(RELAY, 8000)), ROUTER)
    assert phone.recv()
    assert f"src={RELAY} " in net.pinhole(ROUTER, 4000), net.pinhole(ROUTER, 4000)
    ours = Udp("phone", PHONE, 4000)
    theirs, stranger = Udp("provider", RELAY, 8000), Udp("provider", STRANGER, 8000)
    stranger.send(b"no", ROUTER, 4000)
    assert ours.recv(1) is None
    theirs.send(b"yes", ROUTER, 4000)
    assert ours.recv() == b"yes"
    for sock in (ours, theirs, stranger):
        sock.close()


@test("S3-24", "a registration that is refreshed for two weeks keeps its way in")
def two_weeks():
    for i in range(14 * 24):
        registered("weeks", phone, server, cseq=10 + i, expires=4000)
        time.sleep(3600)
    router("conntrack -D -p udp 2>/dev/null || true")
    rings("weeks", phone, server)
    registered("weeks", phone, server, cseq=1000, expires=0)


@test("S3-24", "pinholes that an administrator has flushed come back with the next refresh")
def flushed():
    registered("flush", phone, server)
    router("conntrack -F expect 2>/dev/null")
    assert not net.expectations("signalling")
    registered("flush", phone, server, cseq=2)
    assert len(net.expectations("signalling")) == 2, net.expectations("signalling")
    registered("flush", phone, server, cseq=3, expires=0)
    assert data("stats show")["pinholes"]["open"] == 0
    # what has been unregistered is not remembered until it would have expired
    time.sleep(600)
    assert data("stats show")["memory_bytes"] == 0, data("stats show")


@test("S3-52", "a BYE closes pinholes in time even when the call's timer for hours ahead is late")
def late_wheel():
    router(f"{CTL} setting set inactive-media-timeout 0")
    call = Call("late", f"{PHONE}:5060", f"{ROUTER}:5060", SERVER)
    phone.send(call.request("INVITE", sdp(PHONE, 4060)), SERVER)
    assert server.recv()
    server.send(call.response("200 OK", body=sdp(RELAY, 8000)), ROUTER)
    assert phone.recv()
    # seven eighths of the hours to the limit: from now on the timer is due
    time.sleep(12 * 3600 * 7 / 8 + 10)
    phone.send(call.request("BYE", cseq=2, to_tag=True), SERVER)
    assert server.recv()
    server.send(call.response("200 OK", "BYE"), ROUTER)
    assert phone.recv()
    net.until(lambda: not net.expectations(), 7)


def ghost(name, sock=other, method="INVITE", body=""):
    """A message of a call that there never was."""
    host = sock.address[0]
    call = Call(name, f"{host}:5060", f"{ROUTER}:5060", SERVER)
    sock.send(call.request(method, body, to_tag=True), SERVER)
    assert server.recv()
    return call


def names():
    return {row["call_id"].split("@")[0] for row in data("call list")}


@test("S0-12", "whoever floods the table with requests of calls that never were throws out his own (T-11)")
def ghosts():
    router(f"{CTL} setting set max-calls 16")
    call = Call("real", f"{PHONE}:5060", f"{ROUTER}:5060", SERVER)
    phone.send(call.request("INVITE"), SERVER)
    assert server.recv()
    server.send(call.response("200 OK"), ROUTER)
    assert phone.recv()
    time.sleep(2)
    for i in range(40):
        ghost(f"ghost{i}")
    assert "real" in names() and len(names()) == 16, names()


@test("H-23", "a call picked up that only one side speaks in ends, unless something flows")
def alone():
    for method in ("INVITE", "ACK", "UPDATE"):
        ghost("alone" + method, phone, method, sdp(PHONE, 4200))
    call = ghost("both", phone, body=sdp(PHONE, 4210))
    server.send(call.response("200 OK", body=sdp(RELAY, 8210)), ROUTER)
    assert phone.recv()
    ghost("flows", phone, "ACK", sdp(PHONE, 4220))
    ours, theirs = Udp("phone", PHONE, 4220), Udp("provider", RELAY, 8220)
    for _ in range(20):
        theirs.send(b"voice", ROUTER, 4220)
        assert ours.recv() == b"voice"
        time.sleep(20)
    assert names() == {"both", "flows"}, names()
    time.sleep(3600)
    assert names() == {"both"}, names()
    ours.close()
    theirs.close()


@test("H-25", "a Contact with a port below 1024 opens nothing, whatever the registrar says (T-3)")
def low_contact():
    for port in (53, 500):
        host, seen = f"{PHONE}:{port}", f"{ROUTER}:{port}"
        request, answer = register(f"low{port}", host, seen, SERVER)
        phone.send(request, SERVER)
        got = server.recv().decode()
        contact = got.split("Contact: <sip:")[1].split("@")[1].split(">")[0]
        server.send(again(answer, (f"@{seen}>", f"@{contact}>")), ROUTER)
        assert phone.recv()
        ways_in = [line for line in net.expectations("signalling") if f" dst={ROUTER} " in line]
        assert not ways_in, ways_in
        request, answer = register(f"low{port}", host, seen, SERVER, cseq=2, expires=0)
        phone.send(request, SERVER)
        assert server.recv()
        server.send(again(answer, (f"@{seen}>", f"@{contact}>")), ROUTER)
        assert phone.recv()


@test("H-25", "a=rtcp with a port below 1024 opens nothing (T-3)")
def low_rtcp():
    call = Call("lowrtcp", f"{PHONE}:5060", f"{ROUTER}:5060", SERVER)
    phone.send(call.request("INVITE", sdp(PHONE, 4020, media="a=rtcp:53")), SERVER)
    assert server.recv()
    assert net.pinhole(ROUTER, 4020)
    assert len(net.expectations()) == 1, net.expectations()


def accepted(name, port):
    """Both descriptions have passed: the phone's audio at this port, the other's at 8000."""
    call = Call(name, f"{PHONE}:5060", f"{ROUTER}:5060", SERVER)
    phone.send(call.request("INVITE", sdp(PHONE, port)), SERVER)
    assert server.recv()
    server.send(call.response("200 OK", body=sdp(RELAY, 8000)), ROUTER)
    assert phone.recv()


@test("S1-2", "strangers at every place of a pinhole do not keep out whom the answer names (T-23)")
def crowd():
    accepted("crowd", 4040)
    ours, theirs = Udp("phone", PHONE, 4040), Udp("provider", RELAY, 8000)
    crowd = [Udp("provider", STRANGER, 9000 + i) for i in range(20)]
    for sock in crowd:
        sock.send(b"noise", ROUTER, 4040)
    while ours.recv(1):
        pass
    theirs.send(b"voice", ROUTER, 4040)
    assert ours.recv() == b"voice"
    for sock in crowd + [ours, theirs]:
        sock.close()


@test("S3-9", "who is named and sends from ever new ports is heard from each, and from the first again")
def many_ports():
    accepted("ports", 4044)
    ours = Udp("phone", PHONE, 4044)
    theirs = [Udp("provider", RELAY, 8000 + 2 * i) for i in range(40)]
    for sock in theirs + theirs[:1]:
        for _ in range(2):
            sock.send(b"voice", ROUTER, 4044)
            assert ours.recv() == b"voice", sock.address
        ours.send(b"answer", *sock.address)
        assert sock.recv() == b"answer"
    for sock in theirs + [ours]:
        sock.close()


@test("S0-12", "a phone that names ever new ports in Contact takes no others' media ports (T-12)")
def many_contacts():
    router(f"{CTL} setting set media-ports 20000-20199")
    for i in range(200):
        call = Call(f"many{i}", f"{OTHER}:5060", "", SERVER)
        other.send(again(call.request("OPTIONS"),
                         (f"Contact: <sip:alice@{OTHER}:5060>", f"Contact: <sip:alice@{OTHER}:{20000 + i}>")),
                   SERVER)
        assert server.recv()
    call = Call("heard", f"{PHONE}:5060", "", SERVER)
    phone.send(call.request("INVITE", sdp(PHONE, 4000)), SERVER)
    got = server.recv()
    assert got and f"c=IN IP4 {ROUTER}".encode() in got, got
    assert net.expectations()


@test("S3-41", "an old INVITE that comes late, after a newer one was answered, changes no media")
def late_offer():
    call = Call("old", f"{PHONE}:5060", f"{ROUTER}:5060", SERVER)
    first = call.request("INVITE", sdp(PHONE, 4300))
    for cseq, port in ((1, 4300), (2, 4310)):
        phone.send(first if cseq == 1 else
                   call.request("INVITE", sdp(PHONE, port), cseq=cseq, to_tag=True), SERVER)
        assert server.recv()
        answer = call.response("200 OK", body=sdp(RELAY, 8300))
        server.send(answer, ROUTER)
        assert phone.recv()
    before = net.expectations()
    phone.send(first, SERVER)
    assert server.recv()
    server.send(answer, ROUTER)
    assert phone.recv()
    assert net.pinhole(ROUTER, 4310) and not net.pinhole(ROUTER, 4300), net.expectations()
    assert len(net.expectations()) == len(before), (before, net.expectations())


@test("contract", "a call that says more than an answer holds is listed and shown all the same")
def says_much():
    ours = ("much@call.example", "m" * 480 + "@call.example"), ("tag=phone-much", "tag=" + 240 * "y")
    media = "\n".join(f"m=application {6000 + 2 * i} RTP/AVP 0" for i in range(31))
    call = Call("much", f"{PHONE}:5060", f"{ROUTER}:5060", SERVER)
    phone.send(again(call.request("INVITE", sdp(PHONE, 4100, media=media)), *ours), SERVER)
    assert server.recv()
    body = sdp(RELAY, 8000, media=media)
    for i in range(16):
        answer = call.response("183 Progress", tag=f"fork{i}" + 240 * "z", body=body)
        server.send(again(answer, *ours), ROUTER)
        assert phone.recv()
    found = data("call list")
    assert [row["call_id"] for row in found] == [ours[0][1]], found
    assert len(found[0]["media"]) > 8, found
    assert data(f"call show {found[0]['id']}")["call_id"] == ours[0][1]
    rows = data("call list call-id " + ours[0][1])
    assert len(rows) == 1, rows


run(after=reset)
