# SPDX-License-Identifier: GPL-2.0-only
"""What every SIP party has: sockets, transactions (RFC 3261 17), and the way of responses (18.2)."""
import re
import socket

from message import Message, written
from topology import enter

T1, T2, T4 = 0.5, 4, 5
TIMEOUT = 64 * T1


def family_of(address):
    return socket.AF_INET6 if ":" in address else socket.AF_INET


def udp(place, address, port, device=""):
    enter(place)
    sock = socket.socket(family_of(address), socket.SOCK_DGRAM)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, device.encode())
    sock.bind((address, port))
    sock.setblocking(False)
    return sock


class Connection:
    """A TCP connection of a node's, and what of the next message has come."""

    def __init__(self, node, sock, peer):
        self.node, self.sock, self.peer, self.data = node, sock, peer, b""
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.local = sock.getsockname()[:2]
        node.world.loop.add(sock, self.readable)

    def send(self, data):
        try:
            self.sock.sendall(data)
        except OSError:
            self.close()

    def readable(self):
        try:
            more = self.sock.recv(1 << 16)
        except BlockingIOError:
            return
        except OSError:
            more = b""
        if not more:
            self.close()
            return
        self.data += more
        while True:
            self.data = self.data.lstrip(b"\r\n")
            head, found, rest = self.data.partition(b"\r\n\r\n")
            length = re.search(rb"Content-Length: (\d+)", head)
            if not found or not length or len(rest) < int(length[1]):
                return
            size = len(head) + 4 + int(length[1])
            message, self.data = self.data[:size], self.data[size:]
            self.node.receive(message, self.peer, self)

    def close(self):
        self.node.world.loop.remove(self.sock)
        self.sock.close()
        self.node.connections = [one for one in self.node.connections if one is not self]


class Transaction:
    """What a client has asked, and repeats over UDP until it is answered."""

    def __init__(self, node, message, send, answered):
        self.node, self.message, self.send, self.answered = node, message, send, answered
        self.interval, self.proceeding = T1, False
        self.is_invite = message.method == "INVITE"
        self.again = node.world.loop.after(self.interval, self.repeat) if "/UDP" in message.get("Via") else [0, 0, None]
        self.end = node.world.loop.after(TIMEOUT, self.timeout)
        send(message)

    def repeat(self):
        if self.is_invite and self.proceeding:
            return
        self.send(self.message)
        self.interval = self.interval * 2 if self.is_invite else min(self.interval * 2, T2)
        self.again = self.node.world.loop.after(self.interval, self.repeat)

    def take(self, response):
        if response.status < 200:
            if self.is_invite:
                self.end[2] = None
            self.proceeding = True
        else:
            self.forget()
            self.node.finished[self.message.key] = self
        self.answered(response)

    def timeout(self):
        self.forget()
        self.answered(None)

    def forget(self):
        self.again[2] = self.end[2] = None
        self.node.transactions.pop(self.message.key, None)


