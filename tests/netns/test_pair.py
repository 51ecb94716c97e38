#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""Two routers: calls and registrations outlive the one that has carried them."""
import time

import topology as net
from call_helpers import (answered, audio, back, both, hang_up, new, out, passes, phone, reinvite,
                          send_back, server)
from ctl import data, forget_all
from ksft import run, same, test
from pair import ACTIVE, EBUSY, ESTALE, STANDBY, Pair, plug
from sip import again, message, sdp
from topology import PHONE, RELAY, ROUTER, SERVER, router

pair = Pair()


def fresh():
    """No call on either."""
    for _ in range(2):
        forget_all("ipv4")
        router("conntrack -F 2>/dev/null")
    pair.sync()


def lists():
    """What both routers must have alike, of the one with the cables."""
    calls = data("call list")
    for call in calls:
        for key in ("id", "age_seconds", "idle_seconds", "expires_in_seconds", "talk_seconds"):
            call.pop(key, None)
        for media in call["media"]:
            for key in ("idle_seconds", "packets", "bytes", "state"):
                media.pop(key, None)
    holes = sorted((hole.kind, hole.protocol, hole.src, hole.dst, hole.sport, hole.dport)
                   for kind in ("media", "signalling") for hole in net.expectations(kind))
    registrations = data("registration list")
    for row in registrations:
        row.pop("expires_in_seconds", None)
    return calls, holes, registrations


def register(name, cseq=1, expires=600, user="alice"):
    request = message(f"""REGISTER sip:{SERVER} SIP/2.0
        Via: SIP/2.0/UDP {PHONE}:5060;branch=z9hG4bK{name}{cseq};rport
        From: <sip:{user}@{SERVER}>;tag=f{name}
        To: <sip:{user}@{SERVER}>
        Call-ID: {name}@call.example
        CSeq: {cseq} REGISTER
        Contact: <sip:alice@{PHONE}:5060>;expires={expires}""")
    out(request)
    back(message(f"""SIP/2.0 200 OK
        Via: SIP/2.0/UDP {ROUTER}:5060;branch=z9hG4bK{name}{cseq};rport
        From: <sip:{user}@{SERVER}>;tag=f{name}
        To: <sip:{user}@{SERVER}>;tag=t{name}
        Call-ID: {name}@call.example
        CSeq: {cseq} REGISTER""" + (f"""
        Contact: <sip:alice@{ROUTER}:5060>;expires={expires}""" if expires else "")))


@test("issue 22", "a call goes on by the other router: audio both ways, the same ports, and BYE closes all")
def call_goes_on():
    call, (ours, theirs) = answered("move", 4000), audio(4000)
    assert passes(theirs, ours, ROUTER, 4000) and passes(ours, theirs, RELAY, 6000)
    pair.sync()
    before = lists()
    pair.take_over()
    assert lists() == before, (lists(), before)
    assert passes(theirs, ours, ROUTER, 4000)
    assert passes(ours, theirs, RELAY, 6000)
    assert theirs.sender == (ROUTER, 4000), theirs.sender
    hang_up(call)
    time.sleep(10)
    assert not both(4000) and not net.expectations(), net.expectations()
    time.sleep(40)
    pair.sync()
    assert data("call list") == []
    ours.close()
    theirs.close()


@test("issue 22", "hold, re-INVITE and a refresh work there; so does the peer's own BYE")
def midcall():
    fresh()
    call = answered("hold", 4100)
    pair.sync()
    pair.take_over()
    reinvite(call, sdp(PHONE, 4100, "a=sendonly"), sdp(RELAY, 6100, "a=recvonly"))
    assert [row["state"] for row in data("call list")] == ["held"]
    pair.sync()
    pair.take_over()
    assert [row["state"] for row in data("call list")] == ["held"]
    reinvite(call, sdp(PHONE, 4100), sdp(RELAY, 6100))
    ours, theirs = audio(4100)
    assert passes(theirs, ours, ROUTER, 4100) and passes(ours, theirs, RELAY, 6100)
    data_bye = call.peer_request("BYE", f"{ROUTER}:5060")
    server.send(data_bye, ROUTER)
    same(phone.recv(), again(data_bye, (f"alice@{ROUTER}:5060 ", f"alice@{PHONE}:5060 ")))
    out(call.peer_response("200 OK", "BYE"))
    time.sleep(10)
    assert not both(4100)
    ours.close()
    theirs.close()


