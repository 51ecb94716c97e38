# SPDX-License-Identifier: GPL-2.0-only
"""Two real TCP endpoints, a phone and its provider, and messages for them to exchange."""
import select
import socket
import time

from ksft import same
from sip import Call, again
from topology import PHONE, ROUTER, ROUTER6, SERVER, SERVER6, enter, router

PORTS = iter(range(42000, 60000))
MEDIA = iter(range(10000, 30000, 4))
PLAIN = 5070    # a port that no helper looks after


def listen(port=5060, address=SERVER, protocol=0, **options):
    enter("provider")
    listener = socket.socket(family(address), socket.SOCK_STREAM, protocol)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    for name, value in options.items():
        listener.setsockopt(socket.SOL_SOCKET, getattr(socket, name), value)
    listener.bind((address, port))
    listener.listen()
    return listener


def family(address):
    return socket.AF_INET6 if ":" in address else socket.AF_INET


def written(address):
    """As it stands in a message."""
    return f"[{address}]" if ":" in address else address


class Line:
    """A connection of the phone's to the provider; Nagle as it is by default."""

    def __init__(self, port=5060, host=PHONE, protocol=0, space="phone", **options):
        self.port = next(PORTS)
        six = ":" in host
        server = SERVER6 if six else SERVER
        listener = listen(port, server, protocol, **options)
        enter(space)
        phone = socket.socket(family(host), socket.SOCK_STREAM, protocol)
        phone.bind((host, self.port))
        phone.connect((server, port))
        self.server, _ = listener.accept()
        listener.close()
        self.phone = phone
        self.host, self.provider = written(host), written(server)
        self.router = written(ROUTER6 if six else ROUTER)
        self.count = 0

    def message(self, method="OPTIONS", body="", extra="", host=None):
        """What the phone sends, and what the provider is to get."""
        self.count += 1
        host = host or f"{self.host}:5060"
        call = Call(f"e{self.port}n{self.count}", host, "", self.provider, "TCP")
        data = call.request(method, body, extra=extra)
        seen = f"{self.router}:{self.port}"
        wanted = again(data, (f"TCP {host};", f"TCP {seen};"), (f"alice@{host}>", f"alice@{seen}>"))
        return data, again(wanted, (self.host, self.router)) if body else wanted

    def answer(self, extra="", host=None):
        """What the provider sends, and what the phone, which writes itself so, is to get."""
        seen = f"{self.router}:{self.port}"
        call = Call(f"e{self.port}n{self.count}", "", seen, self.provider, "TCP")
        data = call.response("200 OK", "OPTIONS", extra=extra)
        return data, again(data, (seen, host or f"{self.host}:5060"))

    def close(self):
        self.phone.close()
        self.server.close()
        router("conntrack -D -p tcp 2>/dev/null || true")


def receive(sock, length, seconds=30):
    """So many bytes, and after how many seconds the last of them came."""
    start, data = time.monotonic(), b""
    poll = select.poll()    # more sockets are open than select() knows
    poll.register(sock, select.POLLIN)
    while len(data) < length and poll.poll(seconds * 1000):
        more = sock.recv(length - len(data))
        if not more:
            break
        data += more
    return data, time.monotonic() - start


def gets(sock, wanted, seconds=30):
    got, took = receive(sock, len(wanted), seconds)
    same(got, wanted)
    return took


def both_ways(line, count=60, length=700, pause=None):
    """
    Messages that grow, and answers that shrink, as fast as TCP takes them; with `pause`, one after
    the other, and so long between two.
    """
    parts = [line.message(host=line.host, extra="\nX: " + "x" * (length * (i % 3))) for i in range(count)]
    data, wanted = parts.pop(0)
    line.phone.send(data)
    gets(line.server, wanted)       # the phone's address is learnt from it
    ways = [Way(line.phone, line.server, parts, pause),
            Way(line.server, line.phone, [line.answer("\nX: " + "x" * length, line.host) for _ in range(count)], pause)]
    for sock in (line.phone, line.server):
        sock.setblocking(False)
    start = time.monotonic()
    while not all(way.done() for way in ways) and time.monotonic() - start < 120:
        readable, writable, _ = select.select([way.target for way in ways],
                                              [way.source for way in ways if way.rest], [], 10)
        for way in ways:
            way.step(readable, writable)
        if pause is not None:
            time.sleep(pause)
    for way in ways:
        same(way.got, way.wanted)
    for sock in (line.phone, line.server):
        sock.setblocking(True)


class Way:
    """One direction of a line, and what it is to carry."""

    def __init__(self, source, target, parts, pause):
        self.source, self.target = source, target
        self.rest = [data for data, _ in parts] if pause is not None else [b"".join(data for data, _ in parts)]
        self.got, self.wanted = b"", b"".join(wanted for _, wanted in parts)

    def done(self):
        return len(self.got) >= len(self.wanted)

    def step(self, readable, writable):
        if self.source in writable:
            rest = self.rest[0][self.source.send(self.rest[0]):]
            self.rest[:1] = [rest] if rest else []
        if self.target in readable:
            self.got += self.target.recv(1 << 18)
