#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""What must not be put in force again, and how calls end: late, crossing, without tags."""
import json
import re
import time

import topology as net
from sip import again, sdp
from call_helpers import (accepted, back, both, finish, hang_up, new, out, passes, peer_asks,
                          phone, send_back, send_out, server, talks)
from ksft import run, test
from topology import PHONE, RELAY, ROUTER, SERVER, STRANGER, Udp
from transports import WayCall, all_ways

REFUSAL = "488 Not Acceptable Here"
RELIABLY = "\nRequire: 100rel\nRSeq: 1"
WAYS = all_ways(phone, server)


def up(name, port):
    call = new(name)
    out(call.request("INVITE", sdp(PHONE, port)))
    accepted(call, body=sdp(RELAY, port + 2000))
    return call


@test("fault C5", "a repeated 200, of the call's INVITE or of a re-INVITE, does not undo what an UPDATE has moved since")
def repeated_answer():
    call = new("rep1")
    out(call.request("INVITE", sdp(PHONE, 4200)))
    answer = call.response("200 OK", body=sdp(RELAY, 6200))
    back(answer)
    out(call.request("ACK", to_tag=True))
    out(call.request("UPDATE", sdp(PHONE, 4202), cseq=2, to_tag=True))
    back(call.response("200 OK", "UPDATE", body=sdp(RELAY, 6202)))
    back(answer)
    assert not net.pinhole(ROUTER, 4200) and not net.pinhole(RELAY, 6200)
    finish(call, 4202)
    call = up("rep2", 4204)
    peer_asks(call, "INVITE", "200 OK", sdp(RELAY, 6206), sdp(PHONE, 4204))
    repeated = call.peer_response("200 OK", "INVITE", cseq=100, body=sdp(PHONE, 4204))
    out(call.request("UPDATE", sdp(PHONE, 4206), cseq=2, to_tag=True))
    back(call.response("200 OK", "UPDATE", body=sdp(RELAY, 6206)))
    phone.send(repeated, SERVER)
    assert server.recv()
    assert not net.pinhole(ROUTER, 4204)
    finish(call, 4206)


def is_gone(port):
    """Nothing leads to the phone's port, and nothing to that of its peer."""
    return not net.pinhole(ROUTER, port) and not net.pinhole(RELAY, port + 2000)


@test("fault C5", "a repeated 200 of an UPDATE, with its UPDATE or without, does not undo what a newer UPDATE or re-INVITE has moved")
def repeated_update():
    for number, method in enumerate(("UPDATE", "INVITE")):
        port = 4310 + 10 * number
        call = up(f"rep5{number}", port)
        asked = call.request("UPDATE", sdp(PHONE, port + 2), cseq=2, to_tag=True)
        out(asked)
        answer = call.response("200 OK", "UPDATE", body=sdp(RELAY, port + 2002))
        back(answer)
        out(call.request(method, sdp(PHONE, port + 4), cseq=3, to_tag=True))
        back(call.response("200 OK", method, body=sdp(RELAY, port + 2004)))
        back(answer)
        assert is_gone(port + 2), (method, net.expectations())
        out(asked)                      # translated as ever
        back(answer)
        assert is_gone(port + 2), (method, net.expectations())
        # and what the peer has asked, and the phone has answered
        peer_asks(call, "UPDATE", "200 OK", sdp(RELAY, port + 2006), sdp(PHONE, port + 6))
        asked = call.peer_request("UPDATE", f"{ROUTER}:5060", cseq=100, body=sdp(RELAY, port + 2006))
        answer = call.peer_response("200 OK", "UPDATE", cseq=100, body=sdp(PHONE, port + 6))
        send_back(call.peer_request(method, f"{ROUTER}:5060", cseq=101, body=sdp(RELAY, port + 2008)))
        send_out(call.peer_response("200 OK", method, cseq=101, body=sdp(PHONE, port + 8)))
        send_back(asked)
        assert PHONE.encode() not in send_out(answer)
        assert is_gone(port + 6), (method, net.expectations())
        finish(call, port + 8)


