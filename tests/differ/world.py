# SPDX-License-Identifier: GPL-2.0-only
"""One run of a scenario: its network, its parties, what they have seen, and what was wrong."""
import random
import re

import checks
import dialogs
import events
from loop import Loop
from network import PROXY, PROXY2, Network, is_inside
from phone import Phone
from proxy import Proxy
from scenario import FIRST_HOST, NAMES


class Fault(Exception):
    """What was found wrong: `kind` is one word."""

    def __init__(self, kind, text, step):
        super().__init__(f"{kind}: {text}")
        self.kind, self.text, self.step = kind, text, step


class World:
    def __init__(self, scenario, plain, trace=False):
        self.scenario, self.plain, self.trace = scenario, plain, trace
        self.network = Network(scenario.topology, plain)
        self.loop = Loop()
        self.faults, self.calls, self.subscriptions = [], {}, {}
        self.transcript = checks.Transcript(self.network)
        self.step = None
        self.phones, self.proxy, self.service = {}, None, None
        self.registered, self.team = [], []
        self.heard_at = set()   # places, addresses and ports that parties have had for media
        self.told = set()       # where parties were told to send media to

    def run(self):
        """Gives back the transcript; raises the first fault."""
        try:
            self.set_up()
            for step in self.scenario.steps:
                self.do(step)
            self.step = "the end"
            dialogs.end_all(self)
            self.raise_fault()
            checks.left_open(self)
            self.raise_fault()
            return self.transcript
        finally:
            self.tear_down()

    def set_up(self):
        self.network.build()
        self.proxy = Proxy(self, self.scenario.provider, "out", PROXY, PROXY2)
        for name, options in self.scenario.parties.items():
            place = options["place"]
            self.phones[name] = Phone(self, name, options, FIRST_HOST[place] + NAMES[place].index(name))
        checks.prepare(self)

    def tear_down(self):
        if self.service:
            self.service.close()
        for node in (*self.phones.values(), *([self.proxy] if self.proxy else [])):
            node.close()

    def do(self, step):
        self.step = str(step)
        self.note(f"--- {step}")
        rows = {**dialogs.ROWS, **events.ROWS}
        arguments = dict(step.arguments)
        pause = float(arguments.pop("then", 0.5))
        rows[step.kind].run(self, **arguments)
        self.raise_fault()
        self.loop.run(pause)
        self.raise_fault()

    # what parties and steps tell

    def fault(self, kind, text):
        self.note(f"FAULT {kind}: {text}")
        if self.trace and not self.plain:
            checks.show(self)
        self.faults.append((kind, text))

    def raise_fault(self):
        if self.faults:
            raise Fault(*self.faults[0], self.step)

    def expect(self, condition, seconds, kind, text):
        """It comes to pass in so many seconds, or is a fault."""
        if not self.loop.until(condition, seconds):
            self.fault(kind, text)
        return not self.faults

    def note(self, text):
        if self.trace:
            print(f"# {self.loop.now():9.3f} {text}", flush=True)

    def seen(self, node, message, source):
        if self.trace:
            self.note(f"{node.name} < {source[0]}:{source[1]}\n{message.bytes().decode('latin-1')}")
        home = next((phone.port for phone in self.phones.values() if phone.address == source[0]), None)
        self.transcript.add(node, message, source, home)
        checks.leaks(self, node, message)

    def wrote(self, node, message):
        if self.trace:
            self.note(f"{node.name} > {message.describe()}")

    # what is known of everybody

    def chance_of(self, name):
        return random.Random(f"{self.scenario.seed} {name}")

    def phone_of(self, user):
        return self.phones.get(user.split(".")[0])

    def is_inside(self, phone):
        return is_inside(phone.place)

    def call_of(self, call_id):
        return self.calls[re.match(r"call(\d+)@", call_id)[1]]
