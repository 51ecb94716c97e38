#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""What happens within a call that is up: refreshes, holds, other streams, forks."""
import time

import call_helpers
import topology as net
from sip import again, sdp
from call_helpers import (answered, audio, back, both, expires, hang_up, identity, lively, new,
                  out, passes, reinvite)
from ksft import run, same, test
from topology import PHONE, RELAY, ROUTER, Udp

@test("S4-2", "422 and again with a longer interval is one call, with the same port")
def too_brief():
    call = new("s42")
    first = out(call.request("INVITE", sdp(PHONE, 4000), extra="\nSession-Expires: 90"))
    for cseq, interval in ((2, 400), (3, 600)):
        back(call.response("422 Session Interval Too Small", extra=f"\nMin-SE: {interval}"))
        out(call.request("ACK"))
        got = out(call.request("INVITE", sdp(PHONE, 4000), cseq=cseq,
                               extra=f"\nSession-Expires: {interval}"))
        same(got.split(b"m=audio ")[1], first.split(b"m=audio ")[1])
        assert len(net.expectations()) == 2
    time.sleep(6)
    assert both(4000), "the refusal's teardown is called off"
    back(call.response("200 OK", body=sdp(RELAY, 6000), extra=expires(600)))
    assert lively(4000, 500)
    hang_up(call)


@test("S4-3", "an interval counts only in the 2xx; there, none means none (S4-4)")
def no_timer():
    call = new("s44")
    out(call.request("INVITE", sdp(PHONE, 4010), extra="\nSession-Expires: 90"))
    back(call.response("200 OK", body=sdp(RELAY, 6010)))
    assert lively(4010, 3600)
    hang_up(call)


@test("S4-6", "a refused refresh does not extend the session")
def refused():
    call = answered("s46", 4020, 300)
    assert lively(4020, 250)
    out(call.request("INVITE", sdp(PHONE, 4020), cseq=2, to_tag=True))
    back(call.response("491 Request Pending", extra=expires(300)))
    assert lively(4020, 50), "neither does it end it"
    time.sleep(50)
    assert not net.expectations()


@test("S4-7", "UPDATE without a description refreshes, and touches no media")
def update():
    call = answered("s47", 4030, 90)
    ours, theirs = audio(4030)
    assert passes(ours, theirs, RELAY, 6030) and passes(theirs, ours, ROUTER, 4030)
    connection = identity(6030)
    for cseq in range(2, 12):
        assert lively(4030, 50, 10, (ours, theirs))
        out(call.request("UPDATE", cseq=cseq, to_tag=True, extra=expires(90)))
        back(call.response("200 OK", "UPDATE", extra=expires(90)))
        assert passes(theirs, ours, ROUTER, 4030) and passes(ours, theirs, RELAY, 6030)
        assert both(4030)
    assert identity(6030) == connection, "the media's connection has been another"
    ours.close()
    theirs.close()
    hang_up(call)


@test("H-19", "two hours, refreshed by unchanged re-INVITEs: not one packet is lost")
def two_hours():
    call = answered("h19", 4040, 1800)
    ours, theirs = audio(4040)
    lost = 0
    for minute in range(120):
        if minute % 15 == 14:
            reinvite(call, sdp(PHONE, 4040), sdp(RELAY, 6040), expires(1800))
        time.sleep(60)
        lost += not passes(theirs, ours, ROUTER, 4040)
        lost += not passes(ours, theirs, RELAY, 6040)
    assert not lost, f"{lost} of 240"
    ours.close()
    theirs.close()
    hang_up(call)


@test("S0-8", "a refresh whose 2xx has no interval turns the session timer off")
def turned_off():
    call = answered("s08", 4050, 90)
    reinvite(call, sdp(PHONE, 4050), sdp(RELAY, 6050))
    assert lively(4050, 600)
    hang_up(call)


@test("S4-12", "absurd intervals: short ones count as 90 s, long ones end nothing")
def absurd():
    for number, interval in enumerate(("1", "89", "0")):
        port = 4060 + 2 * number
        answered(f"short{number}", port, interval)
        assert lively(port, 115), interval
        time.sleep(15)
        assert not net.pinhole(ROUTER, port), interval
    for number, interval in enumerate(("4294967296", "99999999999999999999", "-5", "soon")):
        call = answered(f"long{number}", 4070 + 2 * number, interval)
        assert lively(4070 + 2 * number, 300), interval
        hang_up(call)


@test("S2-4", "packets in one direction alone, even the phone's, keep both directions")
def one_way():
    call = answered("oneway", 4076)
    ours, theirs = audio(4076)
    for _ in range(5):
        time.sleep(100)
        assert passes(ours, theirs, RELAY, 6076)
    assert both(4076)
    assert passes(theirs, ours, ROUTER, 4076)
    ours.close()
    theirs.close()
    hang_up(call)


