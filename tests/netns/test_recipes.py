#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""The firewalls in recipes/, loaded as they are: calls come through, nothing else does."""
import os
import subprocess

import topology as net
from pages import typed_by
from sip import Call, sdp
from ksft import run, test
from topology import (PHONE, PHONE6, RELAY, RELAY6, ROUTER, SERVER, SERVER6, STRANGER, Tcp, Udp,
                      router, shell)

CTL = os.path.abspath("tools/sipalg-ctl/sipalg-ctl")


def load(recipe):
    for command in (f"{CTL} call end --all", "nft flush ruleset",
                    "iptables -P FORWARD ACCEPT", "ip6tables -P FORWARD ACCEPT",
                    "conntrack -F 2>/dev/null || true"):
        router(command)
    router(recipe)


def passes(sender, receiver, address, port):
    sender.send(b"media", address, port)
    return receiver.recv(0.5) == b"media"


def told(data):
    """Address and port that a description asks media to."""
    lines = data.decode().split("\r\n")
    address, = (line.split()[-1] for line in lines if line.startswith("c="))
    port, = (int(line.split()[1]) for line in lines if line.startswith("m="))
    return address, port


class Sides:
    """Sockets of both parties for signalling and audio; nothing passes between them yet."""

    def __init__(self, phone, server, relay):
        self.phone, self.server = Udp("phone", phone, 5060), Udp("provider", server, 5060)
        self.ours, self.theirs = Udp("phone", phone, 4000), Udp("provider", relay, 6000)

    def audio(self, offer, answer):
        """Both ways, as both descriptions say."""
        assert passes(self.theirs, self.ours, *told(offer)), "media from outside"
        assert passes(self.ours, self.theirs, *told(answer)), "media from inside"

    def close(self):
        for sock in vars(self).values():
            sock.close()


def written(address):
    return f"[{address}]" if ":" in address else address


def call_out(phone, server, relay, seen):
    """The phone calls; what is not of the call stays out, before, meanwhile and after."""
    sides = Sides(phone, server, relay)
    assert not passes(sides.theirs, sides.ours, seen, 4000)
    call = Call("out", f"{written(phone)}:5060", f"{written(seen)}:5060", written(server))
    sides.phone.send(call.request("INVITE", sdp(phone, 4000)), server)
    offer = sides.server.recv()
    sides.server.send(call.response("200 OK", body=sdp(relay, 6000)), seen)
    answer = sides.phone.recv()
    sides.phone.send(call.request("ACK", to_tag=True), server)
    assert sides.server.recv()
    assert told(offer) == (seen, 4000), offer
    sides.audio(offer, answer)
    other = Udp("phone", phone, 4004)
    assert not passes(sides.theirs, other, seen, 4004)
    other.close()
    sides.phone.send(call.request("BYE", cseq=2, to_tag=True), server)
    assert sides.server.recv()
    sides.server.send(call.response("200 OK", "BYE"), seen)
    assert sides.phone.recv()
    assert net.until(lambda: not net.expectations(), 20)
    assert not passes(sides.theirs, sides.ours, seen, 4000)
    sides.close()


def call_in(caller):
    """The provider calls the router's public address."""
    sides = Sides(PHONE, SERVER, RELAY)
    outside = Udp("provider", caller, 5070)
    call = Call("in", f"{caller}:5070", f"{caller}:5070", ROUTER)
    outside.send(call.request("INVITE", sdp(RELAY, 6000)), ROUTER)
    offer = sides.phone.recv(1)
    if offer:
        sides.phone.send(call.response("200 OK", body=sdp(PHONE, 4000)), caller, 5070)
        answer = outside.recv()
        assert told(offer) == (RELAY, 6000) and told(answer)[0] == ROUTER, answer
        sides.audio(answer, offer)
    sides.close()
    outside.close()
    return bool(offer)


@test("issue 8", "home-router.nft: a phone calls out over IPv4 and IPv6, nothing else comes in")
def home():
    load("nft -f recipes/home-router.nft")
    assert not call_in(SERVER)
    call_out(PHONE, SERVER, RELAY, ROUTER)
    call_out(PHONE6, SERVER6, RELAY6, PHONE6)
    router("nft -f recipes/home-router.nft")


@test("issue 8", "pbx-trunk.nft: the trunk calls in and out, a stranger does not")
def trunk():
    load("nft -f recipes/pbx-trunk.nft")
    assert not call_in(STRANGER)
    assert call_in(SERVER)
    load("nft -f recipes/pbx-trunk.nft")
    call_out(PHONE, SERVER, RELAY, ROUTER)


@test("issue 8", "ipv6-only.nft: pinholes without translation")
def six():
    load("nft -f recipes/ipv6-only.nft")
    call_out(PHONE6, SERVER6, RELAY6, PHONE6)


@test("issue 8", "iptables.sh: the home router once more")
def iptables():
    load("recipes/iptables.sh")
    call_out(PHONE, SERVER, RELAY, ROUTER)
    call_out(PHONE6, SERVER6, RELAY6, PHONE6)


def start_firewalld():
    """In the router, with a bus and settings of its own, and a policy that lets the inside out."""
    load("true")
    shell("mkdir -p /run/dbus /tmp/firewalld; : >/tmp/firewalld/firewalld.conf")
    shell("dbus-daemon --system --fork --nopidfile")
    daemon = subprocess.Popen("exec ip netns exec router firewalld --nofork --nopid --system-config "
                              "/tmp/firewalld >/tmp/firewalld.log 2>&1", shell=True)
    net.until(lambda: router("firewall-cmd --state 2>&1 || true") == "running\n", 60, 1)
    for command in ("--zone=internal --add-interface=lan", "--zone=external --add-interface=wan",
                    # needs a helper that this kernel does not have
                    "--zone=internal --remove-service=samba-client",
                    # before "phones", but for its priority
                    "--new-policy=all", "--policy=all --set-target=ACCEPT",
                    "--policy=all --add-ingress-zone=internal",
                    "--policy=all --add-egress-zone=external"):
        router(f"firewall-cmd --permanent {command}")
    router("firewall-cmd --reload")
    return daemon


@test("issue 8", "firewalld.md: its commands as they are written, between zones with masquerading")
def firewalld():
    daemon = start_firewalld()
    # what a phone has begun without the helper is not to stay so
    early, server = Udp("phone", PHONE, 5060), Udp("provider", SERVER, 5060)
    assert passes(early, server, SERVER, 5060)
    early.close()
    server.close()
    shell("rmmod sipalg")
    for command in typed_by("tests/netns/test_recipes.py"):
        router(command)
    assert not call_in(SERVER)
    call_out(PHONE, SERVER, RELAY, ROUTER)
    call_out(PHONE6, SERVER6, RELAY6, PHONE6)
    # now nobody else lets the phone out
    router("firewall-cmd --permanent --delete-policy=all && firewall-cmd --reload")
    router(f"{CTL} call end --all && conntrack -F")
    call_out(PHONE, SERVER, RELAY, ROUTER)
    ours, theirs = Tcp.pair("phone", PHONE, 5060)
    call = Call("tcp", f"{PHONE}:5060", f"{ROUTER}:5060", SERVER, "TCP")
    ours.send(call.request("INVITE", sdp(PHONE, 4000)))
    assert told(theirs.recv(65536, 0.2)) == (ROUTER, 4000)
    daemon.terminate()
    assert daemon.wait(60) == 0


net.build()
shell("ip -n provider -6 route add 2001:db8:1::/64 via 2001:db8:ffff::1")
run()
