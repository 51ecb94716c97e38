#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""Offers and answers wherever RFC 3261, 3262 and 3311 let them travel, and their refusals."""
import time

import topology as net
from sip import again, sdp
from call_helpers import (HIDE, accepted, audio, back, finish, hang_up, new, out, passes, peer_asks,
                          phone, server, talks)
from ksft import run, same, test
from topology import PHONE, RELAY, ROUTER, SERVER, Udp

REFUSAL = "488 Not Acceptable Here"


def ring(call, port):
    """Reliably, with a description."""
    back(call.response("183 Session Progress", body=sdp(RELAY, port), extra="\nRequire: 100rel\nRSeq: 1"))


def answer_to_prack(call, cseq, body="", offer=""):
    out(call.request("PRACK", body, cseq=cseq, to_tag=True, extra=f"\nRAck: {cseq - 1} 1 INVITE"))
    back(call.response("200 OK", "PRACK", body=offer))


@test("S3-6", "INVITE offers, a reliable 183 answers, the 200 has nothing more to say")
def reliable_answer():
    call = new("pat3")
    out(call.request("INVITE", sdp(PHONE, 4000)))
    ring(call, 6000)
    assert talks(4000)
    answer_to_prack(call, 2)
    accepted(call)
    finish(call, 4000)


@test("S2-4", "two minutes of ringing after a reliable 183 are no silence of the call that is then answered")
def rings_long():
    call = new("late183")
    out(call.request("INVITE", sdp(PHONE, 4180)))
    ring(call, 6180)
    out(call.request("PRACK", cseq=2, to_tag=True, extra="\nRAck: 1 1 INVITE"))
    back(call.response("200 OK", "PRACK"))
    call.cseq = 1
    time.sleep(60)
    back(call.response("180 Ringing"))
    time.sleep(70)
    back(call.response("200 OK"))
    out(call.request("ACK", to_tag=True))
    ours, theirs = audio(4180)
    heard = passes(theirs, ours, ROUTER, 4180), passes(ours, theirs, RELAY, 6180)
    ours.close()
    theirs.close()
    call.cseq = 2
    hang_up(call)
    assert heard == (True, True), heard


@test("S3-6", "183 offers, PRACK answers")
def offer_in_183():
    call = new("pat4")
    out(call.request("INVITE"))
    ring(call, 6010)
    answer_to_prack(call, 2, sdp(PHONE, 4010))
    assert talks(4010)
    accepted(call)
    finish(call, 4010)


@test("S3-6", "PRACK offers anew, its 200 answers: the port moves before anybody has picked up")
def offer_in_prack():
    call = new("pat5")
    out(call.request("INVITE", sdp(PHONE, 4020)))
    ring(call, 6020)
    answer_to_prack(call, 2, sdp(PHONE, 4022), sdp(RELAY, 6022))
    assert talks(4022) and not net.pinhole(ROUTER, 4020)
    accepted(call)
    finish(call, 4022)


@test("S3-6", "UPDATE offers early, from either side, and its 200 answers")
def early_update():
    call = new("pat6")
    out(call.request("INVITE", sdp(PHONE, 4030)))
    ring(call, 6030)
    answer_to_prack(call, 2)
    out(call.request("UPDATE", sdp(PHONE, 4032), cseq=3, to_tag=True))
    back(call.response("200 OK", "UPDATE", body=sdp(RELAY, 6032)))
    assert talks(4032) and not net.pinhole(ROUTER, 4030)
    peer_asks(call, "UPDATE", "200 OK", sdp(RELAY, 6034), sdp(PHONE, 4034))
    accepted(call)
    finish(call, 4034)


@test("S3-6", "an UPDATE that is refused, early, leaves the media as it was")
def early_refusal():
    call = new("ref1")
    out(call.request("INVITE", sdp(PHONE, 4040)))
    ring(call, 6040)
    answer_to_prack(call, 2)
    out(call.request("UPDATE", sdp(PHONE, 4042), cseq=3, to_tag=True))
    back(call.response(REFUSAL, "UPDATE"))
    assert talks(4040)
    accepted(call)
    assert not net.pinhole(ROUTER, 4042)
    finish(call, 4040)


@test("S3-6", "a refused UPDATE and a refused re-INVITE (491, 488, 504) of a call that is up change nothing")
def late_refusal():
    call = new("ref2")
    out(call.request("INVITE", sdp(PHONE, 4050)))
    accepted(call, body=sdp(RELAY, 6050))
    cseq = 1
    for method in ("UPDATE", "INVITE"):
        for status in ("491 Request Pending", REFUSAL, "504 Server Time-out"):
            cseq += 1
            out(call.request(method, sdp(PHONE, 4052), cseq=cseq, to_tag=True))
            back(call.response(status, method))
            assert talks(4050) and not net.pinhole(ROUTER, 4052), (method, status)
    finish(call, 4050)


@test("S3-25", "a re-INVITE without an offer: the 200 offers, the ACK answers with another port")
def late_offer():
    call = new("late")
    out(call.request("INVITE", sdp(PHONE, 4060)))
    accepted(call, body=sdp(RELAY, 6060))
    out(call.request("INVITE", cseq=2, to_tag=True))
    back(call.response("200 OK", body=sdp(RELAY, 6062)))
    out(call.request("ACK", sdp(PHONE, 4062), cseq=2, to_tag=True))
    assert not net.pinhole(ROUTER, 4060)
    finish(call, 4062)


