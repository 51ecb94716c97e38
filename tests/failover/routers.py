# SPDX-License-Identifier: GPL-2.0-only
"""A pair of routers, or more of them, and the phones that are registered by them."""
import time

import machine
import netns
import network
import places
import servers
from calls import ENOUGH, TALK
from listen import Ear
from machine import Machine, chapter, in_step
from pages import read
from phones import Baresip
from provider import KINDS, Phones

DEATH, PLANNED = 400, 100       # ms without audio: goals
KINDS["baresip, long"] = (lambda user, way: Baresip(user, way, tone=900),) * 2


class Proxy(places.Provider):
    """One without a relay for media."""

    def __init__(self):
        servers.kamailio()


class Routers:
    """All of them, and the phones that are registered."""

    def __init__(self, ear=Ear):
        machine.build()
        self.provider = Proxy()
        self.ears = {name: ear(name) for name in network.ADDRESS}
        self.all = [Machine(1), Machine(2, *chapter("On the second router"))]
        self.phones = None

    def active(self):
        """The one that is, or None."""
        found = [one for one in self.all if one.alive and one.has_address()]
        return found[0] if len(found) == 1 and found[0].is_active() else None

    def others(self, active):
        return [one for one in self.all if one.alive and one is not active]

    def await_active(self, not_this=None, seconds=15):
        def there():
            found = self.active()
            return found if found is not not_this else None
        netns.wait_until(there, seconds, "an active router")
        return there()

    def settle(self):
        """All are there, and alike; gives back the active one and the first of the others."""
        for one in self.all:
            if not one.alive:
                one.boot()
        active = self.await_active()
        in_step(active, *self.others(active))
        return active, self.others(active)[0]

    def use(self, way):
        """Phones that speak this way."""
        if self.phones and self.phones.way != way:
            self.phones.leave()
            self.phones = None
        if not self.phones:
            self.phones = Phones("baresip, long", way, self.provider)
        return self.phones

    def rest(self):
        """Nobody talks, nothing is left but registrations, and all routers are alike."""
        if self.phones:
            self.phones.quiet()
        self.settle()
        active = self.active()
        netns.wait_until(lambda: active.numbers()[0] == 0, 180, "the end of all calls", 1)
        netns.wait_until(lambda: not active.media_pinholes(), 60, "the end of all media pinholes", 1)
        self.settle()

    def off(self):
        """All are switched off: the module cannot be unloaded while they have its helpers. What
        a daemon had open keeps a router's namespace until TCP gives it up, which takes minutes."""
        for one in self.all:
            if one.alive:
                one.die()
        netns.wait_until(lambda: read("/sys/module/sipalg/refcnt").strip() == "0", 1800,
                         "the end of all routers", 1)

    def talk(self, *names):
        """All of them hear somebody."""
        begin = time.monotonic()
        time.sleep(TALK)
        heard = {name: self.ears[name].heard(begin) for name in names}
        assert all(count >= ENOUGH for count in heard.values()), heard

    def gaps(self, begin):
        """The longest silence since then in ms, on both sides."""
        end = time.monotonic()
        return {name: self.ears[name].gap(begin, end) for name in ("alice", "bob")}

    def silence(self, what, begin, goal):
        """The same with its goal, as scripts/failover collects it."""
        for name, gap in self.gaps(begin).items():
            print(f"# gap, {what}: {name} {gap:.0f} ms, goal {goal} ms {'met' if gap <= goal else 'MISSED'}")
