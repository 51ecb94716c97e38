#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""How calls end when nobody ends them, and what must not end them."""
import json
import time

import topology as net
from sip import sdp
from call_helpers import (answered, audio, back, both, expires, hang_up, lively, new, out, passes,
                  phone, reinvite, server)
from ctl import ctl, stats
from ksft import run, test
from topology import PHONE, RELAY, ROUTER, SERVER, Tcp, router


def calls():
    return json.loads(ctl("call list -j"))


def ended(reason):
    return stats()["calls"]["ended"][reason]


def held(port, kind="a=inactive"):
    return sdp(PHONE, port, kind)


@test("S3-44", "nobody answers an INVITE from outside: its pinholes close after 64*T1")
def unanswered():
    call = incoming("gate", 4300)
    opened = time.monotonic()
    assert net.pinhole(RELAY, 6300), net.expectations()
    closed = net.until(lambda: not net.expectations(), 60, 0.5)
    assert 30 < time.monotonic() - opened < 34, closed
    assert len(calls()) == 1, "the call itself may still be answered"
    answer(call, 4300)
    assert net.pinhole(RELAY, 6300) and both(4300), "opened by the answer"
    goes_both_ways(4300)
    peer_hangs_up(call)


@test("S3-44", "a phone that rings keeps the way for early media open beyond it")
def rings():
    call = incoming("gate2", 4304)
    out(call.peer_response("180 Ringing", "INVITE"))
    time.sleep(120)
    assert net.pinhole(RELAY, 6304)
    answer(call, 4304)
    goes_both_ways(4304)
    peer_hangs_up(call)


@test("S3-44", "a phone that rings late opens it again")
def rings_late():
    call = incoming("gate3", 4308)
    time.sleep(40)
    assert not net.expectations()
    out(call.peer_response("180 Ringing", "INVITE"))
    assert net.pinhole(RELAY, 6308)
    answer(call, 4308)
    peer_hangs_up(call)


def incoming(name, port):
    """A call from outside, by the flow that the phone keeps open."""
    call = new(name)
    out(new(name + "-keepalive").request("OPTIONS"))
    back(call.peer_request("INVITE", f"{ROUTER}:5060", body=sdp(RELAY, port + 2000), tags=("", call.tags[1])))
    return call


def answer(call, port):
    out(call.peer_response("200 OK", "INVITE", body=sdp(PHONE, port)))


def goes_both_ways(port):
    ours, theirs = audio(port)
    assert passes(theirs, ours, ROUTER, port)
    assert passes(ours, theirs, RELAY, port + 2000)
    ours.close()
    theirs.close()


def peer_hangs_up(call):
    back(call.peer_request("BYE", f"{ROUTER}:5060", cseq=101))
    out(call.peer_response("200 OK", "BYE", cseq=101))


@test("S3-33", "hold-timeout ends a call on hold in which no media flows")
def forgotten_on_hold():
    before = ended("idle")
    call = answered("hold1", 4320)
    reinvite(call, held(4320), sdp(RELAY, 6320, "a=inactive"))
    time.sleep(7100)
    assert [one["state"] for one in calls()] == ["held"]
    time.sleep(200)
    assert not calls() and ended("idle") == before + 1, (calls(), stats()["calls"])


@test("S3-33", "music keeps a held call, and a resume ends the waiting")
def music():
    call = answered("hold2", 4324)
    reinvite(call, held(4324, "a=sendonly"), sdp(RELAY, 6324, "a=recvonly"))
    assert lively(4324, 8000, every=100)
    reinvite(call, sdp(PHONE, 4324), sdp(RELAY, 6324))
    assert lively(4324, 8000, every=100)
    hang_up(call)


@test("S3-33", "a refused hold does not begin the waiting, nor does hold-timeout 0 end it")
def refused_hold():
    call = answered("hold3", 4328)
    out(call.request("INVITE", held(4328), cseq=2, to_tag=True))
    back(call.response("491 Request Pending"))
    time.sleep(7300)
    assert [one["state"] for one in calls()] == ["confirmed"]
    ctl("setting set hold-timeout 0")
    reinvite(call, held(4328), sdp(RELAY, 6328, "a=inactive"))
    time.sleep(7300)
    assert [one["state"] for one in calls()] == ["held"]
    ctl("setting reset")
    hang_up(call)


@test("S3-33", "retain-hold-resource keeps ports and pinholes through a long hold")
def retained():
    ctl("setting set retain-hold-resource on")
    call = answered("hold4", 4332)
    reinvite(call, held(4332), sdp(RELAY, 6332, "a=inactive"))
    time.sleep(3600)
    assert both(4332), "closed by inactive-media-timeout"
    reinvite(call, sdp(PHONE, 4332), sdp(RELAY, 6332))
    goes_both_ways(4332)
    ctl("setting reset")
    hang_up(call)