@test("fault C5", "a repeated INVITE, and a repeated ACK that answers, do not undo what an UPDATE has moved since")
def repeated_requests():
    call = new("rep7")
    invite = call.request("INVITE", sdp(PHONE, 4330))
    out(invite)
    accepted(call, body=sdp(RELAY, 6330))
    out(call.request("UPDATE", sdp(PHONE, 4332), cseq=2, to_tag=True))
    back(call.response("200 OK", "UPDATE", body=sdp(RELAY, 6332)))
    out(invite)
    assert is_gone(4330), net.expectations()
    finish(call, 4332)
    call = new("rep8")
    out(call.request("INVITE"))
    back(call.response("200 OK", body=sdp(RELAY, 6334)))
    ack = call.request("ACK", sdp(PHONE, 4334), to_tag=True)
    out(ack)
    out(call.request("UPDATE", sdp(PHONE, 4336), cseq=2, to_tag=True))
    back(call.response("200 OK", "UPDATE", body=sdp(RELAY, 6336)))
    out(ack)
    assert is_gone(4334), net.expectations()
    # while the next move waits for its answer, too
    out(call.request("UPDATE", sdp(PHONE, 4338), cseq=3, to_tag=True))
    out(ack)
    call.cseq = 3
    back(call.response("200 OK", "UPDATE", body=sdp(RELAY, 6338)))
    assert is_gone(4334) and is_gone(4336), net.expectations()
    finish(call, 4338)


@test("fault C5", "a reliable 183 and the 200 to a PRACK, repeated, do not undo what UPDATE has moved since, of either side")
def repeated_early():
    for number, who in enumerate(("phone", "peer")):
        port = 4340 + 10 * number
        call = new(f"rep9{number}")
        out(call.request("INVITE", sdp(PHONE, port)))
        ring = call.response("183 Session Progress", body=sdp(RELAY, port + 2000), extra=RELIABLY)
        back(ring)
        out(call.request("PRACK", sdp(PHONE, port + 2), cseq=2, to_tag=True, extra="\nRAck: 1 1 INVITE"))
        answer = call.response("200 OK", "PRACK", body=sdp(RELAY, port + 2002))
        back(answer)
        if who == "phone":
            out(call.request("UPDATE", sdp(PHONE, port + 4), cseq=3, to_tag=True))
            back(call.response("200 OK", "UPDATE", body=sdp(RELAY, port + 2004)))
        else:
            peer_asks(call, "UPDATE", "200 OK", sdp(RELAY, port + 2004), sdp(PHONE, port + 4))
        for repeated in (answer, ring):
            back(repeated)
            assert is_gone(port + 2) and is_gone(port), (who, net.expectations())
        accepted(call)
        finish(call, port + 4)


@test("fault C5", "offers of two UPDATEs cross, 491 both ways; a re-INVITE that is cancelled: the media stays")
def glare():
    call = up("glare1", 4360)
    out(call.request("UPDATE", sdp(PHONE, 4362), cseq=2, to_tag=True))
    send_back(call.peer_request("UPDATE", f"{ROUTER}:5060", cseq=100, body=sdp(RELAY, 6364)))
    back(call.response("491 Request Pending", "UPDATE"))
    send_out(call.peer_response("491 Request Pending", "UPDATE", cseq=100))
    assert talks(4360) and is_gone(4362) and not net.pinhole(RELAY, 6364)
    out(call.request("INVITE", sdp(PHONE, 4362), cseq=3, to_tag=True))
    out(call.request("CANCEL"))
    back(call.response("200 OK", "CANCEL"))
    back(call.response("487 Request Terminated"))
    out(call.request("ACK", cseq=3, to_tag=True))
    assert talks(4360) and is_gone(4362)
    # and one whose 200 crosses the CANCEL
    out(call.request("INVITE", sdp(PHONE, 4362), cseq=4, to_tag=True))
    out(call.request("CANCEL"))
    accepted(call, 4, sdp(RELAY, 6362))
    assert is_gone(4360)
    finish(call, 4362)


@test("fault C5", "the first re-INVITE of the callee has CSeq 0: it moves the media like any other")
def from_zero():
    for number, method in enumerate(("INVITE", "UPDATE")):
        port = 4370 + 4 * number
        call = up(f"zero{number}", port)
        send_back(call.peer_request(method, f"{ROUTER}:5060", cseq=0, body=sdp(RELAY, port + 2002)))
        got = send_out(call.peer_response("200 OK", method, cseq=0, body=sdp(PHONE, port + 2)))
        assert f"m=audio {port + 2} ".encode() in got and PHONE.encode() not in got, got
        assert is_gone(port), net.expectations()
        finish(call, port + 2)


