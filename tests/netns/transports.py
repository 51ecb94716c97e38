# SPDX-License-Identifier: GPL-2.0-only
"""The ways between phone and provider that a message may take, all used alike."""
from sip import Call, again, sdp
from topology import (PHONE, PHONE6, RELAY, RELAY6, ROUTER, ROUTER6, SERVER, SERVER6, Tcp, Udp)


def bracketed(address):
    return f"[{address}]" if ":" in address else address


class Datagrams:
    """
    UDP. `local` and `alg` are the phone as it and as the provider knows it,
    `host` is its address alone, `server` the provider's.
    """
    transport = "UDP"

    def __init__(self, ours, theirs, public):
        self.ours, self.theirs, self.public = ours, theirs, public
        self.host, self.server = bracketed(ours.address[0]), bracketed(theirs.address[0])
        self.local, self.alg = f"{self.host}:5060", f"{bracketed(public)}:5060"

    def across(self, data, outbound):
        """What becomes of a message on its way through the router."""
        if outbound:
            self.ours.send(data, self.theirs.address[0])
            return self.theirs.recv()
        self.theirs.send(data, self.public)
        return self.ours.recv()


class Stream:
    """TCP, the same; one message at a time."""
    transport = "TCP"

    def __init__(self, address, server, public, port):
        self.ends = Tcp.pair("phone", address, port, server)
        self.host, self.server = bracketed(address), bracketed(server)
        self.local, self.alg = f"{self.host}:{port}", f"{bracketed(public)}:{port}"

    def across(self, data, outbound):
        sender, receiver = self.ends if outbound else self.ends[::-1]
        sender.send(data)
        return receiver.recv(65536, 0.1)


def hide(way, data):
    """What the provider gets of the phone's message."""
    wanted = again(data, (way.local, way.alg))
    host, router = (PHONE6, ROUTER6) if ":" in way.host else (PHONE, ROUTER)
    return again(wanted, (f" {host}\r", f" {router}\r")) if b"m=audio" in data else wanted


def show(way, data):
    """What the phone gets of the provider's."""
    return again(data, (way.alg, way.local))


def all_ways(phone, server):
    """UDP by the sockets given, the same for IPv6, and TCP for both."""
    return (Datagrams(phone, server, ROUTER),
            Datagrams(Udp("phone", PHONE6, 5060), Udp("provider", SERVER6, 5060), ROUTER6),
            Stream(PHONE, SERVER, ROUTER, 40000),
            Stream(PHONE6, SERVER6, ROUTER6, 40000))


class WayCall:
    """A call of the phone's by one of these ways, message by message, and its audio."""

    def __init__(self, way, name, port):
        self.way, self.port = way, port
        self.call = Call(name, way.local, way.alg, way.server, way.transport)
        six = ":" in way.host
        self.phone, self.peer, self.router = (PHONE6, RELAY6, ROUTER6) if six else (PHONE, RELAY, ROUTER)

    def out(self, data):
        """The provider gets it, and nothing in it tells of the phone's own address."""
        got = self.way.across(data, True)
        own = [f"sip:alice@{self.way.local}", f"c=IN IP4 {PHONE}\r", f"c=IN IP6 {PHONE6}\r"]
        assert got and not any(text.encode() in got for text in own), got
        return got

    def back(self, data):
        got = self.way.across(data, False)
        assert got, data[:200]
        return got

    def rings(self, port=None, status="180 Ringing", **options):
        self.out(self.call.request("INVITE", sdp(self.phone, port or self.port)))
        self.back(self.call.response(status, **options))
        return self

    def picks_up(self, tag=None):
        self.back(self.call.response("200 OK", body=sdp(self.peer, self.port + 2000), tag=tag))
        self.call.tags = (self.call.tags[0], tag or self.call.tags[1])
        self.out(self.call.request("ACK", to_tag=True))
        return self

    def audio(self):
        return Udp("phone", self.phone, self.port), Udp("provider", self.peer, self.port + 2000)

    def comes_in(self, ends):
        ours, theirs = ends
        theirs.send(b"in", self.router, self.port)
        return ours.recv(0.5) == b"in"

    def goes_out(self, ends):
        """The phone's audio arrives, from the port that the far end was told."""
        ours, theirs = ends
        ours.send(b"out", self.peer, self.port + 2000)
        return theirs.recv(0.5) == b"out" and theirs.sender == (self.router, self.port)

    def talks(self):
        """Audio begins outside and goes both ways."""
        ends = self.audio()
        heard = self.comes_in(ends), self.goes_out(ends)
        for end in ends:
            end.close()
        return heard == (True, True)

    def hangs_up(self, cseq=90):
        self.out(self.call.request("BYE", cseq=cseq, to_tag=True))
        self.back(self.call.response("200 OK", "BYE"))
