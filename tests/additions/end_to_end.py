#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""What tests/additions/run has added, on the wire and in the tool: run it from there only."""
import json
import os
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../netns"))

import topology as net
from sip import message, sdp
from call_helpers import answered, audio, back, both, hang_up, new, out, passes, phone, server
from ksft import run, test
from topology import PHONE, RELAY, ROUTER, SERVER, router

CTL = os.path.abspath("tools/sipalg-ctl/sipalg-ctl")


def ctl(command):
    return json.loads(router(f"{CTL} {command} -j"))


def show(name):
    return ctl(f"call show {name}@call.example")


@test("issue 17", "a header is parsed, translated both ways, opens its pinhole and is named by the tool")
def header():
    call = new("header")
    out(call.request("INVITE", sdp(PHONE, 4000), extra=f"\nX-Added: <sip:alice@{PHONE}:5060>"))
    back(call.response("200 OK", body=sdp(RELAY, 6000),
                       extra=f"\nQ: <sip:alice@{ROUTER}:5060>"))
    out(call.request("ACK", to_tag=True))
    fields = {hole["field"] for hole in show("header")["signalling_pinholes"]}
    assert "x-added" in fields, fields
    hang_up(call)


@test("issue 17", "a method is parsed, offers, is answered, and settings and counters know its name")
def method():
    call = answered("method", 4004)
    out(call.request("ADDED", sdp(PHONE, 4008), cseq=2, to_tag=True))
    back(call.response("200 OK", "ADDED", body=sdp(RELAY, 6008)))
    assert both(4008) and not net.pinhole(ROUTER, 4004)
    ours, theirs = audio(4008)
    assert passes(theirs, ours, ROUTER, 4008)
    assert ctl("stats show")["messages"]["ADDED"]["new"] == 1
    router(f"{CTL} setting set deny-methods ADDED")
    phone.send(call.request("ADDED", cseq=3, to_tag=True), SERVER)
    assert server.recv(1) is None, "it is denied"
    assert ctl("stats show")["dropped"]["method_denied"] == 1
    router(f"{CTL} setting reset")
    hang_up(call)


@test("issue 17", "an SDP attribute is parsed, and what it sets has its effect")
def attribute():
    plain, call = answered("plain", 4012), new("attribute")
    assert both(4012)
    out(call.request("INVITE", sdp(PHONE, 4016, "a=x-added")))
    back(call.response("200 OK", body=sdp(RELAY, 6016, "a=x-added")))
    out(call.request("ACK", to_tag=True))
    assert net.pinhole(ROUTER, 4016) and not net.pinhole(ROUTER, 4017), "it says what rtcp-mux says"
    for each in (plain, call):
        hang_up(each)


@test("issue 17", "a setting is listed with its range, is set, and is refused beyond it")
def setting():
    row, = [row for row in ctl("setting list") if row["name"] == "x-added"]
    assert (row["value"], row["default"], row["unit"]) == (60, 60, "s"), row
    router(f"{CTL} setting set x-added 100")
    row, = [row for row in ctl("setting list") if row["name"] == "x-added"]
    assert row["value"] == 100, row
    done = subprocess.run(f"ip netns exec router {CTL} setting set x-added 3601", shell=True,
                          capture_output=True, text=True, check=False)
    assert done.returncode and "5..3600" in done.stderr.replace(" to ", ".."), done
    router(f"{CTL} setting reset")


@test("issue 17", "a timer ends the call by its reason, is shown, and a counter counts it")
def timer():
    answered("timer", 4020)
    shown = router(f"{CTL} call show timer@call.example")
    assert "what happens then, in words" in shown, shown
    state = show("timer")["state"]
    names = {each["name"] for each in show("timer")["timers"]}
    assert "added" in names, names
    router(f"{CTL} setting set x-added 20")
    time.sleep(15)
    assert show("timer")["state"] == state
    time.sleep(6)
    stats = ctl("stats show")
    assert stats["calls"]["added"] == 1 and stats["calls"]["ended"]["added"] == 1, stats["calls"]
    text = router(f"{CTL} stats show --prometheus")
    for line in ("# HELP sipalg_added_total What it counts.", "# TYPE sipalg_added_total counter",
                 "sipalg_added_total 1", 'sipalg_calls_ended_total{reason="added"} 1'):
        assert f"\n{line}\n" in text, (line, text)
    router(f"{CTL} setting reset")


def has_joined(watcher):
    lines = router("cat /proc/net/netlink").splitlines()[1:]
    return any(line.split()[2] == str(watcher.pid) and int(line.split()[3], 16) for line in lines)


@test("issue 17", "a reason is counted, and told to who watches")
def reason():
    watcher = subprocess.Popen([CTL, "-n", "router", "-j", "monitor"], stdout=subprocess.PIPE,
                               text=True)
    net.until(lambda: has_joined(watcher), 10)
    phone.send(message(f"""ADDED sip:bob@{SERVER} SIP/2.0
        Via: SIP/2.0/UDP {PHONE}:5060;branch=z9hG4bKreason;rport
        From: <sip:alice@{SERVER}>;tag=a
        To: <sip:bob@{SERVER}>
        Call-ID: reason@call.example
        CSeq: 1 ADDED"""), SERVER)
    told = json.loads(watcher.stdout.readline())
    watcher.terminate()
    watcher.wait(10)
    assert told["reason"] == "added", told
    assert ctl("stats show")["dropped"]["added"] == 1
    assert server.recv(1) is None


run()
