# SPDX-License-Identifier: GPL-2.0-only
"""
The guest's part of make interop: real phones make calls in one set-up of the
router, and each phone's RTP packets are counted.

    rows.py MODE [WORD...]  sipalg, sip, none or routed; see network.build

A word narrows it to some phones or a way: linphone, udp6, "linphone udp6".

Prints `ROW {...}` for each row, in JSON, and what went wrong in between.
"""
import json
import os
import socket
import struct
import subprocess
import sys
import threading
import time

TOP = os.path.abspath(f"{os.path.dirname(__file__)}/../..")
sys.path.insert(0, f"{TOP}/scripts/guest")

# pylint: disable=wrong-import-position
import netns
import network
from phones import Baresip, Linphone, Sipp

# Seconds, in which a phone sends a hundred packets, or 67 if they hold 30 ms.
TALK = 2
ENOUGH = 60

WAYS = ("udp", "tcp", "udp6", "tcp6")
TRANSLATED = ("udp64", "tcp64")
STEERED = tuple((kind, way) for kind in ("baresip", "linphone") for way in WAYS + TRANSLATED)
SIPP = tuple(("sipp", way) for way in WAYS)
SIPPS = tuple(("sipp, bob as well", way) for way in WAYS[:3])
ALL = STEERED + SIPP
ICE_INSIDE = ("linphone, ICE inside", "udp"), ("baresip, ICE", "udp")
KNOWING = ("baresip, STUN", "udp"), ("linphone, ICE outside", "udp"), *ICE_INSIDE

_rows = []


def row(title, *places):
    """Marks a row, and between which phones and over what it is made."""
    def mark(function):
        for place in places:
            for kind, way in place:
                _rows.append((title, kind, way, function))
        return function
    return mark


class Heard:
    """RTP packets that each of some phones gets and sends in a while."""

    def __init__(self):
        self.parts = {}

    def listen(self, *phones):
        """Lets them talk, and says whether each heard enough."""
        before = {phone: network.counters(phone.namespace) for phone in phones}
        time.sleep(TALK)
        for phone in phones:
            now = network.counters(phone.namespace)
            got, sent = (n - was for n, was in zip(now, before[phone]))
            self.parts[phone.user] = {"got": got, "sent": sent}
        return all(self.parts[phone.user]["got"] >= ENOUGH for phone in phones)


ASK = f";stunserver=stun:{network.RELAY[0]}:3478"
STUN = f";medianat=stun{ASK}", ("stun",)
ICE = f";medianat=ice{ASK}", ("stun", "ice")


def baresip(*more):
    return lambda user, way: Baresip(user, way, *more)


def linphone(*more):
    return lambda user, way: Linphone(user, way, *more)


# What alice and carol have, behind the router, and bob, elsewhere. (Baresip 1.0 with
# ICE sends nothing to a phone without: in the control as well.)
KINDS = {
    "baresip": (baresip(), baresip()),
    "linphone": (linphone(), baresip()),
    "sipp": (Sipp, baresip()),
    "sipp, bob as well": (Sipp, Sipp),
    "baresip, STUN": (baresip(*STUN), baresip()),
    "linphone, ICE inside": (linphone(network.RELAY[0]), baresip()),
    "linphone, ICE outside": (baresip(), linphone(network.RELAY[0])),
    "baresip, ICE": (baresip(*ICE), baresip(*ICE)),
}


class Phones:
    """Alice and carol behind the router, bob elsewhere, all registered, in one way."""

    def __init__(self, kind, way):
        self.way = way
        # ICE may first ask in vain for seconds where it is not heard
        self.settling = 5 if "ICE" in kind else 0
        self.all = [KINDS[kind][name == "bob"](name, way) for name in network.ADDRESS]
        self.alice, self.carol, self.bob = self.all
        for phone in self.all:
            phone.connect()
        for phone in self.all:
            phone.register_at(network.server(way, phone.user))

    def quiet(self):
        """Hangs up whatever a row has left, so that the next begins afresh."""
        for phone in reversed(self.all):
            phone.quiet()
        time.sleep(0.7)
        for phone in self.all:
            phone.drain()

    def leave(self):
        for phone in self.all:
            phone.end()


def uri_for(phones, phone, user):
    """Of a user, as this phone calls him."""
    return phone.uri(network.server(phones.way, phone.user), user)


def dial(phones, caller, callee, prefix=""):
    caller.call(uri_for(phones, caller, prefix + callee.user))
    callee.answer()
    caller.established()
    callee.established()
    time.sleep(phones.settling)


@row("call out", ALL, KNOWING)
def call_out(phones, heard):
    dial(phones, phones.alice, phones.bob)
    return heard.listen(phones.alice, phones.bob)


@row("call in", ALL, KNOWING)
def call_in(phones, heard):
    dial(phones, phones.bob, phones.alice)
    return heard.listen(phones.alice, phones.bob)


@row("hold and resume", STEERED)
def hold(phones, heard):
    dial(phones, phones.alice, phones.bob)
    phones.alice.hold()
    time.sleep(1)
    phones.alice.resume()
    time.sleep(0.5)
    return heard.listen(phones.alice, phones.bob)


