#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""
In the guest: loads the two modules, makes a router between two interfaces that
answer nothing, and begins libFuzzer there.

    start.py DIR DRIVER ARGUMENT...

DIR has sipalg_cover.ko and sipalg.ko.
"""
import os
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "../netns"))
# pylint: disable=wrong-import-position
import topology as net                                         # noqa: E402
from topology import PHONE, PHONE6, SERVER, SERVER6, router, shell     # noqa: E402

# As driver.c has them.
MAC = {"phone": "02:00:00:00:00:01", "lan": "02:00:00:00:00:02",
       "provider": "02:00:00:00:00:03", "wan": "02:00:00:00:00:04"}
# Whatever comes in there is seen by the driver, and by nobody else.
SILENCE = "table inet silence { chain in { type filter hook prerouting priority raw; drop; }; }"


def silence(space, ours, theirs, addresses):
    shell(f"ip -n {space} link set eth0 address {MAC[space]}")
    shell(f"ip netns exec {space} nft '{SILENCE}'")
    shell(f"ip -n router link set {ours} address {MAC[ours]}")
    for address in addresses:
        router(f"ip neigh replace {address} dev {ours} lladdr {MAC[theirs]} nud permanent")


def main():
    folder, *command = sys.argv[1:]
    # hours pass at once: nobody hangs
    shell("sysctl -qw kernel.hung_task_timeout_secs=0")
    shell("modprobe -a nf_conntrack nf_nat nf_conntrack_netlink")
    for name in "sipalg_cover", "sipalg":
        shell(f"insmod {folder}/{name}.ko")
    for name in "phone", "other", "provider":
        net.namespace(name)
    net.build_router()
    silence("phone", "lan", "phone", (PHONE, PHONE6))
    silence("provider", "wan", "provider", (SERVER, SERVER6))
    # a translator's phones (nat64-pool)
    router(f"ip route add 100.64.0.0/24 via {PHONE}")
    status = subprocess.run(command, check=False).returncode
    shell("ip -all netns delete; nft flush ruleset")
    net.until(lambda: subprocess.run("rmmod sipalg sipalg_cover", shell=True,
                                     check=False).returncode == 0, 10)
    sys.exit(status)


main()
