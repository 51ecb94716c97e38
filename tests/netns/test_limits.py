#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""What happens when somebody takes more than his share."""
import json
import time

import topology as net
from sip import Call, again, sdp
from tap import run, same, test
from topology import OTHER, PHONE, RELAY, ROUTER, SERVER, Udp, shell

net.build()
phone = Udp("phone", PHONE, 5060)
other = Udp("other", OTHER, 5062)
server = Udp("provider", SERVER, 5060)
TOOL = "tools/sipalg-ctl/sipalg-ctl -n router"


def data(arguments):
    return json.loads(shell(f"{TOOL} -j {arguments}"))


def names():
    return {row["call_id"].split("@")[0] for row in data("call list")}


def invite(name, port=0, sock=phone, host=PHONE):
    call = Call(name, f"{host}:{sock.address[1]}", f"{ROUTER}:{sock.address[1]}", SERVER)
    request = call.request("INVITE", sdp(host, port) if port else "")
    sock.send(request, SERVER)
    got = server.recv()
    return call, request, got


def answer(call):
    server.send(call.response("200 OK", body=sdp(RELAY, 8000)), ROUTER)
    assert phone.recv()


def reset():
    shell(f"{TOOL} setting reset")
    shell(f"{TOOL} call end --all")
    net.router("conntrack -D -p udp 2>/dev/null || true")
    time.sleep(40)
    assert data("stats show")["memory_bytes"] == 0


@test("S0-12", "a full table: the call that was silent longest goes, a new one gets in")
def full():
    shell(f"{TOOL} setting set max-calls 16")
    for i in range(16):
        invite(f"f{i}")
        time.sleep(2)
    invite("f0")                    # heard of again: now f1 is the oldest
    time.sleep(2)
    _, request, got = invite("late", 5100)
    same(got, again(request, (f"{PHONE}:5060", f"{ROUTER}:5060"), (PHONE, ROUTER)))
    assert net.pinhole(ROUTER, 5100)
    have = names()
    assert "late" in have and "f0" in have and "f1" not in have and len(have) == 16, have
    assert data("stats show")["calls"]["ended"]["evicted"] == 1
    reset()


@test("S0-12", "a flood of INVITEs throws out itself, not a call that is answered")
def flood():
    call, _, _ = invite("talk", 5110)
    answer(call)
    time.sleep(5)
    shell(f"{TOOL} setting set max-calls 16")
    for i in range(100):
        invite(f"x{i}")
    assert "talk" in names() and len(names()) == 16
    assert net.pinhole(ROUTER, 5110)
    reset()


@test("FortiOS max-dialogs", "one phone has its share and no more, another still gets in")
def share():
    shell(f"{TOOL} setting set max-calls-per-source 3")
    for i in range(3):
        invite(f"s{i}", 5120 + 2 * i)
    _, request, got = invite("s3", 5130)
    same(got, request)              # unchanged, and counted
    assert data("stats show")["passed_unchanged"]["too_many_calls"] == 1
    assert names() == {"s0", "s1", "s2"}
    _, request, got = invite("o0", 5140, other, OTHER)
    assert got != request and "o0" in names()
    number = data("call list call-id s0@call.example")[0]["id"]
    shell(f"{TOOL} call end {number}")
    invite("s4", 5150)
    assert "s4" in names()
    reset()


run()
