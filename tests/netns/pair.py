# SPDX-License-Identifier: GPL-2.0-only
"""
A pair of routers, and the daemon between them, which the test plays.

The second router has the first one's rules and none of its cables. `take_over()` plugs
them in there, with the addresses. The namespace `router` is whichever has the cables,
so that all that other helpers ask is asked of the active one.
"""
import ctypes
import os
import struct
import time

import ctsync
import genl
import topology as net
from genl import DUMP, NESTED, WORDS, attr, attrs_of
from topology import PHONE, PHONE6, ROUTER, ROUTER6, libc, shell

MS_BIND, MNT_DETACH = 4096, 2
ACTIVE, STANDBY = 0, 1
ESTALE, EBUSY = 116, 16

CABLES = (("lan", "192.168.1.1/24", "2001:db8:1::1/64"),
          ("lan2", "192.168.2.1/24", "2001:db8:2::1/64"),
          ("wan", f"{ROUTER}/24", f"{ROUTER6}/64"))
assert PHONE.startswith("192.168.1.") and PHONE6.startswith("2001:db8:1::")


def word(name):
    return WORDS[f"SIPALG_A_{name}"]


def nest(name, *parts):
    return attr(word(name) | NESTED, b"".join(parts))


class Object:
    """One object as a router tells of it; without a record it has ended."""

    def __init__(self, data):
        attrs = dict(attrs_of(data))
        self.key = attrs[word("SYNC_OBJECT_KEY")]
        self.sequence, = struct.unpack("=Q", attrs[word("SYNC_OBJECT_SEQUENCE")])
        self.record = attrs.get(word("SYNC_OBJECT_RECORD"))
        self.kind = self.key[:1].decode()

    def attrs(self, age=0):
        parts = [attr(word("SYNC_OBJECT_KEY"), self.key),
                 attr(word("SYNC_OBJECT_SEQUENCE"), struct.pack("=Q", self.sequence))]
        if self.record is not None:
            parts.append(attr(word("SYNC_OBJECT_RECORD"), self.record))
        if age:
            parts.append(attr(word("SYNC_OBJECT_AGE"), age))
        return nest("SYNC_OBJECT", *parts)


def status_of(data):
    """What a router says of itself, by name."""
    attrs, found = dict(attrs_of(data)), {}
    for name, form in (("role", "=I"), ("epoch", "=I"), ("sequence", "=Q"), ("clock", "=Q"),
                       ("dirty", "=I")):
        if word(f"SYNC_{name.upper()}") in attrs:
            found[name], = struct.unpack(form, attrs[word(f"SYNC_{name.upper()}")])
    found["lost"] = word("SYNC_LOST") in attrs
    return found


