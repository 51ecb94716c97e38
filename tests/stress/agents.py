# SPDX-License-Identifier: GPL-2.0-only
"""
Phones that begin calls and a provider that answers them, none of whom relies
on anything: whatever comes or does not come, they go on.
"""
import re
import select
import socket
import struct
import time

import topology as net
from sip import Call, message, sdp
from mutate import MESSAGES, any_message, spoil
from topology import (OTHER, OTHER6, PHONE, PHONE6, RELAY, RELAY6, ROUTER, ROUTER6, SERVER,
                      SERVER6, STRANGER)

# By chance; None is no answer.
STATUSES = {
    "INVITE": ("100 Trying", "180 Ringing", "183 Session Progress", "200 OK", "200 OK", "200 OK",
               "302 Moved", "401 Unauthorized", "422 Session Interval Too Small", "486 Busy Here",
               "603 Decline", None),
    "REGISTER": ("200 OK", "200 OK", "200 OK", "401 Unauthorized", None),
}
USUAL = ("200 OK", "200 OK", "200 OK", "481 No Such Call", None)
HOSTS = {"phone": (PHONE, PHONE6), "other": (OTHER, OTHER6), "router": (ROUTER, ROUTER6)}
UDP_SEGMENT = 103
DESCRIBED = ("183", "200")
ADDRESS_IN_SDP = re.compile(rb"c=IN IP[46] ([0-9a-fA-F.:]+)")
PORT_IN_SDP = re.compile(rb"m=\w+ (\d+)")


def header(data, name):
    found = re.search(rb"^" + name + rb":[ \t]*([^\r\n]*)", data, re.MULTILINE | re.IGNORECASE)
    return found[1].decode(errors="replace") if found else None


def answer(request, status, contact, body=""):
    """A response to a request, from what stands in it; None if it is too strange."""
    values = [header(request, name) for name in (b"Via", b"From", b"To", b"Call-ID", b"CSeq")]
    if None in values:
        return None
    via, sender, to, call_id, cseq = values
    if ";tag=" not in to:
        to += ";tag=peer"
    more = "\nContent-Type: application/sdp" if body else ""
    expires = header(request, b"Expires")
    if expires:
        more += f"\nExpires: {expires}"
    return message(f"""SIP/2.0 {status}
        Via: {via}
        From: {sender}
        To: {to}
        Call-ID: {call_id}
        CSeq: {cseq}
        Contact: {contact}{more}""", body)


def bracketed(address):
    return f"[{address}]" if ":" in address else address


class Way:
    """A socket for datagrams, or one end of a stream."""

    def __init__(self, sock, ours, stream=False):
        self.socket, self.ours, self.stream = sock, ours, stream
        self.socket.setblocking(False)

    def send(self, rng, data, to=None):
        """A stream is cut at random, or the message comes twice in one piece."""
        try:
            if not self.stream:
                self.send_datagram(rng, data, to)
                return
            if rng.random() < 0.2:
                data += data
            while data:
                piece = len(data) if rng.random() < 0.4 else rng.randrange(1, len(data) + 1)
                self.socket.send(data[:piece])
                data = data[piece:]
                if rng.random() < 0.1:
                    time.sleep(0.005)
        except (OSError, OverflowError):
            pass

    def send_datagram(self, rng, data, to):
        """A few may go out in a burst that is one packet for the kernel."""
        if rng.random() < 0.05 and 0 < len(data) < 1200:
            self.socket.sendmsg([data * rng.randrange(2, 20)],
                                [(socket.SOL_UDP, UDP_SEGMENT, struct.pack("=H", len(data)))],
                                0, to)
        else:
            self.socket.sendto(data, to)

    def recv(self):
        """Data and sender; the data is None when a stream has ended."""
        try:
            if self.stream:
                return self.socket.recv(65536) or None, None
            return self.socket.recvfrom(65536)
        except BlockingIOError:
            return b"", None
        except OSError:
            return (None if self.stream else b""), None


def udp(namespace, address, port):
    return Way(net.Udp(namespace, address, port).socket, (address, port))


def stream(address):
    """
    A TCP socket that is gone when it is closed, and so are those it accepts, even
    if somebody kills us: one that waits for its peer, who does not get what was
    lost on the way, keeps its namespace for minutes.
    """
    sock = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("=ii", 1, 0))
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return sock


