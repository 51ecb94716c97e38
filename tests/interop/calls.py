# SPDX-License-Identifier: GPL-2.0-only
"""What all rows of make interop share: how one is marked, how RTP packets are counted,
and how its result is printed."""
import json
import time

import network

# Seconds, in which a phone sends a hundred packets, or 67 if they hold 30 ms.
TALK = 2
ENOUGH = 60

rows = []


class Cannot(Exception):
    """Neither the router nor the other side is at fault, but a phone is not able to."""


def row(title, *places):
    """Marks a row, and between which phones and over what it is made."""
    def mark(function):
        for place in places:
            for kind, way in place:
                rows.append((title, kind, way, function))
        return function
    return mark


class Heard:
    """RTP packets that each of some phones gets and sends in a while, and what else was seen."""

    def __init__(self):
        self.parts = {}
        self.seen = []

    def listen(self, *phones):
        """Lets them talk, and says whether each heard enough."""
        before = {phone: network.counters(phone.namespace) for phone in phones}
        time.sleep(TALK)
        for phone in phones:
            now = network.counters(phone.namespace)
            got, sent = (n - was for n, was in zip(now, before[phone]))
            self.parts[phone.user] = {"got": got, "sent": sent}
        return all(self.parts[phone.user]["got"] >= ENOUGH for phone in phones)

    def watch(self, *phones):
        """Whether each gets pictures meanwhile."""
        before = [network.count(phone.namespace)["seen"] for phone in phones]
        time.sleep(TALK)
        return [network.count(phone.namespace)["seen"] > was for phone, was in zip(phones, before)]

    def saw(self, what, there=True):
        """What a row asserts beside audio, in the table's words; gives back whether it was so."""
        self.seen.append(what if there else f"not {what}")
        return there


def make(place, title, kind, way, function, phones):
    """One row, and its line of the result; what it has left is cleared away."""
    heard = Heard()
    result = {"at": place, "row": title, "phones": kind, "way": way, "pass": False}
    try:
        phones.before_row()
        result["pass"] = bool(function(phones, heard))
    except Cannot as reason:
        result["cannot"] = str(reason)
    except (TimeoutError, RuntimeError) as error:
        result["why"] = str(error)
    result["rtp"] = heard.parts
    if heard.seen:
        result["seen"] = heard.seen
    print("ROW " + json.dumps(result), flush=True)
    phones.quiet()
