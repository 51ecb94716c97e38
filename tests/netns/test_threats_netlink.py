#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""Threats by users of the router itself: who may ask and steer (doc/security.md)."""
import ctypes
import json
import os

import topology as net
from sip import sdp
from call_helpers import new, out
from ksft import run, test
from topology import PHONE, ROUTER, router

CTL = os.path.abspath("tools/sipalg-ctl/sipalg-ctl")
NOBODY = 65534
COMMANDS = ("setting list", "setting set max-calls 100", "setting reset", "call list", "call end --all",
            "call show 1", "registration list", "stats show", "stats reset", "monitor")


def data_of(arguments):
    return json.loads(router(f"{CTL} -j {arguments}"))


def as_nobody(script):
    """Runs a shell script in the router's namespace as a user without any right."""
    child = os.fork()
    if not child:
        net.enter("router")
        os.setgroups([])
        os.setresgid(NOBODY, NOBODY, NOBODY)
        os.setresuid(NOBODY, NOBODY, NOBODY)
        os.execv("/bin/sh", ["sh", "-c", script])
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def call_up(name, port):
    out(new(name).request("INVITE", sdp(PHONE, port)))
    assert net.pinhole(ROUTER, port)


def untouched(before):
    assert data_of("setting list") == before[0]
    assert [row["id"] for row in data_of("call list")] == before[1] and net.pinhole(ROUTER, 4000)


def state():
    return data_of("setting list"), [row["id"] for row in data_of("call list")]


@test("T-22", "a user without the capability is told nothing and changes nothing")
def nobody():
    call_up("nobody", 4000)
    before = state()
    for command in COMMANDS:
        status = as_nobody(f"timeout 5 {CTL} {command} >/tmp/said 2>/tmp/error")
        assert status not in (0, 124), (command, status)
    untouched(before)


@test("T-22", "nor is one who is root in a user namespace of his own, as long as the network is not")
def own_users():
    before = state()
    for command in COMMANDS:
        status = as_nobody(f"unshare -Ur timeout 5 {CTL} {command} >/dev/null 2>&1")
        assert status not in (0, 124), (command, status)
    untouched(before)


@test("T-22", "in a network namespace of his own he sees and steers that alone")
def own_network():
    before = state()
    shown = "/tmp/own.json"
    with open(shown, "w", encoding="ascii"):
        os.chmod(shown, 0o666)
    script = (f"unshare -Urn sh -c '{CTL} -j call list && {CTL} call end --all >&2 && {CTL} setting set max-calls 16 && "
              f"{CTL} stats reset' > {shown} 2>/dev/null")
    assert as_nobody(script) == 0, open(shown, encoding="ascii").read()
    assert open(shown, encoding="ascii").read().split() == ["[]"], open(shown, encoding="ascii").read()
    assert as_nobody(f"unshare -Urn {CTL} -n router call list >/dev/null 2>&1") != 0
    untouched(before)
    assert data_of("stats show")["calls"]["total"] >= 1


@test("T-22", "events go to listeners of their own namespace, and of no other")
def events():
    heard = "/tmp/heard.json"
    child = os.fork()
    if not child:
        libc = ctypes.CDLL(None, use_errno=True)
        libc.unshare(net.CLONE_NEWNET)
        os.execv("/bin/sh", ["sh", "-c", f"timeout 20 {CTL} -j monitor > {heard} 2>/dev/null"])
    net.until(lambda: os.path.exists(heard), 10)
    net.time.sleep(2)
    call_up("events", 4010)
    router(f"{CTL} call end --all")
    os.waitpid(child, 0)
    assert not open(heard, encoding="ascii").read(), open(heard, encoding="ascii").read()


run()
