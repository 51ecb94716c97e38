# SPDX-License-Identifier: GPL-2.0-only
"""
Who keeps a namespace that should have gone. A look into it from inside is only
possible before it goes; afterwards one can still see who has it.
"""
import glob
import os

import ctnetlink
import topology as net

TRACKED = "/sys/kernel/debug/ref_tracker"


def _read(path):
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read()
    except OSError as error:
        return f"{error}\n"


def _is_it(path, inode):
    try:
        return os.stat(path).st_ino == inode
    except OSError:
        return False


class Holders:
    """Made while the namespace is there, asked when it does not go."""

    def __init__(self, name):
        self.inode = os.stat(f"/run/netns/{name}").st_ino
        self.before = {
            "its sockets": net.shell(f"ip netns exec {name} ss -aneoH --tcp --udp --raw --packet"),
            "its netlink sockets": net.shell(f"ip netns exec {name} cat /proc/net/netlink"),
            "connections tracked": net.shell(f"ip netns exec {name} conntrack -C"),
            "pinholes": f"{len(ctnetlink.expectations(name))}\n",
        }

    def processes(self):
        """Who is in it, or has a file open that is it."""
        paths = glob.glob("/proc/[0-9]*/ns/net") + glob.glob("/proc/[0-9]*/fd/*")
        return "".join(f"{path} ({_read('/proc/' + path.split('/')[2] + '/comm').strip()})\n"
                       for path in paths if _is_it(path, self.inode))

    def tracked(self):
        """The stacks of those who took a reference; of a sanitizer kernel only."""
        return "".join(_read(path) for path in
                       glob.glob(f"{TRACKED}/netns-*-{self.inode}-refcnt"))

    @staticmethod
    def at_work():
        """Where the kernel is that takes namespaces down, if it has begun."""
        found = ""
        for path in glob.glob("/proc/[0-9]*/comm"):
            name = _read(path).strip()
            if "netns" in name:
                found += f"{name}\n{_read(path.replace('comm', 'stack'))}"
        return found

    def __str__(self):
        now = {
            "processes": self.processes(),
            "references": self.tracked(),
            "workers": self.at_work(),
            "references to the module": _read("/sys/module/sipalg/refcnt"),
        }
        return "\n".join(f"{what}:\n{text}" for told in (self.before, now)
                         for what, text in told.items())
