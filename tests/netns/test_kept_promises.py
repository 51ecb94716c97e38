#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""Ports that somebody was told of stay reserved and can be reached again."""
import json
import os
import time

import topology as net
from sip import sdp
from call_helpers import (answered, audio, back, both, hang_up, lively, new, out, passes,
                          peer_asks, phone, reinvite, server)
from ksft import run, test
from topology import PHONE, RELAY, ROUTER, SERVER, Udp, router
from transports import WayCall, all_ways

WAYS = all_ways(phone, server)
CTL = os.path.abspath("tools/sipalg-ctl/sipalg-ctl")
VIDEO, NO_VIDEO = "m=video {} RTP/AVP 96", "m=video 0 RTP/AVP 96"


def calls():
    return json.loads(router(f"{CTL} call list -j"))


def ended(reason):
    return json.loads(router(f"{CTL} stats show -j"))["calls"]["ended"].get(reason, 0)


def talks(port):
    """Audio begins outside, goes both ways, and the phone's comes from the port that was told."""
    ours, theirs = audio(port)
    heard = passes(theirs, ours, ROUTER, port), passes(ours, theirs, RELAY, port + 2000)
    told = theirs.sender == (ROUTER, port)
    ours.close()
    theirs.close()
    return heard == (True, True) and told


def knocks(port):
    """Media of the far end, and then of the phone, that nobody should wait for."""
    ours, theirs = audio(port)
    heard = passes(theirs, ours, ROUTER, port)
    ours.send(b"early", RELAY, port + 2000)
    theirs.recv(0.3)
    ours.close()
    theirs.close()
    return heard


@test("fault C2", "ringing for 200 s and more, with one 180 or none, then answered: both hear, from the ports told (D4)")
def rings_long():
    for number, (early, wait) in enumerate((("180 Ringing", 200), ("100 Trying", 200), ("180 Ringing", 3000),
                                            ("183 Session Progress", 400))):
        port = 4000 + 4 * number
        call = new(f"long{number}")
        out(call.request("INVITE", sdp(PHONE, port)))
        back(call.response(early, body=sdp(RELAY, port + 2000) if early[2] == "3" else "",
                           tag="" if early[1] == "0" else None))
        time.sleep(wait)
        assert not net.expectations(), "shut, not open"
        assert not knocks(port), early
        blocker = new(f"blocker{number}")
        got = out_anyhow(blocker.request("INVITE", sdp(PHONE, port)))
        assert f"m=audio {port} ".encode() not in got, "the port was promised"
        back(blocker.response("486 Busy Here"))
        out(blocker.request("ACK"))
        back(call.response("200 OK", body=sdp(RELAY, port + 2000)))
        out(call.request("ACK", to_tag=True))
        assert talks(port), early
        hang_up(call)


def out_anyhow(data):
    phone.send(data, SERVER)
    return server.recv()


@test("fault C2", "a late 183 opens the way for early media again, and a call in is answered after 250 s as well")
def rings_again():
    call = new("late183")
    out(call.request("INVITE", sdp(PHONE, 4030)))
    back(call.response("180 Ringing"))
    time.sleep(240)
    assert not net.pinhole(ROUTER, 4030)
    back(call.response("183 Session Progress", body=sdp(RELAY, 6030)))
    assert talks(4030)
    back(call.response("200 OK", body=sdp(RELAY, 6030)))
    out(call.request("ACK", to_tag=True))
    hang_up(call)
    call = new("in")
    out(new("in-keepalive").request("OPTIONS"))
    back(call.peer_request("INVITE", f"{ROUTER}:5060", body=sdp(RELAY, 6034), tags=("", call.tags[1])))
    out(call.peer_response("180 Ringing", "INVITE"))
    time.sleep(250)
    out(call.peer_response("200 OK", "INVITE", body=sdp(PHONE, 4034)))
    assert talks(4034)
    back(call.peer_request("BYE", f"{ROUTER}:5060", cseq=101))
    out(call.peer_response("200 OK", "BYE", cseq=101))


