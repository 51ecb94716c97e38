#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""
The differential tester: random networks, parties and dialogs, once with nothing between but routes,
and once through the router with its NAT, its firewall and the helper.

    differ.py FIRST-LAST[,...] [DIRECTORY]  those seeds; what fails is shrunk and written to DIRECTORY
    differ.py --show SEED               the scenario of a seed, as text
    differ.py --replay FILE...          scenarios that were written before, or all of a directory
    differ.py --trace FILE              one, with every message
"""
import os
import random
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "../netns")]

import dialogs
import network
from scenario import NAMES, PARTY, PROVIDER, Scenario, Step
from shrink import shrink
from topology import shell
from world import Fault, World

TRIES = 400     # of shrinking


def generate(seed):
    """All that a number decides."""
    chance = random.Random(seed)
    topology = {name: (random.Random(f"{seed} {name}") if name in network.LATER else chance).choice(values)
                for name, values in network.OPTIONS.items()}
    provider = {name: chance.choice((values[0], *values)) for name, values in PROVIDER.items()}
    scenario = Scenario(str(seed), topology, provider, parties(chance, topology, provider))
    model = dialogs.Model(scenario, chance)
    steps = []
    for name in scenario.parties:
        steps.append(Step("register", user=name))
        model.registered.append(name)
    kinds = list(dialogs.ROWS.values())
    length = chance.choice((5, 10, 20, 30))
    while len(steps) < length + len(scenario.parties):
        made = chance.choices(kinds, [kind.weight for kind in kinds])[0]
        arguments = made.choose(model)
        if arguments is not None:
            pause = chance.choice(dialogs.PAUSES)
            steps.append(Step(made.kind, **arguments, **({} if pause == "0.5" else {"then": pause})))
    scenario.steps = steps
    return scenario


def parties(chance, topology, provider):
    made = {}
    counts = {"lan": chance.choice((1, 1, 2, 3)), "lan2": chance.choice((0, 0, 1)), "out": chance.choice((1, 1, 2, 3)),
              "out2": chance.choice((0, 1, 2)) if topology["uplinks"] == "2" else 0}
    for place, count in counts.items():
        for name in NAMES[place][:count]:
            options = {option: chance.choice((values[0], *values)) for option, values in PARTY.items()}
            options["place"] = place
            if not network.is_inside(place):
                options["port"] = "5060"
            else:
                options["media"] = "own"
            if provider["record"] == "no":
                # who is called directly must be reachable by what it was called by
                options["transport"] = "udp"
            made[name] = options
    return made


def fault_of(scenario, trace=False):
    """The fault that ours has and the plain network has not; None if it has none."""
    try:
        plain = World(scenario, True, trace).run()
    except Fault as fault:
        raise RuntimeError(f"seed {scenario.seed}: the test itself: {fault} at {fault.step}") from fault
    return fault_with_helper(scenario, plain, trace)


def fault_with_helper(scenario, plain, trace=False):
    try:
        routed = World(scenario, False, trace).run()
    except Fault as fault:
        return fault
    # which message a loss hits depends on what else is sent: then requests have other numbers
    lossy = any(step.kind in ("lose", "reorder") for step in scenario.steps)
    text = routed.compare(plain) if plain and not lossy else None
    return Fault("bytes", text, "comparison") if text else None


def shrunk(scenario, fault):
    """The least scenario with a fault of this kind."""
    left = [TRIES]

    def fails(candidate):
        left[0] -= 1
        if left[0] < 0:
            return False
        try:
            found = fault_of(candidate) if fault.kind == "bytes" else fault_with_helper(candidate, None)
            return found is not None and found.kind == fault.kind and \
                (fault.kind == "bytes" or fault_of(candidate) is not None)
        except Exception:
            return False
    return shrink(scenario, fails)


def seeds_of(text):
    """FIRST-LAST, or several of that with commas between."""
    for part in text.split(","):
        first, _, last = part.partition("-")
        yield from range(int(first), int(last or first) + 1)


def try_seeds(seeds, directory):
    failed = []
    for seed in seeds:
        scenario, start = generate(seed), time.monotonic()
        fault = attempt(scenario)
        print(f"# seed {seed}: {len(scenario.parties)} parties, {len(scenario.steps)} steps, "
              f"{time.monotonic() - start:.0f} s of theirs: {fault or 'nothing'}", flush=True)
        if fault is None:
            continue
        failed.append(seed)
        if isinstance(fault, Fault) and directory:
            least = shrunk(scenario, fault)
            again = attempt(least)
            write(f"{directory}/seed-{seed}", least, again or fault)
    return failed


def attempt(scenario, trace=False):
    """A fault of either kind: the module's, or the tester's own."""
    try:
        return fault_of(scenario, trace)
    except RuntimeError as error:
        return error


def write(path, scenario, fault):
    text = "".join(f"# {line}\n" for line in f"{fault}\nat: {getattr(fault, 'step', '')}".splitlines()) + str(scenario)
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
    print("".join(f"#   {line}\n" for line in text.splitlines()), end="", flush=True)


def files(paths):
    """Those of directories in place of these."""
    for path in paths:
        if os.path.isdir(path):
            yield from (os.path.join(path, name) for name in sorted(os.listdir(path)))
        else:
            yield path


def replay(paths, trace=False):
    failed = []
    for path in files(paths):
        with open(path, encoding="utf-8") as file:
            fault = attempt(Scenario.parse(file.read()), trace)
        print(f"# {path}: {fault or 'nothing'}", flush=True)
        if fault:
            failed.append(path)
    return failed


def report(title, failed):
    print(f"1..1\n{'not ' if failed else ''}ok 1 - issue 26 {title}" + (f": {failed}" if failed else ""))
    sys.exit(1 if failed else 0)


def main():
    if sys.argv[1:2] == ["--show"]:
        print(generate(int(sys.argv[2])), end="")
        return
    shell("sysctl -qw net.netfilter.nf_conntrack_expect_max=100000 kernel.printk=1")
    if sys.argv[1:2] in (["--replay"], ["--trace"]):
        report("scenarios that were kept have no fault", replay(sys.argv[2:], sys.argv[1] == "--trace"))
    directory = sys.argv[2] if len(sys.argv) > 2 else ""
    failed = try_seeds(seeds_of(sys.argv[1]), directory)
    report(f"seeds {sys.argv[1]}: what works without us works with us", failed)


if __name__ == "__main__":
    main()
