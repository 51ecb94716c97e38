#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""
The part of make demo-failover inside the guest: a pair of routers as doc/failover.md sets it
up, and two calls. In the first the active router dies; in the second it hands over and gets
the addresses back. Says for a person what was seen; the exit status is 0 if all was as it
is to be.
"""
import os
import socket
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from machine import chapter, in_step  # noqa: E402 its folders first
import network  # noqa: E402
import netns  # noqa: E402
from listen import Ear, read  # noqa: E402
from provider import dial  # noqa: E402
from routers import DEATH, PLANNED, Routers  # noqa: E402

import ladder  # noqa: E402  pylint: disable=wrong-import-order
from pcap import Packet  # noqa: E402

PHONE, PROVIDER = network.ADDRESS["alice"][0], network.SERVER[0]
BOTH_SIDES = f"192.168.1.1 | {network.PUBLIC}"
CLOSED = 15     # seconds after hanging up, in which all of a call's media has gone


def say(text=""):
    print(text, flush=True)


def title(text):
    say(f"\n{text}\n{'-' * len(text)}\n")


def ends_of(frame):
    """Who sends it to whom, of UDP by IPv4."""
    header = frame[14:]
    ports = header[(header[0] & 15) * 4:]
    return [f"{socket.inet_ntoa(header[at:at + 4])}:{int.from_bytes(ports[port:port + 2], 'big')}"
            for at, port in ((12, 0), (16, 2))]


class Witness(Ear):
    """Keeps what the ladder is drawn of."""

    def __init__(self, namespace, device="eth0"):
        self.packets = []
        super().__init__(namespace, device)

    def _take(self, frame, when, is_sent):
        super()._take(frame, when, is_sent)
        is_udp, payload = read(frame)
        if is_udp and frame[12:14] == b"\x08\x00":
            self.packets.append(Packet(when, *ends_of(frame), payload))


class Demo:
    """What happens, and what is told of it in the end."""

    def __init__(self):
        self.begin = time.monotonic()
        self.routers = Routers(Witness)
        self.outside = Witness("provider", "uplink")
        self.active = []        # (since when, name), one after the other
        self.happened = []      # (when, what)
        self.verdicts = []      # (whether it is so, what)
        self.phones = None

    def since_begin(self, moment):
        return f"{moment - self.begin:7.2f} s"

    def note(self, text):
        self.happened.append((time.monotonic(), text))
        say(f"  {self.since_begin(self.happened[-1][0])}  {text}")

    def judge(self, good, text):
        self.verdicts.append((bool(good), text))

    def is_active(self, router):
        self.active.append((time.monotonic(), router.name))
        self.note(f"{router.name} is active")

    def set_up(self):
        active, standby = self.routers.settle()
        self.is_active(active)
        self.note(f"{standby.name} is standby, and in step")
        self.phones = self.routers.use("udp")
        self.note("alice is registered behind the routers, bob elsewhere")
        in_step(active, standby)

    def call(self):
        dial(self.phones, self.phones.alice, self.phones.bob)
        self.note("alice talks to bob")
        active, standby = self.routers.settle()
        time.sleep(3)
        self.judge(standby.calls() == active.calls() and standby.calls(),
                   f"{standby.name} knows of the call while {active.name} carries it")
        return active, standby

    def gap(self, begin, goal, what):
        time.sleep(2)
        for name, gap in self.routers.gaps(begin).items():
            self.judge(gap <= goal, f"{what}: {name} hears nothing for {gap:.0f} ms, goal {goal} ms")

    def hear(self, text):
        try:
            self.routers.talk("alice", "bob")
            self.judge(True, text)
        except AssertionError as heard:
            self.judge(False, f"{text}: packets heard in 2 s: {heard}")

    def hang_up(self, active):
        """All of the call that lets anything through has gone soon."""
        def media():
            return active.media_pinholes() + \
                [line for line in active.run("conntrack", "-L", "-p", "udp").stdout.splitlines()
                 if "dport=5060" not in line and "mport" not in line and PHONE in line]
        had = media()
        self.phones.alice.quiet()
        self.phones.bob.wait("CALL_CLOSED", 10)
        self.note("alice hangs up")
        try:
            seconds = netns.wait_until(lambda: not media(), CLOSED, "the end of all media", 0.5)
            self.judge(had, f"hanging up closes all of the call on {active.name}: "
                            f"{len(had)} openings are gone after {seconds:.1f} s")
        except TimeoutError:
            self.judge(False, f"after hanging up these stay on {active.name}: {media()}")

    def death(self):
        active, standby = self.call()
        begin = time.monotonic()
        active.die()
        self.note(f"the power of {active.name} is off")
        self.routers.await_active(active)
        self.is_active(standby)
        self.gap(begin, DEATH, f"{active.name} dies")
        self.hear(f"the call goes on by {standby.name}")
        self.hang_up(standby)
        active.boot()
        in_step(standby, active, seconds=60)
        self.note(f"{active.name} is back, standby, and in step")

    def planned(self):
        active, standby = self.call()
        for giver, taker in ((active, standby), (standby, active)):
            begin = time.monotonic()
            for line in chapter("Maintenance"):
                giver.type(line)
            self.note(f"on {giver.name}: {'; '.join(chapter('Maintenance'))}")
            self.routers.await_active(giver)
            self.is_active(taker)
            self.gap(begin, PLANNED, f"{giver.name} hands over")
            in_step(taker, giver)
        self.hear(f"the call goes on by {active.name}")
        self.hang_up(active)

    def media(self, inside, outside, begin, end):
        """Lines of a ladder: RTP of both directions on both sides, where its last packet stands."""
        for outward in True, False:
            seen = [[packet.time for packet in packets
                     if packet.kind == "RTP" and begin <= packet.time < end and
                     outward == packet.source.startswith(address)]
                    for packets, address in ((inside, f"{PHONE}:"), (outside, f"{network.PUBLIC}:"))]
            if any(seen):
                yield ladder.Media(max(map(max, filter(None, seen))), outward, *map(len, seen))

    def ladders(self):
        """One for each time that a router was active: the call goes through all of them."""
        inside = list(self.routers.ears["alice"].packets)
        # carol is registered as well
        outside = [packet for packet in self.outside.packets if b"carol" not in packet.data]
        ends = [when for when, _ in self.active[1:]] + [time.monotonic()]
        for (begin, name), end in zip(self.active, ends):
            title(f"{name} is active, {self.since_begin(begin).strip()} to {self.since_begin(end).strip()}")
            lines = [*ladder.pair(inside, outside, PHONE, PROVIDER, begin, end),
                     *self.media(inside, outside, begin, end)]
            say("\n".join(ladder.draw(sorted(lines, key=lambda line: line.time), PHONE, BOTH_SIDES, PROVIDER)))

    def report(self):
        self.ladders()
        title("Who was active when")
        for when, text in self.happened:
            say(f"  {self.since_begin(when)}  {text}")
        title("Verdict")
        for good, text in self.verdicts:
            say(f"  {'yes' if good else 'NO '}  {text}")
        return bool(self.verdicts) and all(good for good, _ in self.verdicts)


def main():
    demo, good = Demo(), False
    try:
        demo.set_up()
        demo.death()
        demo.planned()
        good = demo.report()
    except (RuntimeError, TimeoutError, AssertionError) as error:
        demo.report()
        say(f"\ndemo-failover: {error}")
        for router in demo.routers.all:
            if router.alive:
                for unit in router.daemons:
                    say(f"{router.name} {unit}: {router.log(unit)[-1500:]}")
    finally:
        demo.routers.off()
    return 0 if good else 1


sys.exit(main())
