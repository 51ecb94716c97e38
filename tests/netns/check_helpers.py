# SPDX-License-Identifier: GPL-2.0-only
"""A router that sipalg-ctl check has nothing against, and what it says of others."""
import json
import os
import shlex
import subprocess

import topology as net
from sip import Call, again, sdp
from topology import MASQUERADE, PHONE, RELAY, ROUTER, RULES, SERVER, Udp, shell

net.build()
TOOL = os.path.abspath("tools/sipalg-ctl/sipalg-ctl")
CONNTRACK = "/sys/module/nf_conntrack"
ATTACHED = "a rule attaches the helper"
RELATED = "media that comes by a pinhole is accepted"
IN_TREE = "the kernel's own SIP helper is out of the way"
FLOWTABLE = "no flowtable takes signalling past the helper"
OLD = "no SIP flow is older than the rule that attaches the helper"
PINHOLES = "the kernel allows the pinholes that max-calls needs"
CONNECTIONS = "conntrack holds the connections that max-calls needs"
HASH = "pinholes are found fast among as many as max-calls needs"
COUNTED = "packets and bytes of media are counted"
FACE = "what others know is this router's address"
TALK = "answered calls have media both ways"
PORTS = "media's ports are nobody else's"
OTHERS = "no other program takes SIP to itself"
DROPPED = "no message of a call that is up was dropped"
CALLABLE = "registered phones can be called"
ROOM = "the table of pinholes has room"
TABLE = "the table of connections has room"
SAME = "conntrack holds the pinholes that the module has opened"
STRICT = "answers may take another way than questions"


def register(name, expires=600):
    """A phone that registers, or with 0 does no more."""
    phone, server = Udp("phone", PHONE, 5060), Udp("provider", SERVER, 5060)
    call = Call(name, f"{PHONE}:5060", f"{ROUTER}:5060", SERVER)
    phone.send(call.request("REGISTER", extra=f"\nExpires: {expires}"), SERVER)
    assert server.recv()
    answer = call.response("200 OK", "REGISTER", extra=f"\nExpires: {expires}")
    server.send(again(answer, (f"bob@{SERVER}:5060", f"alice@{ROUTER}:5060")), ROUTER)
    assert phone.recv()
    phone.close()
    server.close()


def unregister(name):
    tool("call end --all")
    router("conntrack -F")
    register(name, 0)


def begin_call(name, port):
    """A call that has been answered."""
    phone, server = Udp("phone", PHONE, 5060), Udp("provider", SERVER, 5060)
    call = Call(name, f"{PHONE}:5060", f"{ROUTER}:5060", SERVER)
    phone.send(call.request("INVITE", sdp(PHONE, port)), SERVER)
    assert server.recv()
    server.send(call.response("200 OK", body=sdp(RELAY, 8000)), ROUTER)
    assert phone.recv()
    phone.send(call.request("ACK", to_tag=True), SERVER)
    assert server.recv()
    phone.close()
    server.close()


def end_calls():
    tool("call end --all")
    router("conntrack -F")


def router(script):
    """All of a script in the router, not its first command alone."""
    return net.router(f"sh -c {shlex.quote(script)}")


def tool(arguments, environment="", prefix=""):
    """What it prints; its exit status is 3 if there is a fault, and else 0."""
    done = subprocess.run(f"{environment} {prefix} {TOOL} {'' if prefix else '-n router'} {arguments}",
                          shell=True, capture_output=True, text=True)
    faulty = "FAULT" in done.stdout or '"state":"fault"' in done.stdout
    assert done.returncode == (3 if faulty else 0), (arguments, done)
    return done.stdout


def rows(environment=""):
    return {row["name"]: row for row in json.loads(tool("-j check", environment))}


def found(*states, environment=""):
    """{what should be: what to type} of all that is in one of these states."""
    return {name: row["fix"] for name, row in rows(environment).items() if row["state"] in states}


def faults():
    return found("fault", "unknown")


def notes():
    return found("note")


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


def noted(name, note):
    """The same of what is worth a word and no fault."""
    assert set(notes()) == ({name} if note else set()), (name, note, notes())
    assert not faults(), faults()
