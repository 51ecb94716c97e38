# SPDX-License-Identifier: GPL-2.0-only
"""
A phone, a PBX or a provider's gateway: accounts, calls and subscriptions. It keeps its dialogs as
RFC 3261 12 says, and tells the world whatever does not match them.
"""
import re

from media import Session
from message import Message, Uri, tag, written
from node import Node
from proxy import DOMAIN

ALLOW = "INVITE, ACK, BYE, CANCEL, OPTIONS, PRACK, UPDATE, INFO, MESSAGE, REFER, NOTIFY, SUBSCRIBE"


class Leg:
    """One party's side of a dialog."""

    def __init__(self, phone, call_id, local, remote, contact):
        self.phone, self.call_id, self.local, self.remote, self.contact = phone, call_id, local, remote, contact
        self.cseq, self.remote_cseq, self.routes, self.target = 1, 0, [], None
        self.state, self.failure = "new", 0
        self.session = Session(phone)
        self.invite = self.ack = self.accepted = None
        self.offer_out = False      # an offer of ours is not answered yet
        self.busy = False           # a request of ours that changes the session is not answered yet
        self.done = {}              # what became of requests, by method
        self.notified = []

    def request(self, method, body="", extra=(), cseq=None):
        if cseq is None and method not in ("ACK", "CANCEL"):
            self.cseq += 1
        number = cseq or self.cseq
        headers = [["Via", self.phone.own_via(self.call_id, f"{number} {method}")], ["Max-Forwards", "70"],
                   *(["Route", route] for route in self.routes), ["From", self.local], ["To", self.remote],
                   ["Call-ID", self.call_id], ["CSeq", f"{number} {method}"], ["Contact", f"<{self.contact}>"],
                   *map(list, extra)]
        if body:
            headers.append(["Content-Type", "application/sdp"])
        return Message(f"{method} {self.target} SIP/2.0", headers, body)

    def learn(self, message, routes):
        """Target and routes of the dialog, of a message that makes it."""
        if message.get("Contact"):
            self.target = Uri(message.get("Contact")).text
        self.routes = routes

    def end(self, state="ended"):
        self.state = state
        self.session.close()


