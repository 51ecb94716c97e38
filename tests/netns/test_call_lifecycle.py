#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""The plain life of a call, as the documents that this project began with tell it."""
import json
import time

import topology as net
from sip import again, sdp
from call_helpers import (HIDE, answered, audio, back, both, expires, hang_up, lively, new, out, passes,
                  phone, reinvite, server)
from ctl import ctl, stats
from ksft import run, same, test
from topology import PHONE, RELAY, ROUTER, SERVER, STRANGER, Udp, router


FLOWTABLE = """
table inet fast {
    flowtable ft { hook ingress priority 0; devices = { lan, wan }; }
    chain forward { type filter hook forward priority 10
        meta l4proto udp udp dport 4000-9000 flow add @ft
    }
}
"""


def calls():
    return json.loads(ctl("call list -j"))


@test("S0-10", "hung up, a call's pinholes close after 5 s and its record goes after 64*T1")
def normal_end():
    call = answered("s010", 4000)
    hang_up(call)
    time.sleep(6)
    assert not net.expectations()
    assert [one["state"] for one in calls()] == ["ending"], "late BYEs are still followed"
    time.sleep(28)
    assert not calls()
    net.until(lambda: not stats()["memory_bytes"], 100, 1)


@test("S0-2", "each message brings its call up to date: ports, interval, who is where")
def updates():
    call = answered("s02", 4010)
    one, = calls()
    assert (one["session_interval_seconds"], one["media"][0]["private"]) == (0, f"{PHONE}:4010")
    reinvite(call, sdp(PHONE, 4012), sdp(RELAY, 6014), expires(1800))
    one, = calls()
    media, = one["media"]
    assert (media["private"], media["public"], media["peer"]) == (
        f"{PHONE}:4012", f"{ROUTER}:4012", f"{RELAY}:6014"), media
    assert 1800 < one["expires_in_seconds"] <= 1832, one
    time.sleep(100)
    assert 1700 < calls()[0]["expires_in_seconds"] <= 1733
    out(call.request("UPDATE", cseq=3, to_tag=True, extra=expires(600)))
    back(call.response("200 OK", "UPDATE", extra=expires(600)))
    assert 600 < calls()[0]["expires_in_seconds"] <= 632
    hang_up(call)


@test("S0-7", "the 2xx's Session-Expires, not the INVITE's, says when the call ends (S4-9)")
def session_expires():
    call = new("s07")
    out(call.request("INVITE", sdp(PHONE, 4020), extra="\nSession-Expires: 7200"))
    back(call.response("200 OK", body=sdp(RELAY, 6020), extra=expires(90)))
    out(call.request("ACK", to_tag=True))
    assert lively(4020, 118, every=20), "later than both ends' own BYE"
    time.sleep(5)
    assert not net.expectations() and not calls()


@test("S0-9", "the hard limit ends a call that is refreshed and lively")
def hard_limit():
    ctl("setting set maximum-call-duration 10")
    call = answered("s09", 4030, 300)
    for _ in range(3):
        assert lively(4030, 180, every=60)
        reinvite(call, sdp(PHONE, 4030), sdp(RELAY, 6030), expires(300))
    assert lively(4030, 50, every=10)
    time.sleep(12)
    assert not calls() and not net.expectations()
    ctl("setting reset")


@test("S0-13", "the BYE goes by another way: silence closes the media, and refreshes stay away")
def bye_bypasses():
    answered("s013", 4040, 600)
    assert lively(4040, 200)
    time.sleep(121)
    assert not net.pinhole(ROUTER, 4040), "nobody talks"
    assert calls()
    time.sleep(320)
    assert not calls()


@test("S0-14", "a BYE that nobody answers ends the call")
def bye_lost():
    call = answered("s014", 4050)
    out(call.request("BYE", cseq=2, to_tag=True))
    time.sleep(6)
    assert not net.expectations()
    time.sleep(30)
    assert not calls()


@test("S0-16", "a cancelled call waits for the final answer, and that decides")
def cancel_waits():
    call = new("s016")
    out(call.request("INVITE", sdp(PHONE, 4060)))
    back(call.response("180 Ringing"))
    out(call.request("CANCEL"))
    assert [one["state"] for one in calls()] == ["ending"]
    back(call.response("200 OK", "CANCEL"))
    time.sleep(3)
    back(call.response("200 OK", body=sdp(RELAY, 6060)))
    out(call.request("ACK", to_tag=True))
    assert [one["state"] for one in calls()] == ["confirmed"]
    assert lively(4060, 60, every=20)
    hang_up(call)


