#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""What an administrator takes out of conntrack's tables is put back; many phones at one port."""
import json
import subprocess
import time

import topology as net
from call_helpers import answered, audio, both, hang_up, new, out, back, passes, reinvite
from ksft import run, test
from sip import again, sdp
from topology import PHONE, RELAY, ROUTER, Udp, router, shell


def open_now():
    return json.loads(router("tools/sipalg-ctl/sipalg-ctl -j stats show"))["pinholes"]["open"]


def listed():
    return len([line for line in router("cat /proc/net/nf_conntrack_expect").splitlines()
                if "sipalg" in line])


@test("N6", "conntrack -F expect: counters say so at once, and the next offer opens again")
def flush_reinvite():
    call = answered("n6a", 4000)
    assert both(4000) and open_now() == listed() > 0
    router("conntrack -F expect 2>/dev/null")
    assert open_now() == listed() == 0
    reinvite(call, sdp(PHONE, 4000), sdp(RELAY, 6000))
    assert both(4000) and open_now() == listed()
    ours, theirs = audio(4000)
    assert passes(theirs, ours, ROUTER, 4000)
    ours.close()
    theirs.close()
    hang_up(call)


@test("N6", "conntrack -F expect and -F: any message of the call opens again")
def flush_message():
    time.sleep(40)
    call = answered("n6b", 4010)
    before = listed()
    router("conntrack -F expect 2>/dev/null")
    router("conntrack -F 2>/dev/null")
    out(call.request("INFO", cseq=2, to_tag=True))
    assert both(4010) and listed() == before == open_now(), (listed(), before, open_now())
    back(call.response("200 OK", "INFO"))
    ours, theirs = audio(4010)
    assert passes(theirs, ours, ROUTER, 4010) and passes(ours, theirs, RELAY, 6010)
    ours.close()
    theirs.close()
    call.cseq = 2
    hang_up(call)


@test("N6", "conntrack -D of a call's media and signalling, and rules loaded anew: it goes on")
def delete():
    call = answered("n6c", 4020)
    ours, theirs = audio(4020)
    assert passes(theirs, ours, ROUTER, 4020)
    router("conntrack -D -p udp 2>/dev/null || true")
    assert passes(ours, theirs, RELAY, 6020) and theirs.sender == (ROUTER, 4020)
    assert passes(theirs, ours, ROUTER, 4020)
    router("nft flush ruleset")
    for rules in (net.RULES, net.MASQUERADE):
        net.attach(rules)
    assert passes(ours, theirs, RELAY, 6020) and theirs.sender == (ROUTER, 4020)
    reinvite(call, sdp(PHONE, 4020), sdp(RELAY, 6020))
    assert passes(theirs, ours, ROUTER, 4020)
    ours.close()
    theirs.close()
    hang_up(call)


@test("K5", "conntrack -E expect shows pinholes as they open and close")
def events():
    router("sysctl -qw net.netfilter.nf_conntrack_events=1")
    watch = subprocess.Popen(["ip", "netns", "exec", "router", "conntrack", "-E", "expect"],
                             stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    time.sleep(1)
    call = answered("k5", 4030)
    hang_up(call)
    time.sleep(40)
    watch.terminate()
    told = watch.communicate()[0]
    assert told.count("[NEW]") >= 2 and "dport=4030 " in told, told
    assert "[DESTROY]" in told, told


@test("K2", "sixty phones at one public port, each with a server of its own")
def crowd():
    numbers = range(100, 160)
    for number in numbers:
        shell(f"ip -n phone addr add 192.168.1.{number}/24 dev eth0; "
              f"ip -n provider addr add 203.0.113.{number}/24 dev eth0")
    lost = []
    for number in numbers:
        inside, outside = f"192.168.1.{number}", f"203.0.113.{number}"
        one, other = Udp("phone", inside, 5060), Udp("provider", outside, 5060)
        data = again(new(f"k2n{number}").request("OPTIONS"), (f"{PHONE}:5060", f"{inside}:5060"))

        def asks():
            one.send(data, outside)
            return other.recv(1)
        got = asks() or asks()
        assert got and other.sender == (ROUTER, 5060), (number, got)
        if got != again(data, (f"{inside}:5060", f"{ROUTER}:5060")):
            lost.append(number)
        one.close()
        other.close()
    assert not lost, lost


run()
