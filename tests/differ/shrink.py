# SPDX-License-Identifier: GPL-2.0-only
"""A failing scenario made as small as it may be and still fail: delta debugging."""
import network
from scenario import PARTY, PROVIDER, least


def fewest(items, fails):
    """Zeller and Hildebrandt's ddmin: what is left fails, and without any one of it does not."""
    size = len(items)
    while size:
        size = (size + 1) // 2
        at = 0
        while at < len(items):
            fewer = items[:at] + items[at + size:]
            if fails(fewer):
                items = fewer
            else:
                at += size
        if size == 1:
            break
    return items


def shrink(scenario, fails):
    """fails(scenario) says whether it still does."""
    before = None
    while before != str(scenario):
        before = str(scenario)
        steps = fewest(scenario.steps, lambda steps: fails(scenario.copy(steps=steps)))
        scenario = scenario.copy(steps=steps)
        scenario = fewer_parties(scenario, fails)
        scenario = plainer(scenario, fails)
    return scenario


def attempts(scenario):
    """Each option that is not the least, as it would be with the least."""
    for part, smallest in (("topology", network.LEAST), ("provider", least(PROVIDER))):
        options = getattr(scenario, part)
        for name, value in smallest.items():
            if options[name] != value:
                yield {part: {**options, name: value}}
    for party, options in scenario.parties.items():
        for name, value in least(PARTY).items():
            if name != "place" and options[name] != value:
                yield {"parties": {**scenario.parties, party: {**options, name: value}}}
    for index, step in enumerate(scenario.steps):
        for name in step.arguments:
            if name not in ("number", "user", "from", "to", "side"):
                arguments = {key: value for key, value in step.arguments.items() if key != name}
                changed = type(step)(step.kind, **arguments)
                yield {"steps": scenario.steps[:index] + [changed] + scenario.steps[index + 1:]}


def plainer(scenario, fails):
    tried = True
    while tried:
        tried = False
        for change in attempts(scenario):
            candidate = scenario.copy(**change)
            if fails(candidate):
                scenario, tried = candidate, True
                break
    return scenario


def fewer_parties(scenario, fails):
    for party in list(scenario.parties):
        rest = {name: options for name, options in scenario.parties.items() if name != party}
        candidate = scenario.copy(parties=rest)
        if fails(candidate):
            scenario = candidate
    return scenario
