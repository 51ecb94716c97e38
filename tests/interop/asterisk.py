# SPDX-License-Identifier: GPL-2.0-only
"""
Asterisk as an exchange: its settings are the files in asterisk/, of which nothing
tells it that there is a NAT.
"""
import contextlib
import os
import subprocess
import time

import fax
import netns
import programs

SUITE = "sid"
TEMPLATES = f"{os.path.dirname(os.path.abspath(__file__))}/asterisk"
# as it is installed, and the processes that steer it
PROGRAM = "/usr/sbin/asterisk"


class Asterisk:
    """`phones` register at it; `beyond` are called by the trunk to `provider`, where it
    is registered as `user`, if it is. `direct_media`: it takes itself out of the media's
    way, if it can. `front`: the address of a proxy, by way of which it sends what it
    sends. Sessions are refreshed by it each minute."""

    def __init__(self, namespace, phones, provider=None, beyond=(), user=None, direct_media=False,
                 port=5060, front=None):
        self.namespace = namespace
        self.folder = f"/tmp/asterisk-{namespace}-{time.monotonic_ns()}"
        os.makedirs(f"{self.folder}/etc")
        self._words = {"folder": self.folder, "provider": provider, "user": user, "port": port,
                       "direct_media": "yes" if direct_media else "no",
                       "known_as": f"from_user = {user}" if user else "",
                       "by_way_of": rf"outbound_proxy = sip:{front}\;lr" if front else "",
                       "dialled": self._dialled(phones, beyond)}
        for name in os.listdir(TEMPLATES):
            self._write(name, self._filled(name))
        self._write("pjsip.conf", self._filled("pjsip.conf") +
                    "".join(self._filled("phone.conf", user=phone) for phone in phones) +
                    (self._filled("trunk.conf") if provider else "") +
                    (self._filled("registration.conf") if user else ""))
        self._process = netns.start(namespace, *self._command("-f"), log=f"{self.folder}/log")

    @staticmethod
    def _dialled(phones, beyond):
        lines = [f"exten => {phone},hint,PJSIP/{phone}\nexten => {phone},1,Dial(PJSIP/{phone},30)"
                 for phone in phones]
        return "\n".join(lines + [f"exten => {far},1,Dial(PJSIP/{far}@trunk,30)" for far in beyond])

    def _filled(self, template, **more):
        with open(f"{TEMPLATES}/{template}", encoding="ascii") as file:
            return file.read().format(**{**self._words, **more})

    def _write(self, name, text):
        with open(f"{self.folder}/etc/{name}", "w", encoding="ascii") as file:
            file.write(text)

    def _command(self, *more):
        return programs.of(SUITE, PROGRAM, "-C", f"{self.folder}/etc/asterisk.conf", *more)

    def ask(self, command):
        """A command of its console, and what it answers."""
        with netns.inside(self.namespace):
            return subprocess.run(self._command("-rx", command), stdin=subprocess.DEVNULL,
                                  capture_output=True, text=True, check=False).stdout

    def ready(self):
        def booted():
            if self._process.poll() is not None:
                raise RuntimeError(f"Asterisk in {self.namespace} ended; its words are in {self.folder}/log")
            return "fully booted" in self.ask("core waitfullybooted")
        netns.wait_until(booted, 60, f"Asterisk in {self.namespace}", every=1)

    def registered(self):
        netns.wait_until(lambda: "Registered" in self.ask("pjsip show registrations"), 60,
                         f"Asterisk in {self.namespace} to be registered", every=2)

    def reaches(self, name):
        """Whether a phone or the trunk answered its last OPTIONS."""
        lines = [line for line in self.ask("pjsip show contacts").splitlines() if f" {name}/sip:" in line]
        return len(lines) == 1 and " Avail " in lines[0]

    def send_fax(self, number):
        """A page to a phone, or to a number of the trunk, as fax@trunk."""
        with open(f"{self.folder}/page.tif", "wb") as file:
            file.write(fax.page())
        self.ask(f"channel originate PJSIP/{number} extension sendfax@services")

    def forget_fax(self):
        with contextlib.suppress(FileNotFoundError):
            os.unlink(f"{self.folder}/fax")

    def fax_sent(self):
        """What became of a fax, at either end: (SUCCESS or not, T38 or audio)."""
        try:
            with open(f"{self.folder}/fax", encoding="ascii") as file:
                return tuple(file.read().split()[:2])
        except FileNotFoundError:
            return None

    def quiet(self):
        self.ask("channel request hangup all")

    def end(self):
        self.ask("core stop now")
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
