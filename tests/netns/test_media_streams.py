#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""Streams of a call, many or changing: what each side's pinholes then are."""
import os
import time

import topology as net
from sip import Call, sdp
from call_helpers import HIDE, back, new, out_as, phone, server
from ksft import run, same, test
from topology import OTHER, PHONE, RELAY, ROUTER, SERVER, STRANGER, Udp, router

CTL = os.path.abspath("tools/sipalg-ctl/sipalg-ctl")
WHOLE = (PHONE, ROUTER)


def out(data, *changes):
    return out_as(data, HIDE, *changes)


def reinvite(call, body, *changes):
    out(call.request("INVITE", body, cseq=call.cseq + 1, to_tag=True), *changes)


def answer(call, body):
    back(call.response("200 OK", body=body))
    out(call.request("ACK", to_tag=True))


def hang_up(call):
    out(call.request("BYE", cseq=call.cseq + 1, to_tag=True))
    back(call.response("200 OK", "BYE"))


def ports(address):
    return sorted(int(line.split(" dport=")[1].split()[0])
                  for line in net.expectations() if f" dst={address} " in line)


def is_open(address, *wanted):
    assert ports(address) == sorted(wanted), ports(address)


def passes(sender, receiver, address, port):
    sender.send(b"media", address, port)
    return receiver.recv(0.5) == b"media"


def talks(port, peer_port, to=None, peer=RELAY):
    """Media both ways between the phone's port (public: to) and the peer's."""
    ours, theirs = Udp("phone", PHONE, port), Udp("provider", peer, peer_port)
    good = passes(ours, theirs, peer, peer_port) and theirs.sender == (ROUTER, to or port)
    good = good and passes(theirs, ours, ROUTER, to or port)
    ours.close()
    theirs.close()
    return good


def lines_of(first, count, address):
    """Streams that each have a c= of their own, behind a c= of nobody's."""
    body = sdp("198.51.100.9", first, f"c=IN IP4 {address}")
    for port in range(first + 2, first + 2 * count, 2):
        body += f"\nm=video {port} RTP/AVP 96\nc=IN IP4 {address}"
    return body


@test("S3-60", "twelve streams with a c= each: 24 pinholes on either side, and media in all of them")
def twelve():
    call = new("twelve")
    out(call.request("INVITE", lines_of(4100, 12, PHONE)),
        (f"c=IN IP4 {PHONE}", f"c=IN IP4 {ROUTER}"))
    answer(call, lines_of(6100, 12, RELAY))
    is_open(ROUTER, *range(4100, 4124))
    is_open(RELAY, *range(6100, 6124))
    for i in range(24):
        assert talks(4100 + i, 6100 + i), i
    hang_up(call)
    time.sleep(6)
    assert not net.expectations(), net.expectations()


@test("S3-60", "as many streams as may be set, all on ports that have to be others")
def sixty_four():
    router(f"{CTL} setting set max-media-per-call 64")
    taken = new("taken")
    out(taken.request("INVITE", lines_of(7000, 64, PHONE)),
        (f"c=IN IP4 {PHONE}", f"c=IN IP4 {ROUTER}"))
    other = Udp("other", OTHER, 5060)
    other.send(Call("moved", f"{OTHER}:5060", "", SERVER).request("INVITE", lines_of(7000, 64, OTHER)),
               SERVER)
    got = server.recv().decode()
    assert OTHER not in got, got
    assert got.count(f"c=IN IP4 {ROUTER}\r\n") == 64
    moved = [int(line.split()[1]) for line in got.split("\r\n") if line.startswith("m=")]
    assert len(set(moved)) == 64 and not set(moved) & set(range(7000, 7128)), moved
    is_open(ROUTER, *range(7000, 7128), *moved, *(port + 1 for port in moved))
    ours, theirs = Udp("other", OTHER, 7126), Udp("provider", STRANGER, 9000)
    assert passes(theirs, ours, ROUTER, moved[63])
    router(f"{CTL} call end --all")
    router(f"{CTL} setting reset")
    for sock in (other, ours, theirs):
        sock.close()


@test("H-2", "as many streams on both sides: no pinhole pushes another one out, nor when all move")
def sixty_four_answered():
    router(f"{CTL} setting set max-media-per-call 64")
    call = new("full")
    for ours, theirs in ((7000, 9000), (7200, 9200)):
        offer = lines_of(ours, 64, PHONE)
        if ours == 7000:
            out(call.request("INVITE", offer), (f"c=IN IP4 {PHONE}", f"c=IN IP4 {ROUTER}"))
        else:
            reinvite(call, offer, (f"c=IN IP4 {PHONE}", f"c=IN IP4 {ROUTER}"))
        answer(call, lines_of(theirs, 64, RELAY))
        is_open(ROUTER, *range(ours, ours + 128))
        is_open(RELAY, *range(theirs, theirs + 128))
        for i in (0, 1, 126, 127):
            assert talks(ours + i, theirs + i), (ours, i)
    hang_up(call)
    router(f"{CTL} setting reset")


