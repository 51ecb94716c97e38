# SPDX-License-Identifier: GPL-2.0-only
"""
Routers as machines, and what is around them:

    alice 192.168.1.10 ---.                      .--- provider 203.0.113.10 --- bob
    carol 192.168.1.20 ---+--- router1 (active) --+
                          '--- router2 ----------'
                               router3

A router is a network namespace with folders /run, /etc and /usr/local of its own. What
is in those has been typed as doc/failover.md tells, and its daemons are the distribution's
own, started as their units say. One that dies loses its cables and its processes, and its
kernel forgets all.
"""
import contextlib
import ctypes
import hashlib
import itertools
import json
import os
import re
import shlex
import signal
import subprocess
import sys
import time

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path[:0] = [f"{TOP}/scripts/guest", f"{TOP}/tests/interop", f"{TOP}/tests/netns"]

import netns  # noqa: E402
import network  # noqa: E402
from network import shell  # noqa: E402
from pages import read  # noqa: E402

PAGE = "doc/failover.md"
network.ADDRESS["carol"] = ("192.168.1.20", "2001:db8:1::20")
PUBLIC = network.PUBLIC
HOSTS = """
alice lan eth0 192.168.1.10/24 2001:db8:1::10/64
carol lan eth0 192.168.1.20/24 2001:db8:1::20/64
provider wan uplink 203.0.113.10/24 203.0.113.30/24 2001:db8:ffff::10/64 2001:db8:ffff::30/64
"""
CABLES = {"lan": ("192.168.1.{}/24", "2001:db8:1::{}/64"),
          "wan": ("203.0.113.{}/24", "2001:db8:ffff::{}/64"),
          "sync": ("10.99.0.{}/24",)}
CLONE_NEWNET, CLONE_NEWNS = 0x40000000, 0x20000
SYSTEM = ("/usr/lib/systemd/system", "/lib/systemd/system", f"{TOP}/dist")
GAP = re.compile(r"[\s,]*")
libc = ctypes.CDLL(None, use_errno=True)
TYPED = set()
# as systemd gives it to a unit
ENVIRONMENT = dict(os.environ, PATH="/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin")


def build():
    """All but the routers."""
    for name in ("wires", *network.ADDRESS, "provider"):
        shell(f"ip netns add {name}; ip -n {name} link set lo up")
        shell(f"ip netns exec {name} sysctl -qw net.ipv6.conf.default.accept_dad=0 "
              "net.ipv6.conf.all.forwarding=1 net.ipv4.ip_forward=1")
    for cable in CABLES:
        shell(f"ip -n wires link add {cable} type bridge mcast_snooping 0; "
              f"ip -n wires link set {cable} up")
    for line in HOSTS.split("\n")[1:-1]:
        host, cable, device, *addresses = line.split()
        plug(host, device, cable, f"{cable}-{host}", addresses)
    shell("ip link add eth0 netns bob type veth peer name access netns provider")
    for host, device, addresses in (("bob", "eth0", ("198.51.100.20/24", "2001:db8:b::20/64")),
                                    ("provider", "access", ("198.51.100.1/24", "2001:db8:b::1/64"))):
        address(host, device, addresses)
    for host, hops in (("alice", ("192.168.1.1", "2001:db8:1::1")), ("bob", network.GATEWAYS["bob"]),
                       ("carol", ("192.168.1.1", "2001:db8:1::1"))):
        for hop in hops:
            shell(f"ip -n {host} route add default via {hop}")
    shell("ip -n provider route add blackhole 192.168.0.0/16")
    shell("ip -n provider route add 2001:db8:1::/64 via 2001:db8:ffff::1")


def plug(host, device, cable, port, addresses, mac=""):
    shell(f"ip link add {device} netns {host} {mac} type veth peer name {port} netns wires; "
          f"ip -n wires link set {port} master {cable}; ip -n wires link set {port} up")
    address(host, device, addresses)


def address(host, device, addresses):
    for one in addresses:
        shell(f"ip -n {host} addr add {one} dev {device}" + (" nodad" if ":" in one else ""))
    shell(f"ip -n {host} link set {device} up")


def chapter(title):
    """The commands of a chapter of the page, or of a part of one."""
    text = re.search(rf"(?ms)^#+ {re.escape(title)}\n(.*?)(?=^#|\Z)", read(f"{TOP}/{PAGE}"))[1]
    return re.findall(r"(?m)^    (\S.*)$", text.replace("\\\n", ""))