@test("fault C2", "who never answers is forgotten after maximum-call-duration, as invite_timeout")
def never_answered():
    before = ended("invite_timeout")
    router(f"{CTL} setting set maximum-call-duration 10")
    call = new("never")
    out(call.request("INVITE", sdp(PHONE, 4038)))
    back(call.response("180 Ringing"))
    time.sleep(590)
    assert [one["state"] for one in calls()] == ["early"]
    time.sleep(20)
    assert not calls() and ended("invite_timeout") == before + 1
    router(f"{CTL} setting reset")


@test("fault C2", "a 2xx that comes soon after a refusal, of another fork, has its media (D4)")
def after_refusal():
    for number, (refusal, wait) in enumerate((("486 Busy Here", 3), ("408 Request Timeout", 20), ("487 Request Terminated", 20))):
        port = 4040 + 4 * number
        call = new(f"refusal{number}")
        out(call.request("INVITE", sdp(PHONE, port)))
        back(call.response("180 Ringing", tag="one"))
        if refusal[:3] == "487":
            out(call.request("CANCEL"))
        back(call.response(refusal, tag="one"))
        time.sleep(wait)
        back(call.response("200 OK", body=sdp(RELAY, port + 2000), tag="two"))
        call.tags = (call.tags[0], "two")
        out(call.request("ACK", to_tag=True))
        assert talks(port), refusal
        hang_up(call)


@test("fault C2", "a 2xx within 64*T1 of a refusal that was acknowledged has its media; people see it as a new call (D4, S2-8)")
def after_acknowledged():
    for number, wait in enumerate((3, 20, 29)):
        port = 4200 + 4 * number
        call = new(f"acked{number}")
        out(call.request("INVITE", sdp(PHONE, port)))
        back(call.response("180 Ringing", tag="one"))
        back(call.response("486 Busy Here", tag="one"))
        out(call.request("ACK"))
        before = ended("failed")
        time.sleep(wait)
        assert len(calls()) == (wait < 6) and ended("failed") == before + (wait > 6), wait
        if wait == 20:
            back(call.response("183 Session Progress", body=sdp(RELAY, port + 2000), tag="two"))
            assert talks(port) and [one["state"] for one in calls()] == ["ending"]
        back(call.response("200 OK", body=sdp(RELAY, port + 2000), tag="two"))
        call.tags = (call.tags[0], "two")
        out(call.request("ACK", to_tag=True))
        assert talks(port) and [one["state"] for one in calls()] == ["confirmed"], wait
        hang_up(call)
        time.sleep(40)
        assert not calls()
    call = new("toolate")
    out(call.request("INVITE", sdp(PHONE, 4220)))
    back(call.response("486 Busy Here", tag="one"))
    out(call.request("ACK"))
    time.sleep(36)
    back(call.response("200 OK", body=sdp(RELAY, 6220), tag="two"))
    assert not net.pinhole(ROUTER, 4220), "after 64*T1 nothing is left to reopen"
    router(f"{CTL} call end --all")


@test("fault C2", "who calls again by the Call-ID of a refusal that was acknowledged begins another call (RFC 3261 8.1.3.5)")
def again_after_acknowledged():
    call = new("samecallid")
    numbers = []
    for cseq in 1, 2:
        out(call.request("INVITE", sdp(PHONE, 4230), cseq=cseq))
        numbers += [one["id"] for one in calls()]
        back(call.response("486 Busy Here"))
        out(call.request("ACK"))
        time.sleep(10)      # T4: people see it no more, its ports wait for who answers late
        assert not calls()
    out(call.request("INVITE", sdp(PHONE, 4230), cseq=3))
    back(call.response("200 OK", body=sdp(RELAY, 6230)))
    out(call.request("ACK", to_tag=True))
    numbers += [one["id"] for one in calls()]
    assert len(set(numbers)) == 3 and talks(4230), numbers
    hang_up(call)
    time.sleep(40)
    assert not calls()