@test("S3-60", "one m= line more than max-media-per-call: nothing is translated, nothing opened")
def one_too_many():
    call = new("toomany")
    data = call.request("INVITE", lines_of(7000, 33, PHONE))
    phone.send(data, SERVER)
    same(server.recv(), data)
    assert not net.expectations()
    router(f"{CTL} call end --all")


@test("H-17", "BUNDLE with m= lines of port 0 and port 9: those stay and open nothing")
def bundle_only():
    call = new("bundle")
    body = sdp(PHONE, 4200, "a=mid:0\na=rtcp-mux\nm=video 0 RTP/AVP 96\na=bundle-only\na=mid:1\n"
               "m=application 9 UDP/DTLS/SCTP webrtc-datachannel\na=mid:2\n"
               "m=video 4200 RTP/AVP 97\na=mid:3").replace("t=0 0", "t=0 0\na=group:BUNDLE 0 1 2 3")
    out(call.request("INVITE", body), WHOLE)
    is_open(ROUTER, 4200, 4201)
    answer(call, sdp(RELAY, 6200, "a=rtcp-mux\nm=video 0 RTP/AVP 96\nm=application 0 UDP/DTLS/SCTP x\n"
                     "m=video 6200 RTP/AVP 97"))
    assert talks(4200, 6200)
    hang_up(call)


@test("H-17", "m= lines of one port that differ in RTCP are one mapping, whichever stands first")
def bundle_differs():
    for number, lines in enumerate(("a=rtcp:4287\nm=video 4280 RTP/AVP 96",
                                    "m=application 4280 UDP/DTLS/SCTP x\nm=text 4280 RTP/AVP 98")):
        port = 4280 + 10 * number
        body = sdp(PHONE, port, lines.replace("428", str(port)[:3]))
        if number:
            body = body.replace(f"m=audio {port} RTP/AVP 0", f"m=application {port} UDP/DTLS/SCTP y")
        call = new(f"differs{number}")
        phone.send(call.request("INVITE", body), SERVER)
        got = server.recv().decode()
        assert got.count(f" {port} ") == body.count(f" {port} "), got
        assert not [p for p in ports(ROUTER) if p not in (port, port + 1)], ports(ROUTER)
        back(call.response("488 Not Acceptable Here"))
        time.sleep(6)


def image(address, port):
    return sdp(address, port).replace(f"audio {port} RTP/AVP 0", f"image {port} udptl t38")


@test("H-30", "audio, fax on a port of its own, and audio again: only what is agreed is open")
def fax_and_back():
    call = new("fax")
    out(call.request("INVITE", sdp(PHONE, 4210)), WHOLE)
    answer(call, sdp(RELAY, 6210))
    assert talks(4210, 6210) and talks(4211, 6211)
    reinvite(call, image(PHONE, 4214), WHOLE)
    answer(call, image(RELAY, 6214))
    is_open(ROUTER, 4214)
    is_open(RELAY, 6214)
    assert talks(4214, 6214) and not talks(4210, 6210)
    reinvite(call, sdp(PHONE, 4210), WHOLE)
    answer(call, sdp(RELAY, 6210))
    is_open(ROUTER, 4210, 4211)
    assert talks(4210, 6210) and talks(4211, 6211) and not talks(4214, 6214)
    hang_up(call)


@test("H-30", "fax and audio take turns on one port: audio has its RTCP each time")
def fax_same_port():
    call = new("faxsame")
    out(call.request("INVITE", image(PHONE, 4220)), WHOLE)
    is_open(ROUTER, 4220)
    answer(call, image(RELAY, 6220))
    assert talks(4220, 6220)
    phone.send(call.request("INVITE", sdp(PHONE, 4220), cseq=2, to_tag=True), SERVER)
    got = server.recv().decode()
    port = int(got.split("m=audio ")[1].split()[0])
    answer(call, sdp(RELAY, 6220))
    is_open(ROUTER, port, port + 1)
    assert talks(4220, 6220, port) and talks(4221, 6221, port + 1), net.expectations()
    phone.send(call.request("INVITE", image(PHONE, 4220), cseq=3, to_tag=True), SERVER)
    assert f"m=image {port} udptl".encode() in server.recv(), "fax on the audio's port keeps its mapping"
    answer(call, image(RELAY, 6220))
    assert talks(4220, 6220, port)
    hang_up(call)


