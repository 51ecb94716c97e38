#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""Calls that are handed on to somebody else (RFC 3515, 3891, 3892, 5359)."""
import topology as net
from sip import Call, again, message, sdp
from call_helpers import (HIDE, answered, audio, back, both, hang_up, out, passes, phone, reinvite, server)
from ksft import run, same, test
from topology import OTHER, PHONE, RELAY, ROUTER, SERVER, STRANGER, Udp, router

third = Udp("other", OTHER, 5062)
CTL = "tools/sipalg-ctl/sipalg-ctl"
TRUNK = "203.0.113.60"


def register(sock, host, user):
    """A phone tells the registrar where it is, and is believed."""
    text = f"""%s
        Via: SIP/2.0/UDP {host};branch=z9hG4bKreg{user};rport
        From: <sip:{user}@{SERVER}>;tag=reg{user}
        To: <sip:{user}@{SERVER}>%s
        Call-ID: reg-{user}@call.example
        CSeq: 1 REGISTER
        Contact: <sip:{user}@{host}>;expires=3600"""
    sock.send(message(text % (f"REGISTER sip:{SERVER} SIP/2.0", "")), SERVER)
    got = server.recv()
    assert got
    seen = f"{ROUTER}:{server.sender[1]}"
    server.send(message(text.replace(host, seen) % ("SIP/2.0 200 OK", ";tag=ok")), ROUTER, server.sender[1])
    assert sock.recv()
    return seen


def refer(call, to, by=PHONE, extra=""):
    """The phone hands its call on; what the provider reads is returned."""
    data = call.request("REFER", cseq=call.cseq + 1, to_tag=True,
                        extra=f"\nRefer-To: {to}\nReferred-By: <sip:alice@{by}:5060>{extra}")
    phone.send(data, SERVER)
    got = server.recv()
    back(call.response("202 Accepted", "REFER"))
    return got


def progress(call, status):
    """What becomes of it, told by the peer: a body that is no description."""
    cseq = 200 + int(status[:3])
    text = call.peer_request("NOTIFY", f"{ROUTER}:5060", cseq=cseq)
    body = f"SIP/2.0 {status}\r\nContact: <sip:carol@{ROUTER}:5062>\r\n".encode()
    data = again(text.replace(b"Content-Length: 0", b"Event: refer\r\nSubscription-State: active\r\n"
                              b"Content-Type: message/sipfrag\r\nContent-Length: 0") + body)
    server.send(data, ROUTER)
    got = phone.recv()
    assert got and got.endswith(body), "the fragment is somebody else's message"
    out(call.peer_response("200 OK", "NOTIFY", cseq=cseq))


def from_outside(sock, seen, host, name, port):
    """The provider calls a phone behind the router; both ends of its audio."""
    call = Call(name, host, seen, SERVER)
    data = call.peer_request("INVITE", seen, body=sdp(RELAY, port + 2000), tags=("", call.tags[1]))
    server.send(data, ROUTER, int(seen.rsplit(":", 1)[1]))
    same(sock.recv(), again(data, (seen, host)))
    address = host.split(":")[0]
    answer = call.peer_response("200 OK", "INVITE", body=sdp(address, port))
    sock.send(answer, SERVER)
    same(server.recv(), again(answer, (host, seen), (address, ROUTER)))
    ours = Udp("other" if address == OTHER else "phone", address, port)
    theirs = Udp("provider", RELAY, port + 2000)
    assert passes(theirs, ours, ROUTER, port) and passes(ours, theirs, RELAY, port + 2000)
    ours.close()
    theirs.close()
    return call


def end_from_outside(call, sock):
    bye = call.peer_request("BYE", call.seen, cseq=101)
    server.send(bye, ROUTER, int(call.seen.rsplit(":", 1)[1]))
    assert sock.recv()
    sock.send(call.peer_response("200 OK", "BYE", cseq=101), SERVER)
    assert server.recv()