class Router:
    """One of the two, and its daemon's socket."""

    def __init__(self, name):
        self.netlink = genl.Netlink(name)
        self.ears = genl.Netlink(name)

    def set(self, role=None, epoch=None, listen=False):
        parts = []
        if role is not None:
            parts.append(attr(word("SYNC_ROLE"), role))
        if epoch is not None:
            parts.append(attr(word("SYNC_EPOCH"), epoch))
        if listen:
            parts.append(attr(word("SYNC_LISTEN"), b""))
        err, _ = (self.ears if listen else self.netlink).command("SYNC_SET", nest("SYNC", *parts))
        return err

    def status(self):
        err, answers = self.netlink.command("SYNC_GET")
        assert err == 0, err
        return status_of(dict(attrs_of(answers[0][4:]))[word("SYNC")])

    def mark(self):
        err, _ = self.netlink.command("SYNC_MARK")
        assert err == 0, err

    def told(self, seconds=0.2):
        """All that comes until nothing does for so long."""
        objects = []
        while True:
            messages = self.ears.read(seconds)
            if messages is None:
                return objects
            when = time.monotonic()
            for _, payload in messages:
                for kind, data in attrs_of(payload[4:]):
                    if kind == word("SYNC"):
                        self.heard = status_of(data)
                    elif kind == word("SYNC_OBJECT"):
                        objects.append(Object(data))
                        objects[-1].when = when

    def dump(self):
        """All objects, and what the first and the last message say of the router."""
        err, answers = self.netlink.command("SYNC_OBJECT_GET", flags=DUMP)
        assert err == 0, err
        objects, ends = [], []
        for answer in answers:
            for kind, data in attrs_of(answer[4:]):
                if kind == word("SYNC"):
                    ends.append(status_of(data))
                elif kind == word("SYNC_OBJECT"):
                    objects.append(Object(data))
        assert len(ends) == 2, len(ends)
        return objects, ends

    def ask_restore(self, objects, epoch=1, age=0):
        """The errno of the answer, and how many could not be restored."""
        err, answers = self.netlink.command(
            "SYNC_RESTORE", nest("SYNC", attr(word("SYNC_EPOCH"), epoch)) +
            b"".join(one.attrs(age) for one in objects))
        failed = None
        if answers:
            failed, = struct.unpack("=I", dict(attrs_of(answers[0][4:]))[word("COUNT")])
        return err, failed

    def restore(self, objects, epoch=1, age=0):
        objects = sorted(objects, key=lambda one: one.sequence)
        err, failed = self.ask_restore(objects, epoch, age)
        if (err, failed) != (0, 0):
            again = [(self.ask_restore([one], epoch, age), one.key, one.sequence, one.record) for one in objects]
            raise AssertionError((err, failed, [one for one in again if one[0] != (0, 0)]))


def _rename(there):
    """Each of the two names stands for the other namespace now."""
    names = [f"/run/netns/{name}".encode() for name in ("router", there)]
    handles = [os.open(name, os.O_RDONLY) for name in names]
    for name, handle in zip(names, reversed(handles)):
        path = f"/proc/self/fd/{handle}".encode()
        if libc.umount2(name, MNT_DETACH) or libc.mount(path, name, None, MS_BIND, None):
            raise OSError(ctypes.get_errno(), name)
    for handle in handles:
        os.close(handle)


def plug(to="second"):
    """The cables, with their addresses, leave `router` for `second`, which is then `router`."""
    for name, *addresses in CABLES:
        shell(f"ip -n router link set {name} netns {to}")
        for address in addresses:
            shell(f"ip -n {to} addr add {address} dev {name}" +
                  (" nodad" if ":" in address else ""))
        shell(f"ip -n {to} link set {name} up")
    _rename(to)


def namespace(name, nat):
    """A router with the first one's rules and no cables."""
    net.namespace(name)
    shell(f"ip netns exec {name} sysctl -qw net.ipv4.ip_forward=1"
          " net.ipv6.conf.all.forwarding=1")
    for rules in (net.RULES, nat):
        with open("/tmp/rules.nft", "w", encoding="ascii") as file:
            file.write(rules)
        shell(f"ip netns exec {name} nft -f /tmp/rules.nft")


class Pair:
    """`active` has the cables, `standby` is told what happens there."""

    def __init__(self, nat=net.MASQUERADE):
        namespace("second", nat)
        self.active, self.standby = Router("router"), Router("second")
        self.epoch = 1
        assert self.standby.set(STANDBY, 1) == 0
        assert self.active.set(ACTIVE, 1, listen=True) == 0
        self.active.mark()
        self.sync()

    def sync(self):
        """What the active one has told is restored; gives it back."""
        objects = self.active.told()
        if objects:
            self.standby.restore(objects, self.epoch)
        return objects

    def take_over(self, demote_first=True, connections=False):
        """The cables change hands, and with them the roles; conntrack's entries before, if so asked."""
        self.epoch += 1
        if connections:
            ctsync.replicate("router", "second")
        if demote_first:
            assert self.active.set(STANDBY, self.epoch - 1) == 0
        plug()
        self.active, self.standby = self.standby, self.active
        assert self.active.set(ACTIVE, self.epoch, listen=True) == 0
        if not demote_first:
            assert self.standby.set(STANDBY, self.epoch) == 0
        time.sleep(0.1)