@test("issue 22", "calls to one port of the peer's, hung up and not acknowledged yet, keep their pinholes there")
def common_port():
    fresh()
    calls = []
    for port in range(4400, 4406, 2):
        call = new(f"common{port}")
        out(call.request("INVITE", sdp(PHONE, port)))
        back(call.response("200 OK", body=sdp(RELAY, 6400)))
        out(call.request("ACK", to_tag=True))
        calls.append(call)
    pair.sync()
    for call in calls:
        out(call.request("BYE", cseq=2, to_tag=True))
    before = lists()[1]
    assert len(before) >= 8, before
    pair.sync()
    pair.take_over()
    assert lists()[1] == before, (lists(), before)
    for call in calls:
        back(call.response("200 OK", "BYE"))
    time.sleep(10)
    assert not net.expectations(), net.expectations()


@test("issue 22", "an unanswered call is answered by the other router")
def ringing():
    fresh()
    call = new("ring")
    out(call.request("INVITE", sdp(PHONE, 4200)))
    back(call.response("180 Ringing"))
    pair.sync()
    pair.take_over()
    back(call.response("200 OK", body=sdp(RELAY, 6200)))
    out(call.request("ACK", to_tag=True))
    ours, theirs = audio(4200)
    assert passes(theirs, ours, ROUTER, 4200) and passes(ours, theirs, RELAY, 6200)
    hang_up(call)
    ours.close()
    theirs.close()


@test("issue 22", "a registered phone can be called by the other router, refreshes there, and unregisters")
def registration():
    fresh()
    register("reg")
    pair.sync()
    before = lists()
    assert before[2], before
    pair.take_over()
    assert lists() == before, (lists(), before)
    router("conntrack -F 2>/dev/null")
    invite = message(f"""INVITE sip:alice@{ROUTER}:5060 SIP/2.0
        Via: SIP/2.0/UDP {SERVER}:5060;branch=z9hG4bKin
        From: <sip:bob@{SERVER}>;tag=in
        To: <sip:alice@{SERVER}>
        Call-ID: in@call.example
        CSeq: 1 INVITE
        Contact: <sip:bob@{SERVER}:5060>""")
    got = send_back(invite)
    assert f"INVITE sip:alice@{PHONE}:5060 ".encode() in got, got
    register("reg", 2)
    assert len(data("registration list")) == 1
    register("reg", 3, expires=0)
    assert data("registration list") == []
    pair.sync()
    pair.take_over()
    assert data("registration list") == []


@test("issue 22", "a PBX with more accounts than one message holds is told whole")
def many_accounts():
    fresh()
    for number in range(250):
        register(f"pbx{number}", user=f"{number}")
    objects = pair.sync()
    pair.active.mark()
    pair.sync()
    assert sum(len(one.key) + len(one.record) for one in objects if one.record) > 32768
    # one that has been unregistered before is there for a moment
    assert len([one for one in pair.standby.dump()[0] if one.kind == "r"]) >= 250
    pair.take_over()
    assert len(data("registration list")) == 250
    for number in range(250):
        register(f"pbx{number}", 2, 0, f"{number}")
    assert data("registration list") == []


@test("issue 22", "a record restored twice is restored once; an older one changes nothing")
def idempotent():
    fresh()
    call = answered("twice", 4300)
    first = [one for one in pair.sync() if one.record is not None]
    once = pair.standby.dump()[0]
    pair.standby.restore(first, pair.epoch)
    assert sorted((one.key, one.sequence) for one in pair.standby.dump()[0]) == \
        sorted((one.key, one.sequence) for one in once)
    hang_up(call)
    time.sleep(50)
    ended = pair.sync()
    assert any(one.kind == "c" and one.record is None for one in ended)
    assert not [one for one in pair.standby.dump()[0] if one.kind == "c"]


