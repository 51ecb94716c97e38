# SPDX-License-Identifier: GPL-2.0-only
"""Conntrack's expectations by ctnetlink (NFNL_SUBSYS_CTNETLINK_EXP), as conntrack(8) reads them."""
import ctypes
import os
import socket
import struct

AF_NETLINK, NETLINK_NETFILTER = 16, 12
REQUEST, DUMP, NLMSG_ERROR, NLMSG_DONE, DUMP_INTR = 1, 0x300, 2, 3, 0x10
EXPECT_GET = 2 << 8 | 1
CTA_EXPECT_MASTER, CTA_EXPECT_TUPLE, CTA_EXPECT_TIMEOUT, CTA_EXPECT_HELP_NAME = 1, 2, 4, 6
CTA_EXPECT_FLAGS, CTA_EXPECT_CLASS = 8, 9
CTA_TUPLE_IP, CTA_TUPLE_PROTO = 1, 2
CTA_PROTO_NUM, CTA_PROTO_SRC_PORT, CTA_PROTO_DST_PORT = 1, 2, 3
PERMANENT = 1
# enum sipalg_class of src/nat/expect.h, by the names of its policies
CLASSES = ("signalling", "media", "media")

libc = ctypes.CDLL(None, use_errno=True)


class NetNSEnter:
    """The thread is in a network namespace, and afterwards where it was."""

    def __init__(self, name):
        self.path = f"/run/netns/{name}"

    def __enter__(self):
        self.saved = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
        there = os.open(self.path, os.O_RDONLY)
        libc.setns(there, 0)
        os.close(there)

    def __exit__(self, *_):
        libc.setns(self.saved, 0)
        os.close(self.saved)


def _attrs(data):
    found = {}
    while len(data) >= 4:
        length, kind = struct.unpack_from("=HH", data)
        found[kind & 0x3fff] = data[4:length]
        data = data[(length + 3) & ~3:]
    return found


def _address(data):
    return socket.inet_ntop(socket.AF_INET if len(data) == 4 else socket.AF_INET6, data)


class Expectation(str):
    """
    One line as /proc/net/nf_conntrack_expect has it, but for IPv6 addresses,
    which are written short; and its parts: protocol, src, dst, sport, dport,
    timeout, permanent, helper, kind (media or signalling), master.
    """


def _tuple(data):
    parts = _attrs(data)
    addresses, proto = _attrs(parts[CTA_TUPLE_IP]), _attrs(parts[CTA_TUPLE_PROTO])
    src, dst = (_address(addresses[kind]) for kind in sorted(addresses))
    ports = [struct.unpack(">H", proto[kind])[0] if kind in proto else 0
             for kind in (CTA_PROTO_SRC_PORT, CTA_PROTO_DST_PORT)]
    return proto[CTA_PROTO_NUM][0], src, dst, *ports


def _number(data):
    return struct.unpack(">I", data)[0]


def _expectation(family, data):
    attrs = _attrs(data)
    protocol, src, dst, sport, dport = _tuple(attrs[CTA_EXPECT_TUPLE])
    timeout, flags = _number(attrs[CTA_EXPECT_TIMEOUT]), _number(attrs[CTA_EXPECT_FLAGS])
    helper = attrs.get(CTA_EXPECT_HELP_NAME, b"").rstrip(b"\0").decode()
    number = _number(attrs[CTA_EXPECT_CLASS])
    kind = CLASSES[number] if number < len(CLASSES) else str(number)
    line = Expectation(f"{timeout} l3proto = {family} proto={protocol} src={src} dst={dst} "
                       f"sport={sport} dport={dport} {'PERMANENT ' if flags & PERMANENT else ''}"
                       f"{helper}/{kind}")
    line.protocol, line.src, line.dst, line.sport, line.dport = protocol, src, dst, sport, dport
    line.timeout, line.permanent = timeout, bool(flags & PERMANENT)
    line.helper, line.kind, line.master = helper, kind, _tuple(attrs[CTA_EXPECT_MASTER])
    return line


def _dump(netlink):
    """The expectations, or None if the table changed meanwhile."""
    netlink.send(struct.pack("=IHHIIBBH", 20, EXPECT_GET, REQUEST | DUMP, 1, 0, 0, 0, 0))
    found, intact = [], True
    while True:
        data = netlink.recv(1 << 17)
        while len(data) >= 16:
            length, kind, flags = struct.unpack_from("=IHH", data)
            intact &= not flags & DUMP_INTR
            if kind == NLMSG_DONE:
                return found if intact else None
            if kind == NLMSG_ERROR:
                error = -struct.unpack_from("=i", data, 16)[0]
                raise OSError(error, os.strerror(error))
            found.append(_expectation(data[16], data[20:length]))
            data = data[(length + 3) & ~3:]


def expectations(namespace="router"):
    """All of the namespace, whoever's they are."""
    with NetNSEnter(namespace), socket.socket(AF_NETLINK, socket.SOCK_RAW,
                                              NETLINK_NETFILTER) as netlink:
        netlink.bind((0, 0))
        while True:
            found = _dump(netlink)
            if found is not None:
                return found
