# SPDX-License-Identifier: GPL-2.0-only
"""
Conntrack's entries from one namespace to another, by ctnetlink and with the attributes that
conntrackd uses when it commits its external cache: what is there already is replaced, the
window is not tracked, a helper goes by its name, and nothing of what it keeps goes at all.
"""
import os
import socket
import struct

from ctnetlink import AF_NETLINK, NETLINK_NETFILTER, NLMSG_DONE, NLMSG_ERROR, NetNSEnter, REQUEST, DUMP
from genl import NESTED, attr, attrs_of

CT_NEW, CT_GET, CT_DELETE = 1 << 8 | 0, 1 << 8 | 1, 1 << 8 | 2
ACK, EXCL, CREATE, ENOENT = 4, 0x200, 0x400, 2
TUPLE_ORIG, TUPLE_REPLY, STATUS, PROTOINFO, HELP, NAT_SRC, TIMEOUT, MARK = range(1, 9)
NAT_DST, TUPLE_MASTER, ZONE = 13, 14, 18
CONFIRMED, SEEN_REPLY, ASSURED = 8, 2, 4
SACK_PERM, BE_LIBERAL, FLAGS_MASK = 2, 8, 15


def _socket():
    netlink = socket.socket(AF_NETLINK, socket.SOCK_RAW, NETLINK_NETFILTER)
    netlink.bind((0, 0))
    return netlink


def _request(netlink, kind, flags, family, attrs):
    body = struct.pack("=BBH", family, 0, 0) + attrs
    netlink.send(struct.pack("=IHHII", 16 + len(body), kind, REQUEST | flags, 1, 0) + body)


def _dump(namespace, family):
    """Attributes of each entry."""
    with NetNSEnter(namespace), _socket() as netlink:
        _request(netlink, CT_GET, DUMP, family, b"")
        while True:
            data = netlink.recv(1 << 17)
            while len(data) >= 16:
                length, kind = struct.unpack_from("=IH", data)
                if kind == NLMSG_DONE:
                    return
                assert kind != NLMSG_ERROR, data
                yield dict(attrs_of(data[20:length]))
                data = data[(length + 3) & ~3:]


def _ends(data):
    """Source and destination of a tuple, each as address and port, and the protocol."""
    parts = dict(attrs_of(data))
    addresses = [value for _, value in sorted(dict(attrs_of(parts[1])).items())]
    proto = dict(attrs_of(parts[2]))
    return (addresses[0], proto.get(2)), (addresses[1], proto.get(3)), proto[1]


def _tuple(kind, source, destination, protocol):
    first = 1 if len(source[0]) == 4 else 3
    addresses = attr(first, source[0]) + attr(first + 1, destination[0])
    proto = attr(1, protocol) + attr(2, source[1]) + attr(3, destination[1])
    return attr(kind | NESTED, attr(1 | NESTED, addresses) + attr(2 | NESTED, proto))


def _nat(kind, end):
    """Exactly this address and port."""
    address, port = end
    low, high = (1, 2) if len(address) == 4 else (4, 5)
    return attr(kind | NESTED, attr(low, address) + attr(high, address) +
                attr(3 | NESTED, attr(1, port) + attr(2, port)))


def _protoinfo(data):
    tcp = dict(attrs_of(dict(attrs_of(data)).get(1, b"")))
    if not tcp:
        return b""
    flags = bytes((SACK_PERM | BE_LIBERAL | tcp[4][0], FLAGS_MASK)), \
        bytes((SACK_PERM | BE_LIBERAL | tcp[5][0], FLAGS_MASK))
    return attr(PROTOINFO | NESTED, attr(1 | NESTED, attr(1, tcp[1]) + attr(2, tcp[2]) + attr(3, tcp[3]) +
                                         attr(4, flags[0]) + attr(5, flags[1])))


def _entry(attrs):
    """What is sent for an entry: its tuple, and all of it."""
    source, destination, protocol = _ends(attrs[TUPLE_ORIG])
    back, to, _ = _ends(attrs[TUPLE_REPLY])
    original = _tuple(TUPLE_ORIG, source, destination, protocol)
    if ZONE in attrs:
        original += attr(ZONE, attrs[ZONE])
    status, = struct.unpack(">I", attrs[STATUS])
    whole = original + _tuple(TUPLE_REPLY, destination, source, protocol) + \
        attr(STATUS, struct.pack(">I", status & (SEEN_REPLY | ASSURED) | CONFIRMED)) + \
        attr(TIMEOUT, attrs[TIMEOUT]) + _protoinfo(attrs.get(PROTOINFO, b""))
    if destination != back:
        whole += _nat(NAT_DST, back)
    if source != to:
        whole += _nat(NAT_SRC, to)
    if HELP in attrs:
        whole += attr(HELP | NESTED, attr(1, dict(attrs_of(attrs[HELP]))[1]))
    if TUPLE_MASTER in attrs:
        whole += attr(TUPLE_MASTER | NESTED, attrs[TUPLE_MASTER])
    return original, whole + attr(MARK, attrs.get(MARK, bytes(4)))


def _ask(netlink, kind, flags, family, attrs):
    _request(netlink, kind, flags | ACK, family, attrs)
    data = netlink.recv(1 << 16)
    return -struct.unpack_from("=i", data, 16)[0]


def replicate(source, target):
    """
    Entries of UDP and TCP; those of media behind those of signalling, whose they are. Gives back
    how many there were.
    """
    count = 0
    for family in (socket.AF_INET, socket.AF_INET6):
        entries = sorted(_dump(source, family), key=lambda one: TUPLE_MASTER in one)
        with NetNSEnter(target), _socket() as netlink:
            for attrs in entries:
                original, whole = _entry(attrs)
                _ask(netlink, CT_DELETE, 0, family, original)
                err = _ask(netlink, CT_NEW, CREATE | EXCL, family, whole)
                # its signalling flow has gone: it is not to be had
                assert err == 0 or (err == ENOENT and TUPLE_MASTER in attrs), os.strerror(err)
                count += 1
    return count