@test("fault C5", "BYE of one of two answered forks: refused (401) its media goes on, accepted or not answered it closes")
def bye_of_fork():
    for number, answer in enumerate(("401 Unauthorized", "500 Server Internal Error", "200 OK", None)):
        port = 4380 + 4 * number
        call = new(f"forkbye{number}")
        out(call.request("INVITE", sdp(PHONE, port)))
        back(call.response("200 OK", body=sdp(RELAY, port + 2000), tag="one"))
        back(call.response("200 OK", body=sdp(STRANGER, port + 2000), tag="two"))
        call.tags = (call.tags[0], "one")
        out(call.request("BYE", cseq=2, to_tag=True))
        if answer:
            back(call.response(answer, "BYE", tag="one"))
        time.sleep(8)
        lives = bool(answer) and answer[0] != "2"
        assert bool(net.pinhole(RELAY, port + 2000)) == lives and net.pinhole(STRANGER, port + 2000), answer
        ours, theirs = Udp("phone", PHONE, port), Udp("provider", STRANGER, port + 2000)
        assert passes(theirs, ours, ROUTER, port) and passes(ours, theirs, STRANGER, port + 2000)
        ours.close()
        theirs.close()
        if lives:
            assert talks(port)
            out(call.request("BYE", cseq=3, to_tag=True))
            back(call.response("200 OK", "BYE", tag="one"))
        call.tags = (call.tags[0], "two")
        call.cseq = 4
        hang_up(call)
        net.until(lambda: not net.expectations(), 6)


@test("fault C5", "both hang up at once: the BYEs cross, and the call ends as bye, once")
def byes_cross():
    for number, answers in enumerate((("200 OK", "200 OK"), ("481 Gone", "481 Gone"))):
        before = ended()["bye"]
        call = up(f"byes{number}", 4400)
        out(call.request("BYE", cseq=2, to_tag=True))
        back(call.peer_request("BYE", f"{ROUTER}:5060", cseq=100))
        call.cseq = 2
        back(call.response(answers[0], "BYE"))
        out(call.peer_response(answers[1], "BYE", cseq=100))
        net.until(lambda: not net.expectations(), 6)
        time.sleep(34)
        assert ended()["bye"] == before + 1


@test("fault C5", "a repeated 200 is no refresh: the session ends in its time")
def repeated_refresh():
    call = new("rep3")
    out(call.request("INVITE", sdp(PHONE, 4210)))
    answer = call.response("200 OK", body=sdp(RELAY, 6210), extra="\nSession-Expires: 90;refresher=uac")
    back(answer)
    out(call.request("ACK", to_tag=True))
    for _ in range(3):
        time.sleep(35)
        back(answer)
        assert both(4210)
    time.sleep(25)
    assert not net.expectations()


@test("fault C5", "a late 200 or 183 of a fork that was hung up on opens nothing again")
def late_fork():
    call = new("latefork")
    out(call.request("INVITE", sdp(PHONE, 4220)))
    one = call.response("200 OK", body=sdp(RELAY, 6220), tag="one")
    back(one)
    back(call.response("200 OK", body=sdp(RELAY, 6224), tag="two"))
    call.tags = (call.tags[0], "one")
    out(call.request("BYE", cseq=2, to_tag=True))
    back(call.response("200 OK", "BYE", tag="one"))
    call.cseq = 1
    for status in ("200 OK", "183 Session Progress"):
        back(call.response(status, body=sdp(RELAY, 6220), tag="one"))
        assert not net.pinhole(RELAY, 6220), status
    call.tags = (call.tags[0], "two")
    call.cseq = 2
    hang_up(call)
    net.until(lambda: not net.expectations(), 6)
    back(one)
    time.sleep(1)
    assert not net.expectations()


@test("fault C5", "a re-INVITE without an offer takes back the one before: its 200 puts nothing of that in force")
def withdrawn():
    call = up("withdraw", 4230)
    out(call.request("INVITE", sdp(PHONE, 4232), cseq=2, to_tag=True))
    out(call.request("INVITE", cseq=3, to_tag=True))
    back(call.response("200 OK", body=sdp(RELAY, 6230)))
    assert both(4230) and not net.pinhole(ROUTER, 4232)
    out(call.request("ACK", sdp(PHONE, 4230), cseq=3, to_tag=True))
    finish(call, 4230)
    call = up("withdraw2", 4234)
    out(call.request("UPDATE", sdp(PHONE, 4236), cseq=2, to_tag=True))
    peer_asks(call, "INVITE", "200 OK", "", sdp(PHONE, 4234))
    assert both(4234) and not net.pinhole(ROUTER, 4236)
    finish(call, 4234)


