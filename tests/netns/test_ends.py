#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""What must not be put in force again, and how calls end: late, crossing, without tags."""
import json
import time

import topology as net
from sip import sdp
from call_helpers import (accepted, back, both, finish, hang_up, new, out, peer_asks, phone, server,
                          talks)
from ksft import run, test
from topology import PHONE, RELAY, ROUTER, SERVER

REFUSAL = "488 Not Acceptable Here"


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


@test("fault C7", "a call in without tags, and one whose caller alone has none, end by the callee's BYE")
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