@test("H-22", "a call that began in mode pinholes and is described again in mode full has its media where it says")
def mode_becomes_full():
    router(f"{CTL} setting set mode pinholes")
    call = new("mode")
    phone.send(call.request("INVITE", sdp(PHONE, 4240)), SERVER)
    assert server.recv() == call.request("INVITE", sdp(PHONE, 4240))
    server.send(call.response("200 OK", body=sdp(RELAY, 6240)), ROUTER)
    assert phone.recv()
    phone.send(call.request("ACK", to_tag=True), SERVER)
    assert server.recv()
    router(f"{CTL} setting reset")
    reinvite(call, sdp(PHONE, 4240), sdp(RELAY, 6240))
    assert talks(4240)
    hang_up(call)


@test("H-22", "a call that began in mode full and is described again in mode pinholes has them where it says")
def mode_becomes_pinholes():
    call = answered("modeback", 4250)
    router(f"{CTL} setting set mode pinholes")
    offer = call.request("INVITE", sdp(PHONE, 4250), cseq=2, to_tag=True)
    phone.send(offer, SERVER)
    assert server.recv() == offer
    server.send(call.response("200 OK", body=sdp(RELAY, 6250)), ROUTER)
    assert phone.recv()
    assert net.pinhole(PHONE, 4250) and not net.pinhole(ROUTER, 4250), net.expectations()
    router(f"{CTL} call end --all")
    router(f"{CTL} setting reset")


def public_port(got):
    """The port of the first stream in what the provider got."""
    return int(got.split(b"m=audio ")[1].split()[0]) if got else None


def offers(name, port):
    """An INVITE; the call, and the public port that it was given, None: it was dropped."""
    call = new(name)
    return call, public_port(out_anyhow(call.request("INVITE", sdp(PHONE, port))))


def picks_up(call, port):
    back(call.response("200 OK", body=sdp(RELAY, port + 2000)))
    out(call.request("ACK", to_tag=True))


def leads_to(public, port, silent=False):
    """
    Does audio from outside reach the phone at its port, and come back from that
    public one? In a silent call the phone has to speak first (D3).
    """
    ours, theirs = audio(port)
    if silent:
        ours.send(b"first", RELAY, port + 2000)
        theirs.recv(0.5)
    theirs.send(b"media", ROUTER, public)
    heard = ours.recv(0.5) == b"media"
    ours.send(b"back", RELAY, port + 2000)
    heard = heard and theirs.recv(0.5) == b"back" and theirs.sender == (ROUTER, public)
    ours.close()
    theirs.close()
    return heard


@test("fault C2", "short of ports: calls that were refused lend theirs, then those that rang out, the oldest first; none that lives does")
def short_of_ports():
    # eight pairs
    router(f"{CTL} setting set media-ports 20000-20015")
    live, live_port = offers("live", 4230)
    picks_up(live, 4230)
    rung = []
    for number in range(5):
        call, public = offers(f"rung{number}", 4240 + 4 * number)
        back(call.response("180 Ringing"))
        rung.append((call, public))
        time.sleep(1)
    assert None not in [public for _, public in rung]
    time.sleep(200)
    refused = []
    for number in range(2):
        call, public = offers(f"busy{number}", 4270 + 4 * number)
        back(call.response("486 Busy Here"))
        out(call.request("ACK"))
        refused.append(public)
        time.sleep(1)
    time.sleep(6)
    assert len({live_port, *refused} | {public for _, public in rung}) == 8, "all ports are given out"
    wanted = refused + [public for _, public in rung[:3]]
    fresh = []
    for number, expected in enumerate(wanted):
        call, public = offers(f"fresh{number}", 4280 + 4 * number)
        assert public == expected, (number, public, wanted)
        picks_up(call, 4280 + 4 * number)
        assert leads_to(public, 4280 + 4 * number)
        fresh.append((call, public))
    picks_up(rung[3][0], 4252)
    assert leads_to(rung[3][1], 4252), "one that rang out, and has kept its own"
    last, public = offers("last", 4310)
    assert public == rung[4][1]
    picks_up(last, 4310)
    assert offers("none", 4314)[1] is None, "all that is left lives"
    assert leads_to(live_port, 4230, True)
    # who is answered late and has lost his port disturbs nobody; he may get it back
    picks_up(rung[0][0], 4240)
    assert leads_to(fresh[2][1], 4288) and not leads_to(rung[0][1], 4240)
    hang_up(fresh[4][0])
    time.sleep(10)
    picks_up(rung[2][0], 4248)
    assert leads_to(rung[2][1], 4248)
    router(f"{CTL} call end --all")


