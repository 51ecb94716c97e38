#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""Conntrack's tables are full: whose calls go on, what is said of it, and how it ends."""
import json
import re
import subprocess
import time

import topology as net
from sip import Call, again, sdp
from ctl import CTL, calls_by_memory, ctl, data, forget_all, stats
from ksft import run, same, test
from topology import OTHER, PHONE, RELAY, ROUTER, SERVER, Udp, router, shell

net.build()
phone = Udp("phone", PHONE, 5060)
other = Udp("other", OTHER, 5062)
server = Udp("provider", SERVER, 5060)
EXPECT = "net.netfilter.nf_conntrack_expect_max"
TABLE = "net.netfilter.nf_conntrack_max"
ROOM = "the table of pinholes has room"
CONNECTIONS = "the table of connections has room"


def limit(number, name=EXPECT):
    """Both belong to the whole kernel, so only its first namespace may say."""
    shell(f"nsenter -t 1 -n sysctl -qw {name}={number}")


class Party:
    """A call of one of the hosts, message by message."""

    def __init__(self, name, sock, port):
        self.sock, self.port = sock, port
        self.host, mine = sock.address
        self.seen = f"{ROUTER}:{mine}"
        self.call = Call(name, f"{self.host}:{mine}", self.seen, SERVER)

    def invite(self, cseq=1):
        """What the provider gets of it is translated, or else as it was sent."""
        request = self.call.request("INVITE", sdp(self.host, self.port), cseq=cseq)
        self.sock.send(request, SERVER)
        got = server.recv()
        if got == request:
            return False
        same(got, again(request, (f"{self.host}:{self.sock.address[1]}", self.seen),
                        (self.host, ROUTER)))
        return True

    def answer(self, relay_port):
        server.send(self.call.response("200 OK", body=sdp(RELAY, relay_port)), ROUTER,
                    self.sock.address[1])
        assert self.sock.recv()
        self.sock.send(self.call.request("ACK", to_tag=True), SERVER)
        assert server.recv()

    def talks(self, relay_port):
        """Audio passes both ways, and begins outside."""
        space = "phone" if self.host == PHONE else "other"
        ours, theirs = Udp(space, self.host, self.port), Udp("provider", RELAY, relay_port)
        theirs.send(b"in", ROUTER, self.port)
        passed = ours.recv(0.5) == b"in"
        ours.send(b"out", RELAY, relay_port)
        passed = passed and theirs.recv(0.5) == b"out" and theirs.sender == (ROUTER, self.port)
        ours.close()
        theirs.close()
        return passed

    def hang_up(self):
        self.sock.send(self.call.request("BYE", cseq=self.call.cseq + 1, to_tag=True), SERVER)
        assert server.recv()
        server.send(self.call.response("200 OK", "BYE"), ROUTER, self.sock.address[1])
        assert self.sock.recv()


def verdicts():
    done = subprocess.run(f"{CTL} -n router -j check", shell=True, capture_output=True, text=True)
    return {row["name"]: row["state"] for row in json.loads(done.stdout)}


def unchanged(reason):
    return stats()["passed_unchanged"][reason]


def reset():
    limit(100000)
    forget_all()
    ctl("stats reset")
    net.until(lambda: not net.expectations(), 40)
    time.sleep(60)


@test("fault K3", "48 INVITEs of one host in a table of 64: another's call is translated, and both hear each other")
def flood():
    limit(64)
    calls = [Party(f"k{number}", other, 4000 + 2 * number) for number in range(48)]
    got = [one.invite() for one in calls]
    assert got == [True] * 32 + [False] * 16, got
    assert unchanged("expectations_full") == 16 and not unchanged("no_memory"), stats()
    # who got no pinhole holds no port either
    mine = Party("mine", phone, calls[-1].port)
    assert mine.invite(), "another host's flood costs this one its call"
    mine.answer(9000)
    assert mine.talks(9000)
    # no more than it needed
    assert stats()["calls"]["ended"]["evicted"] <= 2, stats()["calls"]
    mine.hang_up()
    reset()


@test("fault K3", "a full table of answered calls: none of them is hurt, and what becomes free is not all the same host's again")
def answered():
    limit(32)
    calls = []
    for number in range(20):
        one = Party(f"a{number}", other, 4000 + 2 * number)
        if not one.invite():
            break
        one.answer(8000 + 2 * number)
        calls.append(one)
    assert 8 <= len(calls) < 17, len(calls)
    # those that found no room for the way out have no other harm than that
    for number, one in enumerate(calls):
        assert one.talks(8000 + 2 * number), number
    mine = Party("mine", phone, 7000)
    assert not mine.invite()
    assert not stats()["calls"]["ended"]["evicted"], stats()["calls"]
    calls[0].hang_up()
    time.sleep(6)
    greedy = Party("greedy", other, 6000)
    assert not greedy.invite(), "who has all takes what is free again"
    assert mine.invite(2), "the phone that waits has no call"
    mine.answer(9000)
    assert mine.talks(9000)
    mine.hang_up()
    # nobody waits any more
    time.sleep(40)
    assert Party("later", other, 6010).invite()
    reset()


@test("fault K3", "a full table is told as expectations_full in JSON and metrics, and by check for as long as it lasts")
def told():
    limit(6)
    for number in range(3):
        assert Party(f"t{number}", phone, 4000 + 2 * number).invite()
    assert not Party("t3", phone, 4100).invite()
    assert unchanged("expectations_full") == 1 and stats()["pinholes_refused"] >= 1, stats()
    text = ctl("stats show --prometheus")
    assert re.search(r'^sipalg_passed_unchanged_total\{reason="expectations_full"\} 1$', text,
                     re.MULTILINE), text
    assert verdicts()[ROOM] == "fault"
    # one is free and a call needs two
    limit(7)
    assert not Party("t4", phone, 4200).invite() and verdicts()[ROOM] == "fault"
    limit(100)
    assert verdicts()[ROOM] == "ok"
    assert Party("t3", phone, 4100).invite(2), "no call has recovered"
    assert Party("t5", phone, 4300).invite()
    reset()


@test("fault K3", "a full table of connections is conntrack_full, and ends as it began")
def connections():
    before = int(shell(f"nsenter -t 1 -n sysctl -n {TABLE}"))
    first = Party("c0", phone, 4000)
    assert first.invite()
    first.answer(8000)
    time.sleep(3)
    first.hang_up()
    time.sleep(40)
    count = int(router("sysctl -n net.netfilter.nf_conntrack_count"))
    limit(count, TABLE)
    try:
        again_ = Party("c1", phone, 4010)
        assert not again_.invite()
        assert unchanged("conntrack_full") == 1 and not unchanged("no_memory"), stats()
        assert verdicts()[CONNECTIONS] == "fault"
    finally:
        limit(before, TABLE)
    assert again_.invite(2)
    assert verdicts()[CONNECTIONS] == "ok"
    reset()


@test("issue 21", "max-calls is by memory: one call for each 64 kB, at most 65536")
def by_memory():
    row, = [row for row in data("setting list") if row["name"] == "max-calls"]
    assert row["value"] == row["default"] == calls_by_memory(), (row, calls_by_memory())
    assert 16 < row["value"] < 65536, row
    ctl("setting set max-calls 100")
    ctl("setting reset")
    row, = [row for row in data("setting list") if row["name"] == "max-calls"]
    assert row["value"] == calls_by_memory(), row


run()