@test("H-30", "a fax that a refresh offers again keeps its port")
def fax_refreshed():
    call = new("faxagain")
    for cseq in (1, 2, 3):
        out(call.request("INVITE", image(PHONE, 4224), cseq=cseq, to_tag=cseq > 1), WHOLE)
        answer(call, image(RELAY, 6224))
        is_open(ROUTER, 4224)
        assert talks(4224, 6224)
    hang_up(call)


@test("H-16", "a=rtcp that a re-INVITE changes leads to the new port; refused, to the old one")
def rtcp_changes():
    call = new("rtcp")
    out(call.request("INVITE", sdp(PHONE, 4230)), WHOLE)
    answer(call, sdp(RELAY, 6230))
    assert talks(4231, 6231)

    def offered():
        data = call.request("INVITE", sdp(PHONE, 4230, "a=rtcp:4237"), cseq=call.cseq + 1, to_tag=True)
        phone.send(data, SERVER)
        got = server.recv().decode()
        phone.send(data, SERVER)
        same(server.recv(), got.encode())
        return int(got.split("m=audio ")[1].split()[0]), int(got.split("a=rtcp:")[1].split()[0])
    offered()
    back(call.response("488 Not Acceptable Here"))
    out(call.request("ACK", to_tag=True))
    assert talks(4230, 6230) and talks(4231, 6231), net.expectations()
    rtp, rtcp = offered()
    answer(call, sdp(RELAY, 6230))
    is_open(ROUTER, rtp, rtcp)
    assert talks(4230, 6230, rtp) and talks(4237, 6231, rtcp), net.expectations()
    hang_up(call)


@test("H-16", "the peer's next stream has RTP where RTCP of the one before would be: it is RTP, as long as it flows")
def rtcp_is_rtp():
    router(f"{CTL} setting set inactive-media-timeout 20")
    call = new("neighbours")
    out(call.request("INVITE", sdp(PHONE, 4300, "m=video 4302 RTP/AVP 96")), WHOLE)
    answer(call, sdp(RELAY, 6300, "m=video 6301 RTP/AVP 96"))
    is_open(RELAY, 6300, 6301, 6302)
    assert talks(4300, 6300) and talks(4301, 6301)
    for _ in range(10):
        time.sleep(8)
        assert talks(4302, 6301)
    is_open(ROUTER, 4302, 4303)
    is_open(RELAY, 6300, 6301, 6302)    # D3: the way out of the silent one stays
    hang_up(call)
    router(f"{CTL} setting reset")


@test("H-16", "a=rtcp of RTP's own port: one pinhole, which is there when a=rtcp-mux is agreed as well")
def rtcp_same_port():
    call = new("oneport")
    for cseq, mux in ((1, ""), (2, "\na=rtcp-mux")):
        out(call.request("INVITE", sdp(PHONE, 4306, mux.strip()), cseq=cseq, to_tag=cseq > 1), WHOLE)
        answer(call, sdp(RELAY, 6306, f"a=rtcp:6306{mux}"))
        is_open(RELAY, 6306)
        assert talks(4306, 6306)
    hang_up(call)


@test("H-27", "two forks ring with media of their own, a third address answers: each is heard in its time")
def forks():
    call = new("forks")
    out(call.request("INVITE", sdp(PHONE, 4240)), WHOLE)
    for tag, port in (("one", 6240), ("two", 6242)):
        back(call.response("183 Session Progress", body=sdp(RELAY, port), tag=tag))
        assert talks(4240, port), port
    back(call.response("200 OK", body=sdp(STRANGER, 6244), tag="two"))
    call.tags = (call.tags[0], "two")
    out(call.request("ACK", to_tag=True))
    assert talks(4240, 6244, peer=STRANGER)
    is_open(STRANGER, 6244, 6245)
    assert 6242 not in ports(RELAY), net.expectations()
    is_open(ROUTER, 4240, 4241)
    hang_up(call)


@test("H-16", "the peer offers another a=rtcp and is refused: the pinholes before stay, those for it go")
def rtcp_refused():
    call = new("refused")
    out(call.request("INVITE", sdp(PHONE, 4310)), WHOLE)
    answer(call, sdp(RELAY, 6310))
    back(call.peer_request("INVITE", f"{ROUTER}:5060", body=sdp(RELAY, 6310, "a=rtcp:6319")))
    is_open(RELAY, 6310, 6311, 6319)
    out(call.peer_response("488 Not Acceptable Here", "INVITE"))
    is_open(RELAY, 6310, 6311)
    assert talks(4310, 6310) and talks(4311, 6311)
    hang_up(call)


