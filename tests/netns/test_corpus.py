#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""
Every message of tests/corpus through the router where nothing needs to be
translated: what leaves is what came, to the byte, without an exception.
"""
import os
import re
import socket

import corpus

import topology as net
from ksft import run, test
from topology import (MASQUERADE, OTHER, OTHER6, PHONE, PHONE6, ROUTER, SERVER, SERVER6, Tcp, Udp,
                      router)

net.build(nat="")
CTL = os.path.abspath("tools/sipalg-ctl/sipalg-ctl")
MESSAGES = corpus.messages()


def check(name, got, wanted, changed):
    if got != wanted:
        changed.append(f"{name}: {'nothing has arrived' if got is None else got!r}")


def datagrams(ours, theirs, way_in, change=lambda data: data):
    """Each message in both directions; way_in is where the outside sends to."""
    changed = []
    ours.send(b"\r\n", *theirs.address)
    assert theirs.recv()
    for name, data in MESSAGES:
        data = change(data)
        ours.send(data, *theirs.address)
        check(name + " out", theirs.recv(), data, changed)
        theirs.send(data, *(way_in or theirs.sender))
        check(name + " in", ours.recv(), data, changed)
    ours.close()
    theirs.close()
    assert not changed, "\n".join(changed)


def streams(namespace, address, server, change=lambda data: data):
    """Each message on a connection of its own, in two segments, in both directions."""
    changed = []
    for number, (name, data) in enumerate(MESSAGES):
        data = change(data)
        client, accepted = Tcp.pair(namespace, address, 20000 + number, server)
        for way, sender, receiver in (("out", client, accepted), ("in", accepted, client)):
            sender.send(data[:len(data) // 2])
            sender.send(data[len(data) // 2:])
            if "clerr" in name:     # shorter than it says: the end of the stream ends it
                sender.socket.shutdown(socket.SHUT_WR)
            check(f"{name} {way}", receiver.recv(len(data), 100), data, changed)
        client.close()
        accepted.close()
    assert not changed, "\n".join(changed)


def begin_nat():
    if "nat" not in router("nft list tables"):
        net.attach(MASQUERADE)
    for family in ("ipv4", "ipv6"):
        router(f"conntrack -D -f {family} 2>/dev/null || true")


@test("H-14", "routed, UDP: the whole corpus leaves byte-identical, IPv4")
def routed_four():
    datagrams(Udp("phone", PHONE, 5060), Udp("provider", SERVER, 5060), (PHONE, 5060))


@test("H-14", "routed, UDP: the whole corpus leaves byte-identical, IPv6")
def routed_six():
    datagrams(Udp("phone", PHONE6, 5060), Udp("provider", SERVER6, 5060), (PHONE6, 5060))


@test("H-14", "routed, TCP: the whole corpus leaves byte-identical")
def routed_stream():
    streams("phone", PHONE, SERVER)


def public(data):
    """As phones write that know their public addresses, of equal length."""
    return re.sub(rb"192\.168\.1\.\d(\d)", rb"198.51.100.\1", data)


@test("H-13", "NAT, UDP: with public addresses the whole corpus leaves byte-identical, IPv4")
def public_four():
    begin_nat()
    datagrams(Udp("phone", PHONE, 5060), Udp("provider", SERVER, 5060), (ROUTER, 5060), public)


@test("H-13", "NAT, UDP: with public addresses the whole corpus leaves byte-identical, IPv6")
def public_six():
    begin_nat()
    datagrams(Udp("phone", PHONE6, 5060), Udp("provider", SERVER6, 5060), None)


@test("H-13", "NAT, TCP: with public addresses the whole corpus leaves byte-identical")
def public_stream():
    begin_nat()
    streams("phone", PHONE, SERVER, public)


@test("H-14", "NAT, media-source answer: private addresses that are not the sender's stay as well")
def foreign():
    begin_nat()
    router(f"{CTL} setting set media-source answer")
    datagrams(Udp("other", OTHER, 5060), Udp("provider", SERVER, 5060), None)
    datagrams(Udp("other", OTHER6, 5060), Udp("provider", SERVER6, 5060), None)
    router(f"{CTL} setting reset")


@test("H-22", "NAT, in the modes off, observe and pinholes: private addresses stay as well, UDP and TCP")
def modes():
    begin_nat()
    for mode in ("off", "observe", "pinholes"):
        router(f"tools/sipalg-ctl/sipalg-ctl setting set mode {mode}")
        datagrams(Udp("phone", PHONE, 5060), Udp("provider", SERVER, 5060), (ROUTER, 5060))
        streams("phone", PHONE, SERVER)
    router("tools/sipalg-ctl/sipalg-ctl setting reset")


@test("S3-37", "NAT, UDP: with the sender's own private address the same messages are translated")
def private():
    begin_nat()
    phone, server = Udp("phone", PHONE, 5060), Udp("provider", SERVER, 5060)
    translated = 0
    for name, data in MESSAGES:
        phone.send(data, SERVER)
        got = server.recv()
        assert got, name
        translated += got != data
    assert translated > 20, translated
    phone.close()
    server.close()


run()