@test("fault C5", "a refused resume, by re-INVITE or UPDATE of either side, leaves a held call shut; the next one opens it")
def refused_resume():
    held = "a=inactive"
    call = up("resume", 4240)
    out(call.request("INVITE", sdp(PHONE, 4240, held), cseq=2, to_tag=True))
    accepted(call, 2, sdp(RELAY, 6240, held))
    assert not net.expectations()
    cseq = 2
    for method in ("INVITE", "UPDATE"):
        for status in ("491 Request Pending", "500 Server Internal Error", REFUSAL, "481 Gone"):
            cseq += 1
            out(call.request(method, sdp(PHONE, 4240), cseq=cseq, to_tag=True))
            back(call.response(status, method))
            assert not net.expectations(), (method, status, net.expectations())
    for method in ("INVITE", "UPDATE"):
        peer_asks(call, method, "491 Request Pending", sdp(RELAY, 6240))
        assert not net.expectations(), method
    out(call.request("INVITE", sdp(PHONE, 4240), cseq=20, to_tag=True))
    accepted(call, 20, sdp(RELAY, 6240))
    finish(call, 4240)


@test("fault C5", "a re-INVITE that crosses an accepted BYE ends nothing anew: the call ends as bye, in its time")
def crossing():
    before = ended()
    for number, final in enumerate(("481 Gone", "487 Request Terminated", "200 OK", None)):
        call = up(f"cross{number}", 4250 + 2 * number)
        out(call.request("BYE", cseq=2, to_tag=True))
        data = call.peer_request("INVITE", f"{ROUTER}:5060", cseq=100, body=sdp(RELAY, 6250 + 2 * number))
        server.send(data, ROUTER)
        assert phone.recv()
        call.cseq = 2
        back(call.response("200 OK", "BYE"))
        if final:
            phone.send(call.peer_response(final, "INVITE", cseq=100), SERVER)
            assert server.recv()
        net.until(lambda: not net.expectations(), 6)
        time.sleep(34)
        assert ended()["bye"] == before["bye"] + number + 1 and ended()["invite_timeout"] == before["invite_timeout"]


def ended():
    return json.loads(net.router("tools/sipalg-ctl/sipalg-ctl -j stats show"))["calls"]["ended"]


@test("fault C6", "BYE to the only early dialog that is known; another fork answers, after a second or a minute, with media")
def other_fork_answers():
    before = ended()["bye"]
    for number, wait in enumerate((1, 8, 60, 150)):
        port = 4260 + 4 * number
        call = new(f"c6-{number}")
        out(call.request("INVITE", sdp(PHONE, port)))
        back(call.response("183 Session Progress", body=sdp(RELAY, port + 2002), tag="one"))
        call.tags = (call.tags[0], "one")
        out(call.request("BYE", cseq=2, to_tag=True))
        back(call.response("200 OK", "BYE", tag="one"))
        time.sleep(wait)
        call.cseq = 1
        call.tags = (call.tags[0], "two")
        back(call.response("200 OK", body=sdp(RELAY, port + 2000), tag="two"))
        out(call.request("ACK", to_tag=True))
        time.sleep(20)
        finish(call, port)
        time.sleep(34)
    assert ended()["bye"] == before + 4
    call = new("c6-none")
    out(call.request("INVITE", sdp(PHONE, 4280)))
    back(call.response("180 Ringing"))
    out(call.request("BYE", cseq=2, to_tag=True))
    back(call.response("200 OK", "BYE"))
    call.cseq = 1
    back(call.response("487 Request Terminated"))
    out(call.request("ACK", to_tag=True))
    net.until(lambda: not net.expectations(), 6)
    time.sleep(34)
    assert ended()["bye"] == before + 5


@test("fault C6", "by UDP and TCP, IPv4 and IPv6: another fork answers after the BYE, and is heard")
def other_fork_by_all_ways():
    for number, way in enumerate(WAYS):
        one = WayCall(way, f"c6way{number}", 4410).rings(tag="one")
        one.call.tags = (one.call.tags[0], "one")
        one.out(one.call.request("BYE", cseq=2, to_tag=True))
        one.back(one.call.response("200 OK", "BYE", tag="one"))
        time.sleep(20)
        one.call.cseq = 1
        one.picks_up("two")
        time.sleep(15)
        assert one.talks(), way.transport
        one.hangs_up()
        net.until(lambda: not net.expectations(), 6)


@test("fault C6", "a caller outside hangs up on one of a proxy's phones; another one picks up and is heard")
def other_phone_answers():
    out(new("c6hello").request("OPTIONS"))
    call = new("c6in")
    invite = call.peer_request("INVITE", f"{ROUTER}:5060", body=sdp(RELAY, 6420), tags=("", call.tags[1]))
    send_back(again(invite, (";tag=\r\n", "\r\n")))
    one = ("tag=phone-", "tag=one-")
    send_out(again(call.peer_response("183 Session Progress", "INVITE", body=sdp(PHONE, 4424)), one))
    send_back(call.peer_request("BYE", f"{ROUTER}:5060", cseq=101, tags=("one-c6in", call.tags[1])))
    send_out(again(call.peer_response("200 OK", "BYE", cseq=101), one))
    time.sleep(15)
    send_out(call.peer_response("200 OK", "INVITE", body=sdp(PHONE, 4420)))
    send_back(call.peer_request("ACK", f"{ROUTER}:5060"))
    time.sleep(10)
    assert talks(4420) and not net.pinhole(ROUTER, 4424)
    send_back(call.peer_request("BYE", f"{ROUTER}:5060", cseq=102))
    send_out(call.peer_response("200 OK", "BYE", cseq=102))
    net.until(lambda: not net.expectations(), 6)


