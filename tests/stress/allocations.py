#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""
Each allocation that a registration and two calls make fails in its turn, in a
kernel in which time travels; scripts/coverage starts it.

A message for which there was no memory is passed as it came or not at all, and
counted; none arrives half translated. Sent again it is what it would have been,
and in the end nothing is left.
"""
import json
import os
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "..", "netns")]

import topology as net
import failslab
from sip import Call, again, message, sdp
from ksft import run, test
from topology import PHONE, RELAY, ROUTER, SERVER, Tcp, Udp, shell
from faults import Memory, read, write

SLAB = Memory.PLACE
TOOL = "tools/sipalg-ctl/sipalg-ctl -n router"

net.build()
phone, server = Udp("phone", PHONE, 5060), Udp("provider", SERVER, 5060)
memory = Memory(None)


class Turns:
    """The allocations that have been counted; the kernel begins at 0 and never again."""

    def __init__(self):
        self.counted = 0

    def fail(self, number):
        """The allocation of that number from now on fails."""
        memory.arm(0)
        write(f"{SLAB}/times", 1)
        write(f"{SLAB}/interval", self.counted + number)
        write(f"{SLAB}/probability", 100)

    def failed(self, number):
        memory.heal()
        failed = not int(read(f"{SLAB}/times"))
        self.counted += number if failed else number - 1
        return failed


def stats():
    return json.loads(shell(f"{TOOL} -j stats show"))


def refused():
    """How many messages were, by what is counted."""
    told = stats()
    return sum(told[group].get("no_memory", 0) + told[group].get("too_many_calls", 0)
               for group in ("dropped", "passed_unchanged"))


def call_of(name, transport="UDP", port=5060):
    return Call(name, f"{PHONE}:{port}", f"{ROUTER}:{port}", SERVER, transport)


def registration(name):
    """Each message, whether the phone sends it, and what the other side is to get."""
    request = message(f"""REGISTER sip:{SERVER} SIP/2.0
        Via: SIP/2.0/UDP {PHONE}:5060;branch=z9hG4bK{name};rport
        From: <sip:alice@{SERVER}>;tag=a
        To: <sip:alice@{SERVER}>
        Call-ID: {name}
        CSeq: 1 REGISTER
        Contact: <sip:alice@{PHONE}:5060>;expires=30""")
    seen = again(request, (PHONE, ROUTER))
    answer = b"SIP/2.0 200 OK\r\n" + seen.split(b"\r\n", 1)[1]
    yield request, True, seen
    yield answer, False, again(answer, (ROUTER, PHONE))


def talk(call, port):
    """A call with a fork, Record-Route, hold and a second stream."""
    where = call.seen

    def out(data):
        hosts = ((call.host, where),) + (((f"IP4 {PHONE}", f"IP4 {ROUTER}"),) if b"c=IN" in data else ())
        return data, True, again(data, *hosts)

    def back(data):
        return data, False, again(data, (where, call.host))
    yield out(call.request("INVITE", sdp(PHONE, port, f"m=video {port + 10} RTP/AVP 31")))
    yield back(call.response("180 Ringing", tag="fork"))
    yield back(call.response("183 Session Progress", body=sdp(RELAY, 30000, "m=video 30010 RTP/AVP 31")))
    yield back(call.response("200 OK", body=sdp(RELAY, 30000, "m=video 30010 RTP/AVP 31"),
                             extra=f"\nRecord-Route: <sip:{RELAY};lr>"))
    yield out(call.request("ACK", to_tag=True))
    yield out(call.request("INVITE", sdp(PHONE, port + 20), cseq=2, to_tag=True))
    yield back(call.response("200 OK", body=sdp(RELAY, 30020)))
    yield out(call.request("ACK", cseq=2, to_tag=True))
    yield out(call.request("BYE", cseq=3, to_tag=True))
    yield back(call.response("200 OK", "BYE"))


def datagram(data, outbound):
    """What arrives of it."""
    if outbound:
        phone.send(data, SERVER)
        return server.recv(0.5)
    server.send(data, ROUTER)
    return phone.recv(0.5)


def datagrams(steps):
    """Gives back how many were refused."""
    count = 0
    for data, outbound, wanted in steps:
        got = datagram(data, outbound)
        if got == wanted:
            continue
        count += 1
        assert got in (None, data), f"half of it: {got}\nof {data}"
        got = datagram(data, outbound)
        assert got == wanted, f"sent again: {got}\nnot {wanted}"
    return count


def arrives(receiver, known):
    """Reads until it is one of them, or nothing more comes."""
    got, lengths = b"", sorted(map(len, known))
    for length in lengths:
        got += receiver.recv(length - len(got), 100)
        if got in known:
            break
    return got


def stream(number):
    """The same over TCP, each message in two pieces; one after the other."""
    port = 41000 + number
    ends = Tcp.pair("phone", PHONE, port)
    count = 0
    for data, outbound, wanted in talk(call_of(f"t{number}", "TCP", port), 20000):
        sender, receiver = ends if outbound else ends[::-1]
        sender.send(data[:150])
        sender.send(data[150:])
        got = arrives(receiver, (b"\r\n", wanted, data))
        assert got in (wanted, data, b"\r\n"), f"{number}: half of it: {got}\nof {data}\nnot {wanted}"
        count += got != wanted
    for end in ends:
        end.close()
    return min(count, 1)                # what comes behind it on the connection is let be


def gone():
    shell(f"{TOOL} call end --all")
    net.router("conntrack -F 2>/dev/null")
    time.sleep(150)
    net.router("conntrack -F 2>/dev/null")
    told = stats()
    assert told["memory_bytes"] == 0 and told["registrations"] == 0, told
    assert not net.expectations() and not net.expectations("signalling")


TURNS = Turns()


def each(once):
    """Once for each allocation; gives back how many there were."""
    for number in range(1, failslab.MOST):
        before = refused()
        TURNS.fail(number)
        try:
            count = once(number)
        finally:
            failed = TURNS.failed(number)
        assert refused() - before >= count, (number, count, {k: v for g in ('dropped', 'passed_unchanged', 'tcp') for k, v in stats()[g].items() if v})
        gone()
        if not failed:
            return number - 1
    raise AssertionError("there is no end of allocations")


@test("S1-1", "UDP: with any allocation failing, a message arrives translated, as it came, or when sent again")
def udp():
    def once(number):
        return datagrams(registration(f"r{number}")) + datagrams(talk(call_of(f"u{number}"), 20000))
    print(f"# {each(once)} allocations", flush=True)


@test("S1-1", "TCP: with any allocation failing, the messages arrive translated, as they came, or as a line end")
def tcp():
    print(f"# {each(stream)} allocations", flush=True)


run()
