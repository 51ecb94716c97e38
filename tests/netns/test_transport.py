#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""Calls that change their transport on the way, and connections that break (RFC 3261 18)."""
import json
import os
import time

import topology as net
from sip import again, sdp
from call_helpers import audio, both, new, passes, phone, server
from ksft import run, same, test
from topology import PHONE, RELAY, ROUTER, SERVER, Tcp, router

CTL = os.path.abspath("tools/sipalg-ctl/sipalg-ctl")


def calls():
    return json.loads(router(f"{CTL} -j call list"))


class Line:
    """The phone's connection to the provider; what it is known by outside."""

    def __init__(self, port):
        self.ours, self.theirs = Tcp.pair("phone", PHONE, port)
        self.local = f"{PHONE}:{port}"
        self.seen = "%s:%d" % self.theirs.socket.getpeername()[:2]

    def out(self, data, *changes):
        wanted = again(data, (self.local, self.seen), *changes)
        self.ours.send(data)
        same(self.theirs.recv(len(wanted), 2), wanted)

    def back(self, data):
        wanted = again(data, (self.seen, self.local))
        self.theirs.send(data)
        same(self.ours.recv(len(wanted), 2), wanted)

    def close(self):
        self.ours.close()
        self.theirs.close()


WHOLE = (PHONE, ROUTER)


def by(call, line):
    call.transport, call.host, call.seen = "TCP", line.local, line.seen
    return call


def talks(port):
    ours, theirs = audio(port)
    good = passes(theirs, ours, ROUTER, port) and passes(ours, theirs, RELAY, port + 2000)
    ours.close()
    theirs.close()
    return good


@test("RFC 3261 18.1.1", "a call begun by UDP goes on by TCP: media moves, BYE ends it")
def udp_to_tcp():
    call = new("switch")
    phone.send(call.request("INVITE", sdp(PHONE, 4000)), SERVER)
    assert server.recv()
    server.send(call.response("200 OK", body=sdp(RELAY, 6000)), ROUTER)
    assert phone.recv()
    line = Line(5070)
    by(call, line)
    line.out(call.request("ACK", to_tag=True))
    line.out(call.request("INVITE", sdp(PHONE, 4002), cseq=2, to_tag=True), WHOLE)
    line.back(call.response("200 OK", body=sdp(RELAY, 6002)))
    assert both(4002) and not net.pinhole(ROUTER, 4000) and talks(4002)
    assert len(calls()) == 1, "one call, whatever it comes by"
    line.out(call.request("BYE", cseq=3, to_tag=True))
    line.back(call.response("200 OK", "BYE"))
    line.close()


@test("RFC 3261 18.4", "the connection breaks in a call: it goes on by the next, media untouched")
def reconnect():
    first = Line(5072)
    call = by(new("reconnect"), first)
    first.out(call.request("INVITE", sdp(PHONE, 4010)), WHOLE)
    first.back(call.response("200 OK", body=sdp(RELAY, 6010)))
    first.out(call.request("ACK", to_tag=True))
    first.close()
    for _ in range(6):
        time.sleep(60)
        assert talks(4010), "media ends with the connection"
    second = Line(5074)
    by(call, second)
    second.out(call.request("INVITE", sdp(PHONE, 4010), cseq=2, to_tag=True), WHOLE)
    second.back(call.response("200 OK", body=sdp(RELAY, 6010)))
    assert both(4010) and talks(4010) and len(calls()) == 1
    second.out(call.request("BYE", cseq=3, to_tag=True))
    second.back(call.response("200 OK", "BYE"))
    time.sleep(6)
    assert not net.expectations()
    second.close()


@test("S0-17", "the connection is gone and nobody comes back: signalling_lost after idle-call-timeout")
def lost():
    router(f"{CTL} setting set idle-call-timeout 3600")
    line = Line(5076)
    call = by(new("lost"), line)
    line.out(call.request("INVITE", sdp(PHONE, 4020)), WHOLE)
    line.back(call.response("200 OK", body=sdp(RELAY, 6020)))
    line.out(call.request("ACK", to_tag=True))
    line.close()
    time.sleep(3590)
    assert len(calls()) == 1
    time.sleep(20)
    ended = json.loads(router(f"{CTL} -j stats show"))["calls"]["ended"]
    assert not calls() and ended["signalling_lost"] == 1, ended
    router(f"{CTL} setting reset")


run(after=net.nothing_left)
