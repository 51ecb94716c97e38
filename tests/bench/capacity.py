#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""
How many calls with audio does this machine carry as it is, and how many once
sipalg.service has run? Prints a row of a table:

    capacity.py CALLS       so many are tried

The calls are those of one PBX over one flow, and all are up at once: each is
set up, then each has a packet of audio from outside and one from inside. Nothing
is tuned: what the network of the tests raises for itself is put back first.
"""
import os
import shlex
import re
import subprocess
import sys
import time

TOP = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../..")
sys.path.insert(0, os.path.join(TOP, "tests/netns"))
# pylint: disable=wrong-import-position
import topology as net                                     # noqa: E402
from sip import Call, sdp                                  # noqa: E402
from topology import PHONE, RELAY, ROUTER, SERVER, Udp, router, shell   # noqa: E402

WANTED = int(sys.argv[1])
LIMITS = [f"net.netfilter.nf_conntrack_{name}" for name in ("expect_max", "max")]
CTL = os.path.abspath(f"{TOP}/tools/sipalg-ctl/sipalg-ctl")


FIRST = "nsenter -t 1 -n"       # the namespace to which the limits belong


def limits():
    return [int(shell(f"{FIRST} sysctl -n {name}")) for name in LIMITS]


def service():
    """What sipalg.service does, but for the settings of a file that has none."""
    with open(f"{TOP}/dist/sipalg.service", encoding="ascii") as file:
        commands = re.findall(r"(?m)^ExecStart=/bin/sh -c (.*)$", file.read())
    for command in commands:
        script = shlex.split(command)[0]
        if "sipalg.conf" not in script:
            done = subprocess.run([*FIRST.split(), "sh", "-c", f"PATH={os.path.dirname(CTL)}:$PATH; {script}"],
                                  capture_output=True, text=True)
            print("".join(f"# {line}\n" for line in (done.stdout + done.stderr).splitlines()), end="")


class Pbx:
    """One host with one flow, and the provider's host of signalling."""

    def __init__(self):
        self.phone = Udp("phone", PHONE, 5060)
        self.server = Udp("provider", SERVER, 5060)
        self.calls = {}

    def begin(self, number):
        """An answered call; the public port of its audio, or None: not translated."""
        call = Call(f"n{number}", f"{PHONE}:5060", f"{ROUTER}:5060", SERVER)
        self.phone.send(call.request("INVITE", sdp(PHONE, 10000 + 2 * number)), SERVER)
        got = self.server.recv(5)
        if not got or f"c=IN IP4 {ROUTER}".encode() not in got:
            return None
        self.server.send(call.response("200 OK", body=sdp(RELAY, 20000 + 2 * number)), ROUTER)
        if not self.phone.recv(5):
            return None
        self.phone.send(call.request("ACK", to_tag=True), SERVER)
        self.server.recv(5)
        return int(got.split(b"m=audio ")[1].split()[0])

    def set_up(self, most):
        """As many calls as are translated, one after the other."""
        self.calls = {}
        for number in range(most):
            port = self.begin(number)
            if port is None:
                break
            self.calls[number] = port
        return len(self.calls)

    def talk(self):
        """In how many of them audio passes both ways, and begins outside."""
        return sum(both_ways(number, port) for number, port in self.calls.items())

    def end(self):
        router(f"{CTL} call end --all")
        net.until(lambda: not net.expectations(), 30)


def both_ways(number, port):
    ours, theirs = Udp("phone", PHONE, 10000 + 2 * number), Udp("provider", RELAY, 20000 + 2 * number)
    theirs.send(b"in", ROUTER, port)
    passed = ours.recv(2) == b"in"
    ours.send(b"out", RELAY, 20000 + 2 * number)
    passed = theirs.recv(2) == b"out" and theirs.sender == (ROUTER, port) and passed
    ours.close()
    theirs.close()
    return passed


def main():
    shell("modprobe sipalg")
    before = limits()
    net.build()
    for name, value in zip(LIMITS, before):
        shell(f"{FIRST} sysctl -qw {name}={value}")
    assert limits() == before, limits()
    pbx = Pbx()
    bare = pbx.set_up(WANTED)
    pbx.end()
    service()
    calls = pbx.set_up(WANTED)
    heard = pbx.talk()
    time.sleep(5)       # what is not needed any more goes within a second or two
    held = len(net.expectations())
    with open("/proc/meminfo", encoding="ascii") as file:
        memory = {name: int(kib) for name, kib in re.findall(r"(\w+): +(\d+) kB", file.read())}
    print("| memory | expect_max, conntrack_max by default | calls translated then | the same with the service"
          " | calls tried | with audio both ways | expectations held | free memory then |")
    print(f"| {memory['MemTotal'] >> 10} MB | {before[0]}, {before[1]} | {bare} | {limits()[0]}, {limits()[1]}"
          f" | {WANTED} | {heard} | {held} | {memory['MemAvailable'] >> 10} MB |")
    return 0 if calls == heard == WANTED else 1


sys.exit(main())