class Party:
    """What phone and provider have in common: sockets, a share of faults, answers."""

    def __init__(self, rng, faults, arrived):
        """`arrived` is room for a number that somebody else reads."""
        self.rng, self.faults = rng, faults
        self.arrived = arrived.cast("Q")
        self.ways, self.media = [], []

    def send(self, way, data, to):
        if self.rng.random() < self.faults:
            data = spoil(self.rng, data if self.rng.random() < 0.8 else any_message(self.rng))
        elif self.rng.random() < self.faults / 4:
            data = any_message(self.rng)
        way.send(self.rng, data, to)
        if self.rng.random() < 0.05:
            way.send(self.rng, data, to)

    def look(self, seconds):
        """Handles what comes for so long."""
        end = time.monotonic() + seconds
        left = seconds
        while left >= 0:
            ways = {way.socket: way for way in self.ways + self.media}
            for sock in select.select(list(ways), [], [], left)[0]:
                self.one(ways[sock])
            left = end - time.monotonic()

    def one(self, way):
        data, sender = way.recv()
        if data is None:
            if way in self.ways:
                self.ways.remove(way)
            way.socket.close()
        elif data and way in self.media:
            if self.rng.random() < 0.5:
                way.send(self.rng, data[:20], sender)
        elif data:
            self.arrived[0] += 1
            self.play(data)
            if not data.startswith((b"SIP/2.0", b"ACK")):
                self.got(way, data, sender)

    def play(self, data):
        """Audio to whatever address the description names."""
        address, ports = ADDRESS_IN_SDP.search(data), PORT_IN_SDP.findall(data)
        if not address or not ports:
            return
        to = address[1].decode()
        for port in ports[:4]:
            way = self.rng.choice(self.media)
            if (":" in to) == (":" in way.ours[0]) and 0 < int(port) < 65535:
                way.send(self.rng, b"media", (to, int(port)))
                way.send(self.rng, b"rtcp", (to, int(port) + 1))


class Provider(Party):
    """Answers requests by chance, and now and then makes its own."""

    def __init__(self, rng, faults, arrived):
        super().__init__(rng, faults, arrived)
        self.ways = [udp("provider", address, 5060)
                     for address in (SERVER, RELAY, STRANGER, SERVER6, RELAY6)]
        self.datagrams = list(self.ways)
        self.media = [udp("provider", address, port)
                      for address in (RELAY, RELAY6) for port in range(8000, 8006)]
        self.listeners = [self.listen(address) for address in (SERVER, SERVER6)]
        self.known = []

    @staticmethod
    def listen(address):
        listener = stream(address)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((address, 5060))
        listener.listen(64)
        listener.setblocking(False)
        return listener, address

    def step(self):
        for listener, address in self.listeners:
            try:
                self.ways.append(Way(listener.accept()[0], (address, 5060), True))
            except OSError:
                pass
        if len(self.ways) > 40:
            self.ways.pop(self.rng.randrange(5, len(self.ways))).socket.close()
        self.look(0.02)
        if self.known and self.rng.random() < 0.2:
            self.ask()

    def sdp(self, way):
        return sdp(RELAY6 if ":" in way.ours[0] else RELAY, self.rng.randrange(8000, 8006),
                   self.rng.choice(("", "", "a=inactive", "m=video 8004 RTP/AVP 31")))

    def got(self, way, data, sender):
        method = data.split(b" ", 1)[0].decode(errors="replace")
        self.known = self.known[-50:] + [(way, data, sender)]
        for _ in range(self.rng.choice((1, 1, 2, 3))):
            status = self.rng.choice(STATUSES.get(method, USUAL))
            if not status:
                continue
            described = method in ("INVITE", "UPDATE") and status.startswith(DESCRIBED)
            contact = header(data, b"Contact") if method == "REGISTER" else \
                f"<sip:bob@{bracketed(way.ours[0])}:5060>"
            response = answer(data, status, contact, self.sdp(way) if described else "")
            if response:
                self.send(way, response, sender)

    def ask(self):
        """A request of its own to who has said something, or to a port at random."""
        way, data, sender = self.rng.choice(self.known)
        if way not in self.ways:
            return
        if self.rng.random() < 0.2:
            way = self.rng.choice(self.datagrams)
            public = ROUTER6 if ":" in way.ours[0] else ROUTER
            sender = (public, self.rng.choice((5060, 1024, 4000, 8000, 65535)))
        call = Call((header(data, b"Call-ID") or "x").split("@")[0], "", "",
                    bracketed(way.ours[0]), "TCP" if way.stream else "UDP")
        tag = re.search(r"tag=([^;>]*)", header(data, b"From") or "")
        method = self.rng.choice(("BYE", "INVITE", "INVITE", "UPDATE", "INFO", "OPTIONS", "CANCEL",
                                  "NOTIFY"))
        target = f"{bracketed(sender[0])}:{sender[1]}" if sender else ROUTER
        self.send(way, call.peer_request(
            method, target, self.rng.randrange(1, 5),
            self.sdp(way) if method in ("INVITE", "UPDATE") else "",
            (tag[1] if tag else "", "peer")), sender)