@test("S3-6", "offers cross (491 both ways), the second try moves the media")
def glare():
    call = new("glare")
    out(call.request("INVITE", sdp(PHONE, 4070)))
    accepted(call, body=sdp(RELAY, 6070))
    out(call.request("INVITE", sdp(PHONE, 4072), cseq=2, to_tag=True))
    data = call.peer_request("INVITE", f"{ROUTER}:5060", cseq=100, body=sdp(RELAY, 6074))
    server.send(data, ROUTER)
    same(phone.recv(), again(data, (f"alice@{ROUTER}:5060 ", f"alice@{PHONE}:5060 ")))
    back(call.response("491 Request Pending"))
    data = call.peer_response("491 Request Pending", "INVITE", cseq=100)
    phone.send(data, SERVER)
    same(server.recv(), again(data, HIDE))
    assert talks(4070)
    out(call.request("INVITE", sdp(PHONE, 4072), cseq=3, to_tag=True))
    accepted(call, 3, sdp(RELAY, 6072))
    assert not net.pinhole(ROUTER, 4070)
    finish(call, 4072)


def moves(name, port):
    """A call that is up; the phone asks to have its audio at another port."""
    call = new(name)
    out(call.request("INVITE", sdp(PHONE, port)))
    accepted(call, body=sdp(RELAY, port + 2000))
    assert talks(port)
    out(call.request("INVITE", sdp(PHONE, port + 2), cseq=2, to_tag=True))
    return call


def stays(call, port):
    call.cseq = 2
    back(call.response(REFUSAL))
    out(call.request("ACK", cseq=2, to_tag=True))
    assert not net.pinhole(ROUTER, port + 2)
    finish(call, port)


def moved(call, port):
    accepted(call, 2, sdp(RELAY, port + 2002))
    assert not net.pinhole(ROUTER, port)
    finish(call, port + 2)


@test("S3-6", "an UPDATE without an offer is accepted while a re-INVITE that moves the audio waits: that is refused, the audio stays")
def refresh_crosses():
    call = moves("cross1", 4100)
    peer_asks(call, "UPDATE", "200 OK")
    stays(call, 4100)


@test("S3-6", "a re-INVITE that moves the audio rings reliably, without an answer, and is refused: the audio stays")
def rings_and_is_refused():
    call = moves("cross2", 4110)
    back(call.response("180 Ringing", extra="\nRequire: 100rel\nRSeq: 1"))
    answer_to_prack(call, 3)
    stays(call, 4110)


@test("S3-6", "the answer to a re-INVITE in a reliable 183 holds, whatever becomes of the re-INVITE (RFC 6141 3.1)")
def answered_and_refused():
    call = moves("cross3", 4120)
    ring(call, 6122)
    answer_to_prack(call, 3)
    call.cseq = 2
    back(call.response(REFUSAL))
    out(call.request("ACK", cseq=2, to_tag=True))
    assert not net.pinhole(ROUTER, 4120)
    finish(call, 4122)


@test("S3-6", "the peer's UPDATE or re-INVITE is refused while one of the phone's waits: that is accepted, the audio moves")
def other_offer_refused():
    offer = sdp(RELAY, 6140)
    for number, (method, status, body) in enumerate((
            ("UPDATE", "491 Request Pending", offer), ("INVITE", "491 Request Pending", offer),
            ("UPDATE", "405 Method Not Allowed", ""))):
        call = moves(f"cross4{number}", 4130 + 4 * number)
        peer_asks(call, method, status, body)
        moved(call, 4130 + 4 * number)


@test("S3-6", "an UPDATE moves the audio while a re-INVITE without an offer is refused")
def other_way_round():
    call = new("cross5")
    out(call.request("INVITE", sdp(PHONE, 4150)))
    accepted(call, body=sdp(RELAY, 6150))
    out(call.request("UPDATE", sdp(PHONE, 4152), cseq=2, to_tag=True))
    peer_asks(call, "INVITE", "491 Request Pending")
    call.cseq = 2
    back(call.response("200 OK", "UPDATE", body=sdp(RELAY, 6152)))
    assert not net.pinhole(ROUTER, 4150)
    finish(call, 4152)


@test("S3-56", "one fork's UPDATE is refused: the other one's early audio goes on")
def fork_refused():
    call = new("cross6")
    out(call.request("INVITE", sdp(PHONE, 4160)))
    ring(call, 6160)
    answer_to_prack(call, 2)
    call.cseq = 1
    back(call.response("183 Session Progress", tag="other", body=sdp(RELAY, 6162)))
    ours, theirs = Udp("phone", PHONE, 4160), Udp("provider", RELAY, 6162)
    for status, body in (("405 Method Not Allowed", ""), (REFUSAL, sdp(RELAY, 6164))):
        peer_asks(call, "UPDATE", status, body)
        assert passes(ours, theirs, RELAY, 6162), status
    ours.close()
    theirs.close()
    accepted(call)
    finish(call, 4160)


@test("S3-27", "INFO, MESSAGE, NOTIFY and REFER within a call touch no media, whatever is answered")
def others():
    call = new("other")
    out(call.request("INVITE", sdp(PHONE, 4080)))
    accepted(call, body=sdp(RELAY, 6080))
    for number, method in enumerate(("INFO", "MESSAGE", "NOTIFY", "REFER", "OPTIONS", "SUBSCRIBE", "PUBLISH", "FOO")):
        for status in ("200 OK", "202 Accepted", "405 Method Not Allowed", "481 Gone"):
            out(call.request(method, cseq=2 + number, to_tag=True))
            back(call.response(status, method))
    finish(call, 4080)


run(after=net.nothing_left)
