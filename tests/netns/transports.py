# SPDX-License-Identifier: GPL-2.0-only
"""The ways between phone and provider that a message may take, all used alike."""
from topology import PHONE, PHONE6, ROUTER, ROUTER6, SERVER, SERVER6, Tcp, Udp


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


def all_ways(phone, server):
    """UDP by the sockets given, the same for IPv6, and TCP for both."""
    return (Datagrams(phone, server, ROUTER),
            Datagrams(Udp("phone", PHONE6, 5060), Udp("provider", SERVER6, 5060), ROUTER6),
            Stream(PHONE, SERVER, ROUTER, 40000),
            Stream(PHONE6, SERVER6, ROUTER6, 40000))
