#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""Two routers: the second goes on with TCP connections of which it knows a position that is some messages old."""
import time

import topology as net
from ctl import ctl, data, stats
from ksft import run, same, test
from pair import Pair
from segments import Segments, lose, silence
from sip import Call, again, sdp
from topology import PHONE, PHONE6, ROUTER, ROUTER6, SERVER, SERVER6, Udp
from transports import Datagrams, Stream, WayCall, hide, show

net.build()
pair = Pair()
ports = iter(range(46000, 47000))


def dies():
    """What this router has not told until now it never tells."""
    pair.active.told()
    pair.take_over(connections=True)
    time.sleep(3)       # IPv6 knows after a second that there is a link


def arrives(way, sent, outbound):
    """A message does, translated, and nothing but it; its sender may have to repeat it."""
    sender, receiver = way.ends if outbound else way.ends[::-1]
    sender.send(sent)
    wanted = hide(way, sent) if outbound else show(way, sent)
    same(receiver.recv(len(wanted), 10), wanted)
    assert receiver.recv(1, 0.1) == b""


def call_of(name, port, six=False):
    """A call that the standby knows of, with its connection."""
    way = Stream(*((PHONE6, SERVER6, ROUTER6) if six else (PHONE, SERVER, ROUTER)), next(ports))
    call = WayCall(way, name, port).rings().picks_up()
    pair.sync()
    return way, call


def holds(way, call):
    """The messages of a hold: all but one have another length behind the router."""
    arrives(way, call.call.request("INVITE", sdp(call.phone, call.port, "a=sendonly"), cseq=7, to_tag=True), True)
    arrives(way, call.call.response("200 OK", body=sdp(call.peer, call.port + 2000, "a=recvonly")), False)
    arrives(way, call.call.request("ACK", cseq=7, to_tag=True), True)


def states(call):
    return [row["state"] for row in data("call list") if row["call_id"] == f"{call.call.name}@call.example"]


def is_over(call):
    assert states(call) in ([], ["ending"]), states(call)
    net.until(lambda: not net.expectations(), 40)


def hangs_up(way, call, outbound):
    if outbound:
        arrives(way, call.call.request("BYE", cseq=8, to_tag=True), True)
        arrives(way, call.call.response("200 OK", "BYE"), False)
    else:
        arrives(way, call.call.peer_request("BYE", way.alg), False)
        arrives(way, call.call.peer_response("200 OK", "BYE"), True)
    is_over(call)


@test("issue 22", "messages of a hold that the standby was not told of: the call's BYE is seen, whoever sends it")
def hold():
    before = stats()["tcp"]["foreign"]
    for number, (outbound, six) in enumerate(((True, False), (False, False), (True, True), (False, True))):
        way, call = call_of(f"hold{number}", 4000 + 20 * number, six)
        holds(way, call)
        dies()
        hangs_up(way, call, outbound)
    assert stats()["tcp"]["foreign"] == before, stats()["tcp"]


@test("issue 22", "a BYE that the standby was not told of: its answer ends the call, whoever gives it, by TCP and UDP")
def untold_bye():
    ends = Udp("phone", PHONE, 5060), Udp("provider", SERVER, 5060)
    for number, (outbound, way) in enumerate((
            (True, Stream(PHONE, SERVER, ROUTER, next(ports))), (False, Stream(PHONE, SERVER, ROUTER, next(ports))),
            (True, Datagrams(*ends, ROUTER)), (False, Datagrams(*ends, ROUTER)))):
        call = WayCall(way, f"untold{number}", 4300 + 20 * number).rings().picks_up()
        pair.sync()
        asked = call.call.request("BYE", cseq=8, to_tag=True) if outbound else call.call.peer_request("BYE", way.alg)
        same(way.across(asked, outbound), hide(way, asked) if outbound else show(way, asked))
        dies()
        assert states(call) == ["confirmed"], states(call)
        answer = call.call.response("200 OK", "BYE") if outbound else call.call.peer_response("200 OK", "BYE")
        same(way.across(answer, not outbound), show(way, answer) if outbound else hide(way, answer))
        is_over(call)


@test("issue 22", "both sides speak at once, and both have said what the standby was not told of")
def both():
    way, call = call_of("both", 4100)
    holds(way, call)
    dies()
    phone, peer = way.ends
    ours = call.call.request("OPTIONS", cseq=9, extra="\nX: " + "x" * 300)
    theirs = call.call.peer_request("OPTIONS", way.alg, cseq=101)
    phone.send(ours)
    peer.send(theirs)
    wanted = hide(way, ours)
    same(peer.recv(len(wanted), 10), wanted)
    wanted = show(way, theirs)
    same(phone.recv(len(wanted), 10), wanted)
    hangs_up(way, call, False)


