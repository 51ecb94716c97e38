#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""SIP over TCP when segments or their acknowledgments are lost behind the router."""
import topology as net
from sip import again, message
from ksft import run, same, test
from topology import PHONE, ROUTER, SERVER, Tcp

net.build()
PORT = 40000
ENDS = []
PUBLIC = b"\r\n\r\n" * 10


class Deaf:
    """A namespace that hears nothing of the connection's other end."""

    def __init__(self, namespace):
        self.namespace = namespace

    def _nft(self, command):
        net.shell(f"ip netns exec {self.namespace} nft {command}")

    def __enter__(self):
        self._nft("add table inet deaf")
        self._nft("add chain inet deaf in '{ type filter hook prerouting priority -350; }'")
        self._nft("add rule inet deaf in meta l4proto tcp drop")

    def __exit__(self, *error):
        self._nft("delete table inet deaf")


def connect():
    """Both ends, the ones before them gone for good."""
    while ENDS:
        ENDS.pop().close()
    net.router("conntrack -D -p tcp 2>/dev/null || true")
    ENDS.extend(Tcp.pair("phone", PHONE, PORT))
    return ENDS


# what the router makes longer, shorter, and another of the same length
GROWS, SHRINKS, STAYS = PHONE, f"{PHONE}:{PORT}", f"{PHONE}:5060"


def new(name, host):
    return message(f"""OPTIONS sip:{SERVER} SIP/2.0
        Via: SIP/2.0/TCP {host};branch=z9hG4bK{name}
        From: <sip:alice@{SERVER}>;tag=r
        To: <sip:alice@{SERVER}>
        Call-ID: {name}
        CSeq: 1 OPTIONS
        Contact: <sip:alice@{host};transport=tcp>""")


def hidden(data, host):
    return again(data, (f"TCP {host};", f"TCP {ROUTER}:{PORT};"),
                 (f"alice@{host};", f"alice@{ROUTER}:{PORT};"))


def arrives(server, wanted):
    same(server.recv(len(wanted), 60), wanted)


def goes_on(phone, server):
    """Nothing is left over, and the connection carries the next messages."""
    for name, host in (("next", SHRINKS), ("last", GROWS)):
        data = new(name, host)
        phone.send(data)
        arrives(server, hidden(data, host))
    server.send(PUBLIC)
    same(phone.recv(len(PUBLIC), 60), PUBLIC)


@test("H-3", "two messages in one segment that is lost: both arrive as they should")
def two_in_one():
    for host in (GROWS, SHRINKS):
        phone, server = connect()
        first, second = new("one", host), new("two", host)
        with Deaf("provider"):
            phone.send(first + second)
        arrives(server, hidden(first, host) + hidden(second, host))
        goes_on(phone, server)


@test("H-3", "a message that keeps its length is lost after one that has not")
def same_length():
    for host in (GROWS, SHRINKS):
        phone, server = connect()
        first, second = new("long", host), new("same", STAYS)
        phone.send(first)
        arrives(server, hidden(first, host))
        with Deaf("provider"):
            phone.send(second)
        arrives(server, hidden(second, STAYS))
        goes_on(phone, server)


@test("H-20", "a lost keepalive that is repeated together with a message arrives as well")
def keepalive_and_message():
    for host in (GROWS, SHRINKS):
        phone, server = connect()
        data = new("behind", host)
        with Deaf("provider"):
            phone.send(PUBLIC)
            phone.send(data)
        arrives(server, PUBLIC + hidden(data, host))
        goes_on(phone, server)


@test("H-3", "a message whose acknowledgment is lost is repeated: nothing is added to it")
def lost_acknowledgment():
    for host in (GROWS, SHRINKS):
        phone, server = connect()
        data = new("once", host)
        with Deaf("phone"):
            phone.send(data)
            arrives(server, hidden(data, host))
            same(server.recv(1, 2), b"")
        goes_on(phone, server)


@test("H-3", "acknowledged, not heard of, and repeated together with the next message")
def repeated_together():
    for host in (GROWS, SHRINKS):
        phone, server = connect()
        first, second = new("first", host), new("second", host)
        with Deaf("phone"):
            phone.send(first)
            arrives(server, hidden(first, host))
            with Deaf("router"):
                phone.send(second)
        arrives(server, hidden(second, host))
        goes_on(phone, server)


run(after=net.nothing_left)
