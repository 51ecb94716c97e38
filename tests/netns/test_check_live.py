#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""sipalg-ctl check of what happens now, and its --fix and --undo."""
import os
import re
import time

import topology as net
from check_helpers import (
    ATTACHED, CALLABLE, DROPPED, FACE, OLD, OTHERS, PINHOLES, PORTS, ROOM, SAME, STRICT, TABLE,
    TALK, TOOL, add,
    begin_call, buckets, check, end_calls, everywhere, faults, found, noted, notes, register,
    right, router, rows, tool, unregister)
from ksft import run, test
from sip import Call, sdp
from topology import MASQUERADE, PHONE, RELAY, ROUTER, RULES, SERVER, Udp, shell


@test("issue 21", "check --fix raises what is too low, says each change, never lowers; --undo takes it back")
def fix():
    right()
    first = "nsenter -t 1 -n"
    names = [f"net.netfilter.nf_conntrack_{name}" for name in ("expect_max", "max", "acct")]

    def now():
        return [int(shell(f"{first} sysctl -n {name}")) for name in names]
    shell("mkdir -p /etc/modprobe.d")
    buckets(64, module=True)
    for name, value in zip(names, (256, 1000, 0)):
        shell(f"{first} sysctl -qw {name}={value}")
    shell(f"{first} {TOOL} setting set max-calls 1000")
    text = tool("check --fix", prefix=first)
    assert now() == [4000, 5000, 1], (now(), text)
    for line in (f"{names[0]}: 256 -> 4000", f"{names[1]}: 1000 -> 5000", f"{names[2]}: 0 -> 1"):
        assert line in text.splitlines(), text
    with open("/etc/modprobe.d/sipalg-conntrack.conf", encoding="ascii") as file:
        assert "options nf_conntrack expect_hashsize=2048\n" in file.read()
    assert "1/16 of the memory" in text
    again = tool("check --fix", prefix=first)
    assert "->" not in again, again
    shell(f"{first} sysctl -qw {names[1]}=60000")
    shell(f"{first} {TOOL} setting set max-calls 500")
    assert "->" not in tool("check --fix", prefix=first) and now() == [4000, 60000, 1]
    text = tool("check --undo", prefix=first)
    assert now() == [256, 60000, 0], (now(), text)
    assert not os.path.exists("/etc/modprobe.d/sipalg-conntrack.conf")
    assert tool("check --undo", prefix=first) == ""
    shell(f"{first} {TOOL} setting reset")


@test("fault U1", "check: a strict rp_filter is a fault where there are two uplinks, and right with one")
def strict():
    right()
    for interface, others in (("all", 0), ("wan", 0)):
        router(f"sysctl -qw net.ipv4.conf.all.rp_filter={others}"
               f" net.ipv4.conf.{interface}.rp_filter=1")
        check(STRICT, False)
        router("ip route add default via 192.168.2.20 dev lan2 metric 9")
        check(STRICT, True)
        router(re.search(r"sysctl \S+", faults()[STRICT])[0])
        check(STRICT, False)
        router("ip route del default dev lan2")


@test("fault U1", "check: a table that is full is a fault for as long as it is")
def full():
    right()
    begin_call("full", 4800)
    held = len(net.expectations())
    assert held > 1, held
    everywhere(f"sysctl -qw net.netfilter.nf_conntrack_expect_max={held}")
    assert ROOM in faults(), faults()
    assert "refused now" in rows()[ROOM]["fault"], rows()[ROOM]
    everywhere("sysctl -qw net.netfilter.nf_conntrack_expect_max=300000")
    assert ROOM not in faults()
    count = int(router("sysctl -n net.netfilter.nf_conntrack_count"))
    everywhere(f"sysctl -qw net.netfilter.nf_conntrack_max={count}")
    assert TABLE in faults(), faults()
    everywhere("sysctl -qw net.netfilter.nf_conntrack_max=400000")
    assert TABLE not in faults()
    end_calls()


@test("fault U1", "check: pinholes that somebody has deleted are noticed")
def deleted():
    right()
    begin_call("deleted", 4810)
    noted(SAME, False)
    router("conntrack -F expect")
    noted(SAME, True)
    end_calls()
    noted(SAME, False)


@test("fault N1", "check: an address that phones are known by and the router has no more")
def lost():
    right()
    register("lost")
    check(FACE, False)
    router("ip addr del 203.0.113.1/24 dev wan; ip addr add 203.0.113.9/24 dev wan")
    told = rows()[FACE]
    assert told["state"] in ("fault", "ok"), told
    if tool("registration list").count(ROUTER):
        assert told["state"] == "fault" and f"{PHONE}:5060 is registered as {ROUTER}" in \
            told["fault"], told
    # where a rule gives it, it need not stand on an interface
    router("nft delete table inet nat")
    add("table ip nat { chain post { type nat hook postrouting priority 100; oifname wan"
        f" snat to {ROUTER}; }} }}")
    check(FACE, False)
    router("ip addr del 203.0.113.9/24 dev wan; ip addr add 203.0.113.1/24 dev wan")
    unregister("lost")


@test("issue 25", "check: an answered call without media, or with media one way, and which way")
def silent():
    right()
    begin_call("silent", 4820)
    noted(TALK, False)
    time.sleep(6)
    assert "no media has come" in rows()[TALK]["fault"], rows()[TALK]
    ours, theirs = Udp("phone", PHONE, 4820), Udp("provider", RELAY, 8000)
    ours.send(b"audio", RELAY, 8000)
    assert theirs.recv()
    assert "none to it" in rows()[TALK]["fault"], rows()[TALK]
    theirs.send(b"audio", ROUTER, 4820)
    assert ours.recv()
    noted(TALK, False)
    ours.close()
    theirs.close()
    end_calls()


