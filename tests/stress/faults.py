# SPDX-License-Identifier: GPL-2.0-only
"""
What happens to a router while it carries calls. Each kind of trouble is a
class: `step` makes some more of it, `heal` takes it away.
"""
import glob
import os
import random
import signal
import struct
import subprocess
import time

import genl
import topology as net
from genl import DUMP, NESTED, WORDS, attr
from topology import shell

CTL = os.path.abspath("tools/sipalg-ctl/sipalg-ctl")
FAULTS = "/sys/kernel/debug"


# The router's own calls, for which the helper runs in whatever process sends.
OWN = """
table inet own {
    ct helper own-udp { type "sipalg" protocol udp; }
    ct helper own-tcp { type "sipalg" protocol tcp; }
    chain out { type filter hook output priority filter
        udp dport 5060 ct helper set "own-udp"
        tcp dport 5060 ct helper set "own-tcp"
    }
}
"""


def attach():
    net.attach()
    net.attach(OWN)


def detach():
    net.detach()
    shell("ip netns exec router nft delete table inet own")


def write(path, value):
    with open(path, "w", encoding="ascii") as file:
        file.write(str(value))


def read(path):
    with open(path, encoding="ascii") as file:
        return file.read().strip()


class Trouble:
    def __init__(self, rng):
        self.rng = rng

    def step(self):
        pass

    def heal(self):
        pass


class Settings(Trouble):
    """Settings change, to any value within their range."""

    def __init__(self, rng):
        super().__init__(rng)
        self.netlink = genl.Netlink()
        self.ranges = {}
        for answer in self.netlink.command("SETTING_GET", flags=DUMP)[1]:
            row = dict(genl.attrs_of(dict(genl.attrs_of(answer[4:]))[WORDS["SIPALG_A_SETTING"]]))
            if 4 in row and 5 in row:
                low, high = (struct.unpack("=I", row[kind])[0] for kind in (4, 5))
                self.ranges[row[1].rstrip(b"\0").decode()] = (low, high, 6 in row)

    def value(self, name):
        low, high, zero = self.ranges[name]
        if name == "media-ports":
            first = self.rng.randrange(1024, 65000)
            return first << 16 | self.rng.choice((first + 3, 65535))
        if zero and self.rng.random() < 0.3:
            return 0
        return self.rng.choice((low, high, self.rng.randint(low, high),
                                min(high, low + self.rng.randrange(20))))

    def step(self):
        names = self.rng.sample(sorted(self.ranges), self.rng.randrange(1, 5))
        self.netlink.command("SETTING_SET", b"".join(
            attr(WORDS["SIPALG_A_SETTING"] | NESTED, attr(1, name) + attr(2, self.value(name)))
            for name in names if name != "screen-exempt"))
        if self.rng.random() < 0.2:
            self.netlink.command("SETTING_RESET")


class Lists(Trouble):
    """Lists are read, to the end or not."""

    def step(self):
        netlink = genl.Netlink()
        if netlink.family:
            name = self.rng.choice(("CALL_GET", "CALL_GET", "REGISTRATION_GET", "STATS_GET"))
            netlink.send(genl.message(netlink.family, WORDS[f"SIPALG_CMD_{name}"], flags=DUMP))
            for _ in range(self.rng.choice((0, 1, 100))):
                if not netlink.read(0):
                    break
        netlink.close()


