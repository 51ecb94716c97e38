# SPDX-License-Identifier: GPL-2.0-only
"""sipalg-ctl of the router, for tests that need its answers and not its manners."""
import json
import os
import re

from topology import router

CTL = os.path.abspath("tools/sipalg-ctl/sipalg-ctl")


def ctl(arguments):
    """What the tool prints; its failure is the test's."""
    return router(f"{CTL} {arguments}")


def data(arguments):
    """The same as JSON says it."""
    return json.loads(ctl(f"-j {arguments}"))


def calls_by_memory():
    """The default of max-calls: one for each 64 kB of this machine."""
    with open("/proc/meminfo", encoding="ascii") as file:
        total = int(re.search(r"MemTotal: +(\d+) kB", file.read())[1])
    return max(16, min(total // 64, 65536))


def stats():
    return data("stats show")


def forget_all(*families):
    """Default settings, no call, no UDP connection (of IPv4, or of the families named)."""
    ctl("setting reset")
    ctl("call end --all")
    for family in families or ("ipv4",):
        router(f"conntrack -D -f {family} -p udp 2>/dev/null || true")
