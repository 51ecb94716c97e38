# SPDX-License-Identifier: GPL-2.0-only
"""
Rows with Asterisk, in the places where an exchange may be. Nothing tells it of the NAT.
"""
import contextlib
import time

import netns
import network
import servers
from asterisk import Asterisk
from calls import make
from phones import Baresip, Lamp, Linphone

# Office: whose phones are inside, and use the exchange in the namespace `host`. Bob and
# dave are the provider's, erin is outside and uses the exchange.
PLACES = {
    "exchange inside, trunk registered": {"host": "pbx", "number": "did-"},
    "exchange inside, trunk registered, direct media": {"host": "pbx", "number": "did-", "direct": True},
    "exchange inside, trunk registered, behind a proxy": {"host": "pbx", "number": "did-", "front": True},
    "exchange inside, trunk by port forward": {"host": "pbx", "number": "ip-"},
    "exchange on the router, trunk registered": {"host": "router", "number": "did-"},
    "exchange as provider": {"host": "provider"},
    "exchange as provider, direct media": {"host": "provider", "direct": True},
}
WITH_TRUNK = tuple(place for place, what in PLACES.items() if "number" in what)
FORWARDED = tuple(place for place in WITH_TRUNK if PLACES[place]["number"] == "ip-")

# Everybody inside talks to everybody inside, and the router to itself: its exchange
# asks there for names.
OFFICE = """
table inet firewall {
    chain input { iifname lo accept; }
    chain forward { iifname { lan, lan2, lan3 } oifname { lan, lan2, lan3 } accept; }
}
"""
# recipes/pbx-trunk.nft; whoever may come, since erin is anywhere
FORWARD = """
table inet firewall {
    chain forward { ct status dnat accept; }
}
table ip nat {
    chain lead-in { type nat hook prerouting priority dstnat
        iifname wan meta l4proto { tcp, udp } th dport 5060 dnat to 192.168.3.30
    }
}
"""
# The helper of what the router itself begins.
OWN = """
table inet sip {
    chain own { type filter hook output priority filter
        udp dport 5060 ct helper set "sip-udp"
        tcp dport 5060 ct helper set "sip-tcp"
    }
}
"""
PASSWORD = ";auth_pass=secret"
KINDS = {"baresip": lambda user, way, account: Baresip(user, way, account, ("mwi",), tone=500),
         "linphone": lambda user, way, account: Linphone(user, way, password="secret" if account else None)}

_rows = []


def row(title, places, kinds=("baresip udp",)):
    """Marks a row: where it is made, and by which phones over what."""
    def mark(function):
        _rows.append((title, places, kinds, function))
        return function
    return mark


class Office:
    """An exchange, its phones, and a provider with others."""

    def __init__(self, place, mode, kind, way):
        what = PLACES[place]
        self.way, self.number, self.host = way, what.get("number"), what["host"]
        front = what.get("front")
        inside = ["alice", "carol"]
        self._exchange_at = {user: self._address(mode, user) for user in ("alice", "carol", "erin", "bob")}
        if not self.number:
            self.local = inside + ["bob"]
            self.exchange = Asterisk("provider", [*self.local, "fax"], direct_media=what.get("direct"))
        else:
            self.local = inside + ["erin"] * (self.number == "ip-")
            self.exchange = Asterisk(self.host, self.local, network.SERVER[0], ("bob", "dave"),
                                     "pbx" if self.number == "did-" else None,
                                     direct_media=what.get("direct"),
                                     **{"port": 5080, "front": network.MORE["pbx"][0]} if front else {})
        self.exchange.ready()
        self.all = []
        for user in self.local + (["bob", "dave"] if self.number else []):
            account = PASSWORD if user in self.local else ""
            phone = KINDS[kind if user in inside else "baresip"](user, way, account)
            self.all.append(phone)
            setattr(self, user, phone)
        for phone in self.all:
            phone.connect()
        for phone in self.all:
            phone.register_at(self.server(phone.user))
        if self.number == "did-":
            self.exchange.registered()

    def _address(self, mode, user):
        """Of the exchange, as that user sees it."""
        if self.host == "provider":
            return network.SERVER[0]
        if self.host == "router":
            return network.GATEWAYS[user][0]
        return network.PUBLIC if user == "erin" and mode != "routed" else network.MORE["pbx"][0]

    def server(self, user):
        return self._exchange_at[user] if user in self.local else network.SERVER[0]

    def uri(self, caller, callee):
        """Of a user or a service, as this phone calls him."""
        foreign = caller.user not in self.local and callee not in ("bob", "dave")
        return caller.uri(self.server(caller.user), (self.number if foreign else "") + callee)

    def forwarded_uri(self, caller, callee):
        """Of a user of the provider, by way of the exchange."""
        return caller.uri(self.server(caller.user), self.number + callee)

    def before_row(self):
        """Nothing comes to pass between the rows."""

    def quiet(self):
        for phone in reversed(self.all):
            phone.quiet()
        self.exchange.quiet()
        time.sleep(1)
        for phone in self.all:
            phone.drain()

    def leave(self):
        for phone in self.all:
            phone.end()
        self.exchange.end()


