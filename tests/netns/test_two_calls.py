#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""Several calls on one signalling flow: none may touch another's pinholes (H-1)."""
import time

import topology as net
from sip import Call, again, sdp
from ksft import run, same, test
from topology import OTHER, PHONE, RELAY, ROUTER, SERVER, Udp

net.build()
trunk = Udp("phone", PHONE, 5060)
server = Udp("provider", SERVER, 5060)


def out(data):
    trunk.send(data, SERVER)
    got = server.recv()
    assert got, "the provider has got nothing"
    return got


def back(data):
    server.send(data, ROUTER)
    assert trunk.recv(), "the trunk has got nothing"


def setup(name, port):
    call = Call(name, f"{PHONE}:5060", f"{ROUTER}:5060", SERVER)
    out(call.request("INVITE", sdp(PHONE, port)))
    return call


def answer(call, port=8000):
    back(call.response("200 OK", body=sdp(RELAY, port)))
    out(call.request("ACK", to_tag=True))


def hang_up(call):
    out(call.request("BYE", cseq=call.cseq + 1, to_tag=True))
    back(call.response("200 OK", "BYE"))


def both(port):
    return net.pinhole(ROUTER, port) and net.pinhole(ROUTER, port + 1)


@test("H-1", "hanging up one of two calls leaves the other's unused pinholes")
def bye():
    first, second = setup("h1a", 5000), setup("h1b", 5002)
    answer(first, 8000)
    answer(second, 8002)
    hang_up(first)
    net.until(lambda: not net.pinhole(ROUTER, 5000), 6)
    assert both(5002)
    ours, theirs = Udp("phone", PHONE, 5002), Udp("provider", RELAY, 8002)
    theirs.send(b"media", ROUTER, 5002)
    assert ours.recv() == b"media"
    ours.close()
    theirs.close()
    hang_up(second)


@test("H-1", "of two calls of a phone to one address of media, the second has its way there once the first has ended")
def heir():
    first, second = setup("h1h", 5000), setup("h1i", 5002)
    answer(first, 8000)
    answer(second, 8000)
    assert net.pinhole(RELAY, 8000) and net.pinhole(RELAY, 8001)
    hang_up(first)
    net.until(lambda: not net.pinhole(ROUTER, 5000), 6)
    net.until(lambda: net.pinhole(RELAY, 8000) and net.pinhole(RELAY, 8001), 2)
    assert both(5002)
    hang_up(second)
    net.until(lambda: not net.expectations(), 6)


@test("S1-9", "the next call of a phone, 2 s after BYE, by the ports of the one before: both hear each other, by its own public port")
def next_call():
    first = setup("s19a", 5300)
    answer(first, 8300)
    ours, theirs = Udp("phone", PHONE, 5300), Udp("provider", RELAY, 8300)
    assert talk(ours, theirs, 5300) == WELL
    hang_up(first)
    time.sleep(2)
    second = Call("s19b", f"{PHONE}:5060", f"{ROUTER}:5060", SERVER)
    port = int(out(second.request("INVITE", sdp(PHONE, 5300))).split(b"m=audio ")[1].split()[0])
    answer(second, 8300)
    heard = []
    for _ in range(10):
        heard.append(talk(ours, theirs, port))
        time.sleep(1)
    ours.close()
    theirs.close()
    hang_up(second)
    net.until(lambda: not net.expectations(), 6)
    assert heard == [WELL] * 10, heard


WELL = True, True


def talk(ours, theirs, port):
    """Is audio heard, outside and inside, from where the other one was named?"""
    ours.send(b"out", RELAY, 8300)
    outside = theirs.recv(0.5) == b"out" and theirs.sender == (ROUTER, port)
    theirs.send(b"in", ROUTER, port)
    return outside, ours.recv(0.5) == b"in" and ours.sender == (RELAY, 8300)


@test("H-1", "CANCEL, failure and a new INVITE of one leave the other's as well")
def others():
    calls = [setup(f"h1x{i}", 5010 + 2 * i) for i in range(4)]
    answer(calls[3])
    out(calls[0].request("CANCEL"))
    back(calls[0].response("487 Request Terminated"))
    back(calls[1].response("486 Busy Here"))
    back(calls[2].response("404 Not Found"))
    newest = setup("h1y", 5030)
    time.sleep(6)
    for i in range(3):
        assert not net.pinhole(ROUTER, 5010 + 2 * i), i
    assert both(5016) and both(5030)
    hang_up(calls[3])
    back(newest.response("486 Busy Here"))


