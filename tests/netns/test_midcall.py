#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""Descriptions that come late, or of calls that nobody has seen begin."""
import json
import time

import topology as net
from sip import again, sdp
from call_helpers import back_as as back, new, out_as as out, phone, server
from ksft import run, test
from topology import PHONE, RELAY, ROUTER, SERVER, STRANGER, Udp, shell

HIDE = ((f"{PHONE}:5060", f"{ROUTER}:5060"), (PHONE, ROUTER))
SHOW = ((f"{ROUTER}:5060", f"{PHONE}:5060"),)


def end(call, cseq):
    out(call.request("BYE", cseq=cseq, to_tag=True), HIDE[0])


@test("S3-41", "an old 200 that is repeated after a newer INVITE leaves as it did before")
def late_answer():
    call = new("late")
    out(call.request("INVITE", sdp(PHONE, 5200)), *HIDE)
    back(call.response("200 OK", body=sdp(RELAY, 8200)), *SHOW)
    server.send(call.peer_request("INVITE", f"{ROUTER}:5060", cseq=50, body=sdp(RELAY, 8200)),
                ROUTER)
    assert phone.recv()
    answer = call.peer_response("200 OK", "INVITE", cseq=50, body=sdp(PHONE, 5200))
    out(answer, *HIDE)
    server.send(call.peer_request("INVITE", f"{ROUTER}:5060", cseq=51, body=sdp(RELAY, 8202)),
                ROUTER)
    assert phone.recv()
    out(answer, *HIDE)
    end(call, 2)


@test("H-23", "a re-INVITE and an UPDATE of a call that nobody has seen begin work")
def picked_up():
    for method, port in (("INVITE", 5210), ("UPDATE", 5212)):
        call = new("pick" + method)
        out(call.request(method, sdp(PHONE, port), cseq=7, to_tag=True), *HIDE)
        assert net.pinhole(ROUTER, port)
        back(call.response("200 OK", method, body=sdp(RELAY, port + 1000)), *SHOW)
        ours, theirs = Udp("phone", PHONE, port), Udp("provider", RELAY, port + 1000)
        theirs.send(b"in", ROUTER, port)
        assert ours.recv() == b"in"
        ours.send(b"out", RELAY, port + 1000)
        assert theirs.recv() == b"out" and theirs.sender == (ROUTER, port)
        ours.close()
        theirs.close()
        end(call, 8)


@test("H-23", "the answer to an INVITE that nobody has seen is translated whole")
def unseen_answer():
    call = new("unseen")
    # the provider's INVITE came before the helper was there
    out(call.request("OPTIONS"), HIDE[0])
    answer = call.peer_response("200 OK", "INVITE", cseq=60, body=sdp(PHONE, 5220))
    out(answer, *HIDE)
    assert net.pinhole(ROUTER, 5220)
    bye = call.peer_request("BYE", f"{ROUTER}:5060", cseq=61)
    server.send(bye, ROUTER)
    assert phone.recv()


@test("H-3", "a description that nobody negotiates is translated with its message, never half")
def never_half():
    call = new("half")
    # FAULTS H3: nothing is negotiated, so all of it is translated and the port stays
    answer = call.peer_response("200 OK", "OPTIONS", cseq=70, body=sdp(PHONE, 5230))
    out(answer, *HIDE)
    assert not net.expectations(), net.expectations()
    rejected = call.peer_response("200 OK", "OPTIONS", cseq=71, body=sdp(PHONE, 0))
    out(rejected, *HIDE)


@test("S0-12", "a call that is picked up by something odd ends as well")
def odd_beginnings():
    call = new("odd")
    out(call.request("ACK", sdp(PHONE, 5250)), *HIDE)
    answer = call.response("100 Trying", body=sdp(RELAY, 8250), tag="")
    server.send(again(answer, ("odd@", "odd2@")), ROUTER)
    assert phone.recv()
    time.sleep(190)
    rows = shell("tools/sipalg-ctl/sipalg-ctl -n router -j call list")
    assert json.loads(rows) == [], rows