class Machine:
    """A router. `number`: its place, from 1 on; `more`: lines that the page tells only it."""

    def __init__(self, number, *more):
        self.number, self.name, self.sync = number, f"router{number}", f"10.99.0.{number}"
        self.folder = f"/tmp/{self.name}"
        self.more = more
        self.alive = False
        self.daemons = {}
        self._home = None

    def boot(self, *units):
        """Switches it on; `units` of the page's last line, all by default."""
        os.makedirs(self.folder, exist_ok=True)
        shell(f"ip netns add {self.name}; ip -n {self.name} link set lo up; "
              f"ip netns exec {self.name} sysctl -qw net.ipv6.conf.default.accept_dad=0")
        for place, (cable, addresses) in enumerate(CABLES.items()):
            number = self.number + (cable != "sync")
            plug(self.name, cable, cable, f"{cable}-{self.number}",
                 [one.format(number) for one in addresses],
                 f"address 02:00:00:00:0{self.number}:0{place}")
        for hop in network.SERVER:
            shell(f"ip -n {self.name} route add default via {hop}")
        self._furnish()
        self.alive = True
        for line in chapter("On each router"):
            self.type(line)
        for line in self.more:
            self.type(line)
        for line in chapter("Begin"):
            if units and line.startswith("systemctl"):
                line = "systemctl start " + " ".join(units)
            self.type(line)

    def _furnish(self):
        """Folders of its own, and what `make install` has put there."""
        self._home = subprocess.Popen(["unshare", "--mount", "sleep", "infinity"])
        netns.wait_until(lambda: os.readlink(f"/proc/{self._home.pid}/ns/mnt") !=
                         os.readlink("/proc/self/ns/mnt"), 10, "a mount namespace", 0.01)
        self._spaces = [os.open(f"/run/netns/{self.name}", os.O_RDONLY),
                        os.open(f"/proc/{self._home.pid}/ns/mnt", os.O_RDONLY)]
        self.run("sh", "-ec", f"""mount -t tmpfs own /mnt
            for folder in etc usr/local; do
                mkdir -p /mnt/$folder/upper /mnt/$folder/work
                mount -t overlay -o lowerdir=/$folder,upperdir=/mnt/$folder/upper,workdir=/mnt/$folder/work own /$folder
            done
            mount -t tmpfs own /run
            mkdir -p /run/lock /run/redis /run/sipalg /usr/local/sbin /etc/sysctl.d
            cp {TOP}/tools/sipalg-ctl/sipalg-ctl {TOP}/tools/sipalg-sync/sipalg-sync /usr/local/sbin""")

    def _enter(self):
        libc.setns(self._spaces[0], CLONE_NEWNET)
        libc.setns(self._spaces[1], CLONE_NEWNS)
        os.chdir(TOP)

    def start_process(self, name, *command):
        with open(f"{self.folder}/{name}.log", "ab") as log:
            return subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                    preexec_fn=self._enter, start_new_session=True, env=ENVIRONMENT)

    def run(self, *command, check=True, seconds=60):
        done = subprocess.run(command, capture_output=True, text=True, preexec_fn=self._enter,
                              timeout=seconds, env=ENVIRONMENT)
        if check and done.returncode:
            raise RuntimeError(f"{self.name}: {command}: {done.returncode}\n{done.stdout}{done.stderr}")
        return done

    def type(self, line):
        """A line of the page; what wants systemd is done as the units say."""
        TYPED.add(re.sub(r" +", " ", line))
        words = shlex.split(line)
        if words[0] == "systemctl":
            for unit in words[2:]:
                if unit != "--now":
                    getattr(self, {"enable": "start"}.get(words[1], words[1]))(unit)
        elif words[0] == "apt-get":
            for package in words[2:]:
                shell(f"dpkg-query -W {package}")
        elif words[0] == "sysctl":
            self._sysctl(words)
        else:
            self.run("sh", "-c", line)

    def _sysctl(self, words):
        """Limits of conntrack belong to the whole kernel, the rest to each namespace."""
        self.run("cp", words[-1], f"{self.folder}/sysctl")
        shell(f"sysctl -qp {self.folder}/sysctl")
        shell(f"grep -v _max {self.folder}/sysctl | ip netns exec {self.name} sysctl -qp -")

    def start(self, unit):
        path = next(f"{folder}/{unit}.service" for folder in SYSTEM
                    if os.path.exists(f"{folder}/{unit}.service"))
        command = re.search(r"(?m)^ExecStart=(.*)$", read(path))[1]
        command = command.replace("$DAEMON_ARGS", "--log-console --log-detail")
        command = command.replace("/usr/sbin/sipalg-sync", "/usr/local/sbin/sipalg-sync")
        process = self.start_process(unit, *shlex.split(command))
        if re.search(r"(?m)^Type=oneshot$", read(path)):
            assert process.wait(30) == 0, (unit, self.log(unit))
        else:
            self.daemons[unit] = process

    def stop(self, unit, how=signal.SIGTERM):
        process = self.daemons.pop(unit)
        if how == signal.SIGKILL:
            os.killpg(process.pid, how)
        else:
            process.send_signal(how)
        process.wait(20)

    def kill(self, unit):
        self.stop(unit, signal.SIGKILL)

    def restart(self, unit):
        self.stop(unit)
        self.start(unit)

    def log(self, unit):
        with open(f"{self.folder}/{unit}.log", encoding="utf-8", errors="replace") as file:
            return file.read()

    def cut(self, *cables):
        """Pulls cables out."""
        shell("; ".join(f"ip -n wires link set {cable}-{self.number} down" for cable in cables))

    def heal(self, *cables):
        shell("; ".join(f"ip -n wires link set {cable}-{self.number} up" for cable in cables))

    @contextlib.contextmanager
    def deaf(self):
        """It hears no other router, and no other hears it."""
        rules = "table inet deaf { chain in { type filter hook prerouting priority -500; " \
                "meta l4proto vrrp drop; }; chain out { type filter hook output priority -500; " \
                "meta l4proto vrrp drop; }; }"
        self.run("nft", rules)
        try:
            yield
        finally:
            self.run("nft", "delete", "table", "inet", "deaf")

    def die(self):
        """The power is off."""
        self.cut(*CABLES)
        self.alive = False
        for unit in list(self.daemons):
            self.kill(unit)
        self._home.kill()
        self._home.wait()
        for space in self._spaces:
            os.close(space)
        shell("; ".join(f"ip -n wires link del {cable}-{self.number}" for cable in CABLES))
        shell(f"ip netns del {self.name}")

    # what it says of itself

    def ctl(self, *words):
        return self.run("sipalg-ctl", *words, check=False)

    def answer(self, *words):
        done = self.ctl("-j", *words)
        if done.returncode:
            raise RuntimeError(f"{self.name}: {words}: {done.stderr}")
        return done.stdout

    def data(self, *words):
        return json.loads(self.answer(*words))

    def redis(self, *words):
        """A command of its own server."""
        return self.run("sh", "-c", f"REDISCLI_AUTH=a-long-password exec redis-cli {shlex.join(words)}").stdout

    def status(self):
        return self.data("sync", "status")

    def is_ready(self):
        return self.ctl("sync", "ready").returncode == 0

    def has_address(self):
        return "203.0.113.1/24" in shell(f"ip -n {self.name} addr show dev wan")

    def is_active(self):
        return self.has_address() and self.status()["role"] == "active"

    def each_call(self):
        for row in rows_of(self.answer("call", "list")):
            yield (row["call_id"], row["state"], row["from_tag"], row["to_tag"], row["source"],
                   row["destination"], tuple((media["private"], media["public"], media["peer"])
                                             for media in row["media"]))

    def calls(self):
        return sorted(self.each_call())

    def registrations(self):
        rows = self.data("registration", "list")
        for row in rows:
            row.pop("expires_in_seconds", None)
        return sorted(map(str, rows))

    def each_pinhole(self):
        """All but how long they last; one that calls share has the master of the first of them."""
        for family in "ipv4", "ipv6":
            for line in self.run("conntrack", "-L", "expect", "-f", family).stdout.splitlines():
                line = line.split(maxsplit=1)[1]
                if "class=0" in line:
                    line = re.sub(r"master-\S+ master-\S+ sport=\d+ dport=\d+ ", "", line)
                yield line

    def media_pinholes(self):
        return sorted(line for line in self.each_pinhole() if "class=0" not in line)

    def numbers(self):
        """How many calls and pinholes; they are told at once, however many."""
        stats = self.data("stats", "show")
        return stats["calls"]["active"], stats["pinholes"]["open"]

    def each(self):
        """What all routers must have alike, kind by kind."""
        return {"calls": self.each_call(), "registrations": iter(self.registrations()),
                "pinholes": self.each_pinhole()}

    def has(self):
        return {kind: alike(rows) for kind, rows in self.each().items()}