@test("H-1", "a re-INVITE of one that moves its media leaves the other's")
def moves():
    first, second = setup("h1m", 5040), setup("h1n", 5042)
    answer(first)
    answer(second, 8002)
    out(first.request("INVITE", sdp(PHONE, 5050), cseq=2, to_tag=True))
    back(first.response("200 OK", body=sdp(RELAY, 8000)))
    assert both(5050) and not net.pinhole(ROUTER, 5040) and both(5042)
    hang_up(first)
    hang_up(second)


@test("H-2", "500 calls in setup on one flow: none is lost, and all end")
def trunk_full():
    calls = [setup(f"h2n{i}", 6000 + 2 * i) for i in range(500)]
    assert len(net.expectations()) == 1000
    for call in calls[:250]:
        back(call.response("486 Busy Here"))
    time.sleep(6)
    assert len(net.expectations()) == 500
    left = "".join(net.expectations())
    for port in range(6500, 7000):
        assert f" dport={port} " in left, port
    for call in calls[250:]:
        back(call.response("486 Busy Here"))


@test("H-2", "when the kernel's table is full, a new call passes as it is and live ones stay")
def table_full():
    live = setup("h2live", 5090)
    answer(live)
    full = Call("h2full", f"{PHONE}:5060", f"{ROUTER}:5060", SERVER)
    data = full.request("INVITE", sdp(PHONE, 5094))
    # room for one pinhole of the two that it needs
    expectation_limit(len(net.expectations()) + 1)
    try:
        same(out(data), data)
        assert both(5090) and not net.pinhole(ROUTER, 5094) and not net.pinhole(ROUTER, 5095)
    finally:
        expectation_limit(100000)
    out(full.request("INVITE", sdp(PHONE, 5094), cseq=2))
    assert both(5094)
    back(full.response("486 Busy Here"))
    hang_up(live)


def expectation_limit(number):
    """The table belongs to the whole kernel, so only its first namespace may say."""
    net.shell(f"nsenter -t 1 -n sysctl -qw net.netfilter.nf_conntrack_expect_max={number}")


@test("H-26", "the same Call-ID from two phones is two calls (T-9)")
def same_call_id():
    other = Udp("other", OTHER, 5060)
    first = setup("twice", 5080)
    second = Call("twice", f"{OTHER}:5060", "", SERVER)
    other.send(second.request("INVITE", sdp(OTHER, 5070)), SERVER)
    assert server.recv()
    port = server.sender[1]
    assert both(5080) and both(5070)
    back(first.response("486 Busy Here"))
    time.sleep(6)
    assert not net.pinhole(ROUTER, 5080) and both(5070)
    server.send(again(second.response("486 Busy Here", tag="x"),
                      ("UDP ;", f"UDP {ROUTER}:{port};")), ROUTER, port)
    assert other.recv()
    other.close()


@test("H-26", "two phones behind the router, called through the provider, talk directly")
def hairpin():
    other = Udp("other", OTHER, 5060)
    # the other phone makes itself known, so that it can be called
    options = Call("hp0", f"{OTHER}:5060", "", SERVER).request("OPTIONS")
    other.send(options, SERVER)
    assert server.recv()
    port = server.sender[1]
    first = Call("hp", f"{PHONE}:5060", f"{ROUTER}:5060", SERVER)
    offer = out(first.request("INVITE", sdp(PHONE, 5080)))
    onward = again(offer, (f"Via: SIP/2.0/UDP {ROUTER}:5060",
                           f"Via: SIP/2.0/UDP {SERVER}:5060;branch=z9hG4bKproxy\r\n"
                           f"Via: SIP/2.0/UDP {ROUTER}:5060"))
    server.send(onward, ROUTER, port)
    got = other.recv()
    assert f"c=IN IP4 {PHONE}\r\n".encode() in got, got
    assert b"m=audio 5080 " in got, got
    back(first.response("486 Busy Here"))
    time.sleep(40)
    other.close()


run(after=net.nothing_left)