class Phone(Node):
    def __init__(self, world, name, options, host):
        self.options = options
        self.chance = world.chance_of(name)
        self.transport, self.rport = options["transport"], options["rport"] == "yes"
        self.media_address = world.network.at(options["place"],
                                              host + 100 if options["media"] == "apart" else host)
        self.users = [name] + [f"{name}.{i}" for i in range(1, int(options["accounts"]))]
        self.media_ports = iter(range(int(options["rtp"]), 65000, 4))
        self.tcp_ports = iter(range(40000 + host * 100, 40100 + host * 100))
        self.registrations, self.boots = {}, 0
        super().__init__(world, name, options["place"], host, int(options["port"]))

    def open(self):
        super().open()
        self.legs = {}

    def close(self):
        for leg in self.legs.values():
            leg.session.close()
        super().close()

    def reboot(self):
        """Power off and on: calls and transactions are forgotten, and nobody is told."""
        for transaction in list(self.transactions.values()):
            transaction.forget()
        for leg in self.legs.values():
            leg.end("dead")
        self.close()
        self.boots += 1
        self.registrations = {}
        self.media_ports = iter(range(int(self.options["rtp"]), 65000, 4))
        self.open()

    def next_media_port(self):
        return next(self.media_ports)

    def contact_of(self, user):
        parameter = ";transport=tcp" if self.transport == "tcp" else ""
        return f"sip:{user}@{written(self.address, self.port)}{parameter}"

    def own_via(self, call_id, cseq):
        return self.via(self.transport, self.rport, re.sub(r"@.*| ", "", f"{cseq}-{call_id}"))

    # sending

    def dispatch(self, message):
        """To the first route, or to the target; new requests to the provider."""
        hop = Uri(message.get("Route") or message.uri)
        proxy = self.world.proxy
        where = (proxy.address if proxy.is_mine(hop) else hop.host, hop.port)
        if self.transport == "tcp" and proxy.is_mine(hop):
            connection = self.connection_to(where, next(self.tcp_ports)) if not self.connected(where) \
                else self.connection_to(where)
            if connection:
                self.send(message, where, connection)
            return
        self.send(message, where)

    def connected(self, where):
        return any(connection.peer == where for connection in self.connections)

    def drop_connections(self):
        for connection in list(self.connections):
            connection.close()

    def answer(self, request, status, leg=None, body="", extra=(), by=None, tagged=""):
        extra = [*extra]
        if leg:
            extra.append(("Contact", f"<{leg.contact}>"))
        return self.reply(request, status, tag=tag(leg.local) if leg else tagged or self.name, body=body,
                          extra=extra, by=by)

    # registration

    def register(self, user, expires=3600, done=None):
        """`done` is called with the final status, 0 for none."""
        call_id, cseq = self.registrations.get(user, (f"reg-{user}-{self.boots}@{self.address}", 0))
        self.registrations[user] = call_id, cseq + 1
        self.send_register(user, expires, done or (lambda status: None), "")

    def send_register(self, user, expires, done, authorization):
        call_id, cseq = self.registrations[user]
        me = f"<sip:{user}@{DOMAIN}>"
        contact = f"<{self.contact_of(user)}>"
        headers = [["Via", self.own_via(call_id, f"{cseq} REGISTER")], ["Max-Forwards", "70"], ["From", f"{me};tag=r{self.boots}{user}"],
                   ["To", me], ["Call-ID", call_id], ["CSeq", f"{cseq} REGISTER"], ["Contact", f'{contact};+sip.instance="<urn:{self.name}>"'],
                   ["Expires", str(expires)]]
        if authorization:
            headers.append(["Authorization", authorization])

        def answered(response):
            if response is None:
                done(0)
            elif response.status == 401 and not authorization:
                self.registrations[user] = call_id, cseq + 1
                self.send_register(user, expires, done, f'Digest username="{user}", realm="{DOMAIN}"')
            elif response.status >= 200:
                self.check_bindings(response, contact, expires)
                self.refresh_later(user, expires, call_id, cseq)
                done(response.status)
        self.ask(Message(f"REGISTER sip:{DOMAIN} SIP/2.0", headers), self.dispatch, answered)

    def refresh_later(self, user, expires, call_id, cseq):
        """Before the registration ends, if nothing newer has been asked for."""
        def refresh():
            if self.registrations.get(user) == (call_id, cseq):
                self.register(user, expires)
        if expires:
            self.world.loop.after(expires / 2, refresh)

    def check_bindings(self, response, contact, expires):
        """RFC 3261 10.2.4: the phone finds its own contact among those that are registered."""
        named = [value.split(">")[0] + ">" for value in response.all("Contact")]
        if (contact in named) != (expires > 0):
            self.world.fault("message", f"{self.name} registered {contact}, and has got {named}")

    # calls: who calls

    def call(self, call, user, callee):
        me = f"<sip:{user}@{DOMAIN}>;tag=t{self.name}{call.number}"
        leg = Leg(self, f"call{call.number}@{self.address}", me, f"<sip:{callee}@{DOMAIN}>", self.contact_of(user))
        leg.call, leg.target, leg.state = call, f"sip:{callee}@{DOMAIN}", "calling"
        self.legs[leg.call_id] = leg
        leg.session.want(call.kinds)
        self.send_invite(leg, "" if call.options["offer"] == "late" else leg.session.offer())
        return leg

    def send_invite(self, leg, body, extra=()):
        leg.offer_out, leg.busy = bool(body), True
        if body:
            leg.session.offered()
        prack = [("Supported", "100rel")] if leg.call.options["prack"] == "yes" else []
        leg.invite = leg.request("INVITE", body, [*prack, ("Allow", ALLOW), *extra])
        self.ask(leg.invite, self.dispatch, lambda response: self.invite_answered(leg, response))

    def invite_answered(self, leg, response):
        if response is None:
            leg.busy = False
            leg.end("timeout")
        elif response.status < 200:
            self.provisional(leg, response)
        elif response.status < 300:
            leg.busy = False
            self.established(leg, response)
        else:
            leg.busy = False
            self.refused(leg, response)

    def provisional(self, leg, response):
        if not tag(response.get("To")) or leg.state == "up":
            return
        leg.remote = response.get("To")
        leg.learn(response, response.all("Record-Route")[::-1])
        leg.state = "early"
        if response.body and leg.offer_out:
            leg.session.take(response.body)
        if response.get("RSeq"):
            prack = leg.request("PRACK", extra=[("RAck", f"{response.get('RSeq')} {response.get('CSeq')}")])
            self.ask(prack, self.dispatch, lambda answer: self.note_done(leg, "PRACK", answer))

    def established(self, leg, response):
        """A 2xx: dialog, media, and ACK, which carries the answer when the offer came late."""
        if leg.state in ("calling", "early"):
            leg.remote = response.get("To")
            leg.learn(response, response.all("Record-Route")[::-1])
        elif response.get("Contact"):
            leg.target = Uri(response.get("Contact")).text
        body = ""
        if response.body and leg.invite.body:
            leg.session.take(response.body)
        elif response.body:
            body = leg.session.answer(response.body)
        number = int(response.get("CSeq").split(" ")[0])
        leg.ack = leg.request("ACK", body, cseq=number)
        leg.offer_out, leg.state = False, "up"
        self.dispatch(leg.ack)
        leg.done["INVITE"] = response.status

    def repeated(self, response, transaction):
        """A 2xx that comes again wants its ACK again."""
        leg = self.legs.get(response.get("Call-ID"))
        if leg and 200 <= response.status < 300 and transaction.is_invite and leg.ack and \
                leg.ack.get("CSeq").split(" ")[0] == response.get("CSeq").split(" ")[0]:
            self.dispatch(leg.ack)
        elif leg and response.status >= 300 and transaction.is_invite:
            self.acknowledge(transaction.message, response)

    def acknowledge(self, invite, response):
        """ACK of a refusal: of the same transaction (RFC 3261 17.1.1.3)."""
        headers = [["Via", invite.get("Via")], ["Max-Forwards", "70"], *(["Route", one] for one in invite.all("Route")),
                   ["From", invite.get("From")], ["To", response.get("To")], ["Call-ID", invite.get("Call-ID")],
                   ["CSeq", f"{invite.get('CSeq').split(' ')[0]} ACK"]]
        self.dispatch(Message(f"ACK {invite.uri} SIP/2.0", headers))

    def refused(self, leg, response):
        self.acknowledge(leg.invite, response)
        leg.failure = response.status
        leg.done["INVITE"] = response.status
        if leg.state in ("calling", "early"):
            leg.end()

    def cancel(self, leg):
        invite = leg.invite
        headers = [["Via", invite.get("Via")], ["Max-Forwards", "70"], *(["Route", one] for one in invite.all("Route")),
                   ["From", invite.get("From")], ["To", invite.get("To")], ["Call-ID", invite.get("Call-ID")],
                   ["CSeq", f"{invite.get('CSeq').split(' ')[0]} CANCEL"]]
        self.ask(Message(f"CANCEL {invite.uri} SIP/2.0", headers), self.dispatch,
                 lambda response: self.note_done(leg, "CANCEL", response))

    # requests within a call

    def ask_in(self, leg, method, body="", extra=()):
        """A request of the dialog; leg.done[method] has its final status, 0 for none."""
        leg.done.pop(method, None)
        request = leg.request(method, body, extra)

        def answered(response):
            if response is not None and response.status < 200:
                return
            leg.busy = leg.offer_out = False
            if response is not None and response.status < 300 and method == "UPDATE":
                if response.get("Contact"):
                    leg.target = Uri(response.get("Contact")).text
                if response.body and body:
                    leg.session.take(response.body)
            self.note_done(leg, method, response)
            if method == "BYE":
                leg.end()
        if method == "UPDATE":
            leg.busy, leg.offer_out = True, bool(body)
            if body:
                leg.session.offered()
        if method == "BYE":
            leg.state = "ending"
        self.ask(request, self.dispatch, answered)

    @staticmethod
    def note_done(leg, method, response):
        if response is None or response.status >= 200:
            leg.done[method] = response.status if response else 0

    # calls: who is called

    def request_came(self, message, source, by):
        if self.is_repeated(message):
            return
        method = message.method
        if method == "CANCEL":
            self.cancelled(message, by)
            return
        leg = self.legs.get(message.get("Call-ID"))
        if tag(message.get("To")):
            if not leg or leg.state == "dead":
                if method != "ACK":
                    self.answer(message, "481 Call/Transaction Does Not Exist", by=by)
                return
            if method == "ACK":
                self.take_ack(leg, message)
                return
            if leg.state == "calling" and method == "NOTIFY":
                # it may come before the 200 to SUBSCRIBE (RFC 6665 4.1.2.4)
                leg.remote, leg.state = message.get("From"), "up"
                leg.learn(message, message.all("Record-Route"))
            if not self.check_in_dialog(leg, message):
                self.answer(message, "481 Call/Transaction Does Not Exist", by=by)
                return
            getattr(self, "in_" + method.lower(), self.in_other)(leg, message, by)
        elif method == "INVITE":
            self.invited(message, by)
        elif method != "ACK":
            self.asked(message, by)

    def check_in_dialog(self, leg, message):
        """RFC 3261 12.2.2: the dialog's URI, tags and sequence, byte for byte."""
        number = int(message.get("CSeq").split(" ")[0])
        pairs = [("Request-URI", message.uri, leg.contact), ("From", message.get("From"), leg.remote),
                 ("To", message.get("To"), leg.local)]
        wrong = [f"{name}: {got} for {wanted}" for name, got, wanted in pairs if got != wanted]
        if number <= leg.remote_cseq:
            wrong.append(f"CSeq {number} after {leg.remote_cseq}")
        if message.all("Route"):
            wrong.append(f"Route: {message.all('Route')}")
        leg.remote_cseq = max(number, leg.remote_cseq)
        if wrong:
            self.world.fault("message", f"{self.name} has got {message.describe()} with {'; '.join(wrong)}")
        return tag(message.get("From")) == tag(leg.remote) and tag(message.get("To")) == tag(leg.local)

    def user_of(self, message):
        """The account that is asked for: the one whose contact stands in the Request-URI."""
        for user in self.users:
            if message.uri == self.contact_of(user):
                return user
        self.world.fault("message", f"{self.name} has got {message.describe()}, and is none of "
                                    f"{[self.contact_of(user) for user in self.users]}")
        return self.users[0]

    def invited(self, message, by):
        user = self.user_of(message)
        call = self.world.call_of(message.get("Call-ID"))
        to = message.get("To") + f";tag=t{self.name}{call.number}"
        leg = Leg(self, message.get("Call-ID"), to, message.get("From"), self.contact_of(user))
        leg.call, leg.state = call, "early"
        leg.remote_cseq = int(message.get("CSeq").split(" ")[0])
        leg.learn(message, message.all("Record-Route"))
        leg.invite, leg.by = message, by
        self.legs[leg.call_id] = leg
        self.reply(message, "100 Trying", by=by, records=False)
        if message.body:
            leg.pending = leg.session.answer(message.body)
        else:
            leg.session.want(call.kinds)
            leg.pending = leg.session.offer()
            leg.session.offered()
            leg.offer_out = True
        options = call.options
        if options["ring"] != "none":
            self.world.loop.after(0.3, lambda: self.ring(leg, options))
        if options["end"] in ("answer", "cross") and self.name in call.answerers:
            self.world.loop.after(float(options["delay"]), lambda: self.pick_up(leg))
        elif options["end"] == "busy":
            self.world.loop.after(0.6, lambda: self.refuse(leg, "486 Busy Here"))

    def ring(self, leg, options):
        if leg.state != "early":
            return
        early = options["ring"] == "183"
        extra = []
        if options["prack"] == "yes" and "100rel" in leg.invite.get("Supported"):
            extra = [("Require", "100rel"), ("RSeq", "1")]
        early = early and bool(leg.invite.body)
        self.answer(leg.invite, "183 Session Progress" if early else "180 Ringing", leg,
                    leg.pending if early else "", extra, leg.by)

    def pick_up(self, leg):
        if leg.state == "early":
            leg.state = "accepted"
            self.accept(leg, leg.invite, leg.pending, leg.by)

    def refuse(self, leg, status):
        if leg.state == "early":
            invite, by = leg.invite, leg.by
            response = self.answer(invite, status, leg, by=by)
            self.repeat_until(lambda: invite.server_key in self.acknowledged or leg.state == "dead",
                              lambda: self.send_response(response, by))
            leg.failure = int(status.split(" ")[0])
            leg.end()

    def accept(self, leg, request, body, by):
        """A 200 to an INVITE, again and again until its ACK comes (RFC 3261 13.3.1.4)."""
        response = self.answer(request, "200 OK", leg, body, [("Allow", ALLOW)], by)
        leg.accepted = request.key
        self.repeat_until(lambda: leg.accepted != request.key or leg.state == "dead",
                          lambda: self.send_response(response, by))

    def take_ack(self, leg, message):
        if leg.accepted and message.get("CSeq").split(" ")[0] == leg.invite.get("CSeq").split(" ")[0]:
            leg.accepted = None
            if leg.state == "accepted":
                leg.state = "up"
            if leg.offer_out and message.body:
                leg.session.take(message.body)
            leg.offer_out = False

    def cancelled(self, message, by):
        leg = self.legs.get(message.get("Call-ID"))
        if not leg or leg.invite.branch != message.branch:
            self.answer(message, "481 Call/Transaction Does Not Exist", by=by)
            return
        self.answer(message, "200 OK", by=by, tagged=tag(leg.local))
        if leg.state == "early":
            self.refuse(leg, "487 Request Terminated")
            leg.state = "cancelled"

    # requests within a dialog that come

    def in_invite(self, leg, message, by):
        if leg.busy or leg.accepted:
            self.answer(message, "491 Request Pending", leg, by=by)
            return
        leg.target = Uri(message.get("Contact")).text
        leg.invite, leg.by = message, by
        if message.body:
            body = leg.session.answer(message.body)
        else:
            body, leg.offer_out = leg.session.offer(), True
            leg.session.offered()
        self.accept(leg, message, body, by)

    def in_update(self, leg, message, by):
        if leg.busy and message.body:
            self.answer(message, "491 Request Pending", leg, by=by)
            return
        leg.target = Uri(message.get("Contact")).text
        self.answer(message, "200 OK", leg, leg.session.answer(message.body) if message.body else "", by=by)

    def in_bye(self, leg, message, by):
        self.answer(message, "200 OK", by=by)
        leg.end()

    def in_notify(self, leg, message, by):
        leg.target = Uri(message.get("Contact")).text
        leg.notified.append(message.get("Subscription-State"))
        self.answer(message, "200 OK", leg, by=by)

    def in_refer(self, leg, message, by):
        self.answer(message, "202 Accepted", leg, by=by)

    def in_subscribe(self, leg, message, by):
        leg.target = Uri(message.get("Contact")).text
        self.answer(message, "200 OK", leg, extra=[("Expires", message.get("Expires"))], by=by)
        self.notify(leg, "active" if message.get("Expires") != "0" else "terminated")

    def notify(self, leg, state):
        self.ask_in(leg, "NOTIFY", extra=[("Event", "presence"), ("Subscription-State", state)])

    def in_other(self, leg, message, by):
        self.answer(message, "200 OK", leg, by=by)

    # requests outside of dialogs

    def asked(self, message, by):
        user = self.user_of(message)
        if message.method == "SUBSCRIBE":
            leg = Leg(self, message.get("Call-ID"), message.get("To") + f";tag=t{self.name}",
                      message.get("From"), self.contact_of(user))
            leg.state, leg.remote_cseq = "up", int(message.get("CSeq").split(" ")[0])
            leg.learn(message, message.all("Record-Route"))
            self.legs[leg.call_id] = leg
            self.answer(message, "200 OK", leg, extra=[("Expires", "600")], by=by)
            self.notify(leg, "active")
        else:
            self.answer(message, "200 OK", by=by)

    def ask_out(self, method, user, other, done, extra=()):
        """OPTIONS, MESSAGE: one transaction and no dialog. `done` is called with its final status."""
        me, call_id = f"<sip:{user}@{DOMAIN}>;tag=t{self.name}", f"{self.unique(method.lower())}@{self.address}"
        headers = [["Via", self.own_via(call_id, f"1 {method}")], ["Max-Forwards", "70"], ["From", me],
                   ["To", f"<sip:{other}@{DOMAIN}>"], ["Call-ID", call_id], ["CSeq", f"1 {method}"],
                   ["Contact", f"<{self.contact_of(user)}>"], *map(list, extra)]

        def answered(response):
            if response is None or response.status >= 200:
                done(response)
        self.ask(Message(f"{method} sip:{other}@{DOMAIN} SIP/2.0", headers), self.dispatch, answered)

    def subscribe(self, user, other, expires=600):
        leg = Leg(self, f"{self.unique('sub')}@{self.address}", f"<sip:{user}@{DOMAIN}>;tag=t{self.name}",
                  f"<sip:{other}@{DOMAIN}>", self.contact_of(user))
        leg.target, leg.state = f"sip:{other}@{DOMAIN}", "calling"
        self.legs[leg.call_id] = leg
        self.resubscribe(leg, expires)
        return leg

    def resubscribe(self, leg, expires):
        leg.done.pop("SUBSCRIBE", None)
        request = leg.request("SUBSCRIBE", extra=[("Event", "presence"), ("Expires", str(expires))])

        def answered(response):
            if response is not None and response.status < 200:
                return
            if response is not None and response.status < 300 and leg.state == "calling":
                leg.remote, leg.state = response.get("To"), "up"
                leg.learn(response, response.all("Record-Route")[::-1])
            self.note_done(leg, "SUBSCRIBE", response)
        self.ask(request, self.dispatch, answered)
        if expires:
            self.world.loop.after(expires / 2, lambda: leg.state == "up" and self.resubscribe(leg, expires))