class Node:
    """A party at an address and port of one of the places."""

    def __init__(self, world, name, place, host, port=5060):
        self.world, self.name, self.place, self.port = world, name, place, port
        self.address = world.network.at(place, host)
        self.number = 0
        self.lose_in = self.lose_out = self.hold_out = 0
        self.held = []
        self.open()

    def open(self):
        """As if it had just been switched on: nothing is known of what was before."""
        self.transactions, self.finished, self.served, self.acknowledged = {}, {}, {}, set()
        self.connections = []
        self.socket = self.listen(self.address, self.port)
        enter(self.place)
        self.listener = socket.socket(family_of(self.address), socket.SOCK_STREAM)
        self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.listener.bind((self.address, self.port))
        self.listener.listen()
        self.listener.setblocking(False)
        self.world.loop.add(self.listener, self.connected_to)

    def listen(self, address, port):
        sock = udp(self.place, address, port)
        self.world.loop.add(sock, lambda: self.readable(sock))
        return sock

    def close(self):
        for connection in list(self.connections):
            connection.close()
        for sock in (self.socket, self.listener):
            self.world.loop.remove(sock)
            sock.close()

    def unique(self, what):
        self.number += 1
        return f"{what}{self.name}{self.number}"

    # transport

    def readable(self, sock):
        while True:
            try:
                data, source = sock.recvfrom(65536)
            except (BlockingIOError, ConnectionRefusedError):
                return
            except OSError:
                continue
            if data.strip():
                self.receive(data, source[:2], sock)

    def connected_to(self):
        sock, peer = self.listener.accept()
        sock.setblocking(True)
        self.connections.append(Connection(self, sock, peer[:2]))

    def receive(self, data, source, by):
        """`by` is the socket or connection that it came by, and where answers leave."""
        if self.lose_in and not isinstance(by, Connection):
            self.lose_in -= 1
            return
        message = Message.parse(data)
        self.world.seen(self, message, source)
        if message.is_request:
            self.mark_via(message, source)
            self.request_came(message, source, by)
        else:
            self.response_came(message, source)

    @staticmethod
    def mark_via(message, source):
        """RFC 3261 18.2.1 and RFC 3581 4."""
        via = message.get("Via")
        host = re.match(r"SIP/2\.0/\S+ (\[[^\]]+\]|[^:;]+)", via)[1].strip("[]")
        if ";rport" in via:
            via = via.replace(";rport", f";rport={source[1]}") + f";received={source[0]}"
        elif host != source[0]:
            via += f";received={source[0]}"
        message.put("Via", via)

    def send(self, message, target, by=None):
        """To (address, port) by UDP, or by a connection."""
        data = message.bytes()
        self.world.wrote(self, message)
        if isinstance(by, Connection):
            by.send(data)
            return
        if self.lose_out:
            self.lose_out -= 1
            return
        sock = by or self.socket
        if self.hold_out:
            # what is sent next overtakes it
            self.hold_out -= 1
            self.held.append((data, target, sock))
            self.world.loop.after(0.2, self.release)
            return
        self.put_out(data, target, sock)
        self.release()

    def release(self):
        held, self.held = self.held, []
        for data, target, sock in held:
            self.put_out(data, target, sock)

    def put_out(self, data, target, sock):
        try:
            sock.sendto(data, target)
        except OSError as error:
            self.world.note(f"{self.name} cannot send to {target}: {error}")

    def connection_to(self, target, source_port=0):
        """One that is there, or a new one; None where nobody answers."""
        for connection in self.connections:
            if connection.peer == target:
                return connection
        enter(self.place)
        sock = socket.socket(family_of(self.address), socket.SOCK_STREAM)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind((self.address, source_port))
        sock.settimeout(5)
        try:
            sock.connect(target)
        except OSError as error:
            self.world.note(f"{self.name} cannot connect to {target}: {error}")
            sock.close()
            return None
        self.connections.append(Connection(self, sock, target))
        return self.connections[-1]

    # transactions

    def via(self, transport, rport, unique):
        """`unique` is the transaction's, and the same in each run of a scenario."""
        return (f"SIP/2.0/{transport.upper()} {written(self.address, self.port)};branch=z9hG4bK-{self.name}-{unique}"
                + (";rport" if rport else ""))

    def ask(self, message, send, answered):
        transaction = Transaction(self, message, send, answered)
        if transaction.end[2]:
            self.transactions[message.key] = transaction
        return transaction

    def response_came(self, message, source):
        transaction = self.transactions.get(message.key)
        if transaction:
            self.check_response(message, transaction.message)
            transaction.take(message)
        elif message.key in self.finished:
            self.check_response(message, self.finished[message.key].message)
            self.repeated(message, self.finished[message.key])

    def check_response(self, message, request):
        """It answers what was asked, byte for byte (RFC 3261 8.2.6.2)."""
        plain = re.sub(r";received=[^;]+", "", re.sub(r";rport=\d+", ";rport", message.get("Via")))
        pairs = [("Via", plain, request.get("Via"))]
        pairs += [(name, message.get(name), request.get(name)) for name in ("From", "Call-ID", "CSeq")]
        if ";tag=" in request.get("To"):
            pairs.append(("To", message.get("To"), request.get("To")))
        else:
            pairs.append(("To", message.get("To").split(";tag=")[0], request.get("To")))
        if len(message.all("Via")) != len(request.all("Via")):
            self.world.fault("message", f"{self.name} has got {message.describe()} with {message.all('Via')}")
        for name, got, wanted in pairs:
            if got != wanted:
                self.world.fault("message", f"{self.name} has got {message.describe()} with {name}: {got} "
                                            f"in answer to {name}: {wanted}")

    def reply(self, request, status, tag="", body="", extra=(), by=None, records=True):
        """Answers a request, and remembers that for its repetition."""
        to = request.get("To") + (f";tag={tag}" if tag and ";tag=" not in request.get("To") else "")
        headers = [["Via", via] for via in request.all("Via")]
        if records:
            headers += [["Record-Route", route] for route in request.all("Record-Route")]
        headers += [["From", request.get("From")], ["To", to], ["Call-ID", request.get("Call-ID")],
                    ["CSeq", request.get("CSeq")], *map(list, extra)]
        if body:
            headers.append(["Content-Type", "application/sdp"])
        message = Message(f"SIP/2.0 {status}", headers, body)
        self.served[request.server_key] = message, by
        self.send_response(message, by)
        return message

    def send_response(self, message, by):
        if isinstance(by, Connection):
            self.send(message, by.peer, by)
            return
        self.send(message, self.response_target(message), by)

    @staticmethod
    def response_target(message):
        via = message.get("Via")
        sent_by = re.match(r"SIP/2\.0/\S+ (\[[^\]]+\]|[^:;]+)(?::(\d+))?", via)
        received, rport = re.search(r";received=([^;]+)", via), re.search(r";rport=(\d+)", via)
        host = received[1] if received else sent_by[1].strip("[]")
        return host, int(rport[1] if rport else sent_by[2] or 5060)

    def is_repeated(self, request):
        """A request that has been answered: the answer again."""
        served = self.served.get(request.server_key)
        if served and request.method == "ACK":
            self.acknowledged.add(request.server_key)
        elif served:
            self.send_response(*served)
        return request.server_key in self.served

    def repeat_until(self, is_over, send, interval=T1):
        """Sends again and again, until it is over or 64*T1 have passed."""
        end = self.world.loop.now() + TIMEOUT

        def again(interval):
            if not is_over() and self.world.loop.now() < end:
                send()
                self.world.loop.after(min(interval * 2, T2), lambda: again(min(interval * 2, T2)))
        self.world.loop.after(interval, lambda: again(interval))