def rows_of(text):
    """Those of a list in JSON, one by one: all rows of thousands are more pages than a
    process of a user-mode kernel can have."""
    place = GAP.match(text, 1).end()
    while text[place] != "]":
        row, place = json.JSONDecoder().raw_decode(text, place)
        place = GAP.match(text, place).end()
        yield row


def alike(rows):
    """How many, and a sum that is another one when a row is; in any order."""
    count = total = 0
    for row in rows:
        count += 1
        total += int.from_bytes(hashlib.sha256(str(row).encode()).digest()[:16], "big")
    return count, total


def in_step(active, *standbys, seconds=20):
    """All have the same, and nothing is left to apply."""
    deadline = time.monotonic() + seconds
    while True:
        left = [f"{standby.name} is not ready" for standby in standbys if not standby.is_ready()]
        numbers = [(one.name, *one.numbers()) for one in (active, *standbys)]
        if len({one[1:] for one in numbers}) != 1:
            left.append(f"calls and pinholes: {numbers}")
        if not left:
            want = active.has()
            left = [f"{standby.name} has other {kind}" for standby in standbys
                    for kind, rows in standby.has().items() if rows != want[kind]]
        if not left:
            return time.monotonic() - deadline + seconds
        if time.monotonic() > deadline:
            for one in active, *standbys:
                for kind, rows in one.each().items():
                    left += [f"{one.name} {kind}: {sorted(itertools.islice(rows, 200))}"]
            raise AssertionError("\n".join(left))
        time.sleep(0.1)