@test("fault C2", "what calls that rang out have lent does not count to their phone's share of ports")
def share_of_lent():
    # 32 pairs, of which one host has 24 at most
    router(f"{CTL} setting set media-ports 20000-20063 max-calls-per-source 100")
    for number in range(24):
        call, public = offers(f"many{number}", 4330 + 4 * number)
        assert public
        back(call.response("180 Ringing"))
    assert offers("over", 4500)[1] is None, "the share is used up while they ring"
    time.sleep(200)
    late, public = offers("after", 4504)
    picks_up(late, 4504)
    assert leads_to(public, 4504)
    router(f"{CTL} call end --all")
    router(f"{CTL} setting reset")


@test("fault C2", "by UDP and TCP, IPv4 and IPv6: answered after 220 s of ringing, both hear from the ports told (D4)")
def rings_long_by_all_ways():
    for number, way in enumerate(WAYS):
        call = WayCall(way, f"c2way{number}", 4046).rings()
        time.sleep(220)
        assert not net.expectations(), "shut, not open"
        assert call.picks_up().talks(), way.transport
        call.hangs_up()
        net.until(lambda: not net.expectations(), 6)


@test("fault C2", "the INVITE's Expires passes and somebody picks up all the same: both hear, from the ports told (S0-6)")
def picks_up_expired():
    for number, (late, wait) in enumerate((("200 OK", 150), ("183 Session Progress", 150), ("200 OK", 1000))):
        port = 4520 + 4 * number
        before = ended("invite_timeout")
        call = new(f"expired{number}")
        out(call.request("INVITE", sdp(PHONE, port), extra="\nExpires: 90"))
        back(call.response("180 Ringing"))
        for _ in range(wait // 25):     # phones keep their flow alive
            phone.send(b"\r\n\r\n", SERVER)
            assert server.recv()
            time.sleep(25)
        assert not net.expectations() and not calls() and ended("invite_timeout") == before + 1
        blocker = new(f"expblock{number}")
        got = out_anyhow(blocker.request("INVITE", sdp(PHONE, port)))
        assert f"m=audio {port} ".encode() not in got, "the port was promised"
        back(blocker.response("486 Busy Here"))
        out(blocker.request("ACK"))
        if late[0] == "1":
            back(call.response(late, body=sdp(RELAY, port + 2000)))
            assert talks(port), late
        back(call.response("200 OK", body=sdp(RELAY, port + 2000)))
        out(call.request("ACK", to_tag=True))
        assert talks(port) and "confirmed" in [one["state"] for one in calls()], late
        hang_up(call)
        time.sleep(40)
        assert not calls() and ended("invite_timeout") == before + 1


@test("fault C2", "a queue that plays music is heard for longer than the INVITE's Expires, and then shut (S0-6)")
def music_expired():
    call = new("music")
    out(call.request("INVITE", sdp(PHONE, 4534), extra="\nExpires: 90"))
    back(call.response("183 Session Progress", body=sdp(RELAY, 6534)))
    assert lively(4534, 300, every=20)
    time.sleep(70)
    assert not net.expectations() and not calls()


@test("fault C3", "after 400 s of silence the way in is closed; the phone's own packet leaves as before and opens it (D3)")
def phone_speaks_first():
    for number, kind in enumerate(("", "a=sendonly", "a=recvonly")):
        port = 4060 + 4 * number
        call = answered(f"mute{number}", port)
        if kind:
            reinvite(call, sdp(PHONE, port, kind), sdp(RELAY, port + 2000))
        assert talks(port)
        time.sleep(400)
        assert not net.pinhole(ROUTER, port) and not net.pinhole(ROUTER, port + 1)
        ours, theirs = audio(port)
        assert not passes(theirs, ours, ROUTER, port), "closed to who is outside"
        assert passes(ours, theirs, RELAY, port + 2000) and theirs.sender == (ROUTER, port), theirs.sender
        assert passes(theirs, ours, ROUTER, port) and both(port)
        other = Udp("provider", RELAY, port + 2500)
        assert passes(other, ours, ROUTER, port), "a far end that sends from elsewhere, too"
        time.sleep(300)
        assert not net.pinhole(ROUTER, port), "silent again"
        for sock in (ours, theirs, other):
            sock.close()
        hang_up(call)


@test("fault C3", "by UDP and TCP, IPv4 and IPv6: 400 s of silence, then the phone speaks, or an UPDATE is accepted")
def silent_by_all_ways():
    for number, way in enumerate(WAYS):
        one = WayCall(way, f"c3way{number}", 4540).rings().picks_up()
        assert one.talks()
        time.sleep(400)
        ends = one.audio()
        assert not one.comes_in(ends) and one.goes_out(ends) and one.comes_in(ends), way.transport
        for end in ends:
            end.close()
        time.sleep(400)
        assert not net.pinhole(one.router, 4540)
        one.back(one.call.peer_request("UPDATE", way.alg, cseq=70))
        one.out(one.call.peer_response("200 OK", "UPDATE", cseq=70))
        assert one.talks(), way.transport
        one.hangs_up()
        net.until(lambda: not net.expectations(), 6)


@test("fault C3", "RTCP of the phone opens it as well, and a stream that is silent beside one that is not stays closed")
def rtcp_and_streams():
    call = new("two")
    out(call.request("INVITE", sdp(PHONE, 4080, VIDEO.format(4082))))
    back(call.response("200 OK", body=sdp(RELAY, 6080, VIDEO.format(6082))))
    out(call.request("ACK", to_tag=True))
    assert lively(4080, 400)
    assert both(4080) and not net.pinhole(ROUTER, 4082)
    ours, theirs = Udp("phone", PHONE, 4083), Udp("provider", RELAY, 6083)
    assert passes(ours, theirs, RELAY, 6083) and theirs.sender == (ROUTER, 4083)
    assert both(4082) and passes(theirs, ours, ROUTER, 4083)
    ours.close()
    theirs.close()
    hang_up(call)


@test("fault C3", "the 2xx to any refresh opens it: UPDATE without SDP, re-INVITE, of either side")
def refresh_opens():
    def update(call, _):
        out(call.request("UPDATE", cseq=20, to_tag=True))
        back(call.response("200 OK", "UPDATE"))

    def peer_update(call, _):
        back(call.peer_request("UPDATE", f"{ROUTER}:5060", cseq=70))
        out(call.peer_response("200 OK", "UPDATE", cseq=70))

    def peer_reinvite(call, port):
        back(call.peer_request("INVITE", f"{ROUTER}:5060", cseq=71))
        out(call.peer_response("200 OK", "INVITE", cseq=71, body=sdp(PHONE, port)))
        back(call.peer_request("ACK", f"{ROUTER}:5060", cseq=71, body=sdp(RELAY, port + 2000)))
    for number, refresh in enumerate((update, peer_update, peer_reinvite)):
        port = 4090 + 4 * number
        call = answered(f"open{number}", port)
        time.sleep(400)
        assert not net.pinhole(ROUTER, port)
        out(call.request("INFO", cseq=19, to_tag=True))
        back(call.response("200 OK", "INFO"))
        assert not net.pinhole(ROUTER, port), "INFO is no sign of life of the media"
        refresh(call, port)
        assert talks(port), refresh
        hang_up(call)


@test("fault C3", "in a call that is routed over and held, what a refused refresh must not open stays closed")
def refused_refresh():
    call = answered("noopen", 4104)
    time.sleep(400)
    for cseq, status in enumerate(("491 Request Pending", "500 Error"), 2):
        out(call.request("INVITE", sdp(PHONE, 4104), cseq=cseq, to_tag=True))
        back(call.response(status))
        out(call.request("ACK", cseq=cseq, to_tag=True))
        assert not net.pinhole(ROUTER, 4104), status
    reinvite(call, sdp(PHONE, 4104), sdp(RELAY, 6104))
    assert talks(4104)
    hang_up(call)


@test("fault C3", "0 is never: no silence closes anything (S2-4)")
def never():
    router(f"{CTL} setting set inactive-media-timeout 0")
    call = answered("never0", 4108)
    time.sleep(4000)
    assert both(4108) and talks(4108)
    router(f"{CTL} setting reset")
    hang_up(call)


@test("fault C4", "a refused stream is closed at once, its ports are free: in the answer, in a re-INVITE, of several")
def refused_streams():
    call = new("video")
    out(call.request("INVITE", sdp(PHONE, 4120, VIDEO.format(4122) + "\nm=video 4124 RTP/AVP 97")))
    back(call.response("200 OK", body=sdp(RELAY, 6120, NO_VIDEO + "\nm=video 6124 RTP/AVP 97")))
    out(call.request("ACK", to_tag=True))
    assert both(4120) and both(4124) and not net.pinhole(ROUTER, 4122) and not net.pinhole(ROUTER, 4123)
    reinvite(call, sdp(PHONE, 4120, VIDEO.format(4126) + "\nm=video 4124 RTP/AVP 97"),
             sdp(RELAY, 6120, NO_VIDEO + "\nm=video 0 RTP/AVP 97"))
    assert both(4120) and not net.pinhole(ROUTER, 4126) and not net.pinhole(ROUTER, 4124)
    assert not net.pinhole(RELAY, 6124)
    other = answered("heir", 4122)
    assert talks(4122) and talks(4120), "the port is another call's now"
    hang_up(other)
    hang_up(call)


@test("fault C4", "the phone refuses what the peer offers, in the 200, in the ACK, in an UPDATE's answer")
def phone_refuses():
    call = answered("phone", 4130)
    offer, answer = sdp(RELAY, 6130, VIDEO.format(6132)), sdp(PHONE, 4130, NO_VIDEO)
    for cseq, method in enumerate(("INVITE", "UPDATE"), 70):
        back(call.peer_request(method, f"{ROUTER}:5060", cseq=cseq, body=offer))
        out(call.peer_response("200 OK", method, cseq=cseq, body=answer))
        assert both(4130) and not net.pinhole(RELAY, 6132), method
    out(call.request("INVITE", cseq=2, to_tag=True))
    back(call.response("200 OK", body=offer))
    out(call.request("ACK", answer, cseq=2, to_tag=True))
    assert talks(4130) and not net.pinhole(RELAY, 6132)
    hang_up(call)


@test("fault C4", "all of a call refused but one, or refused and taken again, works; forks refuse for themselves")
def refused_and_back():
    call = answered("again", 4140)
    reinvite(call, sdp(PHONE, 4140, VIDEO.format(4142)), sdp(RELAY, 6140, NO_VIDEO))
    reinvite(call, sdp(PHONE, 4140, VIDEO.format(4142)), sdp(RELAY, 6140, VIDEO.format(6142)))
    assert talks(4140) and talks(4142)
    reinvite(call, sdp(PHONE, 4140, VIDEO.format(4142)), sdp(RELAY, 0, VIDEO.format(6142)))
    assert talks(4142) and not net.pinhole(ROUTER, 4140)
    hang_up(call)
    call = new("forks")
    out(call.request("INVITE", sdp(PHONE, 4150, VIDEO.format(4152))))
    back(call.response("200 OK", body=sdp(RELAY, 6150, VIDEO.format(6152)), tag="one"))
    back(call.response("200 OK", body=sdp(RELAY, 6154, NO_VIDEO), tag="two"))
    assert talks(4150) and talks(4152), "the first one wants its video"
    for tag in ("two", "one"):
        call.tags = (call.tags[0], tag)
        hang_up(call)


@test("fault C8", "fax on the audio's port under another index is fax, and has a peer; refused, it is audio again")
def fax():
    image = "m=image {} udptl t38"

    def fax_of(host, port):
        return sdp(host, 0, image.format(port)).replace("m=audio 0 ", "m=audio 0 ")
    call = answered("fax", 4160)
    out(call.request("INVITE", fax_of(PHONE, 4160), cseq=2, to_tag=True))
    back(call.response("488 Not Acceptable Here"))
    out(call.request("ACK", cseq=2, to_tag=True))
    assert [media["kind"] for media in calls()[0]["media"]] == ["audio"] and talks(4160)
    reinvite(call, fax_of(PHONE, 4160), fax_of(RELAY, 6160))
    shown = calls()[0]["media"]
    assert [(media["kind"], media["peer"]) for media in shown] == [("image", f"{RELAY}:6160")], shown
    assert talks(4160)
    reinvite(call, sdp(PHONE, 4160), sdp(RELAY, 6160))
    assert [media["kind"] for media in calls()[0]["media"]] == ["audio"] and talks(4160)
    hang_up(call)


@test("fault C8", "fax that the peer wants, audio again by a late offer, fax as the only stream: each has its kind and peer")
def fax_of_peer():
    def shown():
        return [(media["kind"], media["peer"]) for media in calls()[0]["media"]]
    image = "m=image {} udptl t38"
    call = answered("peerfax", 4550)
    peer_asks(call, "INVITE", "200 OK", sdp(RELAY, 0, image.format(6550)), sdp(PHONE, 0, image.format(4550)))
    assert shown() == [("image", f"{RELAY}:6550")] and talks(4550), shown()
    out(call.request("INVITE", cseq=2, to_tag=True))
    back(call.response("200 OK", body=sdp(RELAY, 6550)))
    out(call.request("ACK", sdp(PHONE, 4550), cseq=2, to_tag=True))
    assert shown() == [("audio", f"{RELAY}:6550")] and talks(4550), shown()
    alone = ("audio {} RTP/AVP 0", "image {} udptl t38")
    reinvite(call, *(sdp(host, port).replace(alone[0].format(port), alone[1].format(port))
                     for host, port in ((PHONE, 4550), (RELAY, 6550))))
    assert shown() == [("image", f"{RELAY}:6550")] and talks(4550), shown()
    hang_up(call)


@test("fault C8", "of ten forks with Record-Route each, the one that answers can be reached")
def many_ways():
    call = new("ways")
    out(call.request("INVITE", sdp(PHONE, 4170)))
    for number in range(10):
        back(call.response("180 Ringing", tag=f"fork{number}",
                           extra=f"\nRecord-Route: <sip:203.0.113.{80 + number}:5062;lr>"))
    back(call.response("200 OK", body=sdp(RELAY, 6170), tag="fork9", extra="\nRecord-Route: <sip:203.0.113.89:5062;lr>"))
    call.tags = (call.tags[0], "fork9")
    out(call.request("ACK", to_tag=True))
    assert net.pinhole("203.0.113.89", 5062, "signalling"), net.expectations("signalling")
    hang_up(call)


run(after=net.nothing_left)