class Phone(Party):
    """Makes calls of any kind from the namespace it is in."""

    def __init__(self, rng, faults, arrived, namespace, number):
        super().__init__(rng, faults, arrived)
        self.namespace, self.number, self.count = namespace, number, 0
        self.recited = rng.randrange(len(MESSAGES))
        self.addresses = HOSTS[namespace]
        self.ways = [udp(namespace, address, 5060 + number) for address in self.addresses]
        self.media = [udp(namespace, address, self.port(i))
                      for address in self.addresses for i in range(8)]

    def port(self, i):
        return 4000 + 100 * self.number + i

    def connect(self):
        net.enter(self.namespace)
        address = self.rng.choice(self.addresses)
        sock = stream(address)
        sock.settimeout(0.5)
        try:
            sock.bind((address, 0))
            sock.connect((SERVER6 if ":" in address else SERVER, 5060))
            self.ways.append(Way(sock, sock.getsockname()[:2], True))
        except OSError:
            sock.close()
        if len(self.ways) > 10:
            self.ways.pop(2).socket.close()

    def sdp(self, address):
        rng = self.rng
        videos = "\n".join(f"m=video {4000 + rng.randrange(60000)} RTP/AVP 31"
                           for _ in range(rng.choice((1, 3, 40))))
        more = rng.choice(("", "", "", "a=inactive", f"a=rtcp:{self.port(9)}", videos))
        return sdp(address, self.port(rng.randrange(8)), more)

    def step(self):
        if self.rng.random() < 0.1:
            self.connect()
        way = self.rng.choice(self.ways)
        address, port = way.ours
        server = SERVER6 if ":" in address else self.rng.choice((SERVER, SERVER, RELAY))
        self.count += 1
        call = Call(f"s{self.number}c{self.count}", f"{bracketed(address)}:{port}", "",
                    bracketed(server), "TCP" if way.stream else "UDP")
        kind = self.rng.choice((self.whole, self.whole, self.whole, self.cancelled, self.register,
                                self.other, self.recite))
        for data in kind(call, address):
            self.send(way, data, (server, 5060))
            self.look(self.rng.choice((0.002, 0.01, 0.03)))
            if way not in self.ways or self.rng.random() < 0.05:
                return          # hung up on, or the battery is empty

    def whole(self, call, address):
        rng = self.rng
        yield call.request("INVITE", self.sdp(address), extra=rng.choice(
            ("", "", "\nSession-Expires: 90", "\nSupported: timer", "\nExpires: 2")))
        call.tags = (call.tags[0], "peer")
        yield call.request("ACK", to_tag=True)
        for _ in range(rng.randrange(3)):
            method = rng.choice(("INVITE", "UPDATE", "INFO", "REFER"))
            body = self.sdp(address) if method in ("INVITE", "UPDATE") else ""
            yield call.request(method, body, cseq=call.cseq + 1, to_tag=True)
            if method == "INVITE":
                yield call.request("ACK", to_tag=True)
        if rng.random() < 0.7:
            yield call.request("BYE", cseq=call.cseq + 1, to_tag=True)

    def cancelled(self, call, address):
        yield call.request("INVITE", self.sdp(address))
        yield call.request("CANCEL")
        yield call.request("ACK")

    def register(self, call, address):
        yield call.request("REGISTER", extra=f"\nExpires: {self.rng.choice((0, 1, 20, 60))}")

    def other(self, call, address):
        yield call.request(self.rng.choice(("OPTIONS", "MESSAGE", "SUBSCRIBE", "PUBLISH", "NEW")))

    def recite(self, call, address):
        """All messages of the corpus have their turn."""
        for i in range(8):
            yield MESSAGES[(self.recited + i) % len(MESSAGES)]
        self.recited += 8

    def got(self, way, data, sender):
        host, port = way.ours
        status = self.rng.choice(("200 OK", "200 OK", "180 Ringing", "486 Busy Here"))
        response = answer(data, status, f"<sip:alice@{bracketed(host)}:{port}>",
                          self.sdp(host) if data.startswith(b"INVITE") else "")
        if response:
            self.send(way, response, sender)
