#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""
SIP over TCP against an oracle: two real TCP endpoints, a bad line, and what arrives compared
with the translation of the whole stream.

    TCP_ORACLE_SEEDS=FIRST-LAST test_tcp_oracle.py

Each seed decides what is written, in which pieces and when, and what the line does to it: delay,
jitter, loss, duplication, reordering, outages of up to ten minutes. The same is done on a port
that no helper looks after. What arrives must be equal to the byte and complete, and no message may be
on its way longer than without a helper plus one RTO: `stalls_longer`. Chance decides on the line as
well, so that what has taken longer is tried again, with and without helper.
"""
import itertools
import os
import random
import select
import socket
import struct
import time

import topology as net
from ksft import run, test
from sip import Call, again, sdp
from topology import PHONE, ROUTER, SERVER, enter, router, shell

net.build()
PLAIN = 5070
PORTS = itertools.cycle(range(30000, 60000))
TRIES = 4
MEDIA = itertools.cycle(range(10000, 60000, 4))
net.router(f"nft insert rule inet sip forward tcp dport {PLAIN} accept")


# conntrack forgets a connection with data in flight after five minutes, with us or without
net.router("sysctl -qw net.netfilter.nf_conntrack_tcp_timeout_unacknowledged=3600 "
           "net.netfilter.nf_conntrack_tcp_timeout_max_retrans=3600")


class Way:
    """One direction: what is written when, and what is to arrive."""

    def __init__(self, source, target):
        self.source, self.target = source, target
        self.pieces, self.sent, self.wanted, self.got = [], b"", b"", b""
        self.waits = None
        self.ends = []      # of messages: (how many bytes until there, when the last of them was due)
        self.count = 0      # of messages, those included that have arrived
        self.latest = 0     # the longest that one was on its way

    def add(self, chance, data, wanted, pieces, start):
        cuts = sorted(chance.randrange(1, len(data)) for _ in range(pieces - 1)) if len(data) > 1 else []
        for begin, end in zip([0] + cuts, cuts + [len(data)]):
            if begin < end:
                self.pieces.append((start, data[begin:end]))
                start += chance.choice((0, 0, 0, 0.001, 0.05, 0.3))
        self.wanted += wanted
        self.ends.append((len(self.wanted), self.pieces[-1][0]))
        self.count += 1
        return start

    def arrived(self, data, now):
        self.got += data
        while self.ends and self.ends[0][0] <= len(self.got):
            self.latest = max(self.latest, now - self.ends.pop(0)[1])

    def done(self):
        return not self.pieces and not self.sent and len(self.got) >= len(self.wanted)


class Seed:
    """All that a number decides."""

    def __init__(self, number):
        self.chance = random.Random(number)
        chance = self.chance
        self.line, self.round_trip = [], 0
        for device in ("lan", "wan"):
            delay = chance.choice((0, 1, 5, 20, 100))
            words = f"delay {delay}ms"
            if delay and chance.random() < 0.5:
                words += f" {delay // 2 + 1}ms"
            if chance.random() < 0.5:
                words += f" loss {chance.choice((1, 3, 10))}%"
            if chance.random() < 0.3:
                words += f" duplicate {chance.choice((1, 10))}%"
            if delay and chance.random() < 0.3:
                words += f" reorder {chance.choice((5, 25))}% 50%"
            self.line.append((device, words))
            self.round_trip += 2 * (delay + delay // 2 + 1) / 1000
        self.outages = []
        if chance.random() < 0.4:
            begin = chance.uniform(0, 4)
            self.outages.append((begin, begin + chance.choice((1, 10, 70, 150, 600))))
        self.nodelay = chance.random() < 0.5
        self.tlp = chance.random() < 0.7
        self.form = chance.choice((f"{PHONE}:5060", f"{PHONE}:5060", PHONE, "port"))
        self.count = chance.randrange(1, 25)
        self.choices = chance.getrandbits(64)
        self.number = number

    def message(self, chance, port, number):
        """Of the phone: and as it is to arrive."""
        host = f"{PHONE}:{port}" if self.form == "port" else self.form
        if number and chance.random() < 0.15:
            return (b"\r\n\r\n",) * 2
        call = Call(f"o{port}n{number}", host, "", SERVER, "TCP")
        body = sdp(PHONE, next(MEDIA)) if chance.random() < 0.4 else ""
        extra = "\nX: " + "x" * chance.choice((0, 0, 10, 300, 1200, 1300, 1460, 5000))
        data = call.request("OPTIONS" if not body else "INVITE", body, extra=extra)
        seen = f"{ROUTER}:{port}"
        wanted = again(data, (f"TCP {host};", f"TCP {seen};"), (f"alice@{host}>", f"alice@{seen}>"))
        return data, again(wanted, (PHONE, ROUTER)) if body else wanted

    def answer(self, chance, port, number):
        """Of the provider."""
        if self.form != f"{PHONE}:5060" or chance.random() < 0.15:
            return (b"\r\n\r\n",) * 2
        call = Call(f"o{port}n{number}", "", f"{ROUTER}:{port}", SERVER, "TCP")
        data = call.response("200 OK", "OPTIONS", extra="\nX: " + "x" * chance.choice((0, 10, 1200, 5000)))
        return data, again(data, (f"{ROUTER}:{port}", f"{PHONE}:5060"))

    def register(self, out, back, port, helped):
        """
        What answers are translated to is known for as long as the phone is registered, whatever the
        outage; of one that begins before that no more than the length of a transaction (RFC 3261 17.1.2.2).
        """
        call, seen = Call(f"o{port}r", self.form, f"{ROUTER}:{port}", SERVER, "TCP"), f"{ROUTER}:{port}"
        data = call.request("REGISTER", extra="\nExpires: 7200")
        wanted = again(data, (f"TCP {self.form};", f"TCP {seen};"), (f"alice@{self.form}>", f"alice@{seen}>"))
        out.add(random.Random(self.number), data, wanted if helped else data, 1, 0.0)
        data = call.response("200 OK", "REGISTER", extra="\nExpires: 7200")
        data = again(data, (f"<sip:bob@{SERVER}:5060>", f"<sip:alice@{seen}>"))
        back.add(random.Random(self.number), data, again(data, (seen, self.form)) if helped else data, 1, 0.0)

    def ways(self, phone, server, port, helped):
        chance = random.Random(self.choices)
        out, back = Way(phone, server), Way(server, phone)
        start = 0.0
        if self.form == f"{PHONE}:5060":
            self.register(out, back, port, helped)
        for number in range(self.count):
            data, wanted = self.message(chance, port, number)
            start = out.add(chance, data, wanted if helped else data, chance.choice((1, 1, 1, 2, 3, 8)), start)
            if number == 0:
                # the phone's address is learnt from what it has sent
                reply, back.waits = 0.0, (out, len(out.wanted))
            if number:
                data, wanted = self.answer(chance, port, number)
                reply = back.add(chance, data, wanted if helped else data, chance.choice((1, 1, 2, 5)), reply)
            start += chance.choice((0, 0, 0.01, 0.2, 1))
            reply += chance.choice((0, 0, 0.01, 0.2, 1))
        return out, back


def connect(port, helped):
    enter("provider")
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind((SERVER, 5060 if helped else PLAIN))
    listener.listen()
    enter("phone")
    phone = socket.socket()
    phone.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    phone.bind((PHONE, port))
    phone.connect((SERVER, 5060 if helped else PLAIN))
    server, _ = listener.accept()
    listener.close()
    return phone, server


def cut(off):
    """No packet passes the router while it is cut off."""
    if off:
        net.attach("table inet outage { chain pre { type filter hook prerouting priority -400; "
                   "meta l4proto tcp drop; }; }")
    else:
        router("nft delete table inet outage")


class Race:
    """One connection under a seed."""

    def __init__(self, seed, helped):
        self.seed, self.helped, self.port = seed, helped, next(PORTS)
        phone, server = connect(self.port, helped)
        for sock in (phone, server):
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, seed.nodelay)
            sock.setblocking(False)
        self.ways = seed.ways(phone, server, self.port, helped)
        self.events = sorted([(begin, True) for begin, _ in seed.outages] +
                             [(end, False) for _, end in seed.outages])

    def run(self):
        self.start = time.monotonic()
        limit = 1500 + sum(end - begin for begin, end in self.seed.outages)
        self.rto = 0
        while not all(way.done() for way in self.ways):
            now = self.now()
            if now > limit:
                break
            while self.events and self.events[0][0] <= now and self.is_registered():
                cut(self.events.pop(0)[1])
            self.step(now)
            self.rto = max(self.rto, *(rto(way.source) for way in self.ways))
        self.took = self.now()
        self.stall = max(way.latest for way in self.ways)
        while self.events:
            moment, off = self.events.pop(0)
            if off:
                self.events = []
            else:
                cut(False)
        for way in self.ways:
            way.source.close()
        router("conntrack -D -p tcp 2>/dev/null || true")
        return [(way.got, way.wanted) for way in self.ways]

    def is_registered(self):
        """It is registered, or it never will be."""
        _, back = self.ways
        return self.seed.form != f"{PHONE}:5060" or len(back.ends) < back.count

    def now(self):
        return time.monotonic() - self.start

    def step(self, now):
        wait = [self.events[0][0] - now] if self.events else []
        for way in self.ways:
            if way.waits and len(way.waits[0].got) < way.waits[1]:
                continue
            while way.pieces and way.pieces[0][0] <= now:
                piece = way.pieces.pop(0)[1]
                # as an application does, piece by piece
                if way.sent:
                    way.sent += piece
                    continue
                way.sent = piece
                self.write(way)
            if way.pieces:
                wait.append(way.pieces[0][0] - now)
        readable, writable, _ = select.select([way.target for way in self.ways],
                                              [way.source for way in self.ways if way.sent], [],
                                              max(min(wait + [30]), 0.0005))
        for way in self.ways:
            if way.source in writable:
                self.write(way)
            if way.target in readable:
                try:
                    way.arrived(way.target.recv(1 << 20), self.now())
                except ConnectionResetError as error:
                    raise AssertionError(f"reset after {now:.1f} s") from error

    @staticmethod
    def write(way):
        try:
            way.sent = way.sent[way.source.send(way.sent):]
        except BlockingIOError:
            pass


def differs(got, wanted):
    at = next((i for i, (a, b) in enumerate(zip(got, wanted)) if a != b), min(len(got), len(wanted)))
    return f"{len(got)} of {len(wanted)} bytes, from {at} on {got[max(at - 60, 0):at + 100]!r} for {wanted[max(at - 60, 0):at + 100]!r}"


def rto(sock):
    """What its sender waits for before it repeats, as far as it has backed off."""
    return struct.unpack_from("I", sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 12), 8)[0] / 1e6


def race(seed, helped):
    """Once under a seed: all must arrive as it should."""
    one = Race(seed, helped)
    faults = [differs(got, wanted) for got, wanted in one.run() if got != wanted]
    assert not faults, f"seed {seed.number}: {'' if helped else 'the test itself: '}{seed.line} {seed.outages}: {faults}"
    return one


def stalls_longer(seed, helped, plains):
    """
    A message whose beginning has been held takes a round trip for that to be acknowledged, and one
    for the rest. A tenth is what backoff makes of the first RTO's chance.
    """
    more = max(plain.rto for plain in plains) + 2 * seed.round_trip
    return helped.stall > 1.1 * max(plain.stall for plain in plains) + more


def try_seed(number):
    seed = Seed(number)
    for space in ("phone", "provider"):
        shell(f"ip netns exec {space} sysctl -qw net.ipv4.tcp_early_retrans={3 if seed.tlp else 0} "
              "net.ipv4.tcp_no_metrics_save=1 net.ipv4.tcp_retries2=30")
    for device, words in seed.line:
        router(f"tc qdisc replace dev {device} root netem {words}")
    try:
        plains, helped = [race(seed, False)], race(seed, True)
        while stalls_longer(seed, helped, plains) and len(plains) < TRIES:
            plains.append(race(seed, False))
            helped = min(helped, race(seed, True), key=lambda one: one.stall)
        assert not stalls_longer(seed, helped, plains), \
            f"seed {number}: {seed.line} {seed.outages}: stalled for {helped.stall:.2f} s, without helper for " \
            f"{[f'{plain.stall:.2f} s (RTO {plain.rto:.2f} s)' for plain in plains]}"
    finally:
        router("tools/sipalg-ctl/sipalg-ctl call end --all")
        router("nft delete table inet outage 2>/dev/null || true")
        for device, _ in seed.line:
            router(f"tc qdisc del dev {device} root")
    return plains[-1], helped


@test("issue 19", "whatever the line does, what arrives is the translation of the whole stream, and in time")
def oracle():
    first, _, last = os.environ.get("TCP_ORACLE_SEEDS", "1-50").partition("-")
    failed = []
    for number in range(int(first), int(last or first) + 1):
        try:
            plain, helped = try_seed(number)
            print(f"# seed {number}: {plain.took:.2f} s without, {helped.took:.2f} s with helper; "
                  f"stalled for {plain.stall:.2f} s and {helped.stall:.2f} s", flush=True)
        except (AssertionError, OSError) as error:
            failed.append(str(error))
            print(f"# {error}", flush=True)
    assert not failed, f"{len(failed)} seeds: {failed}"


run()
