#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""signalling-peers: who may call a registered phone beside its registrar, by both families."""
import json
import subprocess
import time

import topology as net
from sip import Call, again, message, sdp
from ksft import run, same, test
from topology import (PHONE, PHONE6, RELAY, RELAY6, ROUTER, ROUTER6, SERVER, SERVER6, STRANGER,
                      Udp, router)

net.build()
CTL = "tools/sipalg-ctl/sipalg-ctl"


class Line:
    """A phone, its registrar and another host of the provider, by one family."""

    def __init__(self, name, phone, public, registrar, proxy):
        self.name, self.cseq = name, 0
        self.phone, self.public, self.registrar, self.proxy = phone, public, registrar, proxy
        self.ours = Udp("phone", phone, 5060)
        self.server = Udp("provider", registrar, 5060)
        self.other = Udp("provider", proxy, 5060)

    def register(self, expires=600):
        self.cseq += 1
        host, seen = uri(self.phone), uri(self.public)
        ask = message(f"""REGISTER sip:{uri(self.registrar)} SIP/2.0
            Via: SIP/2.0/UDP {host};branch=z9hG4bK{self.name}{self.cseq};rport
            From: <sip:alice@example.com>;tag={self.name}
            To: <sip:alice@example.com>
            Call-ID: {self.name}
            CSeq: {self.cseq} REGISTER
            Contact: <sip:alice@{host}>;expires={expires}""")
        self.ours.send(ask, self.registrar)
        same(self.server.recv(), again(ask, (host, seen)))
        answer = again(ask, (f"REGISTER sip:{uri(self.registrar)} SIP/2.0", "SIP/2.0 200 OK"),
                       (host, seen))
        self.server.send(answer, self.public)
        same(self.ours.recv(), again(answer, (seen, host)))

    def rings(self, name, caller):
        """Does an INVITE of this socket reach the phone, its address restored?"""
        host, seen = uri(self.phone), uri(self.public)
        call = Call(name, host, seen, uri(self.registrar))
        body = sdp(RELAY6 if ":" in host else RELAY, 8000)
        data = call.peer_request("INVITE", seen, body=body)
        caller.send(data, self.public)
        got = self.ours.recv(1)
        if got is None:
            return False
        same(got, again(data, (f"INVITE sip:alice@{seen} ", f"INVITE sip:alice@{host} ")))
        answer = call.peer_response("486 Busy Here", "INVITE")
        self.ours.send(answer, caller.address[0])
        same(caller.recv(), again(answer, (f"alice@{host}>", f"alice@{seen}>")))
        return True

    def forget_flows(self):
        family = "ipv6" if ":" in self.phone else "ipv4"
        router(f"conntrack -D -f {family} -p udp 2>/dev/null || true")

    def called(self, name, caller):
        """The same by no flow that is known already."""
        self.forget_flows()
        return self.rings(name, caller)

    def callers(self):
        listed = json.loads(router(f"{CTL} registration list -j"))
        return [entry["callers"] for entry in listed if entry["private"].startswith(uri(self.phone))]

    def close(self):
        self.register(expires=0)
        self.forget_flows()
        for sock in (self.ours, self.server, self.other):
            sock.close()
        router(f"{CTL} call end --all")


def uri(address):
    return f"[{address}]" if ":" in address else address


def peers(value):
    router(f"{CTL} setting set signalling-peers {value}")


def by_ip4(name):
    return Line(name, PHONE, ROUTER, SERVER, RELAY)


def by_ip6(name):
    return Line(name, PHONE6, ROUTER6, SERVER6, RELAY6)


def admitted(line, prefixes, wanted):
    """Nobody but the registrar; then the peers too; then nobody but the registrar again."""
    line.register()
    assert not line.called(line.name + "1", line.other)
    peers(prefixes)
    assert line.called(line.name + "2", line.other), "the setting acts at once"
    assert line.called(line.name + "3", line.server), "the registrar still may"
    assert line.callers() == [[line.registrar, *wanted]], line.callers()
    line.register()
    assert line.called(line.name + "4", line.other)
    peers("none")
    assert not line.called(line.name + "5", line.other)
    assert line.called(line.name + "6", line.server)
    line.close()


@test("S3-17", "T-15: hosts of signalling-peers call a registered phone, strangers do not")
def admitted_ip4():
    line = by_ip4("four")
    admitted(line, f"192.0.2.0/24,{RELAY}", ["192.0.2.0/24", RELAY])
    stranger = Udp("provider", STRANGER, 5060)
    line = by_ip4("fourstranger")
    peers(f"{RELAY}/32")
    line.register()
    assert not line.called("four7", stranger)
    assert line.called("four8", line.other)
    stranger.close()
    peers("none")
    line.close()


