# SPDX-License-Identifier: GPL-2.0-only
"""
The guest's part of make interop: real phones make calls in one set-up of the
router, and each phone's RTP packets are counted.

    rows.py MODE [WAY...]  sipalg, sip, none or routed; see network.build

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
from baresip import Phone

TALK = 2.0
# of 50 packets a second each way in TALK seconds
ENOUGH = 50

_rows = []


def row(title, where="udp tcp udp6 tcp6"):
    """Marks a row, and for which transports it is made."""
    def mark(function):
        for way in where.split():
            _rows.append((title, way, function))
        return function
    return mark


class Heard:
    """RTP packets that each of some phones gets and sends in a while."""

    def __init__(self):
        self.parts = {}

    def listen(self, *phones, seconds=TALK):
        """Lets them talk, and says whether each heard and spoke."""
        before = {phone: network.counters(phone.namespace) for phone in phones}
        time.sleep(seconds)
        good = True
        for phone in phones:
            got, sent = network.counters(phone.namespace)
            got, sent = got - before[phone][0], sent - before[phone][1]
            was = self.parts.get(phone.user, {"got": 0, "sent": 0})
            self.parts[phone.user] = {"got": was["got"] + got, "sent": was["sent"] + sent}
            good = good and got >= ENOUGH * seconds / TALK
        return good


# what asks for more than a transport: the account's words, and where they apply
MORE = {
    "stun": {"alice": f";medianat=stun;stunserver=stun:{network.RELAY[0]}:3478"},
}


class Phones:
    """Alice and carol behind the router, bob elsewhere, all registered, in one way."""

    def __init__(self, way):
        six = way.endswith("6")
        more = MORE.get(way, {})
        self.server = network.SERVER[six]
        self.all = []
        for name, rtp in (("alice", "4000-4019"), ("carol", "5000-5019"), ("bob", "6000-6019")):
            phone = Phone(name, network.ADDRESS[name][six], name, f"/tmp/{name}-{way}", rtp,
                          transport="udp" if more else way.rstrip("6"),
                          modules=("stun",) if more else ())
            setattr(self, name, phone)
            self.all.append(phone)
        for phone in self.all:
            phone.connect()
        for phone in self.all:
            phone.register(self.server, more.get(phone.user, ""))

    def quiet(self):
        """Hangs up whatever a row has left, so that the next begins afresh."""
        for phone in self.all:
            for _ in range(2):
                try:
                    phone.command("hangup")
                except RuntimeError:
                    break
        time.sleep(0.7)
        for phone in self.all:
            phone.drain()

    def leave(self):
        for phone in self.all:
            phone.end()


def dial(phones, caller, callee, prefix=""):
    caller.command("dial", caller.uri(phones.server, prefix + callee.user))
    callee.wait("CALL_INCOMING", 6)
    callee.command("accept")
    caller.wait("CALL_ESTABLISHED", 6)
    callee.wait("CALL_ESTABLISHED", 6)


@row("call out", "udp tcp udp6 tcp6 stun")
def call_out(phones, heard):
    dial(phones, phones.alice, phones.bob)
    return heard.listen(phones.alice, phones.bob)


@row("call in", "udp tcp udp6 tcp6 stun")
def call_in(phones, heard):
    dial(phones, phones.bob, phones.alice)
    return heard.listen(phones.alice, phones.bob)


@row("hold and resume")
def hold(phones, heard):
    dial(phones, phones.alice, phones.bob)
    phones.alice.command("hold")
    time.sleep(1)
    phones.alice.command("resume")
    time.sleep(0.5)
    return heard.listen(phones.alice, phones.bob)


@row("blind transfer to a third phone")
def transfer(phones, heard):
    """Bob calls alice, who sends him to carol."""
    dial(phones, phones.bob, phones.alice)
    phones.alice.command("transfer", phones.alice.uri(phones.server, "carol"))
    phones.carol.wait("CALL_INCOMING", 6)
    phones.carol.command("accept")
    phones.carol.wait("CALL_ESTABLISHED", 6)
    return heard.listen(phones.carol, phones.bob)


@row("two phones behind the same router")
def neighbours(phones, heard):
    dial(phones, phones.alice, phones.carol)
    return heard.listen(phones.alice, phones.carol)


@row("media by a relay at another address than the proxy")
def relayed(phones, heard):
    dial(phones, phones.alice, phones.bob, prefix="relay-")
    return heard.listen(phones.alice, phones.bob)


def make(phones, title, way, function):
    heard = Heard()
    result = {"row": title, "way": way, "pass": False}
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


def main(mode, *ways):
    if mode == "sip":
        subprocess.run("modprobe nf_conntrack_sip; modprobe nf_nat_sip", shell=True, check=True)
    network.build(mode)
    serve()
    answer_stun()
    for way in ways or dict.fromkeys(way for _, way, _ in _rows):
        phones = Phones(way)
        for title, where, function in _rows:
            if where == way:
                make(phones, title, way, function)
        phones.leave()


try:
    main(*sys.argv[1:])
except (RuntimeError, TimeoutError, OSError, subprocess.SubprocessError) as problem:
    print(f"interop: {problem}")
    subprocess.run("tail -n 15 /tmp/kamailio.log /tmp/rtpengine.log /tmp/*-*/log", shell=True, check=False)
    sys.exit(1)
