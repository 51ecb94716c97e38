# SPDX-License-Identifier: GPL-2.0-only
"""The provider: a registrar, and a proxy that stays in the path or does not, and forks."""
import re

from message import Message, Uri, tag, written
from node import Connection, Node, TIMEOUT

DOMAIN = "example.net"
RECORDED = ("INVITE", "SUBSCRIBE", "REFER", "NOTIFY")


class Binding:
    """A contact of an account; which device's it is, +sip.instance says (RFC 5626)."""

    def __init__(self, contact, instance, connection):
        self.contact, self.instance, self.connection = contact, instance, connection


class Fork:
    """One INVITE to several contacts: who answers first has it (RFC 3261 16.7)."""

    def __init__(self, request, by):
        self.request, self.by, self.branches, self.finals, self.won = request, by, {}, {}, False


class Proxy(Node):
    def __init__(self, world, options, place, host, other):
        self.options = options
        self.bindings = {}
        self.forks, self.ways, self.answered = {}, {}, set()
        self.other_address = world.network.at(place, other)
        super().__init__(world, "proxy", place, host)
        # a second host of the provider's pool
        self.other = self.listen(self.other_address, 5060)

    def close(self):
        self.world.loop.remove(self.other)
        self.other.close()
        super().close()

    def is_mine(self, uri):
        return uri.host in (DOMAIN, self.address, self.other_address)

    # requests

    def request_came(self, message, source, by):
        if message.method == "REGISTER":
            self.register(message, by)
            return
        message = message.copy()
        self.ways[message.branch] = by
        if message.get("Route") and self.is_mine(Uri(message.get("Route"))):
            message.pop("Route")
        if message.method == "CANCEL" and self.cancels(message, by):
            return
        if message.method == "ACK" and self.is_own_ack(message):
            return
        self.forward(message, by)

    def forward(self, message, by):
        in_dialog = ";tag=" in message.get("To")
        # a NOTIFY may come before the 200 to SUBSCRIBE, and then makes the dialog (RFC 6665 4.3)
        record = self.options["record"] == "yes" and message.method in RECORDED and \
            (not in_dialog or message.method == "NOTIFY")
        if message.get("Route"):
            self.pass_on(message, Uri(message.get("Route")), 0, record)
            return
        uri = Uri(message.uri)
        if not self.is_mine(uri):
            self.pass_on(message, uri, 0, record)
            return
        found = self.bindings.get(uri.user, [])
        if not found:
            if message.method != "ACK":
                self.reply(message, "404 Not Found", tag="none", by=by)
        elif len(found) == 1 or message.method != "INVITE":
            self.to_binding(message, found[0], 0, record)
        else:
            self.fork(message, found, by, record)

    def to_binding(self, message, binding, index, record):
        message = message.copy()
        message.start = f"{message.start.split(' ')[0]} {binding.contact} SIP/2.0"
        return self.pass_on(message, Uri(binding.contact), index, record, binding.connection)

    def pass_on(self, message, target, index, record, connection=None):
        """To the next hop, with a Via of ours; what a stateless proxy does (RFC 3261 16.11)."""
        pooled = self.options["pool"] == "yes" and ";tag=" in message.get("To") and not message.get("Route")
        address = self.other_address if pooled else self.address
        transport = target.transport
        branch = f"z9hG4bK-px{index}-{message.branch[7:]}"
        if record:
            parameter = ";transport=tcp" if transport == "tcp" else ""
            message.push("Record-Route", f"<sip:{written(self.address, 5060)};lr{parameter}>")
        message.push("Via", f"SIP/2.0/{transport.upper()} {written(address, 5060)};branch={branch}")
        message.put("Max-Forwards", str(int(message.get("Max-Forwards") or 70) - 1))
        where = (target.host, target.port)
        if transport == "tcp":
            by = connection if connection in self.connections else self.connection_to(where)
            if not by:
                return message
        else:
            by = self.other if pooled else self.socket
        self.send(message, where, by)
        if transport == "udp" and message.method != "ACK" and isinstance(self.ways.get(message.all("Via")[1].split("branch=")[1].split(";")[0]), Connection):
            # who has asked by TCP will not ask again
            self.repeat_until(lambda: branch in self.answered, lambda: self.send(message, where, by))
        return message

    # responses

    def response_came(self, message, source):
        fork = self.forks.get(message.branch)
        if fork and message.method == "CANCEL":
            return
        message = message.copy()
        branch = message.branch
        if message.method == "INVITE" or message.status >= 200:
            self.answered.add(branch)
        message.pop("Via")
        if not message.get("Via"):
            return
        if fork and message.method == "INVITE":
            self.fork_answer(fork, branch, message)
            return
        self.back(message)

    def back(self, message):
        """By the connection that the request came by, while that is there (RFC 3261 18.2.2)."""
        by = self.ways.get(message.branch)
        self.send_response(message, None if isinstance(by, Connection) and by not in self.connections else by)

    # forking

    def fork(self, message, found, by, record):
        fork = self.forks.get(message.branch)
        if fork:
            return
        fork = Fork(message.copy(), by)
        self.forks[message.branch] = fork
        self.reply(message, "100 Trying", by=by, records=False)
        for index, binding in enumerate(found):
            sent = self.to_binding(message, binding, index, record)
            fork.branches[sent.branch] = sent
            self.forks[sent.branch] = fork
            self.repeat(fork, sent, binding, 0.5)

    def repeat(self, fork, sent, binding, interval):
        """Over UDP until anything is heard of it."""
        def again():
            if sent.branch not in fork.finals and interval < TIMEOUT / 2:
                self.send(sent, (Uri(binding.contact).host, Uri(binding.contact).port))
                self.repeat(fork, sent, binding, interval * 2)
        if Uri(binding.contact).transport == "udp":
            self.world.loop.after(interval, again)

    def fork_answer(self, fork, branch, message):
        fork.finals.setdefault(branch, 100)
        if message.status < 200:
            if message.status > 100:
                self.back(message)
            return
        first = fork.finals[branch] < 200
        fork.finals[branch] = message.status
        if message.status < 300:
            self.back(message)
            if first and not fork.won:
                fork.won = True
                self.cancel_others(fork)
            return
        self.acknowledge(fork.branches[branch], message)
        ended = [fork.finals.get(one, 0) for one in fork.branches]
        if first and not fork.won and min(ended) >= 300:
            self.back(message)

    def cancel_others(self, fork):
        for branch, sent in fork.branches.items():
            def is_over(branch=branch):
                return fork.finals.get(branch, 100) >= 200

            def send(sent=sent):
                self.send_beside(sent, "CANCEL")
            if not is_over():
                send()
                self.repeat_until(is_over, send)

    def acknowledge(self, sent, response):
        self.send_beside(sent, "ACK", response.get("To"))

    def send_beside(self, sent, method, to=None):
        """CANCEL or ACK of one branch: hop by hop."""
        headers = [["Via", sent.get("Via")], ["Max-Forwards", "70"], *(["Route", one] for one in sent.all("Route")),
                   ["From", sent.get("From")], ["To", to or sent.get("To")], ["Call-ID", sent.get("Call-ID")],
                   ["CSeq", f"{sent.get('CSeq').split(' ')[0]} {method}"]]
        target = Uri(sent.uri)
        by = self.connection_to((target.host, target.port)) if target.transport == "tcp" else self.socket
        self.send(Message(f"{method} {sent.uri} SIP/2.0", headers), (target.host, target.port), by)

    def cancels(self, message, by):
        fork = self.forks.get(message.branch)
        if not fork:
            return False
        self.reply(message, "200 OK", tag="proxy", by=by)
        fork.won = True
        self.cancel_others(fork)
        fork.won = False
        return True

    def is_own_ack(self, message):
        """Of what was answered here: a 404, or the last refusal of a fork."""
        return message.server_key in self.served or message.branch in self.forks

    # registrar

    def register(self, message, by):
        if self.is_repeated(message):
            return
        if self.options["challenge"] == "yes" and not message.get("Authorization"):
            self.reply(message, "401 Unauthorized", tag="registrar", by=by,
                       extra=[("WWW-Authenticate", f'Digest realm="{DOMAIN}", nonce="n{self.unique("n")}"')])
            return
        user = Uri(message.get("To")).user
        instance = re.search(r"urn:\w+", message.get("Contact"))[0]
        kept = [one for one in self.bindings.get(user, []) if one.instance != instance]
        contact = Uri(message.get("Contact")).text
        if ";expires=0" not in message.get("Contact") and message.get("Expires") != "0":
            kept.append(Binding(contact, instance, by if by is not self.socket else None))
        self.bindings[user] = kept
        contacts = [("Contact", f"<{one.contact}>;expires=3600") for one in kept]
        self.reply(message, "200 OK", tag=f"r{tag(message.get('From'))}", by=by, extra=contacts)
