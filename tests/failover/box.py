# SPDX-License-Identifier: GPL-2.0-only
"""
A router's sipalg-sync and its Redis (or Valkey), as they are installed, without keepalived
and conntrackd: who tests them says who is active. The argument valkey-server asks another server.
"""
import json
import os
import subprocess
import sys

import pair
import topology as net
from topology import shell

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
SYNC, CTL = f"{TOP}/tools/sipalg-sync/sipalg-sync", f"{TOP}/tools/sipalg-ctl/sipalg-ctl"
SERVER_PROGRAM = next((word for word in sys.argv[1:] if word.endswith("-server")), "redis-server")
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


def boxes():
    """Two routers with a cable, as the namespaces `router` and `second`."""
    pair.namespace("second", net.MASQUERADE)
    shell("ip link add sync netns router type veth peer name sync netns second")
    for number, name in ((1, "router"), (2, "second")):
        shell(f"ip -n {name} addr add 10.99.0.{number}/24 dev sync; ip -n {name} link set sync up")
    return Box(1, "router", 2), Box(2, "second", 1)