@test("S0-18", "an interrupted RTP stream closes pinholes and connections; what returns must ask")
def rtp_interrupted():
    ctl("setting set inactive-media-timeout 30")
    call = answered("s018", 4070)
    ours, theirs = audio(4070)
    for _ in range(4):
        time.sleep(20)
        assert passes(theirs, ours, ROUTER, 4070)
    time.sleep(31)
    assert not net.pinhole(ROUTER, 4070) and not net.connections(RELAY, 6070)
    assert not passes(theirs, ours, ROUTER, 4070)
    reinvite(call, sdp(PHONE, 4070), sdp(RELAY, 6070))
    assert passes(theirs, ours, ROUTER, 4070)
    ctl("setting reset")
    ours.close()
    theirs.close()
    hang_up(call)


@test("S1-1", "pinholes are of the protocol that the description names, and of no other")
def protocol():
    call = answered("s11", 4080)
    assert all(" proto=17 " in line for line in net.expectations()), net.expectations()
    assert len(net.expectations()) == 4
    hang_up(call)


@test("S1-5", "RTP and RTCP pinholes lead to one address, RTCP's a port higher (S3-15, S3-61)")
def pair():
    call = answered("s15", 4090)
    for address, port in ((ROUTER, 4090), (RELAY, 6090)):
        leads = [line for line in net.expectations() if f" dst={address} " in line]
        ports = sorted(int(line.rsplit("dport=", 1)[1].split()[0]) for line in leads)
        assert ports == [port, port + 1], leads
    hang_up(call)


@test("S1-7", "a pinhole lives as long as its call needs it, and goes when it does not")
def lifetime():
    call = answered("s17", 4100)
    assert lively(4100, 3600)
    assert both(4100)
    ctl(f"call end {calls()[0]['id']}")
    assert not net.expectations()
    assert not net.connections(RELAY, 6100)
    assert call


@test("S1-11", "one rule for SIP and one for what is related: nothing else lets media in")
def related_only():
    call = answered("s111", 4110)
    ours, theirs = audio(4110)
    router("nft insert rule inet sip forward ct state related drop")
    assert not passes(theirs, ours, ROUTER, 4110)
    handle = router("nft -a list chain inet sip forward").split("related drop # handle ")[1].split()[0]
    router(f"nft delete rule inet sip forward handle {handle}")
    assert passes(theirs, ours, ROUTER, 4110)
    ours.close()
    theirs.close()
    hang_up(call)


@test("S2-1", "BYE removes all media sessions of its call and none of another's")
def both_sessions():
    one, two = answered("s21a", 4120), answered("s21b", 4130)
    sockets = []
    for port in (4120, 4121, 4130, 4131):
        ends = Udp("phone", PHONE, port), Udp("provider", RELAY, port + 2000)
        assert passes(ends[0], ends[1], RELAY, port + 2000)
        sockets += ends
    hang_up(one)
    time.sleep(6)
    for port, there in ((6120, 0), (6121, 0), (6130, 1), (6131, 1)):
        assert len(net.connections(RELAY, port)) == there, port
    hang_up(two)
    time.sleep(6)
    for port in (6130, 6131):
        assert not net.connections(RELAY, port)
    for sock in sockets:
        sock.close()


@test("S2-2", "a call has as many channels as streams, each with RTP and RTCP")
def channels():
    call = new("s22")
    out(call.request("INVITE", sdp(PHONE, 4140, "m=video 4142 RTP/AVP 96")))
    back(call.response("200 OK", body=sdp(RELAY, 6140, "m=video 6142 RTP/AVP 96")))
    out(call.request("ACK", to_tag=True))
    one, = calls()
    assert [(media["kind"], media["private"], media["rtcp"]) for media in one["media"]] == [
        ("audio", f"{PHONE}:4140", 4141), ("video", f"{PHONE}:4142", 4143)], one["media"]
    assert both(4140) and both(4142)
    hang_up(call)


@test("S2-3", "RTCP alone keeps RTP's pinhole, RTP alone keeps RTCP's")
def group():
    call = answered("s23", 4150)
    for port in (4151, 4150):
        ours, theirs = Udp("phone", PHONE, port), Udp("provider", RELAY, port + 2000)
        for _ in range(5):
            time.sleep(100)
            assert passes(theirs, ours, ROUTER, port)
        assert both(4150)
        ours.close()
        theirs.close()
    hang_up(call)