@test("S3-17", "signalling-peers by IPv6, in one list with IPv4")
def admitted_ip6():
    admitted(by_ip6("six"), f"198.51.100.0/24,{RELAY6}/127,2001:db8:5::/48",
             [f"{RELAY6}/127", "2001:db8:5::/48"])


@test("S3-17", "a prefix that has the registrar in it: one pinhole for both, which ends with the registration")
def with_registrar():
    line = by_ip4("with")
    peers("203.0.113.0/26,198.51.100.0/24")
    line.register(expires=300)
    assert line.callers() == [["203.0.113.0/26", "198.51.100.0/24"]], line.callers()
    assert line.called("with1", line.server) and line.called("with2", line.other)
    line.forget_flows()
    time.sleep(310)
    assert not net.expectations("signalling")
    assert not line.rings("with3", line.other)
    peers("none")
    line.close()


@test("S3-17", "the setting acts while a call of the same host has its own way, and that comes back")
def beside_call():
    line = by_ip4("beside")
    peers(RELAY)
    line.register()
    call = Call("besidecall", PHONE, ROUTER, SERVER)
    data = again(call.peer_request("INVITE", ROUTER, body=sdp(RELAY, 8000)),
                 (f"alice@{SERVER}>", f"alice@{RELAY}>"))
    line.server.send(data, ROUTER)
    assert line.ours.recv()
    line.ours.send(call.peer_response("200 OK", "INVITE", body=sdp(PHONE, 4000)), SERVER)
    assert line.server.recv()
    peers("none")
    peers("203.0.113.0/24")
    assert line.called("beside1", line.other)
    assert line.callers() == [["203.0.113.0/24"]], line.callers()
    peers("none")
    line.close()


@test("S3-16", "a phone that registers while a call of its registrar is up can be called after that call")
def during_call():
    line = by_ip4("during")
    call = Call("duringcall", PHONE, ROUTER, SERVER)
    line.ours.send(call.request("INVITE", sdp(PHONE, 4000)), SERVER)
    assert line.server.recv()
    line.server.send(call.response("200 OK", body=sdp(RELAY, 8000)), ROUTER)
    assert line.ours.recv()
    line.ours.send(call.request("ACK", to_tag=True), SERVER)
    assert line.server.recv()
    line.register()
    assert line.callers() == [[SERVER]], line.callers()
    router(f"{CTL} call end --all")
    assert line.called("during1", line.server)
    line.close()


@test("S3-17", "signalling-peers: what is wrong names the range and changes nothing; reset empties the list")
def refused():
    peers(f"{RELAY},2001:db8::/32")
    for value in ("203.0.113.1/24", "0.0.0.0/0", "2001:db8::/129", "203.0.113.0/24,203.0.113.7",
                  "provider.example", ",".join(f"10.0.{n}.0/24" for n in range(17)), ""):
        done = subprocess.run([CTL, "-n", "router", "setting", "set", "hold-timeout", "99",
                               "signalling-peers", value], capture_output=True, text=True)
        assert done.returncode in (1, 2), (value, done)
        assert "signalling-peers" in done.stderr and "up to 16 prefixes" in done.stderr, done
    listed = {entry["name"]: entry for entry in json.loads(router(f"{CTL} -j setting list"))}
    assert listed["signalling-peers"]["value"] == f"{RELAY}/32,2001:db8::/32", listed
    assert listed["hold-timeout"]["value"] == 7200
    many = ",".join(f"10.0.{n}.0/24" for n in range(8)) + "," + \
        ",".join(f"2001:db8:{n}::/48" for n in range(1, 9))
    peers(many)
    listed = {entry["name"]: entry for entry in json.loads(router(f"{CTL} -j setting list"))}
    assert listed["signalling-peers"]["value"] == many
    assert all(len(line) <= 80 for line in router(f"{CTL} setting list").splitlines())
    router(f"{CTL} setting reset")
    listed = {entry["name"]: entry for entry in json.loads(router(f"{CTL} -j setting list"))}
    assert listed["signalling-peers"]["value"] == "none"


@test("S3-17", "registration list says who may call, where that is not the registrar alone")
def listed():
    line = by_ip4("listed")
    line.register()
    lines = router(f"{CTL} registration list").splitlines()
    assert len(lines) == 2, lines
    peers(f"{RELAY},198.51.100.0/24,2001:db8::/32")
    lines = router(f"{CTL} registration list").splitlines()
    assert lines[2:] == [f"      calls from {SERVER}, {RELAY}, 198.51.100.0/24"], lines
    router(f"{CTL} setting set signalling-source any")
    assert line.callers() == [["any"]]
    assert router(f"{CTL} registration list").splitlines()[2:] == ["      calls from any"]
    router(f"{CTL} setting reset")
    line.close()


run(after=net.nothing_left)