@test("fault U1", "check: ports of media that a program, a forward or a bound NAT wants")
def ports():
    right()
    noted(PORTS, False)
    service = Udp("router", ROUTER, 51820)
    noted(PORTS, True)
    assert "51820" in rows()[PORTS]["fault"], rows()[PORTS]
    tool("setting set media-ports 20000-29999")
    noted(PORTS, False)
    service.close()
    add("table ip dn { chain c { type nat hook prerouting priority -100;"
        " iifname wan udp dport 20500 dnat to 192.168.1.10; } }")
    noted(PORTS, True)
    router("nft delete table ip dn")
    router("nft delete table inet nat")
    add("table ip nat { chain post { type nat hook postrouting priority 100; oifname wan"
        " meta l4proto udp masquerade to :30000-39999; } }")
    noted(PORTS, True)
    tool(notes()[PORTS].split("sipalg-ctl ")[1])
    noted(PORTS, False)


@test("issue 25", "check: another SIP gateway on this router, which listens or is led to by a rule")
def gateways():
    right()
    tool("setting set media-ports 20000-29999")
    noted(OTHERS, False)
    proxy = Udp("router", ROUTER, 5060)
    noted(OTHERS, True)
    assert "UDP 5060" in rows()[OTHERS]["fault"], rows()[OTHERS]
    proxy.close()
    noted(OTHERS, False)
    add("table ip proxy { chain c { type nat hook prerouting priority -100;"
        " iifname lan udp dport 5060 redirect to :5060; } }")
    noted(OTHERS, True)
    assert "redirect" in rows()[OTHERS]["fault"], rows()[OTHERS]
    router("nft delete table ip proxy")
    add("table ip pbx { chain c { type nat hook prerouting priority -100;"
        " iifname wan udp dport 5060 dnat to 192.168.1.20; } }")
    noted(OTHERS, False)
    router("nft delete table ip pbx")


@test("issue 25", "check: a registered phone that nobody can call, and why")
def uncallable():
    right()
    register("uncallable")
    noted(CALLABLE, False)
    tool("setting set contact-pinhole off")
    noted(CALLABLE, True)
    assert "bob@" in rows()[CALLABLE]["fault"] and "contact-pinhole" in rows()[CALLABLE]["fault"]
    assert "bob@" not in tool("check --mask") and "***" in tool("check --mask")
    tool(notes()[CALLABLE].removeprefix("Type: sipalg-ctl "))
    noted(CALLABLE, False)
    begin_call("filler", 4826)
    everywhere("sysctl -qw net.netfilter.nf_conntrack_expect_max=1")
    tool("setting set contact-pinhole off")
    tool("setting set contact-pinhole on")
    assert "table of pinholes" in rows()[CALLABLE]["fault"], rows()[CALLABLE]
    everywhere("sysctl -qw net.netfilter.nf_conntrack_expect_max=300000")
    register("uncallable")
    noted(CALLABLE, False)
    unregister("uncallable")


@test("issue 25", "check: a call whose message was dropped is named with the reason")
def dropped():
    right()
    phone, server = Udp("phone", PHONE, 5060), Udp("provider", SERVER, 5060)
    call = Call("troubled", f"{PHONE}:5060", f"{ROUTER}:5060", SERVER)
    phone.send(call.request("INVITE", sdp(PHONE, 4830)), SERVER)
    assert server.recv()
    noted(DROPPED, False)
    server.send(call.response("183 Session Progress", body=sdp(RELAY, 8000).replace(
        f"c=IN IP4 {RELAY}", "")), ROUTER)
    assert phone.recv(0.5) is None
    noted(DROPPED, True)
    told = rows()[DROPPED]["fault"]
    assert "183 INVITE: no_connection_line" in told, told
    number, = (line.split()[0] for line in tool("call list").splitlines() if "alice" in line)
    assert f"call {number}:" in told, told
    phone.close()
    server.close()
    end_calls()


@test("issue 25", "check: a SIP flow that is older than the rule keeps no helper, and what ends it")
def old():
    right()
    router("nft flush ruleset; conntrack -F")
    phone, server = Udp("phone", PHONE, 5060), Udp("provider", SERVER, 5060)
    net.attach(MASQUERADE)
    phone.send(b"\r\n\r\n", SERVER)
    assert server.recv()
    net.attach(RULES)
    check(OLD, True)
    router(faults()[OLD].removeprefix("Type: "))
    check(OLD, False)
    phone.close()
    server.close()


@test("fault U4", "check: what to type is of the system that it is on")
def systems():
    right()
    everywhere("sysctl -qw net.netfilter.nf_conntrack_expect_max=256")
    for text, typed in (('ID="openwrt"', "/etc/sysctl.d/"), ("ID=vyos\nID_LIKE=debian", "commit"),
                        ("ID=debian", "Type: sysctl "), ("ID=linuxmint\nID_LIKE=ubuntu", "sysctl ")):
        with open("/tmp/os-release", "w", encoding="ascii") as file:
            file.write(text + "\n")
        shell("mount --bind /tmp/os-release $(readlink -f /etc/os-release)")
        try:
            assert typed in notes()[PINHOLES], (text, notes())
            nothing = found("unknown", environment="PATH=/nowhere")[ATTACHED]
            assert ("opkg" in nothing or "apk" in nothing) == ("openwrt" in text), nothing
        finally:
            shell("umount $(readlink -f /etc/os-release)")


run()