@test("S2-8", "t4-interval says how long a refused call is remembered after its ACK")
def t4():
    for interval in (5, 10):
        ctl(f"setting set t4-interval {interval}")
        call = new(f"t4-{interval}")
        out(call.request("INVITE", sdp(PHONE, 4160)))
        back(call.response("486 Busy Here"))
        out(call.request("ACK"))
        time.sleep(interval - 1)
        assert len(calls()) == 1
        time.sleep(2)
        assert not calls() and not net.expectations()
    ctl("setting reset")


@test("S2-10", "media that a flowtable carries past us is seen to flow")
def offloaded():
    net.attach(FLOWTABLE)
    call = answered("s210", 4170)
    ours, theirs = audio(4170)
    for _ in range(60):
        time.sleep(5)
        assert passes(ours, theirs, RELAY, 6170) and passes(theirs, ours, ROUTER, 4170)
    lines = router("conntrack -L -p udp 2>/dev/null").splitlines()
    assert any("[OFFLOAD]" in line and "port=6170" in line for line in lines), lines
    assert both(4170)
    # the flowtable lets go after 30 s and leaves conntrack 90 of its 120
    time.sleep(120 + 30 + 90)
    assert not net.pinhole(ROUTER, 4170), "and when it stops, that is seen as well"
    router("nft delete table inet fast")
    ours.close()
    theirs.close()
    hang_up(call)


@test("S3-1", "no port is open but those that are signalled")
def ephemeral():
    call = answered("s31", 41732)
    ours, theirs = audio(41732)
    assert passes(theirs, ours, ROUTER, 41732)
    near = Udp("phone", PHONE, 41734)
    theirs.send(b"media", ROUTER, 41734)
    assert near.recv(0.5) is None
    for sock in (ours, theirs, near):
        sock.close()
    hang_up(call)


@test("S3-2", "addresses in the payload are those of the realm it is read in (S3-5, S3-37)")
def realms():
    call = new("s32")
    data = call.request("INVITE", sdp(PHONE, 4180))
    got = out(data)
    assert PHONE.encode() not in got and got.count(ROUTER.encode()) == 4, got
    answer = call.response("200 OK", body=sdp(RELAY, 6180))
    server.send(answer, ROUTER)
    read = phone.recv()
    assert ROUTER.encode() not in read and HIDE[0].encode() in read
    out(call.request("ACK", to_tag=True))
    assert lively(4180, 3600)
    again = out(call.request("INVITE", sdp(PHONE, 4180), cseq=2, to_tag=True))
    assert b"m=audio 4180 " in again, "the binding is held until the session ends"
    back(call.response("200 OK", body=sdp(RELAY, 6180)))
    out(call.request("ACK", to_tag=True))
    hang_up(call)


@test("S3-31", "what claims to be SIP/2.0 and cannot be parsed passes, or is dropped if so set")
def unknown_message():
    strange = b"INVITE sip:bob@example.com SIP/2.0\r\nVia: SIP/2.0/UDP 192.168.1.10\r\nNo colon here\r\n\r\n"
    phone.send(strange, SERVER)
    same(server.recv(), strange)
    ctl("setting set unknown-message drop")
    phone.send(strange, SERVER)
    assert server.recv(0.5) is None and stats()["dropped"]["parse_error"] == 1
    for keepalive in (b"\r\n\r\n", b"\0\0\0\0", b"\0\1\0\0\x21\x12\xa4\x42" + b"\7" * 12):
        phone.send(keepalive, SERVER)
        same(server.recv(), keepalive)
    ctl("setting reset")


@test("S3-31", "a method that nobody knows passes, or is dropped if so set")
def unknown_method():
    ctl("setting set unknown-method drop")
    phone.send(new("s331").request("FROBNICATE"), SERVER)
    assert server.recv(0.5) is None and stats()["dropped"]["method_denied"] == 1
    ctl("setting reset")
    out(new("s331").request("FROBNICATE"))