@test("S3-32", "hold releases what cannot carry media, with its connections; resume opens it")
def released():
    call = answered("hold5", 4336)
    ours, theirs = audio(4336)
    assert passes(ours, theirs, RELAY, 6336) and passes(theirs, ours, ROUTER, 4336)
    reinvite(call, held(4336), sdp(RELAY, 6336, "a=inactive"))
    assert not net.expectations() and not net.connections(RELAY, 6336)
    reinvite(call, sdp(PHONE, 4336), sdp(RELAY, 6336))
    assert passes(theirs, ours, ROUTER, 4336) and passes(ours, theirs, RELAY, 6336)
    ours.close()
    theirs.close()
    hang_up(call)


@test("S0-6", "an INVITE that expires ends with its pinholes, ringing or not")
def invitation_expires():
    before = ended("invite_timeout")
    call = new("exp1")
    out(call.request("INVITE", sdp(PHONE, 4340), extra="\nExpires: 60"))
    for _ in range(8):
        back(call.response("180 Ringing"))
        time.sleep(10)
    assert both(4340), "32 s of margin for the CANCEL"
    time.sleep(15)
    assert not net.expectations() and not calls()
    assert ended("invite_timeout") == before + 1


@test("S0-6", "Expires of the INVITE says nothing about the call once it is answered")
def invitation_answered():
    call = new("exp2")
    out(call.request("INVITE", sdp(PHONE, 4344), extra="\nExpires: 60"))
    back(call.response("200 OK", body=sdp(RELAY, 6344)))
    out(call.request("ACK", to_tag=True))
    time.sleep(600)
    assert len(calls()) == 1
    hang_up(call)


@test("S0-6", "Expires of the 2xx ends a dialog without media and without refresh")
def dialog_expires():
    before = ended("idle")
    call = answered_expires("exp3", 4348, 300)
    time.sleep(320)
    assert calls()
    time.sleep(20)
    assert not calls() and ended("idle") == before + 1, (calls(), stats()["calls"])
    return call


@test("S0-6", "neither one with media, nor one that is refreshed")
def dialog_refreshed():
    call = answered_expires("exp4", 4352, 300)
    assert lively(4352, 1000, every=100)
    hang_up(call)
    call = answered_expires("exp5", 4356, 300)
    for cseq in range(2, 6):
        time.sleep(200)
        out(call.request("UPDATE", cseq=cseq, to_tag=True))
        back(call.response("200 OK", "UPDATE"))
    assert calls()
    hang_up(call)


@test("S0-8", "an INVITE whose 2xx has no Expires takes the limit away")
def dialog_reset():
    call = answered_expires("exp6", 4360, 300)
    reinvite(call, sdp(PHONE, 4360), sdp(RELAY, 6360))
    time.sleep(1000)
    assert calls()
    hang_up(call)


def answered_expires(name, port, seconds):
    call = new(name)
    out(call.request("INVITE", sdp(PHONE, port)))
    back(call.response("200 OK", body=sdp(RELAY, port + 2000), extra=f"\nExpires: {seconds}"))
    out(call.request("ACK", to_tag=True))
    return call


def signalling_timeout():
    """Seconds that conntrack gives the phone's signalling flow."""
    lines = router("conntrack -L -p udp 2>/dev/null").splitlines()
    left = [int(line.split()[2]) for line in lines
            if f"src={PHONE} dst={SERVER} sport=5060 dport=5060" in line]
    return left[0] if left else 0


@test("S3-4", "the signalling flow lives as long as its calls, and no longer")
def flow_lives():
    one, two = answered("keep1", 4370), answered("keep2", 4374)
    time.sleep(3600)
    server.send(one.peer_request("OPTIONS", f"{ROUTER}:5060", cseq=200), ROUTER)
    assert phone.recv(), "the idle flow has been given up"
    hang_up(one)
    time.sleep(40)
    assert signalling_timeout() > 3600, "the other call needs it"
    hang_up(two)
    time.sleep(40)
    assert not calls()
    assert signalling_timeout() <= 180, signalling_timeout()


@test("S0-17", "no signalling for idle-call-timeout: the call ends")
def no_signalling():
    before = ended("idle")
    ctl("setting set idle-call-timeout 3600")
    call = answered("idle", 4380)
    assert lively(4380, 3000, every=100)
    reinvite(call, sdp(PHONE, 4380), sdp(RELAY, 6380))
    assert lively(4380, 3500, every=100)
    time.sleep(110)
    assert not calls() and ended("idle") == before + 1, (calls(), stats()["calls"])
    ctl("setting reset")


@test("S2-7", "t1-interval moves all that is a multiple of T1")
def t1():
    for interval, least, most in ((500, 30, 34), (1000, 62, 66)):
        ctl(f"setting set t1-interval {interval}")
        call = answered(f"t1-{interval}", 4384)
        hang_up(call)
        start = time.monotonic()
        net.until(lambda: not calls(), 100, 0.5)
        assert least <= time.monotonic() - start <= most, interval
    ctl("setting reset")


