# SPDX-License-Identifier: GPL-2.0-only
"""
Rows of a provider, in the places of places.py: kamailio, phones of one kind behind the
router and bob elsewhere.
"""
import time

import network
from calls import make, row, rows
from phones import Baresip, Linphone, Sipp
from places import PLACES, TRANSLATED, WAYS

STEERED = tuple((kind, way) for kind in ("baresip", "linphone") for way in WAYS + TRANSLATED)
SIPP = tuple(("sipp", way) for way in WAYS)
SIPPS = tuple(("sipp, bob as well", way) for way in WAYS[:3])
ALL = STEERED + SIPP
PICTURES = tuple(("baresip, video", way) for way in WAYS)
ICE_INSIDE = ("linphone, ICE inside", "udp"), ("baresip, ICE", "udp")
KNOWING = ("baresip, STUN", "udp"), ("linphone, ICE outside", "udp"), *ICE_INSIDE

ASK = f";stunserver=stun:{network.RELAY[0]}:3478"
STUN = f";medianat=stun{ASK}", ("stun",)
ICE = f";medianat=ice{ASK}", ("stun", "ice")
VIDEO = ";video_codecs=vp8", ("vp8", "fakevideo")


def baresip(*more):
    return lambda user, way: Baresip(user, way, *more)


def linphone(*more):
    return lambda user, way: Linphone(user, way, *more)


# What alice and carol have, behind the router, and bob, elsewhere. (Baresip 1.0 with
# ICE sends nothing to a phone without: in the control as well.)
KINDS = {
    "baresip": (baresip(), baresip()),
    "linphone": (linphone(), baresip()),
    "sipp": (Sipp, baresip()),
    "sipp, bob as well": (Sipp, Sipp),
    "baresip, STUN": (baresip(*STUN), baresip()),
    "linphone, ICE inside": (linphone(network.RELAY[0]), baresip()),
    "linphone, ICE outside": (baresip(), linphone(network.RELAY[0])),
    "baresip, video": (baresip(*VIDEO), baresip(*VIDEO)),
    "baresip, ICE": (baresip(*ICE), baresip(*ICE)),
}


class Phones:
    """Alice and carol behind the router, bob elsewhere, all registered, in one way."""

    def __init__(self, kind, way, provider):
        self.way, self.provider = way, provider
        # ICE may first ask in vain for seconds where it is not heard
        self.settling = 5 if "ICE" in kind else 0
        self.all = [KINDS[kind][name == "bob"](name, way) for name in network.ADDRESS]
        self.alice, self.carol, self.bob = self.all
        for phone in self.all:
            phone.connect()
        for phone in self.all:
            phone.register_at(provider.server(way, phone.user), provider.registered)

    def before_row(self):
        self.provider.before_row(self)

    def register_again(self, seconds, former=None):
        """After a while in which all do so, by themselves or since they are asked to."""
        for phone in self.all:
            phone.drain()
            phone.rest()
        time.sleep(seconds)
        for phone in self.all:
            phone.register_again(former)

    def quiet(self):
        """Hangs up whatever a row has left, so that the next begins afresh."""
        for phone in reversed(self.all):
            phone.quiet()
        time.sleep(0.7)
        for phone in self.all:
            phone.drain()

    def leave(self):
        for phone in self.all:
            phone.end()


def uri_for(phones, phone, user):
    """Of a user, as this phone calls him."""
    return phone.uri(phones.provider.server(phones.way, phone.user), user)


def dial(phones, caller, callee, prefix=""):
    caller.call(uri_for(phones, caller, prefix + callee.user))
    callee.answer()
    caller.established()
    callee.established()
    time.sleep(phones.settling)
    phones.provider.in_call(*(phone for phone in (caller, callee) if phone != phones.bob))


@row("call out", ALL, KNOWING)
def call_out(phones, heard):
    dial(phones, phones.alice, phones.bob)
    return heard.listen(phones.alice, phones.bob)


@row("call in", ALL, KNOWING)
def call_in(phones, heard):
    dial(phones, phones.bob, phones.alice)
    return heard.listen(phones.alice, phones.bob)


def held_by(phones, heard, caller, callee):
    """Who calls puts the call on hold, and takes it up again."""
    dial(phones, caller, callee)
    caller.hold()
    time.sleep(1)
    caller.resume()
    time.sleep(0.5)
    return heard.listen(phones.alice, phones.bob)


@row("hold and resume", STEERED)
def hold(phones, heard):
    return held_by(phones, heard, phones.alice, phones.bob)


@row("held and resumed by the other side", SIPP)
def held(phones, heard):
    return held_by(phones, heard, phones.bob, phones.alice)


@row("blind transfer to a third phone", STEERED)
def transfer(phones, heard):
    """Bob calls alice, who sends him to carol."""
    dial(phones, phones.bob, phones.alice)
    phones.alice.transfer(uri_for(phones, phones.alice, "carol"))
    phones.carol.answer()
    phones.carol.established()
    return heard.listen(phones.carol, phones.bob)


@row("two phones behind the same router", ALL, ICE_INSIDE)
def neighbours(phones, heard):
    dial(phones, phones.alice, phones.carol)
    return heard.listen(phones.alice, phones.carol)


@row("media by a relay at another address than the proxy", ALL)
def relayed(phones, heard):
    dial(phones, phones.alice, phones.bob, prefix="relay-")
    return heard.listen(phones.alice, phones.bob)


@row("video taken away, and added again", PICTURES)
def video(phones, heard):
    dial(phones, phones.alice, phones.bob)
    begin = heard.watch(phones.alice, phones.bob)
    phones.alice.show("inactive")
    time.sleep(1)
    between = heard.watch(phones.alice, phones.bob)
    phones.alice.show("sendrecv")
    time.sleep(1)
    again = heard.watch(phones.alice, phones.bob)
    good = [heard.saw("video", all(begin)), heard.saw("none of it", not any(between)),
            heard.saw("video again", all(again))]
    return heard.listen(phones.alice, phones.bob) and all(good)


def silence(phones, heard, caller, callee):
    """Half an hour without a packet of media, then some; and the BYE must arrive."""
    callee.await_call("silent")
    caller.call(uri_for(phones, caller, callee.user), "refresher")
    callee.established()
    phones.provider.in_call(phones.alice)
    for _ in range(6):
        time.sleep(2)
        for phone in phones.all:
            phone.pause(False)
        time.sleep(296)
        for phone in phones.all:
            phone.pause(True)
        time.sleep(2)
    caller.established()
    callee.has("talks")
    good = heard.listen(phones.alice, phones.bob)
    return caller.has_ended() and callee.has_ended() and good


@row("30 silent minutes, refreshed from inside", SIPPS)
def silent_out(phones, heard):
    return silence(phones, heard, phones.alice, phones.bob)


@row("30 silent minutes, refreshed from outside", SIPPS)
def silent_in(phones, heard):
    return silence(phones, heard, phones.bob, phones.alice)


def all_rows(place, mode, words):
    provider = PLACES[place](mode)
    for kind, way in dict.fromkeys(entry[1:3] for entry in rows):
        if words and not {kind, way, f"{kind} {way}"} & set(words):
            continue
        # without NAT there is none of IPv6 to IPv4 either
        if way not in provider.ways or (mode == "routed" and network.is_translated(way)):
            continue
        network.only_six(way)
        phones = Phones(kind, way, provider)
        for title, its_kind, its_way, function in rows:
            if (its_kind, its_way) == (kind, way):
                make(place, title, kind, way, function, phones)
        phones.leave()
