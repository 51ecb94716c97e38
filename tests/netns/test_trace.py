#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""The tracepoints sipalg:*, as a person reads them below /sys/kernel/tracing."""
import functools
import os
import re

import topology as net
from sip import Call, again, sdp
from ksft import run, test
from topology import PHONE, PHONE6, RELAY, ROUTER, SERVER, SERVER6, Tcp, Udp

TRACING = "/sys/kernel/tracing/"

net.build()
phone = Udp("phone", PHONE, 5060)
server = Udp("provider", SERVER, 5060)


def write(name, text):
    with open(TRACING + name, "w", encoding="ascii") as file:
        file.write(text)


def trace():
    """[(event, {key: value}, line)] since the last time."""
    with open(TRACING + "trace", encoding="ascii") as file:
        lines = [line for line in file if "sipalg_" in line]
    write("trace", "")
    return [(re.search(r"sipalg_(\w+):", line)[1], dict(re.findall(r"(\w+)=(\S+)", line)), line)
            for line in lines]


def tool(arguments):
    net.router(f"{os.getcwd()}/tools/sipalg-ctl/sipalg-ctl {arguments}")


def begin(name, port):
    call = Call(name, f"{PHONE}:5060", f"{ROUTER}:5060", SERVER)
    phone.send(call.request("INVITE", sdp(PHONE, port)), SERVER)
    assert server.recv()
    server.send(call.response("200 OK", body=sdp(RELAY, 8000)), ROUTER)
    assert phone.recv()
    return call


def traced(function):
    """Tests begin with an empty trace that is on, and leave it off."""
    @functools.wraps(function)
    def both():
        write("trace", "")
        write("events/sipalg/enable", "1")
        try:
            function()
        finally:
            write("events/sipalg/enable", "0")
            tool("call end --all")
            tool("setting reset")
    return both


@test("issue 5", "tracepoints: what was parsed and planned, message by message")
@traced
def parse_and_plan():
    begin("trace-a", 4900)
    found = trace()
    assert [event for event, _, _ in found] == ["parse", "plan"] * 2, found
    namespace = str(os.stat("/run/netns/router").st_ino)
    invite, first, answer, second = (keys for _, keys, _ in found)
    assert f"udp {PHONE}:5060 -> {SERVER}:5060 " in found[0][2], found[0]
    assert f"udp {SERVER}:5060 -> {PHONE}:5060 " in found[2][2], found[2]
    assert (invite["result"], invite["method"], invite["status"], invite["cseq"]) == (
        "ok", "INVITE", "0", "1"), invite
    assert (answer["method"], answer["status"]) == ("INVITE", "200"), answer
    for keys in invite, first, answer, second:
        assert keys["netns"] == namespace, keys
    assert " pass " in found[1][2] and int(first["edits"]) > 3, found[1]
    assert (first["pinholes"], first["retransmitted"], first["reason"]) == ("1", "0", "none"), first
    assert first["call"] == second["call"] != "0", (first, second)


@test("issue 5", "tracepoints: a drop and a message that cannot be read, each with its reason")
@traced
def drops():
    tool("setting set deny-methods MESSAGE unknown-message drop")
    call = Call("trace-b", f"{PHONE}:5060", f"{ROUTER}:5060", SERVER)
    phone.send(call.request("MESSAGE"), SERVER)
    phone.send(again(call.request("OPTIONS"), ("CSeq: 1 OPTIONS", "CSeq: OPTIONS")), SERVER)
    assert server.recv(0.5) is None
    found = trace()
    assert [event for event, _, _ in found] == ["parse", "plan", "drop", "parse", "drop"], found
    assert " drop " in found[1][2] and found[1][1]["reason"] == "method_denied", found[1]
    assert found[2][1]["reason"] == "method_denied", found[2]
    assert f"udp {PHONE}:5060 -> {SERVER}:5060 " in found[2][2], found[2]
    assert (found[3][1]["result"], found[3][1]["method"]) == ("parse_error", "unknown"), found[3]
    assert found[4][1]["reason"] == "parse_error", found[4]


@test("issue 5", "tracepoints: the end of a call, how old it was and why")
@traced
def ends():
    begin("trace-c", 4910)
    number = trace()[1][1]["call"]
    tool(f"call end {number}")
    (event, keys, _), = trace()
    assert event == "call_end" and (keys["call"], keys["reason"]) == (number, "admin"), keys
    assert int(keys["age"]) < 10, keys


@test("issue 5", "tracepoints: IPv6 and TCP")
@traced
def six():
    ours, theirs = Tcp.pair("phone", PHONE6, 5062, SERVER6)
    call = Call("trace-d", f"[{PHONE6}]:5062", "", f"[{SERVER6}]", "TCP")
    ours.send(call.request("OPTIONS"))
    assert theirs.recv(100)
    line = trace()[0][2]
    assert f"tcp [{PHONE6}]:5062 -> [{SERVER6}]:5060 " in line, line
    ours.close()
    theirs.close()


@test("issue 5", "tracepoints: nothing of what is said, and nothing at all once they are off")
@traced
def silence():
    begin("trace-secret", 4920)
    text = "".join(line for _, _, line in trace())
    assert text
    for word in ("trace-secret", "alice", "bob", "peer-", "rtpmap"):
        assert word not in text, text
    write("events/sipalg/enable", "0")
    begin("trace-off", 4930)
    assert not trace()


@test("issue 5", "dynamic debug says what counters count, without a word of the message")
def debug():
    control = "/sys/kernel/debug/dynamic_debug/control"
    call = Call("debug", f"{PHONE}:5060", f"{ROUTER}:5060", SERVER)
    bad = again(call.request("OPTIONS"), ("CSeq: 1 OPTIONS", "CSeq: OPTIONS"))

    def said(switch):
        with open("/dev/kmsg", "w", encoding="ascii") as file:
            file.write(f"test_trace: {switch}p\n")
        with open(control, "w", encoding="ascii") as file:
            file.write(f"module sipalg {switch}p")
        phone.send(bad, SERVER)
        assert server.recv()
        return net.shell("dmesg").rpartition(f"test_trace: {switch}p")[2]
    text = said("+")
    assert "sipalg: message passed unchanged: parse_error" in text and "debug@" not in text, text
    text = said("-")
    assert "sipalg" not in text, text


run()