@test("issue 22", "deadlines that a standby keeps run from its promotion on; a call that is over then ends")
def deadlines():
    fresh()
    call = answered("late", 4400, interval=90)
    pair.sync()
    time.sleep(600)
    assert [one for one in pair.standby.dump()[0] if one.kind == "c"], "a standby runs no deadline"
    pair.take_over()
    time.sleep(2)
    assert data("call list") == [], data("call list")
    del call


@test("issue 22", "who is active is not told, and an older epoch is refused")
def refused():
    call = answered("told", 4500)
    objects = pair.sync()
    assert pair.active.ask_restore(objects, pair.epoch)[0] == EBUSY
    assert pair.standby.ask_restore(objects, pair.epoch - 1)[0] == ESTALE
    assert pair.standby.set(STANDBY, pair.epoch - 1) == ESTALE
    begin, end = pair.active.dump()[1]
    assert begin["sequence"] <= end["sequence"] and begin["role"] == ACTIVE, (begin, end)
    hang_up(call)


@test("issue 22", "a BYE, which nobody repeats once it is answered, is told at once; other changes within 50 ms")
def at_once():
    fresh()
    call = answered("haste", 4560)
    pair.sync()

    def told_after(data):
        phone.send(data, SERVER)
        start = time.monotonic()
        assert server.recv()
        return next(one.when for one in pair.active.told(0.06) if one.key.startswith(b"c")) - start

    for number in range(5):
        info = told_after(call.request("INFO", cseq=3 + number, to_tag=True))
        print(f"# INFO after {1000 * info:.1f} ms")
        assert info < 0.05, info
    bye = told_after(call.request("BYE", cseq=20, to_tag=True))
    print(f"# BYE after {1000 * bye:.1f} ms")
    assert bye < 0.01, bye
    server.send(call.response("200 OK", "BYE"), ROUTER)
    assert phone.recv()


@test("issue 22", "nothing is kept while nobody listens, and mark-all tells all there is once")
def all_told():
    fresh()
    call = answered("all", 4600)
    pair.sync()
    pair.active.mark()
    objects = pair.active.told()
    wanted = {one.key for one in pair.active.dump()[0]}
    assert {one.key for one in objects} == wanted, (objects, wanted)
    assert len(objects) == len(wanted)
    pair.active.ears.close()
    hang_up(call)
    time.sleep(1)
    assert pair.active.status()["dirty"] == 0
    pair.active = type(pair.active)("router")
    assert pair.active.set(listen=True) == 0
    pair.active.mark()
    pair.sync()


def alone(port):
    """The peer's audio as conntrack has it where no pinhole has led it inside."""
    return [line for line in router("conntrack -L -p udp 2>/dev/null").splitlines()
            if f"src={RELAY} dst={ROUTER} sport={port + 2000} dport={port} " in line and PHONE not in line]


@test("issue 22", "audio that has come before its pinholes goes on as the call wants it, from the promotion on")
def before_pinholes():
    for number, first in enumerate(("peer", "phone", "both")):
        fresh()
        port = 4800 + 10 * number
        call, (ours, theirs) = answered(f"early{number}", port), audio(port)
        objects = pair.active.told()
        pair.epoch += 1
        assert pair.active.set(STANDBY, pair.epoch - 1) == 0
        plug()
        pair.active, pair.standby = pair.standby, pair.active
        if first != "phone":
            assert not passes(theirs, ours, ROUTER, port) and alone(port), router("conntrack -L")
        if first != "peer":
            ours.send(b"media", RELAY, port + 2000)
        pair.active.restore(objects, pair.epoch - 1)
        assert pair.active.set(ACTIVE, pair.epoch, listen=True) == 0
        assert passes(theirs, ours, ROUTER, port) and passes(ours, theirs, RELAY, port + 2000), first
        assert theirs.sender == (ROUTER, port) and not alone(port), router("conntrack -L")
        hang_up(call)
        ours.close()
        theirs.close()


@test("issue 22", "sizes: a call is at most three records of at most 800 bytes")
def sizes():
    fresh()
    call = answered("size", 4700)
    objects = {one.key: one for one in pair.sync() if one.record}
    longest = max(len(one.key) + len(one.record) for one in objects.values())
    print(f"# {len(objects)} records of a call, the longest of {longest} bytes")
    assert len(objects) <= 3 and longest <= 800, (len(objects), longest)
    hang_up(call)


run()
