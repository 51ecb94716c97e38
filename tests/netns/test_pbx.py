#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""A PBX behind the router: forwarded calls, subscriptions, and hours of refreshes."""
import time

import topology as net
from sip import Call, again, message, sdp
from call_helpers import answered, back, expires, hang_up, identity, new, out, passes, phone, reinvite, server
from ksft import run, same, test
from topology import PHONE, RELAY, ROUTER, SERVER, STRANGER, Udp, router


def called(name, port, peer, peer_port):
    """A call comes in to the PBX's registration, and it answers at once."""
    call = new(name)
    data = call.peer_request("INVITE", f"{ROUTER}:5060", body=sdp(peer, peer_port))
    server.send(data, ROUTER)
    same(phone.recv(), again(data, (f"alice@{ROUTER}:5060 ", f"alice@{PHONE}:5060 ")))
    data = call.peer_response("183 Session Progress", "INVITE", body=sdp(PHONE, port))
    phone.send(data, SERVER)
    same(server.recv(), again(data, (f"alice@{PHONE}:5060", f"alice@{ROUTER}:5060"), (PHONE, ROUTER)))
    return call


def registered():
    request = message(f"""REGISTER sip:{SERVER} SIP/2.0
        Via: SIP/2.0/UDP {PHONE}:5060;branch=z9hG4bKreg
        From: <sip:alice@{SERVER}>;tag=reg
        To: <sip:alice@{SERVER}>
        Call-ID: reg
        CSeq: 1 REGISTER
        Contact: <sip:alice@{PHONE}:5060>;expires=3600""")
    out(request)
    back(again(request, (f"REGISTER sip:{SERVER} SIP/2.0", "SIP/2.0 200 OK"),
               (f"{PHONE}:5060", f"{ROUTER}:5060")))


@test("H-28", "a call that the PBX forwards outside has audio at once, before the PBX has sent any")
def forwarded():
    registered()
    first = called("in", 4000, RELAY, 8000)
    second = new("out")
    out(second.request("INVITE", sdp(PHONE, 4002)))
    back(second.response("183 Session Progress", body=sdp(STRANGER, 8002)))
    # both outside ends speak first; the PBX has not sent a packet to either
    for peer, far, near in ((RELAY, 8000, 4000), (STRANGER, 8002, 4002)):
        for offset in (0, 1):
            ours, theirs = Udp("phone", PHONE, near + offset), Udp("provider", peer, far + offset)
            assert passes(theirs, ours, ROUTER, near + offset), (peer, offset)
            assert passes(ours, theirs, peer, far + offset), (peer, offset)
            assert theirs.sender == (ROUTER, near + offset), theirs.sender
            ours.close()
            theirs.close()
    # each leg ends by itself (H-1)
    back(second.response("486 Busy Here"))
    net.until(lambda: not net.pinhole(ROUTER, 4002), 6)
    assert net.pinhole(ROUTER, 4000)
    data = first.peer_response("486 Busy Here", "INVITE")
    phone.send(data, SERVER)
    assert server.recv()


@test("S3-48", "media by way of the PBX keeps pinholes and ports through re-INVITEs of either leg")
def through_pbx():
    registered()
    call = answered("via", 4010)
    ours, theirs = Udp("phone", PHONE, 4010), Udp("provider", RELAY, 6010)
    assert passes(theirs, ours, ROUTER, 4010)
    before = identity(4010)
    assert before
    # the other leg's end changes, the PBX's own address and port do not
    for number in range(3):
        reinvite(call, sdp(PHONE, 4010), sdp(RELAY, 6010))
        assert passes(theirs, ours, ROUTER, 4010) and passes(ours, theirs, RELAY, 6010), number
        assert identity(4010) == before
    ours.close()
    theirs.close()
    hang_up(call)


@test("H-18", "a forwarded call that goes outside straight: others' Contact, Route and description stay")
def direct_media():
    call = new("direct")
    data = call.request("INVITE", sdp(RELAY, 8020), extra=f"""
            Route: <sip:{STRANGER}:5080;lr>
            Diversion: <sip:bob@{RELAY}:5070>""")
    out(data)
    assert not net.expectations() or not net.pinhole(ROUTER, 8020)
    back(call.response("486 Busy Here"))


