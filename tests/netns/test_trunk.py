#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""A PBX behind the router: all calls of a company by one signalling flow."""
import random
import time

import topology as net
from sip import sdp
from call_helpers import new, phone, server
from ctl import ctl, stats
from ksft import run, same, test
from topology import PHONE, RELAY, ROUTER, SERVER, Udp, shell

SETUP, ESTABLISHED = 1000, 20000


def port(number):
    return 6000 + 2 * number


def invite(number):
    call = new(f"trunk{number}")
    data = call.request("INVITE", sdp(PHONE, port(number)))
    phone.send(data, SERVER)
    got = server.recv()
    assert got and f"m=audio {port(number)} ".encode() in got, number
    return call


def answer(call, number):
    server.send(call.response("200 OK", body=sdp(RELAY, port(number))), ROUTER)
    assert phone.recv(), number
    phone.send(call.request("ACK", to_tag=True), SERVER)
    assert server.recv(), number


def count():
    return len(net.expectations())


def sample(numbers, wanted=2):
    """Pinholes to some calls' phones are there, or are not; one look for all."""
    open_ports = {hole.dport for hole in net.expectations() if hole.dst == ROUTER}
    for number in numbers:
        have = sum(port(number) + i in open_ports for i in (0, 1))
        assert have == wanted, (number, have)


@test("H-2", "1,000 calls in setup on one flow: every pinhole is there, and each call answers")
def setup():
    shell("nsenter --net=/proc/1/ns/net sysctl -qw net.netfilter.nf_conntrack_max=1000000")  # of the whole kernel
    ctl("setting set max-calls 100000 max-calls-per-source 100000")
    calls = [invite(number) for number in range(SETUP)]
    assert count() == 2 * SETUP
    sample(range(SETUP))
    random.seed(SETUP)
    ending = random.sample(range(SETUP), 300)
    for number in ending:
        phone.send(calls[number].request("CANCEL"), SERVER)
        assert server.recv()
        server.send(calls[number].response("487 Request Terminated"), ROUTER)
        assert phone.recv()
    time.sleep(6)
    sample(ending, 0)
    sample(sorted(set(range(SETUP)) - set(ending)))
    ctl("call end --all")
    assert not count()


@test("S1-8", "20,000 established calls on one flow: none has lost a pinhole, none takes another's")
def established():
    start = time.monotonic()
    for number in range(ESTABLISHED):
        answer(invite(number), number)
        if not number % 1000:
            # nobody falls silent while the others are still being set up
            assert time.monotonic() - start < 100
    assert (count(), stats()["calls"]["active"]) == (4 * ESTABLISHED, ESTABLISHED), (count(), stats()["calls"])
    sample(range(ESTABLISHED))
    print(f"# {stats()['memory_bytes'] / ESTABLISHED:.0f} bytes a call")
    random.seed(ESTABLISHED)
    for number in random.sample(range(ESTABLISHED), 50):
        ours, theirs = Udp("phone", PHONE, port(number)), Udp("provider", RELAY, port(number))
        theirs.send(b"media", ROUTER, port(number))
        same(ours.recv(0.5), b"media")
        ours.close()
        theirs.close()
    ctl("call end --all")
    assert not count()
    net.until(lambda: not stats()["memory_bytes"], 100, 1)


run()