@test("fault C7", "peers without tags (RFC 2543), both of them: either one's BYE ends the call, and a re-INVITE moves it")
def no_tags_at_all():
    def bare(data):
        for tag in (";tag=phone-", ";tag=peer-"):
            while tag.encode() in data:
                at = data.index(tag.encode())
                data = data[:at] + data[data.index(b"\r\n", at):]
        return data.replace(b";tag=\r\n", b"\r\n")

    def said(data, sender, receiver, address):
        sender.send(bare(data), address)
        got = receiver.recv()
        assert got
        return got
    for number, ends in enumerate(("phone", "peer")):
        call = new(f"bare{number}")
        port = 4290 + 4 * number
        said(call.request("INVITE", sdp(PHONE, port)), phone, server, SERVER)
        said(call.response("180 Ringing"), server, phone, ROUTER)
        said(call.response("200 OK", body=sdp(RELAY, port + 2000)), server, phone, ROUTER)
        said(call.request("ACK"), phone, server, SERVER)
        assert talks(port)
        said(call.peer_request("INVITE", f"{ROUTER}:5060", cseq=90, body=sdp(RELAY, port + 2002)), server, phone, ROUTER)
        said(call.peer_response("200 OK", "INVITE", cseq=90, body=sdp(PHONE, port + 2)), phone, server, SERVER)
        said(call.peer_request("ACK", f"{ROUTER}:5060", cseq=90), server, phone, ROUTER)
        assert both(port + 2) and not net.pinhole(ROUTER, port) and talks(port + 2)
        if ends == "phone":
            said(call.request("BYE", cseq=2), phone, server, SERVER)
            said(call.response("200 OK", "BYE"), server, phone, ROUTER)
        else:
            said(call.peer_request("BYE", f"{ROUTER}:5060", cseq=91), server, phone, ROUTER)
            said(call.peer_response("200 OK", "BYE", cseq=91), phone, server, SERVER)
        net.until(lambda: not net.expectations(), 6)


@test("fault C7", "calls in without tags, by UDP and TCP, IPv4 and IPv6, end by either one's BYE")
def calls_in_without():
    def bare(data):
        return re.sub(rb";tag=[^\r]*", b"", data)
    for number, way in enumerate(WAYS + WAYS[:2]):
        one = WayCall(way, f"barein{number}", 4430)
        call = one.call
        one.out(call.request("OPTIONS"))
        one.back(bare(call.peer_request("INVITE", way.alg, body=sdp(one.peer, 6430))))
        one.out(bare(call.peer_response("180 Ringing", "INVITE")))
        one.out(bare(call.peer_response("200 OK", "INVITE", body=sdp(one.phone, 4430))))
        one.back(bare(call.peer_request("ACK", way.alg)))
        assert one.talks(), (number, way.transport)
        if number % 2:
            one.out(bare(call.request("BYE", cseq=7)))
            one.back(bare(call.response("200 OK", "BYE")))
        else:
            one.back(bare(call.peer_request("BYE", way.alg, cseq=101)))
            one.out(bare(call.peer_response("200 OK", "BYE", cseq=101)))
        net.until(lambda: not net.expectations(), 6)


@test("fault C7", "calls out without any tag, and with one that the callee alone has, end by the callee's BYE")
def one_without():
    for number, tag in enumerate(("", "callee")):
        call = new(f"half{number}")
        call.tags = ("", tag)
        strip = lambda data: data.replace(b";tag=\r\n", b"\r\n")     # noqa: E731
        port = 4300 + 4 * number
        phone.send(strip(call.request("INVITE", sdp(PHONE, port))), SERVER)
        assert server.recv()
        server.send(strip(call.response("200 OK", body=sdp(RELAY, port + 2000))), ROUTER)
        assert phone.recv() and talks(port)
        server.send(strip(call.peer_request("BYE", f"{ROUTER}:5060")), ROUTER)
        assert phone.recv()
        phone.send(strip(call.peer_response("200 OK", "BYE")), SERVER)
        assert server.recv()
        net.until(lambda: not net.expectations(), 6)


run(after=net.nothing_left)
