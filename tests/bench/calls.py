#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""
Calls a second through a router with a distribution's kernel and two
processors: sipp calls sipp, one pair of them and two at once. What two carry
more than one says how much the processors stand in each other's way.
"""
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../netns"))
# pylint: disable=wrong-import-position
import topology as net                                     # noqa: E402
from topology import OTHER, PHONE, RELAY, SERVER, router, shell     # noqa: E402

ROUNDS, CALLS = 4, 300
HELPERS = ("none", "sip", "sipalg")
CTL = os.path.abspath(os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                   "../../tools/sipalg-ctl/sipalg-ctl"))
PAIRS = (("phone", PHONE, SERVER), ("other", OTHER, RELAY))


def attach(helper):
    for name in ("sip", "plain"):
        router(f"nft delete table inet {name} 2>/dev/null || true")
    if helper == "none":
        net.attach("table inet plain { }")
    else:
        net.attach(net.RULES.replace('"sipalg"', f'"{helper}"'))
    router("conntrack -D -p udp 2>/dev/null || true")


def sipp(namespace, *arguments):
    return subprocess.Popen(["ip", "netns", "exec", namespace, "sipp", "-nostdin", *arguments],
                            cwd=tempfile.mkdtemp(), stdin=subprocess.DEVNULL,
                            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def listens(address):
    return f" {address}:5060 " in shell("ip netns exec provider ss -Hlun")


def rate(pairs):
    """Calls a second of all pairs together, from the first INVITE to the last answer to BYE."""
    servers = [sipp("provider", "-sn", "uas", "-i", server) for _, _, server in pairs]
    for _, _, server in pairs:
        if not net.until(lambda address=server: listens(address), 20):
            raise RuntimeError(f"sipp does not listen on {server}")
    start = time.monotonic()
    clients = [sipp(namespace, "-sn", "uac", "-i", phone, server, "-m", str(CALLS),
                    "-r", "5000", "-l", "20", "-timeout", "120")
               for namespace, phone, server in pairs]
    status = [client.wait() for client in clients]
    elapsed = time.monotonic() - start
    for server in servers:
        server.terminate()
        server.wait()
    if any(status):
        print(f"# sipp: exit status {status}; " + router(f"{CTL} -j stats show"))
    return len(pairs) * CALLS / elapsed


def main():
    for name in ("nf_nat_sip", "sipalg"):
        shell(f"modprobe {name}")
    net.build()
    found = {helper: {1: [], 2: []} for helper in HELPERS}
    for _ in range(ROUNDS):
        for helper, by_pairs in found.items():
            attach(helper)
            for number, rates in by_pairs.items():
                print(f"# {helper}, {number}")
                rates.append(rate(PAIRS[:number]))
    medians = {helper: {number: statistics.median(rates) for number, rates in by_pairs.items()}
               for helper, by_pairs in found.items()}
    print(f"{'calls a second, stock kernel':30} " + " ".join(f"{name:>10}" for name in HELPERS))
    for number, what in ((1, "one pair of sipp"), (2, "two pairs at once")):
        print(f"{what:30} " + " ".join(f"{medians[name][number]:10.0f}" for name in HELPERS))
    print("JSON " + json.dumps({"calls a second": medians}))


main()
