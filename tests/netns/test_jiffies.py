#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""
The kernel's clock of 32 bits wraps 300 s after each boot: what was begun before
ends when it should after it. Tests run in the order of what they wait for.
"""
import json
import re
import time

import topology as net
from sip import Call, again, sdp
from call_helpers import (answered, audio, back, both, hang_up, new, out, passes, phone, send_back,
                          send_out, server)
from ctl import ctl, stats
from ksft import run, test
from topology import PHONE, ROUTER, SERVER

WRAP = 300
TRACING = "/sys/kernel/tracing/"
REFUSED = [f"before{i}" for i in range(100)]


def uptime():
    return time.clock_gettime(time.CLOCK_BOOTTIME)


def jiffies():
    """Their low 32 bits, where the kernel shows them."""
    with open("/proc/timer_list", encoding="ascii") as file:
        return int(re.search(r"^jiffies: (\d+)$", file.read(), re.MULTILINE)[1]) & 0xffffffff


def ended(reason):
    return stats()["calls"]["ended"][reason]


def calls():
    return {call["call_id"].split("@")[0]: call for call in json.loads(ctl("-j call list"))}


def registrations():
    return json.loads(ctl("-j registration list"))


def write(name, text):
    with open(TRACING + name, "w", encoding="ascii") as file:
        file.write(text)


def register(account, expires):
    call = Call(account, f"{PHONE}:5060", f"{ROUTER}:5060", SERVER)
    to = ("<sip:bob@", f"<sip:{account}@")
    out(again(call.request("REGISTER", extra=f"\nExpires: {expires}"), to))
    answer = call.response("200 OK", "REGISTER", extra=f"\nExpires: {expires}")
    back(again(answer, (f"bob@{SERVER}:5060", f"alice@{ROUTER}:5060"), to))


def refuse(callee):
    """An INVITE to a callee who declines."""
    call = Call(callee, f"{PHONE}:5060", f"{ROUTER}:5060", SERVER)
    to = (b"sip:bob@", f"sip:{callee}@".encode())
    send_out(call.request("INVITE").replace(*to))
    send_back(call.response("403 Forbidden"))
    send_out(call.request("ACK").replace(*to))


def is_screened(callee):
    """The same once more, of another call."""
    call = Call(f"again-{callee}", f"{PHONE}:5060", f"{ROUTER}:5060", SERVER)
    phone.send(call.request("INVITE").replace(b"sip:bob@", f"sip:{callee}@".encode()), SERVER)
    return server.recv(0.1) is None


def arm():
    """All that is to outlive the wrap, begun in the last seconds before it."""
    ctl("setting set inactive-media-timeout 10 maximum-call-duration 3 session-margin 0 "
        "screen-invites on screen-timeout 3600")
    # what is run for the first time is fetched first, and that may take its time
    for first in (calls, registrations, stats, net.expectations, jiffies):
        first()
    assert uptime() < WRAP - 50, f"the clock has wrapped, or is about to: {uptime()} s after boot"
    time.sleep(WRAP - 40 - uptime())
    for callee in REFUSED:
        refuse(callee)
    time.sleep(WRAP - 4 - uptime())
    bye = answered("bye", 4000)
    answered("silent", 4010)
    assert passes(*ends[::-1], ROUTER, 4010)
    ringing = new("rings")
    out(ringing.request("INVITE", sdp(PHONE, 4020)))
    back(ringing.response("180 Ringing"))
    answered("session", 4030, 90)
    answered("lasting", 4040)
    register("registered", 20)
    register("brief", 1)
    hang_up(bye)
    assert WRAP - 4 <= uptime() < WRAP - 2, uptime()
    armed, ticks = time.monotonic(), jiffies()
    net.until(lambda: len(registrations()) == 1, 2, 0.05)
    assert uptime() < WRAP, uptime()
    return armed, ticks


def comes(condition, least, most):
    """So many seconds after arm() something comes to pass."""
    net.until(condition, 400, 0.25)
    seconds = time.monotonic() - ARMED
    assert least < seconds < most, seconds


ends = audio(4010)
ARMED, TICKS = arm()


@test("S2-1", "BYE before the wrap, media closed after teardown-delay behind it")
def teardown():
    assert both(4000), "closed at once"
    comes(lambda: not net.pinhole(ROUTER, 4000), 4.5, 7)


@test("issue 24", "the clock has wrapped: all that is below ends behind it")
def wrapped():
    assert uptime() > WRAP + 1, uptime()
    assert TICKS > 0xfff00000 and jiffies() < 0x00100000, (TICKS, jiffies())


@test("S2-4", "media that is silent closes after inactive-media-timeout, not before")
def silent():
    assert both(4010), "closed at once"
    comes(lambda: not net.pinhole(ROUTER, 4010), 9.5, 14)


@test("S3-43", "a registration ends with its Expires, and one before the wrap took no other along")
def registration():
    left, = registrations()
    assert 0 < left["expires_in_seconds"] < 15, left
    comes(lambda: not registrations(), 19.5, 24)


@test("S2-7", "a call that has ended is forgotten 64*T1 after its BYE")
def forgotten():
    assert "bye" in calls()
    comes(lambda: "bye" not in calls(), 31.5, 35)


@test("issue 5", "ages that are shown go on across the wrap")
def ages():
    call, gone = calls()["lasting"], time.monotonic() - ARMED
    assert abs(call["age_seconds"] - gone) < 5 and abs(call["talk_seconds"] - gone) < 5, (call, gone)
    assert call["idle_seconds"] <= call["age_seconds"], call


@test("issue 5", "tracepoints: the age of a call that began before the wrap, and of one behind it")
def traced_ages():
    answered("later", 4050)
    began = {"silent": ARMED, "later": time.monotonic()}
    write("trace", "")
    write("events/sipalg/sipalg_call_end/enable", "1")
    for name, when in began.items():
        ctl(f"call end {name}@call.example")
        with open(TRACING + "trace", encoding="ascii") as file:
            *_, age = re.findall(r"sipalg_call_end: .* age=(\d+) ", file.read())
        assert abs(int(age) - (time.monotonic() - when)) < 5, (name, age)
    write("events/sipalg/enable", "0")


@test("S3-30", "INVITEs refused before the wrap are screened behind it, whoever else is refused")
def screened():
    for i in range(500):
        refuse(f"behind{i}")
    let_through = [callee for callee in REFUSED if not is_screened(callee)]
    assert not let_through, let_through


@test("S3-44", "a session that nobody refreshes ends with its interval")
def session():
    before = ended("session_expired")
    comes(lambda: "session" not in calls(), 89.5, 130)
    assert ended("session_expired") == before + 1


@test("S2-9", "an INVITE that rings loses its ways in after c-timeout")
def rings():
    assert both(4020), "closed at once"
    comes(lambda: not net.pinhole(ROUTER, 4020), 179.5, 184)


@test("S2-6", "a call ends when maximum-call-duration has passed since its answer")
def lasting():
    comes(lambda: ended("max_duration") == 1, 179.5, 190)


run()