@test("S3-51", "SBC to inside phone to inside phone: who is registered is named by that mapping (S3-28)")
def inside_to_inside():
    seen = register(third, f"{OTHER}:5062", "carol")
    register(phone, f"{PHONE}:5060", "alice")
    first = from_outside(phone, f"{ROUTER}:5060", f"{PHONE}:5060", "sbc1", 4000)
    data = first.peer_response("200 OK", "INVITE")      # for its tags: the phone refers the SBC
    assert data
    request = message(f"""REFER sip:bob@{SERVER}:5060 SIP/2.0
        Via: SIP/2.0/UDP {PHONE}:5060;branch=z9hG4bKrefer1;rport
        From: "alice" <sip:alice@{SERVER}>;tag={first.tags[0]}
        To: <sip:bob@{SERVER}>;tag={first.tags[1]}
        Call-ID: sbc1@call.example
        CSeq: 1 REFER
        Contact: <sip:alice@{PHONE}:5060>
        Refer-To: <sip:carol@{OTHER}:5062>""")
    phone.send(request, SERVER)
    same(server.recv(), again(request, HIDE, (f"{OTHER}:5062", seen)))
    second = from_outside(third, seen, f"{OTHER}:5062", "sbc2", 4010)
    end_from_outside(first, phone)
    net.until(lambda: not net.pinhole(ROUTER, 4000), 6)
    assert both(4010), "the new call has gone with the old one"
    end_from_outside(second, third)


@test("S3-51", "SBC to phone to external trunk: what is outside is named as it was")
def outside_to_trunk():
    first = from_outside(phone, f"{ROUTER}:5060", f"{PHONE}:5060", "ext1", 4020)
    request = message(f"""REFER sip:bob@{SERVER}:5060 SIP/2.0
        Via: SIP/2.0/UDP {PHONE}:5060;branch=z9hG4bKrefer2;rport
        From: "alice" <sip:alice@{SERVER}>;tag={first.tags[0]}
        To: <sip:bob@{SERVER}>;tag={first.tags[1]}
        Call-ID: ext1@call.example
        CSeq: 1 REFER
        Contact: <sip:alice@{PHONE}:5060>
        Refer-To: <sip:+4420@{TRUNK}:5060>""")
    phone.send(request, SERVER)
    same(server.recv(), again(request, HIDE))
    end_from_outside(first, phone)


@test("S3-51", "phone to trunk to another trunk: the peer is re-invited, the phone leaves")
def trunk_to_trunk():
    call = answered("trunks", 4030)
    got = refer(call, f"<sip:+4930@{STRANGER}:5060>")
    assert f"Refer-To: <sip:+4930@{STRANGER}:5060>".encode() in got
    assert f"Referred-By: <sip:alice@{ROUTER}:5060>".encode() in got
    for status in ("100 Trying", "200 OK"):
        progress(call, status)
    assert both(4030), "the transfer itself ends nothing"
    hang_up(call)
    net.until(lambda: not net.expectations(), 6)


@test("S3-51", "phone to trunk to the provider's cloud: the held call and the new one meet by Replaces")
def attended():
    held, consult = answered("held", 4040), answered("consult", 4050)
    reinvite(held, sdp(PHONE, 4040, "a=sendonly"), sdp(RELAY, 6040, "a=recvonly"))
    replaces = (f"consult%40call.example%3Bto-tag%3D{consult.tags[1]}"
                f"%3Bfrom-tag%3D{consult.tags[0]}%3Bhost%3D{PHONE}")
    got = refer(held, f"<sip:carol@{SERVER}:5060?Replaces={replaces}>")
    assert f"Refer-To: <sip:carol@{SERVER}:5060?Replaces={replaces}>".encode() in got
    progress(held, "200 OK")
    for call, port in ((consult, 4050), (held, 4040)):
        ours, theirs = audio(port)
        assert passes(theirs, ours, ROUTER, port)
        ours.close()
        theirs.close()
        hang_up(call)


def referred_to(got):
    """The address that the provider is referred to."""
    return got.split(b"Refer-To: <sip:carol@")[1].split(b">")[0].decode()


