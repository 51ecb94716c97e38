#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""sipalg-ctl check: a router that is right, and each fault of those that are not."""
import os
import re

import topology as net
from check_helpers import (
    ATTACHED, CONNECTIONS, COUNTED, FLOWTABLE, HASH, IN_TREE, PINHOLES, RELATED, add, buckets,
    check, everywhere, faults, noted, notes, right, router, rows, rules, tool)
from ksft import run, test
from topology import MASQUERADE, PHONE, ROUTER, RULES, SERVER, Udp, shell


@test("issue 5", "check: nothing is found where all is right, and each verdict is a line")
def fine():
    right()
    assert not faults() and not notes(), (faults(), notes())
    lines = tool("check").splitlines()
    assert len(lines) == 21 and all(line.startswith("ok     ") for line in lines), lines


@test("fault U1", "check: limits are faults where somebody has asked for more, else notes")
def limits():
    right()
    tool("setting set max-calls 1000")
    for sysctl, bad, name, fix in (
            ("net.netfilter.nf_conntrack_expect_max", 3999, PINHOLES,
             "sysctl net.netfilter.nf_conntrack_expect_max=4000"),
            ("net.netfilter.nf_conntrack_max", 4999, CONNECTIONS,
             "sysctl net.netfilter.nf_conntrack_max=5000")):
        everywhere(f"sysctl -qw {sysctl}={bad}")
        check(name, True)
        assert faults()[name] == f"Type: {fix}", faults()
        text = tool("check")
        assert f"FAULT  {name}\n" in text and f"\n       Type: {fix}\n" in text, text
        assert all(len(line) <= 80 for line in text.splitlines()), text
        tool("setting reset")
        assert name in notes() and not faults(), notes()
        tool("setting set max-calls 1000")
        everywhere(fix)
        assert not faults(), faults()


@test("issue 5", "check: accounting that is off is a note")
def counted():
    right()
    everywhere("sysctl -qw net.netfilter.nf_conntrack_acct=0")
    noted(COUNTED, True)
    everywhere(notes()[COUNTED].removeprefix("Type: "))
    noted(COUNTED, False)


@test("fault U1", "check never asks for limits that would take the memory")
def memory():
    right()
    everywhere("sysctl -qw net.netfilter.nf_conntrack_expect_max=256")
    wanted = int(notes()[PINHOLES].split("=")[1])
    with open("/proc/meminfo", encoding="ascii") as file:
        total = int(re.search(r"MemTotal: +(\d+) kB", file.read())[1]) << 10
    assert 4 * 64 < wanted and wanted / 4 * 3584 <= total / 16, (wanted, total)


@test("issue 5", "check: the hash of expectations, which only a parameter changes")
def hashed():
    right()
    tool("setting set max-calls 65536")
    buckets(256)
    noted(HASH, True)
    # built in, it has no state of a module
    assert " line: nf_conntrack.expect_hashsize=" in notes()[HASH], notes()
    buckets(256, module=True)
    assert "/etc/modprobe.d/" in notes()[HASH] and \
        ": options nf_conntrack expect_hashsize=" in notes()[HASH], notes()
    tool("setting set max-calls 100")
    noted(HASH, False)


@test("issue 5", "check: forwarding, the mode")
def routing():
    right()
    router("sysctl -qw net.ipv4.ip_forward=0 net.ipv6.conf.all.forwarding=0")
    check("packets are forwarded", True)
    router("sysctl -qw net.ipv6.conf.all.forwarding=1")    # which carries no call by IPv4
    check("packets are forwarded", True)
    assert faults()["packets are forwarded"].endswith("net.ipv4.ip_forward=1"), faults()
    router("sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=0")
    check("packets are forwarded", False)
    right()
    tool("setting set mode observe")
    check("messages are translated and pinholes opened", True)
    tool(faults()["messages are translated and pinholes opened"].split("sipalg-ctl ")[1])


@test("issue 5", "check: no rule attaches the helper, whatever else it says of it")
def attached():
    right()
    declared = 'table inet t { ct helper h { type "sipalg" protocol udp; } '
    for text, fault in (
            ("table inet t { chain c { type filter hook prerouting priority 0; } }", True),
            (declared + "}", True),
            (declared + 'chain c { type filter hook forward priority 0; ct helper "sipalg" accept;'
             ' } }', True),
            ('table inet t { ct helper h { type "ftp" protocol tcp; } chain c {'
             ' type filter hook prerouting priority 0; tcp dport 21 ct helper set "h"; } }', True),
            (declared + 'chain c { type filter hook prerouting priority 0;'
             ' udp dport 5070 ct helper set "h"; } }', False)):
        rules(text)
        check(ATTACHED, fault)
    for tables in "iptables", "iptables-legacy", "ip6tables-legacy":
        rules("table inet t { }")
        check(ATTACHED, True)
        router(f"{tables} -A FORWARD -m helper --helper sipalg -j ACCEPT")
        check(ATTACHED, True)
        router(f"{tables} -t raw -A PREROUTING -p udp --dport 5060 -j CT --helper sipalg")
        check(ATTACHED, False)
        router(f"{tables} -t raw -F; {tables} -F")


