#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""
Two routers with sipalg-sync and Redis (or Valkey) each, as they are installed:

    scripts/um-run --timeout 200 /usr/bin/python3 tests/failover/test_daemons.py

SERVER=valkey-server asks another server. Time is real: a server that sleeps for ever in a
kernel whose time travels would stop it.
"""
import json
import os
import subprocess
import sys
import time

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, f"{TOP}/tests/netns")
os.environ["TIME_IS_REAL"] = "1"

import topology as net  # noqa: E402
from call_helpers import answered, audio, hang_up, out, passes, reinvite  # noqa: E402
from ctl import data  # noqa: E402
from ksft import run, test  # noqa: E402
from pages import typed_by  # noqa: E402
from pair import plug  # noqa: E402
from sip import sdp  # noqa: E402
from topology import PHONE, RELAY, ROUTER, shell  # noqa: E402

SYNC, CTL = f"{TOP}/tools/sipalg-sync/sipalg-sync", f"{TOP}/tools/sipalg-ctl/sipalg-ctl"
SERVER_PROGRAM = os.environ.get("SERVER", "redis-server")
CLIENT = SERVER_PROGRAM.replace("-server", "-cli")
PASSWORD = "a-password"
TYPED = set()


class Box:
    """One router: its daemons, whatever its namespace is called now."""

    def __init__(self, number, namespace, peer):
        self.number, self.address, self.peer = number, f"10.99.0.{number}", f"10.99.0.{peer}"
        self.folder = f"/tmp/box{number}"
        self.handle = os.open(f"/run/netns/{namespace}", os.O_RDONLY)
        os.makedirs(self.folder)
        self.server = self.daemon = None
        self.configure(PASSWORD)

    def configure(self, password):
        path = f"{self.folder}/sync.conf"
        with open(path, "w", encoding="ascii") as file:
            file.write(f"redis-address {self.address}:6379\nredis-password {password}\n"
                       f"run-directory {self.folder}/run\n")
        os.chmod(path, 0o600)

    def _enter(self):
        net.libc.setns(self.handle, net.CLONE_NEWNET)

    def start(self, *command):
        log = open(f"{self.folder}/{os.path.basename(command[0])}.log", "ab")
        return subprocess.Popen(command, stdout=log, stderr=log, preexec_fn=self._enter,
                                cwd=self.folder)

    def run(self, *command, check=True):
        environment = dict(os.environ, SIPALG_SYNC_DIR=f"{self.folder}/run")
        done = subprocess.run(command, capture_output=True, text=True, preexec_fn=self._enter,
                              env=environment, timeout=30)
        if check and done.returncode:
            raise RuntimeError(f"{command}: {done.returncode}\n{done.stdout}{done.stderr}" +
                               self.logs())
        return done

    def logs(self):
        texts = []
        for name in os.listdir(self.folder):
            if name.endswith(".log"):
                with open(f"{self.folder}/{name}", encoding="utf-8") as file:
                    texts.append(f"{self.number}/{name}: {file.read()[-1500:]}")
        return "\n".join(texts)

    def start_server(self):
        self.server = self.start(SERVER_PROGRAM, "--port", "6379", "--bind", self.address,
                                 "--requirepass", PASSWORD, "--masterauth", PASSWORD,
                                 "--save", "", "--appendonly", "no", "--repl-timeout", "3",
                                 "--repl-ping-replica-period", "1", "--repl-diskless-sync-delay", "0")
        net.until(lambda: self.redis("PING").stdout == "PONG\n", 10)

    def redis(self, *words):
        return self.run(CLIENT, "-h", self.address, "-a", PASSWORD, "--no-auth-warning", *words,
                        check=False)

    def start_daemon(self):
        self.daemon = self.start(SYNC, "--config", f"{self.folder}/sync.conf")
        net.until(lambda: os.path.exists(f"{self.folder}/run/sync.sock") and
                  self.sync("status").returncode == 0, 10)

    def sync(self, *words, check=False):
        TYPED.add(f"sipalg-ctl sync {words[0]}")
        return self.run(CTL, *words[1:], "sync", words[0], check=check)

    def status(self):
        return json.loads(self.sync("status", "-j", check=True).stdout)

    def is_ready(self):
        return self.sync("ready").returncode == 0

    # what keepalived's notify script says, but for conntrackd
    def master(self):
        self.redis("REPLICAOF", "NO", "ONE")
        self.sync("promote", check=True)

    def backup(self):
        self.sync("demote", check=True)
        self.redis("REPLICAOF", self.peer, "6379")

    def calls(self):
        rows = json.loads(self.run(CTL, "-j", "call", "list").stdout)
        return sorted((row["call_id"], row["state"], row["from_tag"], row["to_tag"], row["source"],
                       row["destination"], tuple((media["private"], media["public"], media["peer"])
                                                 for media in row["media"])) for row in rows)

    def kill(self, *names):
        for name in names:
            process = getattr(self, name)
            if process:
                process.kill()
                process.wait()
            setattr(self, name, None)


net.namespace("second")
shell("ip netns exec second sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1")
for rules in (net.RULES, net.MASQUERADE):
    with open("/tmp/rules.nft", "w", encoding="ascii") as rules_file:
        rules_file.write(rules)
    shell("ip netns exec second nft -f /tmp/rules.nft")
shell("ip link add sync netns router type veth peer name sync netns second")
for number_, name_ in ((1, "router"), (2, "second")):
    shell(f"ip -n {name_} addr add 10.99.0.{number_}/24 dev sync; ip -n {name_} link set sync up")
one, two = Box(1, "router", 2), Box(2, "second", 1)


def in_step(active, standby, seconds=10):
    """Both have the same, and the standby has nothing left to apply."""
    net.until(lambda: standby.is_ready() and not active.status()["behind"] and
              active.status()["records"] == standby.status()["records"] and
              active.calls() == standby.calls(), seconds)


@test("issue 22", "a router that starts is standby, and ready as soon as its own server answers")
def begin():
    one.start_daemon()
    assert not one.is_ready() and one.status()["connected"] == 0
    one.start_server()
    net.until(one.is_ready, 5)
    assert (one.status()["role"], one.status()["behind"]) == ("standby", 0)
    one.master()
    assert one.status()["role"] == "active" and one.status()["epoch"] == 1, one.status()
    two.start_server()
    two.start_daemon()
    two.backup()
    in_step(one, two)


@test("issue 22", "a call is on the standby within a moment; the active one dies, and it goes on")
def dies():
    call, (ours, theirs) = answered("daemons", 4000), audio(4000)
    start = time.monotonic()
    net.until(lambda: len(two.calls()) == 1, 5, 0.01)
    print(f"# on the standby at most {(time.monotonic() - start) * 1000:.0f} ms after the ACK")
    assert passes(theirs, ours, ROUTER, 4000) and passes(ours, theirs, RELAY, 6000)
    in_step(one, two)
    one.kill("daemon", "server")
    net.until(two.is_ready, 5)
    plug()
    two.master()
    assert two.status()["epoch"] == 2, two.status()
    assert passes(theirs, ours, ROUTER, 4000) and passes(ours, theirs, RELAY, 6000)
    assert theirs.sender == (ROUTER, 4000)
    reinvite(call, sdp(PHONE, 4000, "a=sendonly"), sdp(RELAY, 6000, "a=recvonly"))
    assert [row["state"] for row in data("call list")] == ["held"]
    ours.close()
    theirs.close()
    globals()["held"] = call


@test("issue 22", "the dead router comes back as the standby, and has what the other has")
def comes_back():
    one.start_server()
    one.start_daemon()
    one.backup()
    in_step(two, one)
    assert one.status()["epoch"] == 2 and one.status()["role"] == "standby", one.status()
    assert [row[1] for row in one.calls()] == ["held"], one.calls()


@test("issue 22", "a planned hand-over: ready is refused until the demotion, and the call ends there")
def handover():
    done = two.sync("handover")
    assert done.returncode == 0, done.stderr
    assert not two.is_ready()
    plug()
    one.master()
    two.backup()
    in_step(one, two)
    call = globals()["held"]
    hang_up(call)
    net.until(lambda: not net.expectations(), 10)
    net.until(lambda: [row[1] for row in two.calls()] == ["ending"] or not two.calls(), 5)


@test("issue 22", "with a wrong password, and without its server, a router is not ready and says why")
def wrong():
    two.kill("daemon")
    two.configure("wrong")
    two.start_daemon()
    time.sleep(1)
    assert not two.is_ready()
    assert "redis-password" in two.logs(), two.logs()
    assert "wrong" not in two.logs()
    two.kill("daemon")
    two.configure(PASSWORD)
    two.start_daemon()
    in_step(one, two)
    one.kill("server")
    call = answered("alone", 4100)
    assert not one.is_ready()
    one.start_server()
    in_step(one, two, 20)
    assert "alone@call.example" in [row[0] for row in two.calls()], two.calls()
    hang_up(call)


@test("issue 22", "split brain: who was promoted later wins, and the other drops what only it had")
def split():
    shell("ip -n router link set sync down")
    two.master()
    call = answered("split", 4200)
    assert "split@call.example" in [row[0] for row in one.calls()]
    assert two.status()["epoch"] > one.status()["epoch"] - 1
    shell("ip -n router link set sync up")
    one.backup()
    in_step(two, one, 20)
    assert "split@call.example" not in [row[0] for row in one.calls()], one.calls()
    out(call.request("BYE", cseq=9, to_tag=True))


@test("issue 22", "all that pages and manual pages tell of the pair to type has been typed")
def documented():
    told = {line.split("#")[0].strip() for line in typed_by("tests/failover/test_daemons.py")}
    assert told and told <= TYPED, (told, TYPED)


def end():
    for box in (one, two):
        box.kill("daemon", "server")


try:
    run()
finally:
    end()