def dial(office, caller, callee):
    caller.call(office.uri(caller, callee.user))
    callee.answer()
    caller.established()
    callee.established()
    # the exchange may lead media past itself now
    time.sleep(1)


@row("call out", PLACES, ("baresip udp", "baresip tcp"))
def call_out(office, heard):
    dial(office, office.alice, office.bob)
    return heard.listen(office.alice, office.bob)


@row("call in", PLACES, ("baresip udp", "baresip tcp"))
def call_in(office, heard):
    dial(office, office.bob, office.alice)
    return heard.listen(office.alice, office.bob)


@row("two phones behind the same router", PLACES)
def neighbours(office, heard):
    dial(office, office.alice, office.carol)
    return heard.listen(office.alice, office.carol)


@row("hold and resume", PLACES)
def hold(office, heard):
    dial(office, office.alice, office.bob)
    office.alice.hold()
    time.sleep(1)
    office.alice.resume()
    time.sleep(1)
    return heard.listen(office.alice, office.bob)


def transferred(office, heard, name):
    """Bob calls alice, who sends him to a third."""
    third = getattr(office, name)
    dial(office, office.bob, office.alice)
    office.alice.transfer(office.uri(office.alice, name))
    third.answer()
    third.established()
    time.sleep(1)
    return heard.listen(third, office.bob)


@row("blind transfer to a third phone inside", PLACES)
def transfer(office, heard):
    return transferred(office, heard, "carol")


@row("blind transfer to a third phone outside", WITH_TRUNK)
def transfer_out(office, heard):
    return transferred(office, heard, "dave")


@row("call forwarded out again", WITH_TRUNK)
def forwarded(office, heard):
    """Both parties are outside; the exchange that connects them is not."""
    office.bob.call(office.forwarded_uri(office.bob, "dave"))
    office.dave.answer()
    office.bob.established()
    office.dave.established()
    time.sleep(1)
    return heard.listen(office.bob, office.dave)


@row("a phone outside that uses the exchange: call in", FORWARDED)
def remote_in(office, heard):
    dial(office, office.erin, office.alice)
    return heard.listen(office.erin, office.alice)


@row("a phone outside that uses the exchange: call out", FORWARDED)
def remote_out(office, heard):
    dial(office, office.alice, office.erin)
    return heard.listen(office.erin, office.alice)


@row("announcement before the call is answered", PLACES)
def early(office, heard):
    caller = office.bob if office.number else office.alice
    before = network.counters(caller.namespace)[0]
    caller.call(office.uri(caller, "announcement"))
    time.sleep(2)
    got = network.counters(caller.namespace)[0] - before
    heard.parts[caller.user] = {"got": got, "sent": 0}
    return got >= 60


@row("transfer with consultation", PLACES, ("linphone udp",))
def consulted(office, heard):
    """Bob calls alice, who asks carol and then connects the two."""
    dial(office, office.bob, office.alice)
    office.alice.consult(office.uri(office.alice, "carol"))
    office.carol.answer()
    office.carol.established()
    time.sleep(1)
    office.alice.join()
    time.sleep(2)
    return heard.listen(office.carol, office.bob)


@row("six minutes on hold, the sessions refreshed by the exchange", PLACES)
def held_long(office, heard):
    dial(office, office.alice, office.bob)
    office.alice.hold()
    before = [network.count(phone.namespace)["refreshes"] for phone in (office.alice, office.bob)]
    time.sleep(360)
    after = [network.count(phone.namespace)["refreshes"] for phone in (office.alice, office.bob)]
    office.alice.resume()
    time.sleep(1)
    # one a minute, by whoever of the two has it
    good = [heard.saw(f"{name} refreshed", now - was >= 4)
            for name, was, now in zip(("alice", "bob"), before, after)]
    return heard.listen(office.alice, office.bob) and all(good)


