# SPDX-License-Identifier: GPL-2.0-only
"""
What is done in a run, as text that a person can read and change:

    seed 7
    topology nat=pool uplinks=2
    provider record=no
    party anna place=lan rtp=16384
    party rosa place=out
    register user=anna
    call number=1 from=anna to=rosa
    talk number=1

Everything that is not named has its least value: the first in its table.
"""
import network

PROVIDER = {"record": ("yes", "no"), "challenge": ("no", "yes"), "pool": ("no", "yes")}
PARTY = {
    "place": network.PLACES,
    "port": ("5060", "5070", "6050"),
    "transport": ("udp", "tcp"),
    "rport": ("yes", "no"),
    "media": ("own", "apart"),
    "accounts": ("1", "2", "20"),
    "rtp": ("4000", "16384", "20100", str(network.FORWARDED - 4), str(network.SERVICE - 4)),
}
NAMES = {"lan": ("anna", "ben", "carl", "dora"), "lan2": ("emil", "fay"), "out": ("rosa", "sam", "tess", "uwe"),
         "out2": ("vera", "will")}
FIRST_HOST = {"lan": 10, "lan2": 20, "out": 30, "out2": 30}


def least(table):
    return {name: values[0] for name, values in table.items()}


class Step:
    def __init__(self, kind, **arguments):
        self.kind, self.arguments = kind, arguments

    def __str__(self):
        return " ".join([self.kind, *(f"{name}={value}" for name, value in self.arguments.items())])


class Scenario:
    def __init__(self, seed, topology=None, provider=None, parties=None, steps=None):
        self.seed = seed
        self.topology = {**network.LEAST, **(topology or {})}
        self.provider = {**least(PROVIDER), **(provider or {})}
        self.parties = {name: {**least(PARTY), **options} for name, options in (parties or {}).items()}
        self.steps = steps or []

    def __str__(self):
        lines = [f"seed {self.seed}", "topology" + differing(self.topology, network.LEAST),
                 "provider" + differing(self.provider, least(PROVIDER))]
        lines += [f"party {name} place={options['place']}" +
                  differing(options, {**least(PARTY), "place": options["place"]})
                  for name, options in self.parties.items()]
        return "\n".join([*lines, *map(str, self.steps)]) + "\n"

    def copy(self, **changes):
        parts = {"topology": self.topology, "provider": self.provider, "parties": self.parties,
                 "steps": self.steps, **changes}
        return Scenario(self.seed, **parts)

    @classmethod
    def parse(cls, text):
        made = cls("0")
        for line in text.splitlines():
            words = line.partition("#")[0].split()
            if not words:
                continue
            options = dict(word.split("=", 1) for word in words[1:] if "=" in word)
            if words[0] == "seed":
                made.seed = words[1]
            elif words[0] == "topology":
                made.topology.update(options)
            elif words[0] == "provider":
                made.provider.update(options)
            elif words[0] == "party":
                made.parties[words[1]] = {**least(PARTY), **options}
            else:
                made.steps.append(Step(words[0], **options))
        return made


def differing(options, plain):
    return "".join(f" {name}={value}" for name, value in options.items() if value != plain[name])