class Tool(Trouble):
    """The tool runs, and is killed."""

    def step(self):
        command = self.rng.choice(("monitor", "monitor", "-j call list", "call list",
                                   "registration list", "-j stats show", "check", "top",
                                   "setting list", "stats reset", "call show 1 --ladder"))
        with subprocess.Popen([CTL, "-n", "router", *command.split()], stdin=subprocess.DEVNULL,
                              stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
            try:
                process.wait(self.rng.choice((0, 0.05, 0.3, 1)))
            except subprocess.TimeoutExpired:
                process.send_signal(self.rng.choice((signal.SIGKILL, signal.SIGINT, signal.SIGTERM)))
                time.sleep(0.02)
                process.kill()


class Ends(Trouble):
    """Calls are ended by command."""

    def step(self):
        netlink = genl.Netlink()
        if netlink.family:
            more = self.rng.choice((
                attr(WORDS["SIPALG_A_ALL"], b""),
                attr(WORDS["SIPALG_A_ALL"], b"") + attr(WORDS["SIPALG_A_STATE"], "early"),
                attr(WORDS["SIPALG_A_ALL"], b"") + attr(WORDS["SIPALG_A_IDLE"], 1),
                attr(WORDS["SIPALG_A_ID"], self.rng.randrange(1, 2000))))
            netlink.command("CALL_END", more)
        netlink.close()


class Requests(Trouble):
    """Netlink requests that nobody should send."""

    def __init__(self, rng):
        super().__init__(rng)
        self.netlink = genl.Netlink()

    def step(self):
        for _ in range(50):
            self.netlink.send(genl.wild_request(self.rng, self.netlink.family))
            while self.netlink.read(0):
                pass


class Flush(Trouble):
    """Conntrack forgets connections or expectations."""

    CONNTRACK, EXPECT, DELETE, NFNETLINK = 1, 2, 2, 12

    def __init__(self, rng):
        super().__init__(rng)
        net.enter("router")
        self.socket = genl.socket.socket(genl.socket.AF_NETLINK, genl.socket.SOCK_RAW,
                                         self.NFNETLINK)

    def step(self):
        table = self.rng.choice((self.CONNTRACK, self.CONNTRACK, self.EXPECT))
        family = self.rng.choice((0, genl.socket.AF_INET, genl.socket.AF_INET6))
        body = struct.pack("=BBH", family, 0, 0)
        self.socket.send(struct.pack("=IHHII", 16 + len(body), table << 8 | self.DELETE,
                                     genl.REQUEST | genl.ACK, 1, 0) + body)
        self.socket.recv(4096)


class Rules(Trouble):
    """The helper is detached and attached."""

    def step(self):
        shell("ip netns exec router nft flush chain inet sip pre")
        time.sleep(self.rng.random() / 4)
        self.heal()

    def heal(self):
        detach()
        attach()


class Limits(Trouble):
    """Conntrack's tables are full."""

    PATHS = {"/proc/sys/net/netfilter/nf_conntrack_max": (1, 40, 200),
             "/proc/sys/net/netfilter/nf_conntrack_expect_max": (1, 10, 60)}

    def __init__(self, rng):
        super().__init__(rng)
        self.before = {path: read(path) for path in self.PATHS}

    def step(self):
        path = self.rng.choice(sorted(self.PATHS))
        write(path, self.rng.choice(self.PATHS[path]))
        time.sleep(self.rng.random())
        self.heal()

    def heal(self):
        for path, value in self.before.items():
            write(path, value)


class Wire(Trouble):
    """Packets are lost, doubled, delayed, overtaken and damaged."""

    def step(self):
        for space, name in (("router", "wan"), ("router", "lan"), ("provider", "eth0")):
            shell(f"tc -n {space} qdisc replace dev {name} root netem delay 1ms 1ms "
                  f"loss {self.rng.randrange(20)}% duplicate {self.rng.randrange(20)}% "
                  f"reorder {self.rng.randrange(60)}% corrupt {self.rng.randrange(3)}%")
        time.sleep(1)

    def heal(self):
        for space, name in (("router", "wan"), ("router", "lan"), ("provider", "eth0")):
            shell(f"tc -n {space} qdisc del dev {name} root 2>/dev/null || true")


class Links(Trouble):
    """The uplink is lost, and with it what was masqueraded by it."""

    def step(self):
        shell("ip netns exec router sysctl -qw net.ipv6.conf.all.keep_addr_on_down=1 "
              "net.ipv6.conf.wan.keep_addr_on_down=1")
        shell("ip -n router link set wan down")
        time.sleep(self.rng.random() / 2)
        self.heal()

    def heal(self):
        shell("ip -n router link set wan up")


class Offload(Trouble):
    """Media takes the short way past conntrack, and back."""

    TABLE = """
table inet fast {
    flowtable way { hook ingress priority 0; devices = { lan, lan2, wan }; }
    chain forward { type filter hook forward priority 10
        meta l4proto udp ct state established flow add @way
    }
}
"""

    def step(self):
        self.heal()
        net.attach(self.TABLE)
        time.sleep(self.rng.random())

    def heal(self):
        shell("ip netns exec router nft delete table inet fast 2>/dev/null || true")


def text_of_module():
    """Where its code is: first address and the one after the last."""
    start = int(read("/sys/module/sipalg/sections/.text"), 16)
    with open("/proc/modules", encoding="ascii") as file:
        size = next(int(line.split()[1]) for line in file if line.startswith("sipalg "))
    return start, start + size


class Memory(Trouble):
    """Allocations fail: those that the module asks for."""

    PLACE = f"{FAULTS}/failslab"
    KINDS = [place for place in (PLACE, f"{FAULTS}/fail_page_alloc") if os.path.exists(place)]

    def arm(self, probability, where=None):
        """`where` is first and last address of what must be on the way to the allocation."""
        start, end = where or text_of_module()
        for place in self.KINDS:
            for name, value in (("stacktrace-depth", 32), ("require-start", f"{start:#x}"),
                                ("require-end", f"{end:#x}"), ("times", -1), ("verbose", 0),
                                ("ignore-gfp-wait", "N"), ("min-order", 0),
                                ("ignore-gfp-highmem", "N"), ("probability", probability)):
                if os.path.exists(f"{place}/{name}"):
                    write(f"{place}/{name}", value)

    def step(self):
        self.arm(self.rng.choice((1, 5, 20, 100)))
        time.sleep(self.rng.random())
        self.heal()

    def heal(self):
        for place in self.KINDS:
            write(f"{place}/probability", 0)


class Move(Trouble):
    """The bytes of packets move whenever that is allowed."""

    PLACE = f"{FAULTS}/fail_skb_realloc"

    def step(self):
        write(f"{self.PLACE}/times", -1)
        write(f"{self.PLACE}/verbose", 0)
        write(f"{self.PLACE}/probability", self.rng.choice((10, 50, 100)))
        time.sleep(self.rng.random())

    def heal(self):
        write(f"{self.PLACE}/probability", 0)


class Reload(Trouble):
    """The module goes and comes, with calls up."""

    def step(self):
        detach()
        for _ in range(50):
            if not subprocess.run(["rmmod", "sipalg"], stderr=subprocess.DEVNULL).returncode:
                break
            time.sleep(0.1)
        else:
            raise AssertionError("the module does not unload: " + shell("lsmod"))
        time.sleep(self.rng.random() / 4)
        shell("modprobe sipalg")
        attach()


# By commands to the module, each kind in a process of its own; and to the system.
COMMANDS = (Settings, Lists, Tool, Ends, Requests, Flush)
SYSTEM = (Rules, Limits, Wire, Links, Offload, Reload) + \
    ((Memory,) if glob.glob(f"{FAULTS}/failslab/require-start") else ()) + \
    ((Move,) if os.path.exists(Move.PLACE) else ())


def some(rng, kinds, number):
    """The kinds of trouble of a round, each of them soon: a few together find more than all."""
    mine = kinds[number % len(kinds)]
    others = rng.sample([kind for kind in kinds if kind is not mine], rng.randrange(4))
    return [mine] + others


def generator(*parts):
    return random.Random("/".join(map(str, parts)))