@row("held and resumed by the other side", SIPP)
def held(phones, heard):
    dial(phones, phones.bob, phones.alice)
    phones.bob.hold()
    time.sleep(1)
    phones.bob.resume()
    time.sleep(0.5)
    return heard.listen(phones.alice, phones.bob)


@row("blind transfer to a third phone", STEERED)
def transfer(phones, heard):
    """Bob calls alice, who sends him to carol."""
    dial(phones, phones.bob, phones.alice)
    phones.alice.transfer(uri_for(phones, phones.alice, "carol"))
    phones.carol.answer()
    phones.carol.established()
    return heard.listen(phones.carol, phones.bob)


@row("two phones behind the same router", ALL, ICE_INSIDE)
def neighbours(phones, heard):
    dial(phones, phones.alice, phones.carol)
    return heard.listen(phones.alice, phones.carol)


@row("media by a relay at another address than the proxy", ALL)
def relayed(phones, heard):
    dial(phones, phones.alice, phones.bob, prefix="relay-")
    return heard.listen(phones.alice, phones.bob)


def silence(phones, heard, caller, callee):
    """Half an hour without a packet of media, then some; and the BYE must arrive."""
    callee.await_call("silent")
    caller.call(uri_for(phones, caller, callee.user), "refresher")
    callee.established()
    for _ in range(6):
        time.sleep(2)
        for phone in phones.all:
            phone.pause(False)
        time.sleep(296)
        for phone in phones.all:
            phone.pause(True)
        time.sleep(2)
    caller.established()
    callee.has("talks")
    good = heard.listen(phones.alice, phones.bob)
    return caller.has_ended() and callee.has_ended() and good


@row("30 silent minutes, refreshed from inside", SIPPS)
def silent_out(phones, heard):
    return silence(phones, heard, phones.alice, phones.bob)


@row("30 silent minutes, refreshed from outside", SIPPS)
def silent_in(phones, heard):
    return silence(phones, heard, phones.bob, phones.alice)


def make(phones, title, kind, way, function):
    heard = Heard()
    result = {"row": title, "phones": kind, "way": way, "pass": False}
    try:
        result["pass"] = function(phones, heard)
    except (TimeoutError, RuntimeError) as error:
        result["why"] = str(error)
    result["rtp"] = heard.parts
    print("ROW " + json.dumps(result), flush=True)
    phones.quiet()


def answer_stun():
    """A STUN server (RFC 8489 14.2): tells each who asks where the question came from."""
    sock = netns.udp_socket("provider", network.RELAY[0], 3478)

    def answer():
        while True:
            ask, (host, port) = sock.recvfrom(2048)
            if ask[:2] != b"\0\1":
                continue
            seen = bytes(a ^ b for a, b in zip(socket.inet_aton(host), ask[4:8]))
            told = b"\0\x20\0\x08\0\1" + struct.pack("!H", port ^ 0x2112) + seen
            sock.sendto(b"\1\1" + struct.pack("!H", len(told)) + ask[4:20] + told, (host, port))
    threading.Thread(target=answer, daemon=True).start()


def serve():
    """Starts rtpengine and kamailio and waits until they listen."""
    netns.start("provider", "rtpengine", "--table=-1", f"--interface={network.RELAY[0]}",
                f"--interface={network.RELAY[1]}", "--listen-ng=127.0.0.1:2223", "--foreground",
                "--log-stderr", "--port-min=30000", "--port-max=30199", "--num-threads=2",
                "--pidfile=/tmp/rtpengine.pid", log="/tmp/rtpengine.log")
    # 08AF: 2223
    netns.wait_until(lambda: any(":08AF " in line for line in netns.table("provider", "udp")),
                     20, "rtpengine to listen")
    with open("/tmp/kamailio.cfg", "w", encoding="ascii") as copy, \
            open(f"{TOP}/tests/interop/kamailio.cfg", encoding="ascii") as file:
        copy.write(file.read())
    netns.start("provider", "kamailio", "-DD", "-E", "-A", "MEDIA_RELAY", "-m", "32", "-M", "4", "-Y", "/tmp",
                "-P", "/tmp/kamailio.pid", "-f", "/tmp/kamailio.cfg", log="/tmp/kamailio.log")
    netns.wait_until(lambda: any(":13C4 " in line for line in netns.table("provider", "tcp")),
                     20, "kamailio to listen")


def main(mode, *words):
    if mode == "sip":
        subprocess.run("modprobe nf_conntrack_sip; modprobe nf_nat_sip", shell=True, check=True)
    network.build(mode)
    serve()
    answer_stun()
    for kind, way in dict.fromkeys(place[1:3] for place in _rows):
        if words and not {kind, way, f"{kind} {way}"} & set(words):
            continue
        # without NAT there is none of IPv6 to IPv4 either
        if mode == "routed" and network.is_translated(way):
            continue
        network.only_six(way)
        phones = Phones(kind, way)
        for title, its_kind, its_way, function in _rows:
            if (its_kind, its_way) == (kind, way):
                make(phones, title, kind, way, function)
        phones.leave()


try:
    main(*sys.argv[1:])
except (RuntimeError, TimeoutError, OSError, subprocess.SubprocessError) as problem:
    print(f"interop: {problem}")
    subprocess.run("tail -n 15 /tmp/kamailio.log /tmp/rtpengine.log /tmp/*-*/log", shell=True, check=False)
    sys.exit(1)