@test("S3-34", "sendonly is not the end of music on hold")
def send_only():
    call = answered("moh", 4080)
    ours, theirs = audio(4080)
    reinvite(call, sdp(PHONE, 4080, "a=sendonly"), sdp(RELAY, 6080, "a=recvonly"))
    assert both(4080)
    assert passes(ours, theirs, RELAY, 6080)
    reinvite(call, sdp(PHONE, 4080), sdp(RELAY, 6080))
    assert passes(theirs, ours, ROUTER, 4080)
    ours.close()
    theirs.close()
    hang_up(call)


@test("S3-34", "hold by c=0.0.0.0 closes the pinholes and keeps o= (H-10); resume opens them")
def null_address():
    call = answered("null", 4090)
    held = sdp(PHONE, 4090).replace(f"c=IN IP4 {PHONE}", "c=IN IP4 0.0.0.0")
    reinvite(call, held, sdp(RELAY, 6090, "a=recvonly"))
    assert not net.pinhole(ROUTER, 4090), net.expectations()
    reinvite(call, sdp(PHONE, 4090), sdp(RELAY, 6090))
    assert both(4090)
    hang_up(call)


@test("S3-49", "a re-INVITE adds a stream, another takes it away")
def streams():
    call = answered("s349", 4100)
    video = "m=video 4102 RTP/AVP 96"
    reinvite(call, sdp(PHONE, 4100, video), sdp(RELAY, 6100, "m=video 6102 RTP/AVP 96"))
    assert both(4100) and both(4102)
    none = "m=video 0 RTP/AVP 96"
    reinvite(call, sdp(PHONE, 4100, none), sdp(RELAY, 6100, none))
    assert both(4100) and not net.pinhole(ROUTER, 4102)
    hang_up(call)


@test("S3-50", "a call without any stream left is kept until its BYE")
def all_removed():
    call = answered("s350", 4110)
    reinvite(call, sdp(PHONE, 0), sdp(RELAY, 0))
    assert not net.expectations()
    time.sleep(300)
    reinvite(call, sdp(PHONE, 4110), sdp(RELAY, 6110))
    ours, theirs = audio(4110)
    assert passes(theirs, ours, ROUTER, 4110) and passes(ours, theirs, RELAY, 6110)
    ours.close()
    theirs.close()
    hang_up(call)


@test("S3-49", "the offered stream that the peer rejects is closed")
def rejected():
    call = new("rej")
    out(call.request("INVITE", sdp(PHONE, 4120, "m=video 4122 RTP/AVP 96")))
    assert both(4122), "it may come early (S1-13)"
    back(call.response("200 OK", body=sdp(RELAY, 6120, "m=video 0 RTP/AVP 96")))
    out(call.request("ACK", to_tag=True))
    ours, theirs = audio(4120)
    assert passes(theirs, ours, ROUTER, 4120)
    ours.close()
    theirs.close()
    hang_up(call)


@test("S3-9", "a port that changes ten times in a call keeps working")
def wanders():
    call = answered("s39", 4200)
    for port in range(4202, 4222, 2):
        reinvite(call, sdp(PHONE, port), sdp(RELAY, port + 2000))
        ours, theirs = audio(port)
        assert passes(theirs, ours, ROUTER, port) and passes(ours, theirs, RELAY, port + 2000)
        ours.close()
        theirs.close()
        assert both(port) and not net.pinhole(ROUTER, port - 2)
    hang_up(call)


@test("S3-49", "the peer moves the call's media, too")
def peer_moves():
    call = answered("peer", 4230)
    for number, port in enumerate((6300, 6310)):
        data = call.peer_request("INVITE", f"{ROUTER}:5060", cseq=50 + number, body=sdp(RELAY, port))
        back(data)
        out(call.peer_response("200 OK", "INVITE", cseq=50 + number, body=sdp(PHONE, 4230)))
        ours, theirs = Udp("phone", PHONE, 4230), Udp("provider", RELAY, port)
        assert passes(ours, theirs, RELAY, port) and theirs.sender == (ROUTER, 4230), theirs.sender
        assert passes(theirs, ours, ROUTER, 4230)
        ours.close()
        theirs.close()
    hang_up(call)


@test("S3-56", "of two forks that answer, each ends by its own BYE")
def forks():
    call = new("fork")
    out(call.request("INVITE", sdp(PHONE, 4240)))
    back(call.response("183 Session Progress", body=sdp(RELAY, 6240), tag="one"))
    back(call.response("183 Session Progress", body=sdp(RELAY, 6250), tag="two"))
    back(call.response("200 OK", body=sdp(RELAY, 6240), tag="one"))
    back(call.response("200 OK", body=sdp(RELAY, 6250), tag="two"))
    call.tags = ("phone-fork", "two")
    hang_up(call)
    time.sleep(40)
    assert both(4240), "the first one's call has gone with the second's"
    ours, theirs = audio(4240)
    assert passes(theirs, ours, ROUTER, 4240) and passes(ours, theirs, RELAY, 6240)
    ours.close()
    theirs.close()
    call.tags = ("phone-fork", "one")
    hang_up(call)


