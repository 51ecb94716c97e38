#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""
A day of mixed calls, one in twenty of them abandoned at some step, ends at zero:

    scripts/um-run --time-travel env SEED=N /usr/bin/python3 tests/netns/test_soak.py
"""
import heapq
import os
import random
import time

import topology as net
from sip import sdp
from call_helpers import expires, new, send_back as back, send_out as out
from ctl import stats
from ksft import run, test
from topology import PHONE, RELAY, ROUTER, router

SEED = int(os.environ.get("SEED") or 24)
DAY, EVERY = 24 * 3600, 10


# Each of these is a call: it yields the seconds until its next step.

def setup(call, port, interval=None):
    out(call.request("INVITE", sdp(PHONE, port), extra=expires(interval).split(";")[0]))
    yield 0.1
    back(call.response("180 Ringing"))
    yield random.uniform(1, 100)
    back(call.response("200 OK", body=sdp(RELAY, port), extra=expires(interval)))
    yield 0.1
    out(call.request("ACK", to_tag=True))
    yield random.uniform(1, 30)


def leave(call):
    out(call.request("BYE", cseq=call.cseq + 1, to_tag=True))
    yield 0.1
    back(call.response("200 OK", "BYE"))


def within(call, method, body="", answer="", extra=""):
    out(call.request(method, body, cseq=call.cseq + 1, to_tag=True, extra=extra))
    yield 0.1
    back(call.response("200 OK", method, body=answer, extra=extra))
    yield 0.1
    if method == "INVITE":
        out(call.request("ACK", to_tag=True))
        yield 1


def plain(call, port):
    yield from setup(call, port)
    yield random.uniform(1, 3600)
    yield from leave(call)


def refreshed(call, port):
    yield from setup(call, port, 1800)
    for number in range(random.randrange(1, 6)):
        yield 900
        if number % 2:
            yield from within(call, "UPDATE", extra=expires(1800))
        else:
            yield from within(call, "INVITE", sdp(PHONE, port), sdp(RELAY, port), expires(1800))
    yield from leave(call)


def held(call, port):
    yield from setup(call, port)
    yield from within(call, "INVITE", sdp(PHONE, port, "a=inactive"), sdp(RELAY, port, "a=inactive"))
    yield random.uniform(1, 600)
    yield from within(call, "INVITE", sdp(PHONE, port), sdp(RELAY, port))
    yield from leave(call)


def moved(call, port):
    yield from setup(call, port)
    for number in range(3):
        yield from within(call, "INVITE", sdp(PHONE, port + 20000 + 2 * number), sdp(RELAY, port))
    yield from leave(call)


def cancelled(call, port):
    out(call.request("INVITE", sdp(PHONE, port)))
    yield 1
    back(call.response("180 Ringing"))
    yield random.uniform(1, 60)
    out(call.request("CANCEL"))
    back(call.response("200 OK", "CANCEL"))
    yield 0.1
    back(call.response("487 Request Terminated"))
    yield 0.1
    out(call.request("ACK"))


def refused(call, port):
    for interval in (90, 1800):
        out(call.request("INVITE", sdp(PHONE, port), cseq=call.cseq + 1))
        yield 0.1
        back(call.response("422 Session Interval Too Small", extra=f"\nMin-SE: {interval}"))
        yield 0.1
        out(call.request("ACK"))
        yield 0.1
    out(call.request("INVITE", sdp(PHONE, port), cseq=call.cseq + 1))
    yield 0.1
    back(call.response("486 Busy Here"))
    yield 0.1
    out(call.request("ACK"))


def forked(call, port):
    out(call.request("INVITE", sdp(PHONE, port)))
    for number, tag in enumerate(("one", "two")):
        yield 0.1
        back(call.response("183 Session Progress", body=sdp(RELAY, port + 20000 * number), tag=tag))
    yield 5
    back(call.response("200 OK", body=sdp(RELAY, port), tag="one"))
    call.tags = (call.tags[0], "one")
    yield 60
    yield from leave(call)


def incoming(call, port):
    out(new(call.name + "k").request("OPTIONS"))
    back(call.peer_request("INVITE", f"{ROUTER}:5060", body=sdp(RELAY, port), tags=("", call.tags[1])))
    yield random.uniform(1, 20)
    out(call.peer_response("200 OK", "INVITE", body=sdp(PHONE, port)))
    yield random.uniform(1, 600)
    back(call.peer_request("BYE", f"{ROUTER}:5060", cseq=101))
    yield 0.1
    out(call.peer_response("200 OK", "BYE", cseq=101))


KINDS = (plain, plain, refreshed, held, moved, cancelled, refused, forked, incoming)


def abandoned(steps):
    """Somebody's battery is empty, his cable cut, or he has never meant it."""
    for _, delay in zip(range(random.randrange(1, 8)), steps):
        yield delay


def one_call(number):
    call = new(f"soak{number}")
    call.cseq = 0
    if number % len(KINDS) != KINDS.index(refused):
        call.cseq = 1
    steps = KINDS[number % len(KINDS)](call, 4000 + 2 * (number % 8000))
    return abandoned(steps) if random.random() < 0.05 else steps


def the_day():
    """A queue of what happens when; the day ends when the last call has."""
    random.seed(SEED)
    start, queue, made = time.monotonic(), [(0, 0, None)], 0
    while queue:
        when, number, steps = heapq.heappop(queue)
        time.sleep(max(0, start + when - time.monotonic()))
        if steps is None:
            steps = one_call(made)
            made += 1
            if when + EVERY < DAY:
                heapq.heappush(queue, (when + EVERY, made, None))
        delay = next(steps, None)
        if delay is not None:
            heapq.heappush(queue, (when + delay, number, steps))
    return made


@test("S0-11", f"24 hours of mixed calls, one in twenty abandoned (seed {SEED}), end at zero")
def soak():
    made = the_day()
    told = stats()["calls"]
    assert made == DAY / EVERY and told["total"] >= made, told
    print(f"# {made} calls, at most {told['peak']} at once, {told['active']} of the abandoned left")
    # nobody has said a word since: twelve hours later the last of them has gone
    time.sleep(12 * 3600 + 600)
    left = stats()
    assert not left["calls"]["active"] and not left["pinholes"]["open"], left
    assert sum(left["calls"]["ended"].values()) == left["calls"]["total"], left["calls"]
    assert left["memory_bytes"] == 0, left["memory_bytes"]
    assert not net.expectations()
    assert router("conntrack -C").strip() == "0"


run()
