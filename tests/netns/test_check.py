#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""sipalg-ctl check: a router that is right, and each fault of those that are not."""
import json
import os
import re
import shlex
import subprocess

import topology as net
from ksft import run, test
from topology import MASQUERADE, PHONE, ROUTER, RULES, SERVER, Udp, shell

net.build()
TOOL = os.path.abspath("tools/sipalg-ctl/sipalg-ctl")
CONNTRACK = "/sys/module/nf_conntrack"
ATTACHED = "a rule attaches the helper"
RELATED = "media that comes by a pinhole is accepted"
IN_TREE = "the kernel's own SIP helper is out of the way"
FLOWTABLE = "no flowtable takes signalling past the helper"


def router(script):
    """All of a script in the router, not its first command alone."""
    return net.router(f"sh -c {shlex.quote(script)}")


def tool(arguments, environment=""):
    done = subprocess.run(f"{environment} {TOOL} -n router {arguments}", shell=True,
                          capture_output=True, text=True)
    assert done.returncode == 0, (arguments, done)
    return done.stdout


def faults(environment=""):
    """{what should be: what to type} of all that is not as it should be."""
    return {row["name"]: row["fix"] for row in json.loads(tool("-j check", environment))
            if row["state"] != "ok"}


def everywhere(command):
    """The limits are the machine's and set in its first namespace, the rest the router's."""
    shell(f"nsenter -t 1 -n {command}")
    router(f"{command} 2>/dev/null || true")


def buckets(number, module=False):
    """The hash of expectations is made at boot: what is read is put over it."""
    shell(f"umount {CONNTRACK} 2>/dev/null || true; mount -t tmpfs tmpfs {CONNTRACK};"
          f"mkdir {CONNTRACK}/parameters; echo {number} >{CONNTRACK}/parameters/expect_hashsize")
    if module:
        shell(f"echo live >{CONNTRACK}/initstate")


def add(text):
    """nft wants a line's end behind a brace."""
    net.attach(text.replace("; } ", ";\n}\n"))


def rules(text):
    router("nft flush ruleset")
    add(text)


def right():
    """A router without a fault."""
    everywhere("sysctl -qw net.netfilter.nf_conntrack_acct=1")
    everywhere("sysctl -qw net.netfilter.nf_conntrack_expect_max=300000")
    everywhere("sysctl -qw net.netfilter.nf_conntrack_max=400000")
    buckets(131072)
    router("sysctl -qw net.ipv4.conf.all.rp_filter=2 net.ipv4.ip_forward=1"
           " net.ipv6.conf.all.forwarding=1")
    tool("setting reset")
    router("iptables -F; iptables -t raw -F; iptables -P FORWARD ACCEPT;"
           " iptables-legacy -F; iptables-legacy -t raw -F; iptables-legacy -P FORWARD ACCEPT")
    rules(RULES)
    net.attach(MASQUERADE)


def check(name, fault):
    """Is this found, and nothing else?"""
    assert set(faults()) == ({name} if fault else set()), (name, fault, faults())


@test("issue 5", "check: nothing is found where all is right, and each verdict is a line")
def fine():
    right()
    assert not faults(), faults()
    lines = tool("check").splitlines()
    assert len(lines) == 11 and all(line.startswith("ok     ") for line in lines), lines


@test("issue 5", "check: limits of the kernel, accounting, forwarding, rp_filter: with what to type")
def limits():
    right()
    tool("setting set max-calls 1000")
    for sysctl, bad, fix in (
            ("net.netfilter.nf_conntrack_acct", 0, "sysctl net.netfilter.nf_conntrack_acct=1"),
            ("net.netfilter.nf_conntrack_expect_max", 3999,
             "sysctl net.netfilter.nf_conntrack_expect_max=4000"),
            ("net.netfilter.nf_conntrack_max", 4999, "sysctl net.netfilter.nf_conntrack_max=5000")):
        everywhere(f"sysctl -qw {sysctl}={bad}")
        (name, typed), = faults().items()
        assert typed == f"Type: {fix}", (sysctl, typed)
        text = tool("check")
        assert f"FAULT  {name}\n" in text and f"\n       Type: {fix}\n" in text, text
        assert all(len(line) <= 80 for line in text.splitlines()), text
        everywhere(fix)
        assert not faults(), faults()


@test("issue 5", "check: the hash of expectations, which only a parameter changes")
def hashed():
    right()
    buckets(1024)
    name = "pinholes are found fast among as many as max-calls needs"
    assert set(faults()) == {name}, faults()
    # built in, it has no state of a module
    assert faults()[name].endswith(" line: nf_conntrack.expect_hashsize=131072"), faults()
    buckets(1024, module=True)
    assert "/etc/modprobe.d/" in faults()[name] and faults()[name].endswith(
        ": options nf_conntrack expect_hashsize=131072"), faults()
    assert all(len(line) <= 80 for line in tool("check").splitlines())
    tool("setting set max-calls 1000")
    assert not faults(), faults()


@test("issue 5", "check: forwarding, the mode, and a strict rp_filter of all or one interface")
def routing():
    right()
    router("sysctl -qw net.ipv4.ip_forward=0 net.ipv6.conf.all.forwarding=0")
    check("packets are forwarded", True)
    right()
    tool("setting set mode observe")
    check("messages are translated and pinholes opened", True)
    tool(faults()["messages are translated and pinholes opened"].split("sipalg-ctl ")[1])
    strict = "answers may take another way than questions"
    for interface, others in (("all", 0), ("wan", 0)):
        router(f"sysctl -qw net.ipv4.conf.all.rp_filter={others}"
               f" net.ipv4.conf.{interface}.rp_filter=1")
        check(strict, True)
        router(re.search(r"sysctl \S+", faults()[strict])[0])
        check(strict, False)


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
    found = sorted(os.listdir("recipes"))
    assert found, "there are recipes"
    for name in found:
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
    rows = {row["name"]: row for row in json.loads(tool("-j check", "PATH=/nowhere"))}
    assert rows[ATTACHED]["state"] == "unknown" and rows[RELATED]["state"] == "ok", rows
    assert "?      a rule attaches the helper\n" in tool("check", "PATH=/nowhere")


run()