@test("S3-56", "seventeen telephones ring, the last one answers and is hung up: its pinholes close")
def many_forks():
    call = new("many")
    out(call.request("INVITE", sdp(PHONE, 4290)))
    for number in range(17):
        back(call.response("180 Ringing", tag=f"phone{number}"))
    call.tags = ("phone-many", "phone16")
    back(call.response("200 OK", body=sdp(RELAY, 6290)))
    out(call.request("ACK", to_tag=True))
    ours, theirs = audio(4290)
    assert passes(theirs, ours, ROUTER, 4290) and passes(ours, theirs, RELAY, 6290)
    ours.close()
    theirs.close()
    hang_up(call)
    net.until(lambda: not net.expectations(), 6)


@test("S1-13", "media that knocked before the call was there comes in when the call is")
def knocked():
    ours, theirs = audio(4280)
    assert not passes(theirs, ours, ROUTER, 4280)       # to the router itself, which is not deaf
    call = answered("knock", 4280)
    assert passes(theirs, ours, ROUTER, 4280) and passes(ours, theirs, RELAY, 6280)
    out(call.request("INVITE", sdp(PHONE, 4280), cseq=2, to_tag=True))
    stranger = Udp("provider", RELAY, 6290)
    back(call.response("200 OK", body=sdp(RELAY, 6290)))
    out(call.request("ACK", to_tag=True))
    assert passes(stranger, ours, ROUTER, 4280) and passes(ours, stranger, RELAY, 6290)
    for sock in (ours, theirs, stranger):
        sock.close()
    hang_up(call)


@test("S3-56", "BYE to a fork that has not answered ends that fork, the other one answers (RFC 3261 15)")
def early_fork():
    call = new("early")
    out(call.request("INVITE", sdp(PHONE, 4260)))
    back(call.response("183 Session Progress", body=sdp(RELAY, 6260), tag="one"))
    back(call.response("183 Session Progress", body=sdp(RELAY, 6270), tag="two"))
    call.tags = ("phone-early", "one")
    out(call.request("BYE", cseq=2, to_tag=True))
    back(call.response("200 OK", "BYE", tag="one"))
    time.sleep(40)
    assert both(4260), "the other fork's call has gone with the first's"
    call.cseq = 1
    back(call.response("200 OK", body=sdp(RELAY, 6270), tag="two"))
    call.tags = ("phone-early", "two")
    out(call.request("ACK", to_tag=True))
    ours, theirs = Udp("phone", PHONE, 4260), Udp("provider", RELAY, 6270)
    assert passes(theirs, ours, ROUTER, 4260) and passes(ours, theirs, RELAY, 6270)
    ours.close()
    theirs.close()
    hang_up(call)


@test("S0-10", "a callee that gives no tag (RFC 3261 12.1.2): either party's BYE ends the call")
def no_tag():
    for number, port in enumerate((4290, 4292)):
        call = new(f"notag{number}")
        call.tags = (call.tags[0], "")
        out(call.request("INVITE", sdp(PHONE, port)))
        back(call.response("180 Ringing"))
        back(call.response("200 OK", body=sdp(RELAY, port + 2000)))
        out(call.request("ACK"))
        ours, theirs = audio(port)
        assert passes(theirs, ours, ROUTER, port)
        if number:
            bye = again(call.peer_request("BYE", f"{ROUTER}:5060"), (";tag=\r\n", "\r\n"))
            call_helpers.server.send(bye, ROUTER)
            assert call_helpers.phone.recv()
            out(again(call.peer_response("200 OK", "BYE"), (";tag=\r\n", "\r\n")))
        else:
            out(call.request("BYE", cseq=2))
            back(call.response("200 OK", "BYE"))
        net.until(lambda: not net.expectations(), 6)
        assert not passes(theirs, ours, ROUTER, port)
        ours.close()
        theirs.close()


@test("S3-6", "PRACK and UPDATE carry offers and answers before the call is answered")
def reliable():
    call = new("prack")
    out(call.request("INVITE", extra="\nSupported: 100rel"))
    back(call.response("183 Session Progress", body=sdp(RELAY, 6260), extra="\nRSeq: 1"))
    out(call.request("PRACK", sdp(PHONE, 4260), cseq=2, to_tag=True, extra="\nRAck: 1 1 INVITE"))
    back(call.response("200 OK", "PRACK"))
    ours, theirs = audio(4260)
    assert passes(theirs, ours, ROUTER, 4260) and passes(ours, theirs, RELAY, 6260)
    out(call.request("UPDATE", sdp(PHONE, 4262), cseq=3, to_tag=True))
    back(call.response("200 OK", "UPDATE", body=sdp(RELAY, 6260)))
    assert both(4262) and not net.pinhole(ROUTER, 4260)
    call.cseq = 1
    back(call.response("200 OK"))
    out(call.request("ACK", to_tag=True))
    assert both(4262)
    ours.close()
    theirs.close()
    call.cseq = 3
    hang_up(call)


@test("C10", "a late BYE, repeated for half a minute, is translated each time")
def late():
    call = answered("late", 4280)
    data = call.request("BYE", cseq=2, to_tag=True)
    first = out(data)
    for _ in range(7):
        time.sleep(4)
        same(out(data), first)
    back(call.response("200 OK", "BYE"))
    assert not net.expectations()


run(after=net.nothing_left)