@test("issue 5", "check: what is related is dropped; the ways in which firewalls accept it")
def related():
    right()
    base = "table inet t { chain a { ct state { established, related } accept; } chain f {" \
           " type filter hook forward priority 0; "
    attach = RULES.replace("policy drop", "policy accept")
    for text, fault in (
            ("policy drop; } }", True),
            ("policy drop; ct state established accept; } }", True),
            ("policy accept; ct state established accept; drop; } }", True),
            ("policy accept; ct state established accept; counter reject; } }", True),
            ("policy accept; ct state established accept; udp dport 9 drop; } }", False),
            ("policy drop; ct state related,established accept; } }", False),
            ("policy drop; ct state vmap { established : accept, related : accept }; } }", False),
            ('policy drop; ct state established accept; ct helper "sipalg" accept; } }', False),
            ("policy drop; ct status expected accept; } }", False),
            ("policy drop; jump a; } }", False)):
        rules(attach)
        add(base + text)
        check(RELATED, fault)
    for tables in "iptables", "iptables-legacy":
        rules(attach)
        router(f"{tables} -P FORWARD DROP")
        check(RELATED, True)
        router(f"{tables} -A FORWARD -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT")
        check(RELATED, False)
        router(f"{tables} -P FORWARD ACCEPT; {tables} -F")


@test("issue 5", "check: nothing is found in the firewalls that are given to begin with")
def recipes():
    recipes_there = sorted(os.listdir("recipes"))
    assert recipes_there, "there are recipes"
    for name in recipes_there:
        if not name.endswith((".nft", ".sh")):
            continue
        right()
        router("nft flush ruleset")
        check(ATTACHED, True)
        router(("nft -f " if name.endswith(".nft") else "sh ") + f"recipes/{name}")
        assert not faults(), (name, faults())
        router("sysctl -qw net.ipv4.ip_forward=0 net.ipv6.conf.all.forwarding=0")
        # a bridge hands on without that
        check("packets are forwarded", name != "bridge.nft")


@test("issue 5", "check: the in-tree helper is a fault where a rule attaches it, not where it is loaded")
def in_tree():
    right()
    shell("modprobe nf_conntrack_sip")
    check(IN_TREE, False)
    add('table inet old { ct helper o { type "sip" protocol udp; } chain c {'
               ' type filter hook prerouting priority 0; udp dport 5070 ct helper set "o"; } }')
    check(IN_TREE, True)
    router("nft delete table inet old")
    check(IN_TREE, False)
    router("iptables -t raw -A PREROUTING -p udp --dport 5070 -j CT --helper sip")
    check(IN_TREE, True)
    router("iptables -t raw -F")
    shell("modprobe -r nf_conntrack_sip")


@test("issue 5", "check: under the in-tree name rules of that name attach it")
def other_name():
    net.detach()
    router("nft flush ruleset; conntrack -F")
    shell("rmmod sipalg; modprobe sipalg helper_name=sip")
    right_rules = RULES.replace('"sipalg"', '"sip"')
    rules(right_rules)
    check(ATTACHED, False)
    router("nft flush ruleset; conntrack -F")
    shell("rmmod sipalg; modprobe sipalg")


@test("issue 5", "check: signalling that a flowtable took before the helper was attached")
def flowtable():
    right()
    phone, server = Udp("phone", PHONE, 5060), Udp("provider", SERVER, 5060)
    rules("table inet fast { flowtable f { hook ingress priority 0; devices = { lan, wan }; }"
          " chain c { type filter hook forward priority 0; meta l4proto udp flow add @f; } }")
    net.attach(MASQUERADE)

    def talk():
        for _ in range(4):
            phone.send(b"\r\n\r\n", SERVER)
            assert server.recv()
            server.send(b"\r\n\r\n", ROUTER)
            assert phone.recv()
        return router("conntrack -L -p udp 2>/dev/null")
    router("conntrack -F")
    assert "[OFFLOAD]" in talk()
    net.attach(RULES)
    assert "helper=sipalg" not in talk()
    check(FLOWTABLE, True)
    router(re.search(r"conntrack [^,]*", faults()[FLOWTABLE])[0])
    check(FLOWTABLE, False)
    lines = talk()
    assert "helper=sipalg" in lines and "[OFFLOAD]" not in lines, lines
    check(FLOWTABLE, False)
    phone.close()
    server.close()


@test("issue 5", "check: where no rules can be read it says so, and does not call them wrong")
def blind():
    right()
    told = rows("PATH=/nowhere")
    assert told[ATTACHED]["state"] == "unknown" and told[RELATED]["state"] == "ok", told
    assert "?      a rule attaches the helper\n" in tool("check", "PATH=/nowhere")


run()