@row("lamp of another line, after a quiet minute and a half", PLACES)
def lamp(office, heard):
    """Carol sees whether bob or alice talks: as subscriber behind the router, or as erin
    outside, of an exchange behind it."""
    watcher, watched = ("erin", "alice") if office.number == "ip-" else ("carol", "alice")
    if not office.number:
        watched = "bob"
    light = Lamp(watcher, office.way)
    try:
        light.watch(office.server(watcher), office.uri(getattr(office, watcher), watched))
        light.pause(False)
        time.sleep(90)
        light.pause(True)
        dial(office, office.bob, office.alice)
        light.shines()
    finally:
        light.end()
    return heard.saw("lamp shines")


@row("a waiting message is told to the phone ten minutes later", PLACES)
def message(office, heard):
    time.sleep(600)
    office.alice.drain()
    office.bob.call(office.uri(office.bob, "voicemail-alice"))
    office.bob.established()
    time.sleep(6)
    office.bob.quiet()
    office.alice.wait("MWI_NOTIFY", 10)
    return heard.saw("message light")


def fax_to(office, heard, number, sender, receiver):
    """A page as data: both ends must have agreed on T.38 and have had its packets."""
    before = [network.count(end.namespace)["fax"] for end in (sender, receiver)]
    for end in sender, receiver:
        end.forget_fax()
    sender.send_fax(number)
    netns.wait_until(lambda: sender.fax_sent() and receiver.fax_sent(), 180, "the end of the fax", every=2)
    for end, was in zip((sender, receiver), before):
        heard.parts[end.namespace] = {"got": network.count(end.namespace)["fax"] - was, "sent": 0}
    return all(end.fax_sent() == ("SUCCESS", "T38") and heard.parts[end.namespace]["got"] >= 20
               for end in (sender, receiver))


@row("fax by T.38 out", PLACES)
def fax_out(office, heard):
    with fax_machine(office) as machine:
        if office.number:
            return fax_to(office, heard, "fax@trunk", office.exchange, machine)
        return fax_to(office, heard, "fax-in@trunk", machine, office.exchange)


@row("fax by T.38 in", PLACES)
def fax_in(office, heard):
    with fax_machine(office) as machine:
        if office.number:
            return fax_to(office, heard, f"{office.number}fax@trunk", machine, office.exchange)
        return fax_to(office, heard, "fax", office.exchange, machine)


@contextlib.contextmanager
def fax_machine(office):
    """Another Asterisk, which the provider knows as `fax`: at dave's place, or behind the
    router where the exchange is not."""
    machine = Asterisk("dave" if office.number else "pbx", (), network.SERVER[0], (), "fax", port=5070)
    machine.ready()
    machine.registered()
    try:
        yield machine
    finally:
        machine.end()


@row("half an hour later each phone and the trunk still answer OPTIONS", PLACES)
def qualify(office, heard):
    time.sleep(1800)
    names = office.local + ["trunk"] * bool(office.number)
    good = [heard.saw(name, office.exchange.reaches(name)) for name in names]
    return all(good)


def all_rows(place, mode, words):
    """`place` is a key of PLACES, or words that begin some."""
    for at in [place] if place in PLACES else [name for name in PLACES if name.startswith(place)]:
        what = PLACES[at]
        prepare(what, mode)
        for kind, way in dict.fromkeys(tuple(kind.split()) for entry in _rows for kind in entry[2]):
            wanted = [entry for entry in _rows if at in entry[1] and f"{kind} {way}" in entry[2] and
                      (not words or {kind, way, f"{kind} {way}", entry[0]} & set(words))]
            if not wanted:
                continue
            office = Office(at, mode, kind, way)
            for title, _, _, function in wanted:
                make(at, title, kind, way, function, office)
            office.leave()


def prepare(what, mode):
    if what["host"] not in network.MORE:
        network.load(what["host"], network.COUNT)
    if mode != "routed":
        network.load("router", OFFICE)
    if what["host"] == "router" and mode in ("sipalg", "sip"):
        network.load("router", OWN)
    if what.get("number") == "ip-" and mode != "routed":
        network.load("router", FORWARD)
    if what["host"] != "provider":
        servers.kamailio(exchange=network.MORE["pbx"][0] if mode == "routed" else network.PUBLIC)
    if what.get("front"):
        servers.kamailio(namespace="pbx", at=network.MORE["pbx"], config="front")