@test("S4-5", "who refreshes is shown")
def refresher():
    call = new("refr")
    out(call.request("INVITE", sdp(PHONE, 4390)))
    back(call.response("200 OK", body=sdp(RELAY, 6390), extra="\nSession-Expires: 1800;refresher=uas"))
    out(call.request("ACK", to_tag=True))
    one, = calls()
    assert (one["refresher"], one["session_interval_seconds"]) == ("uas", 1800), one
    reinvite(call, sdp(PHONE, 4390), sdp(RELAY, 6390), expires(600))
    one, = calls()
    assert (one["refresher"], one["session_interval_seconds"]) == ("uac", 600), one
    hang_up(call)


@test("S4-8", "a re-INVITE for another purpose refreshes as well")
def other_purpose():
    call = answered("s48", 4394, 300)
    for number in range(4):
        assert lively(4394, 250)
        kind = "a=sendonly" if number % 2 else ""
        reinvite(call, sdp(PHONE, 4394, kind), sdp(RELAY, 6394), expires(300))
    hang_up(call)


@test("S4-11", "420 to Require: timer ends that attempt only")
def bad_extension():
    call = new("s411")
    out(call.request("INVITE", sdp(PHONE, 4398), extra="\nRequire: timer"))
    back(call.response("420 Bad Extension", extra="\nUnsupported: timer"))
    out(call.request("ACK", to_tag=True))
    out(call.request("INVITE", sdp(PHONE, 4398), cseq=2))
    back(call.response("200 OK", body=sdp(RELAY, 6398)))
    out(call.request("ACK", to_tag=True))
    time.sleep(40)
    assert both(4398) and len(calls()) == 1
    hang_up(call)


@test("S4-13", "session-default ends a call whose ends agreed on no interval")
def session_default():
    before = ended("session_expired")
    ctl("setting set session-default 600")
    call = answered("s413", 4402)
    assert lively(4402, 620, every=100)
    reinvite(call, sdp(PHONE, 4402), sdp(RELAY, 6402))
    assert lively(4402, 620, every=100)
    time.sleep(20)
    assert not calls() and ended("session_expired") == before + 1
    ctl("setting reset")


@test("S3-55", "CANCEL: pinholes go after teardown-delay whatever is answered")
def cancelled():
    for final in (None, "487 Request Terminated", "486 Busy Here"):
        call = new(f"cancel{str(final)[:3]}")
        out(call.request("INVITE", sdp(PHONE, 4406)))
        back(call.response("180 Ringing"))
        out(call.request("CANCEL"))
        back(call.response("200 OK", "CANCEL"))
        if final:
            back(call.response(final))
            out(call.request("ACK"))
        time.sleep(4)
        assert both(4406)
        time.sleep(1.5)
        assert not net.expectations()
        time.sleep(30)
        assert not calls()


@test("S3-53", "two hours of silence end no call; its media opens again by re-INVITE")
def silence():
    call = answered("silent", 4410)
    time.sleep(7200)
    assert len(calls()) == 1 and not net.pinhole(ROUTER, 4410)
    reinvite(call, sdp(PHONE, 4410), sdp(RELAY, 6410))
    goes_both_ways(4410)
    hang_up(call)


@test("S0-11", "both ends crash: nothing is left after the limits have passed")
def crash():
    answered("crash1", 4420)
    answered("crash2", 4424, 1800)
    out(new("crash3").request("INVITE", sdp(PHONE, 4428)))
    time.sleep(720 * 60 + 60)
    assert not calls() and not net.expectations(), calls()


@test("S3-44", "a BYE that is challenged ends nothing: the session's timer goes on, and ends the call")
def challenged():
    before = ended("session_expired")
    call = answered("challenged", 4390, 600)
    out(call.request("BYE", cseq=call.cseq + 1, to_tag=True))
    back(call.response("407 Proxy Authentication Required", "BYE"))
    shown, = calls()
    assert shown["state"] == "confirmed" and both(4390), shown
    assert 550 < shown["expires_in_seconds"] <= 632, shown
    time.sleep(shown["expires_in_seconds"] + 40)
    assert not calls() and ended("session_expired") == before + 1


@test("S3-8", "what a closed TCP connection leaves in conntrack is conntrack's own time")
def closed_connection():
    ours, theirs = Tcp.pair("phone", PHONE, 5099)
    call = new("tcp")
    call.transport = "TCP"
    call.host = f"{PHONE}:5099"
    data = call.request("INVITE", sdp(PHONE, 4440))
    ours.send(data)
    assert theirs.recv(len(data) + 2, 1)
    ours.close()
    theirs.close()
    net.until(lambda: tcp_timeout() <= 120, 5)


def tcp_timeout():
    lines = router("conntrack -L -p tcp 2>/dev/null").splitlines()
    return max([int(line.split()[2]) for line in lines if "sport=5099" in line], default=0)


run(after=net.nothing_left)