@test("H-19", "two hours at the shortest interval, refreshed by UPDATE: no packet is lost, no flow begins anew")
def shortest():
    call = answered("h19u", 4030, 90)
    ours, theirs = Udp("phone", PHONE, 4030), Udp("provider", RELAY, 6030)
    assert passes(theirs, ours, ROUTER, 4030)
    before, lost = identity(4030), 0
    for _ in range(160):
        time.sleep(45)
        out(call.request("UPDATE", cseq=call.cseq + 1, to_tag=True))
        back(call.response("200 OK", "UPDATE", extra=expires(90)))
        lost += not passes(theirs, ours, ROUTER, 4030)
        lost += not passes(ours, theirs, RELAY, 6030)
    assert not lost and identity(4030) == before, (lost, before, identity(4030))
    ours.close()
    theirs.close()
    hang_up(call)


@test("H-19", "two hours at 1800 s, refreshed by the peer: the flow is the same to the end")
def by_the_peer():
    call = answered("h19p", 4040, 1800)
    ours, theirs = Udp("phone", PHONE, 4040), Udp("provider", RELAY, 6040)
    assert passes(theirs, ours, ROUTER, 4040)
    before, lost = identity(4040), 0
    for number in range(8):
        for _ in range(9):
            time.sleep(100)
            lost += not passes(theirs, ours, ROUTER, 4040)
        data = call.peer_request("UPDATE", f"{ROUTER}:5060", cseq=200 + number)
        server.send(data, ROUTER)
        same(phone.recv(), again(data, (f"alice@{ROUTER}:5060 ", f"alice@{PHONE}:5060 ")))
        data = again(call.peer_response("200 OK", "UPDATE", cseq=200 + number),
                     ("CSeq", "Session-Expires: 1800;refresher=uac\r\nCSeq"))
        phone.send(data, SERVER)
        same(server.recv(), again(data, (f"alice@{PHONE}:5060", f"alice@{ROUTER}:5060")))
    assert not lost and identity(4040) == before, lost
    ours.close()
    theirs.close()
    hang_up(call)


@test("S3-36", "a subscription keeps its way in for its Expires, without a registration or a call")
def subscription():
    router("conntrack -D -p udp 2>/dev/null || true")
    pbx, lamp = Udp("phone", PHONE, 5064), Call("blf", f"{PHONE}:5064", f"{ROUTER}:5064", SERVER)
    subscribe = lamp.request("SUBSCRIBE", extra="\nEvent: dialog\nExpires: 600")
    pbx.send(subscribe, SERVER)
    same(server.recv(), again(subscribe, (f"{PHONE}:5064", f"{ROUTER}:5064")))
    server.send(lamp.response("200 OK", "SUBSCRIBE", extra="\nExpires: 600"), ROUTER, 5064)
    assert pbx.recv()
    for moment in (250, 340):
        time.sleep(moment)
        notify = lamp.peer_request("NOTIFY", f"{ROUTER}:5064", cseq=moment)
        server.send(notify, ROUTER, 5064)
        got = pbx.recv()
        assert got, f"no NOTIFY {moment} s on"
        same(got, again(notify, (f"alice@{ROUTER}:5064 ", f"alice@{PHONE}:5064 ")))
    # the answer to the last keeps it a while; then it is over
    time.sleep(400)
    server.send(lamp.peer_request("NOTIFY", f"{ROUTER}:5064", cseq=999), ROUTER, 5064)
    assert pbx.recv(1) is None
    pbx.close()


@test("S3-36", "what a subscription's Contact names is put back for its Expires, be it not the port of its Via")
def subscription_elsewhere():
    lamp = new("blfc")
    subscribe = again(lamp.request("SUBSCRIBE", extra="\nEvent: dialog\nExpires: 600"),
                      (f"alice@{PHONE}:5060", f"alice@{PHONE}:5066"))
    phone.send(subscribe, SERVER)
    same(server.recv(), again(subscribe, (PHONE, ROUTER)))
    back(lamp.response("200 OK", "SUBSCRIBE", extra="\nExpires: 600"))
    for moment in (100, 400):
        time.sleep(moment)
        notify = lamp.peer_request("NOTIFY", f"{ROUTER}:5066", cseq=moment)
        server.send(notify, ROUTER)
        same(phone.recv(), again(notify, (f"{ROUTER}:5066", f"{PHONE}:5066")))


run(after=net.nothing_left)