@test("H-27", "two forks of one media address answer, and the caller hangs up either: the other one is heard")
def forks_of_one_address():
    for number, tags in enumerate((("one", "two"), ("two", "one"))):
        ours, theirs = 4314 + 4 * number, 6314 + 4 * number
        call = new(f"both{number}")
        caller = call.tags[0]
        out(call.request("INVITE", sdp(PHONE, ours)), WHOLE)
        for tag in ("one", "two"):
            back(call.response("200 OK", body=sdp(RELAY, theirs), tag=tag))
        for tag in tags:
            call.tags = (caller, tag)
            out(call.request("ACK", to_tag=True))
        is_open(RELAY, theirs, theirs + 1)
        assert talks(ours, theirs)
        out(call.request("BYE", cseq=2, to_tag=True))
        back(call.response("200 OK", "BYE"))
        is_open(RELAY, theirs, theirs + 1)
        assert talks(ours, theirs) and talks(ours + 1, theirs + 1)
        call.tags = (caller, tags[0])
        hang_up(call)
        time.sleep(6)


@test("H-10", "hold and resume: o= leaves with one address each time, its version as it came")
def origin():
    call = new("origin")
    for version, where, direction in ((7, PHONE, ""), (8, PHONE, "a=sendonly"),
                                      (9, "0.0.0.0", ""), (10, PHONE, "a=inactive"), (11, PHONE, "")):
        body = sdp(PHONE, 4250, direction).replace(f"c=IN IP4 {PHONE}", f"c=IN IP4 {where}")
        body = body.replace("o=- 7 1", f"o=- 7 {version}")
        data = call.request("INVITE", body, cseq=version, to_tag=version > 7)
        got = out(data, WHOLE)
        assert f"o=- 7 {version} IN IP4 {ROUTER}\r\n".encode() in got, got
        assert f"c=IN IP4 {ROUTER if where == PHONE else where}\r\n".encode() in got, got
        answer(call, sdp(RELAY, 6250))
    hang_up(call)


@test("S3-62", "an answer of public addresses alone: not a byte of it changes, and its gates open")
def public_answer():
    call = new("public")
    out(call.request("INVITE", sdp(PHONE, 4260)), WHOLE)
    is_open(RELAY)
    data = call.response("200 OK", body=sdp(RELAY, 6260, f"a=rtcp:6263 IN IP4 {RELAY}"))
    server.send(data, ROUTER)
    same(phone.recv().split(b"\r\n\r\n")[1], data.split(b"\r\n\r\n")[1])
    out(call.request("ACK", to_tag=True))
    is_open(RELAY, 6260, 6263)
    assert talks(4260, 6260) and talks(4261, 6263)
    hang_up(call)


@test("H-14", "a peer that names a private address like ours is heard from wherever it really sends (T-20)")
def same_private_net():
    call = new("likeours")
    out(call.request("INVITE", sdp(PHONE, 4290)), WHOLE)
    answer(call, sdp("192.168.1.77", 6290))
    assert not ports("192.168.1.77"), net.expectations()
    ours, theirs = Udp("phone", PHONE, 4290), Udp("provider", STRANGER, 16290)
    assert passes(theirs, ours, ROUTER, 4290), net.expectations()
    assert passes(ours, theirs, *ours.sender)
    ours.close()
    theirs.close()
    hang_up(call)


@test("S3-13", "a multicast c= stays and opens nothing; the section beside it is translated")
def multicast():
    call = new("group")
    body = sdp(PHONE, 4294, "m=video 4296 RTP/AVP 96\nc=IN IP4 224.2.1.1/127")
    out(call.request("INVITE", body), WHOLE)
    is_open(ROUTER, 4294, 4295)
    assert not ports("224.2.1.1"), net.expectations()
    back(call.response("488 Not Acceptable Here"))


@test("S1-12", "the answer's pinhole leads from the caller to what it names, and no other way")
def second_pinhole():
    call = new("wrongway")
    out(call.request("INVITE", sdp(PHONE, 4270)), WHOLE)
    ours, theirs = Udp("phone", PHONE, 4270), Udp("provider", RELAY, 6270)
    assert not passes(ours, theirs, RELAY, 6270), "nobody has named it yet"
    answer(call, sdp(RELAY, 6270))
    beside, elsewhere = Udp("provider", RELAY, 6272), Udp("provider", STRANGER, 6270)
    third, closed = Udp("other", OTHER, 4270), Udp("phone", PHONE, 4272)
    assert not passes(ours, beside, RELAY, 6272), "another port of the peer's"
    assert not passes(ours, elsewhere, STRANGER, 6270), "another host's same port"
    assert not passes(third, theirs, RELAY, 6270), "another phone"
    assert not passes(theirs, closed, ROUTER, 4272), "another port of the phone's"
    assert passes(ours, theirs, RELAY, 6270) and passes(theirs, ours, ROUTER, 4270)
    for sock in (ours, theirs, beside, elsewhere, third, closed):
        sock.close()
    hang_up(call)


run(after=net.nothing_left)