@test("S3-54", "a stranger's INVITE with a Call-ID that rings does not take the call over (T-6)")
def takeover():
    call = new("mine")
    out(call.request("INVITE", sdp(PHONE, 5260)), *HIDE)
    stranger = Udp("provider", STRANGER, 5060)
    net.router("nft insert rule inet sip forward iifname wan udp dport 5060 accept")
    net.router("nft add chain inet nat pre '{ type nat hook prerouting priority dstnat; }'")
    net.router(f"nft add rule inet nat pre ip saddr {STRANGER} udp dport 5060 dnat ip to {PHONE}")
    stranger.send(again(call.peer_request("INVITE", f"{ROUTER}:5060", tags=("x", "y")),
                        (";tag=x", "")), ROUTER)
    assert phone.recv()
    back(call.response("200 OK", body=sdp(RELAY, 8260)), *SHOW)
    theirs, ours = Udp("provider", RELAY, 8260), Udp("phone", PHONE, 5260)
    for _ in range(4):
        time.sleep(50)
        theirs.send(b"media", ROUTER, 5260)
        ours.recv(1)
    theirs.close()
    ours.close()
    assert net.pinhole(ROUTER, 5260), "answered, and so no c-timeout"
    end(call, 2)
    stranger.close()
    net.router("nft flush chain inet nat pre")


@test("S3-32", "hold by inactive ends flowing media, and a refused hold leaves it")
def hold():
    call = new("hold")
    out(call.request("INVITE", sdp(PHONE, 5240)), *HIDE)
    back(call.response("200 OK", body=sdp(RELAY, 8240)), *SHOW)
    ours, theirs = Udp("phone", PHONE, 5240), Udp("provider", RELAY, 8240)
    theirs.send(b"one", ROUTER, 5240)
    assert ours.recv() == b"one"
    out(call.request("INVITE", sdp(PHONE, 5240, "a=inactive"), cseq=2, to_tag=True), *HIDE)
    theirs.send(b"two", ROUTER, 5240)
    assert ours.recv() == b"two", "nothing is in force before the answer"
    back(call.response("488 Not Acceptable Here"), *SHOW)
    theirs.send(b"three", ROUTER, 5240)
    assert ours.recv() == b"three", "refused"
    assert net.pinhole(ROUTER, 5240)
    out(call.request("INVITE", sdp(PHONE, 5240, "a=inactive"), cseq=3, to_tag=True), *HIDE)
    back(call.response("200 OK", body=sdp(RELAY, 8240, "a=inactive")), *SHOW)
    assert not net.expectations()
    theirs.send(b"four", ROUTER, 5240)
    assert ours.recv(1) is None
    out(call.request("INVITE", sdp(PHONE, 5240), cseq=4, to_tag=True), *HIDE)
    back(call.response("200 OK", body=sdp(RELAY, 8240)), *SHOW)
    theirs.send(b"five", ROUTER, 5240)
    assert ours.recv() == b"five"
    ours.close()
    theirs.close()
    end(call, 5)


@test("S0-2", "the first INVITE comes again when the second, of another tag, is on its way: that one's call it is")
def tag_comes_back():
    call = new("retag")
    first = call.request("INVITE", sdp(PHONE, 5290))
    out(first, *HIDE)
    back(call.response("407 Proxy Authentication Required"), *SHOW)
    out(call.request("ACK", to_tag=True), HIDE[0])
    call.tags = ("again-retag", call.tags[1])
    out(call.request("INVITE", sdp(PHONE, 5290), cseq=2), *HIDE)
    phone.send(first, SERVER)
    assert server.recv()
    back(call.response("180 Ringing"), *SHOW)
    back(call.response("200 OK", body=sdp(RELAY, 8290)), *SHOW)
    out(call.request("ACK", to_tag=True), HIDE[0])
    ours, theirs = Udp("phone", PHONE, 5290), Udp("provider", RELAY, 8290)
    for _ in range(30):
        theirs.send(b"in", ROUTER, 5290)
        assert ours.recv() == b"in"
        time.sleep(10)
    end(call, 3)
    ours.close()
    theirs.close()


run(after=net.nothing_left)