@test("issue 22", "where nobody can know where a connection is both ends are reset, and connect anew")
def reset():
    way, call = call_of("reset", 4200)
    ctl("setting set deny-methods MESSAGE")
    phone, peer = way.ends
    phone.send(call.call.request("MESSAGE", cseq=7, to_tag=True, extra="\nX: " + "x" * 600))
    assert peer.recv(2, 5) == b"\r\n"       # in its place
    ctl("setting set deny-methods none")
    before = stats()["tcp"]["foreign"]
    dies()
    for end in phone, peer:
        end.send(call.call.request("OPTIONS", cseq=8))
        try:
            assert end.recv(1, 20) is None
        except ConnectionResetError:
            continue
    assert stats()["tcp"]["foreign"] - before == 1, (before, stats()["tcp"])
    ctl("call end --all")
    way, call = call_of("anew", 4220)
    holds(way, call)
    hangs_up(way, call, True)


def options(port, number, extra=""):
    """A message of the phone's and what becomes of it."""
    call = Call(f"b{port}n{number}", f"{PHONE}:{port}", "", SERVER, "TCP")
    sent = call.request("OPTIONS", extra=extra)
    return sent, again(sent, (f"{PHONE}:{port}", f"{ROUTER}:{port}"))


def begun():
    """A connection whose first message has arrived, and the standby knows: its port, itself, how far it is."""
    port = next(ports)
    silence()
    line = Segments(port)
    sent, wanted = options(port, 1)
    line.send(0, sent)
    same(line.server.recv(len(wanted)), wanted)
    assert line.acked(len(sent) - 1) == len(sent)
    pair.sync()
    return port, line, len(sent)


def untold(line, port, place, *parts):
    """One segment of which the standby is not told; gives back where it ends."""
    sent = b"".join(one[0] for one in parts)
    wanted = b"".join(one[1] for one in parts)
    line.send(place, sent)
    same(line.server.recv(len(wanted)), wanted)
    assert line.acked(place + len(sent) - 1) == place + len(sent)
    return place + len(sent)


def insists(line, place, sent, times=4):
    """As a sender that is not answered, whose first segment this is."""
    for number in range(times):
        line.send(place, sent)
        time.sleep(0.2 * 2 ** number)


def goes_on(line, port, place, number=9, seen=b""):
    """The next message arrives, and nothing but it and @seen."""
    sent, wanted = options(port, number, "\nX: goes on")
    insists(line, place, sent)
    same(line.server.recv(len(wanted + seen)), seen + wanted)
    assert line.server.recv(1, 0.1) == b""
    assert line.acked(place) == place + len(sent)
    return place + len(sent)


@test("issue 22", "a stream whose bytes nobody changes is where it is, and nothing is asked or repeated")
def observed():
    port, line, place = begun()
    ctl("setting set mode observe")
    third, _ = options(port, 3)
    line.send(place, third)
    same(line.server.recv(len(third)), third)
    dies()
    ctl("setting set mode observe")
    before = stats()["tcp"]["messages"]
    fourth, _ = options(port, 4)
    line.send(place + len(third), fourth)
    same(line.server.recv(len(fourth)), fourth)
    assert stats()["tcp"]["messages"] == before + 1
    for _ in range(2):
        ctl("setting reset")
        dies()
    line.close()


KEEPALIVE = (b"\r\n\r\n", b"\r\n\r\n")


@test("issue 22", "a keepalive, two messages in one segment, two segments: whatever the standby was not told of")
def members():
    for parts in ((KEEPALIVE,), (2, 3), (2, KEEPALIVE, 3)):
        port, line, place = begun()
        parts = [options(port, part, "\nX: untold") if isinstance(part, int) else part for part in parts]
        place = untold(line, port, place, *parts)
        place = untold(line, port, place, options(port, 5))
        dies()
        place = goes_on(line, port, place)
        goes_on(line, port, place, 10)
        line.close()


@test("issue 22", "what has arrived without an acknowledgment does not arrive twice, and what has not is not left out")
def unanswered():
    for arrived in (True, False):
        port, line, place = begun()
        place = untold(line, port, place, options(port, 2, "\nX: untold"))
        third, wanted = options(port, 3, "\nX: the third")
        lose("acks" if arrived else "data")
        line.send(place, third)
        if arrived:
            same(line.server.recv(len(wanted)), wanted)
        dies()
        lose()
        fourth, then = options(port, 4)
        insists(line, place, third + fourth)    # in one, since both wait now
        wanted = then if arrived else wanted + then
        same(line.server.recv(len(wanted)), wanted)
        assert line.server.recv(1, 0.1) == b""
        place += len(third + fourth)
        assert line.acked(place - 1) == place
        goes_on(line, port, place)
        line.close()


@test("issue 22", "a segment behind one that was lost is not taken for what comes next")
def lost_before():
    port, line, place = begun()
    place = untold(line, port, place, options(port, 2, "\nX: untold"))
    third, wanted = options(port, 3, "\nX: the third")
    fourth, _ = options(port, 4)
    lose("data")
    line.send(place, third)
    dies()
    lose()
    for _ in range(2):      # by and by, and as its tail loss probe: RFC 8985 7.3
        line.send(place + len(third), fourth)
        time.sleep(0.1)
    assert line.server.recv(1, 0.1) == b""
    insists(line, place, third)
    same(line.server.recv(len(wanted)), wanted)
    goes_on(line, port, place + len(third), 4)
    line.close()


run()