@test("S3-38", "a call is found by Call-ID and tags; what lacks them moves nothing")
def matching():
    call = answered("s338", 4190)
    one, = calls()
    assert (one["call_id"], one["from_tag"], one["to_tag"]) == (
        "s338@call.example", "phone-s338", "peer-s338"), one
    wrong = answered_as("s338", ("another", "peer-s338"))
    out(wrong.request("INVITE", sdp(PHONE, 4190), cseq=7, to_tag=True))
    out(wrong.request("BYE", cseq=8, to_tag=True))
    time.sleep(40)
    assert both(4190) and [row["state"] for row in calls()] == ["confirmed"]
    hang_up(call)


def answered_as(name, tags):
    call = new(name)
    call.tags = tags
    return call


@test("S3-39", "INVITE again is a repetition, a higher CSeq a re-INVITE, another Call-ID a call")
def which_invite():
    before = stats()
    call = new("s339")
    first = call.request("INVITE", sdp(PHONE, 4200))
    same(out(first), out(first))
    back(call.response("200 OK", body=sdp(RELAY, 6200)))
    out(call.request("ACK", to_tag=True))
    reinvite(call, sdp(PHONE, 4202), sdp(RELAY, 6200))
    other = answered("s339b", 4204)
    after = stats()
    assert after["calls"]["total"] - before["calls"]["total"] == 2
    counts = [after["messages"]["INVITE"][kind] - before["messages"]["INVITE"][kind]
              for kind in ("new", "retransmitted")]
    assert counts == [3, 1], counts
    hang_up(call)
    hang_up(other)


@test("S3-39", "a call may begin with CSeq 0: refused, its pinholes close")
def from_zero():
    zero = ("CSeq: 1 ", "CSeq: 0 ")
    call = new("zero")
    data = again(call.request("INVITE", sdp(PHONE, 4206)), zero)
    same(out(data), out(data))
    back(again(call.response("486 Busy Here"), zero))
    out(again(call.request("ACK", to_tag=True), zero))
    net.until(lambda: not net.expectations(), 6)


@test("S3-45", "the ACK's description is compared: what it changes moves, what it repeats stays")
def ack_describes():
    call = new("s345")
    out(call.request("INVITE"))
    back(call.response("200 OK", body=sdp(RELAY, 6210)))
    out(call.request("ACK", sdp(PHONE, 4210), to_tag=True))
    assert both(4210)
    out(call.request("INVITE", cseq=2, to_tag=True))
    back(call.response("200 OK", body=sdp(RELAY, 6210)))
    assert both(4210)
    out(call.request("ACK", sdp(PHONE, 4212), to_tag=True))
    assert both(4212) and not net.pinhole(ROUTER, 4210)
    hang_up(call)


@test("S3-52", "the answer to BYE comes through in the five seconds, and so does media")
def bye_answer():
    call = answered("s352", 4220)
    ours, theirs = audio(4220)
    assert passes(theirs, ours, ROUTER, 4220)
    out(call.request("BYE", cseq=2, to_tag=True))
    time.sleep(4)
    assert passes(theirs, ours, ROUTER, 4220)
    back(call.response("200 OK", "BYE"))
    time.sleep(1.5)
    assert not passes(theirs, ours, ROUTER, 4220)
    ours.close()
    theirs.close()


@test("S3-57", "a body is what follows the empty line, and there may be none")
def structure():
    call = new("s357")
    data = call.request("OPTIONS").replace(b"Content-Length: 0\r\n", b"")
    phone.send(data, SERVER)
    same(server.recv(), data.replace(HIDE[0].encode(), HIDE[1].encode()))
    with_body = data.replace(b"\r\n\r\n", b"\r\nContent-Type: text/plain\r\n\r\n") + \
        f"c=IN IP4 {PHONE}\r\n".encode()
    phone.send(with_body, SERVER)
    same(server.recv(), with_body.replace(HIDE[0].encode(), HIDE[1].encode()))


@test("S3-29", "UPDATE moves the media before and after the answer, headers and all")
def update_moves():
    call = answered("s329", 4230)
    out(call.request("UPDATE", sdp(PHONE, 4232), cseq=2, to_tag=True))
    back(call.response("200 OK", "UPDATE", body=sdp(RELAY, 6232)))
    assert both(4232) and not net.pinhole(ROUTER, 4230)
    ours, theirs = audio(4232)
    assert passes(ours, theirs, RELAY, 6232) and passes(theirs, ours, ROUTER, 4232)
    stranger = Udp("provider", STRANGER, 7000)
    assert not passes(stranger, ours, ROUTER, 4230)
    for sock in (ours, theirs, stranger):
        sock.close()
    hang_up(call)


run(after=net.nothing_left)