@test("S3-28", "a third phone that never spoke gets an address, by which only who was referred can call it")
def unknown_third():
    fresh, stranger = Udp("other", OTHER, 5070), Udp("provider", STRANGER, 5060)
    at_first = net.expectations("signalling")
    call = answered("newthird", 4070)
    seen = referred_to(refer(call, f"<sip:carol@{OTHER}:5070?Replaces=x%40{OTHER}%3Bto-tag%3D1>").replace(b"?", b">"))
    host, port = seen.split(":")
    assert host == ROUTER and int(port) >= 1024, seen
    assert net.pinhole(ROUTER, int(port), "signalling")
    invitation = Call("intruder", f"{OTHER}:5070", seen, SERVER).peer_request("INVITE", seen, body=sdp(STRANGER, 7000))
    stranger.send(invitation, ROUTER, int(port))
    assert fresh.recv(0.5) is None, "anybody can call"
    net.router(f"conntrack -D -p udp -s {STRANGER}")
    second = from_outside(fresh, seen, f"{OTHER}:5070", "newcall", 4076)
    hang_up(call)
    bye = second.peer_request("BYE", seen, cseq=101)
    server.send(bye, ROUTER, int(port))
    same(fresh.recv(), again(bye, (seen, f"{OTHER}:5070")))
    answer = second.peer_response("200 OK", "BYE", cseq=101)
    fresh.send(answer, SERVER)
    same(server.recv(), again(answer, (f"{OTHER}:5070", seen)))
    net.until(lambda: len(net.expectations("signalling")) == len(at_first), 100, 1)
    fresh.close()
    stranger.close()


@test("S3-28", "nothing is opened to the router, a low port, a host outside, or outside of a call (T-16)")
def unsafe_third():
    at_first = net.expectations("signalling")
    call = answered("unsafe", 4080)
    before = net.expectations("signalling")
    for target in ("192.168.1.1:5060", f"{OTHER}:53", "10.1.2.3:5060", f"{STRANGER}:5060", "192.168.2.255:5060"):
        got = refer(call, f"<sip:carol@{target}>")
        assert referred_to(got) == target, got
        assert len(net.expectations("signalling")) == len(before), target
    router(f"{CTL} setting set contact-pinhole off")
    assert referred_to(refer(call, f"<sip:carol@{OTHER}:5090>")) == f"{OTHER}:5090"
    router(f"{CTL} setting reset")
    hang_up(call)
    net.until(lambda: len(net.expectations("signalling")) == len(at_first), 100, 1)
    lone = message(f"""REFER sip:bob@{SERVER}:5060 SIP/2.0
        Via: SIP/2.0/UDP {PHONE}:5060;branch=z9hG4bKlone;rport
        From: "alice" <sip:alice@{SERVER}>;tag=lone
        To: <sip:bob@{SERVER}>
        Call-ID: lone@call.example
        CSeq: 1 REFER
        Contact: <sip:alice@{PHONE}:5060>
        Refer-To: <sip:carol@{OTHER}:5090>""")
    phone.send(lone, SERVER)
    same(server.recv(), again(lone, HIDE))
    assert len(net.expectations("signalling")) == len(at_first)


@test("S3-28", "an INVITE with Replaces takes over a call: its Call-ID and tags are not touched")
def replaced():
    old = answered("old", 4060)
    taker = Call("taker", f"{OTHER}:5062", f"{ROUTER}:5062", SERVER)
    data = taker.request("INVITE", sdp(OTHER, 4062),
                         extra=f"\nReplaces: old@call.example;to-tag={old.tags[1]};from-tag={old.tags[0]}")
    third.send(data, SERVER)
    same(server.recv(), again(data, (f"{OTHER}:5062", f"{ROUTER}:5062"), (OTHER, ROUTER)))
    server.send(taker.response("200 OK", body=sdp(RELAY, 6062)), ROUTER, 5062)
    assert third.recv()
    ours, theirs = Udp("other", OTHER, 4062), Udp("provider", RELAY, 6062)
    assert passes(theirs, ours, ROUTER, 4062) and passes(ours, theirs, RELAY, 6062)
    ours.close()
    theirs.close()
    hang_up(old)
    third.send(taker.request("BYE", cseq=2, to_tag=True), SERVER)
    assert server.recv()


run(after=net.nothing_left)
