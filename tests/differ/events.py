# SPDX-License-Identifier: GPL-2.0-only
"""
What may happen to the network and to parties meanwhile, one row each. Where no router could help,
since parties themselves have to do something about it, run() lets them: that belongs to the event.
"""
import dialogs
from dialogs import row as add_row
from network import LENGTH, NEXT, ROUTER, batch
from topology import shell

ROWS = {}


def row(kind, weight):
    def add(cls):
        add_row(kind, weight)(cls)
        ROWS[kind] = cls
        return cls
    return add


class Always:
    """An event that may happen at any time."""
    @staticmethod
    def choose(model):
        return {}


def in_router(world, command):
    """The router with our rules; the plain one has no conntrack and no tool to be asked."""
    if not world.plain:
        shell(f"ip netns exec router {command}")


def log_in_again(world):
    """
    What phones do when they are known outside by something else: they register and offer anew.
    That takes them a while, in which the router finds out.
    """
    world.loop.run(2)
    for phone in world.phones.values():
        if world.is_inside(phone):
            phone.drop_connections()
    for user in list(world.registered):
        if world.is_inside(world.phone_of(user)):
            dialogs.Register.run(world, user)
    for name in world.team:
        if world.is_inside(world.phones[name]):
            dialogs.Join.run(world, name)
    for leg, theirs in world.subscriptions.values():
        if world.is_inside(leg.phone):
            leg.phone.resubscribe(leg, 600)
            world.expect(lambda leg=leg: leg.done.get("SUBSCRIBE") == 200, 40, "dialog",
                         f"SUBSCRIBE of {leg.phone.name}: {leg.done.get('SUBSCRIBE')}")
        elif world.is_inside(theirs.phone):
            theirs.phone.notify(theirs, "active")
            world.expect(lambda theirs=theirs: theirs.done.get("NOTIFY") == 200, 40, "dialog",
                         f"NOTIFY of {theirs.phone.name}: {theirs.done.get('NOTIFY')}")
    for number, call in list(world.calls.items()):
        if dialogs.up(world, number):
            side = "caller" if world.is_inside(call.legs[0].phone) else "callee"
            dialogs.change_session(world, number, side, "INVITE", lambda session: None)


def hang_up_inside(world):
    """Calls between two that are both inside: neither could tell the other of a new address."""
    for number, pair in list(world.subscriptions.items()):
        if all(world.is_inside(leg.phone) for leg in pair):
            dialogs.Unsubscribe.run(world, number)
    for number, call in list(world.calls.items()):
        if dialogs.up(world, number) and all(world.is_inside(leg.phone) for leg in call.legs):
            dialogs.hang_up(world, call)


@row("flush", 2)
class Flush(Always):
    """conntrack -F: the connections are gone, and TCP has to be made anew."""
    @staticmethod
    def run(world):
        hang_up_inside(world)
        in_router(world, "conntrack -F 2>/dev/null")
        if any(phone.transport == "tcp" for phone in world.phones.values()):
            log_in_again(world)


@row("flush-expect", 1)
class FlushExpect(Always):
    """conntrack -F expect: every pinhole is gone, until who needs it says so again."""
    @staticmethod
    def run(world):
        hang_up_inside(world)
        in_router(world, "conntrack -F expect 2>/dev/null")
        log_in_again(world)


@row("reload", 2)
class Reload(Always):
    """The same rules once more, as an administrator loads them."""
    @staticmethod
    def run(world):
        if not world.plain:
            world.network.load_rules()


@row("address", 2)
class Address(Always):
    """The provider gives the router another address."""
    @staticmethod
    def run(world):
        hang_up_inside(world)
        network = world.network
        if world.plain or not network.natted or network.options["nat"] == "pool":
            log_in_again(world)
            return
        old, network.face = network.face, NEXT if network.face == ROUTER else ROUTER
        length = LENGTH[network.family]
        batch("router", [f"addr add {network.at('out', network.face)}/{length} dev wan" +
                         (" nodad" if network.family == "6" else ""),
                         f"addr del {network.at('out', old)}/{length} dev wan"])
        if network.options["nat"] == "snat":
            network.load_rules()
        log_in_again(world)


@row("link", 1)
class Link(Always):
    """The uplink goes down, and comes back two seconds later."""
    @staticmethod
    def run(world):
        hang_up_inside(world)
        network = world.network
        batch("router", ["link set wan down"])
        world.loop.run(2)
        batch("router", ["link set wan up"])
        if network.family == "6":
            # the kernel has taken them off
            batch("router", [line.replace("addr add", "addr replace") for line in network.router_addresses(["out"])])
        world.loop.run(2)
        log_in_again(world)


@row("settings", 1)
class Settings(Always):
    """Settings are changed, and set back."""
    @staticmethod
    def run(world):
        in_router(world, f"{dialogs.CTL} setting set t4-interval 10 teardown-delay 8")
        in_router(world, f"{dialogs.CTL} setting set t4-interval 5 teardown-delay 5")


@row("reboot", 1)
class Reboot:
    """A party is switched off and on; others find its calls dead when they hang up."""
    @staticmethod
    def choose(model):
        name = model.one(model.scenario.parties)
        for number, pair in list(model.subscriptions.items()):
            if name in [model.party(user) for user in pair]:
                del model.subscriptions[number]
        for number, call in list(model.calls.items()):
            if name in [model.party(user) for user in call["users"]]:
                del model.calls[number]
        return {"party": name}

    @staticmethod
    def run(world, party):
        phone = world.phones.get(party)
        if not phone:
            return
        dead = [call for number, call in world.calls.items() if dialogs.up(world, number) and
                any(leg.phone is phone for leg in call.legs)]
        phone.reboot()
        for user in list(world.registered):
            if world.phone_of(user) is phone:
                dialogs.Register.run(world, user)
        for number, pair in list(world.subscriptions.items()):
            if phone in [leg.phone for leg in pair]:
                del world.subscriptions[number]
                for leg in pair:
                    leg.end("dead")
        if party in world.team:
            dialogs.Join.run(world, party)
        for call in dead:
            leg = next(leg for leg in call.legs if leg.phone is not phone)
            leg.phone.ask_in(leg, "BYE")
            world.expect(lambda leg=leg: leg.done.get("BYE") == 481, 40, "dialog",
                         f"BYE of {leg.phone.name} in call {call.number}: {leg.done.get('BYE')}")


class OneParty:
    """What befalls the datagrams of a party, or of the provider."""
    @staticmethod
    def choose(model):
        return {"party": model.one([*model.scenario.parties, "proxy"])}

    @staticmethod
    def node(world, party):
        return world.proxy if party == "proxy" else world.phones.get(party)


@row("lose", 4)
class Lose(OneParty):
    """The next messages to a party, or of it, are lost."""
    @staticmethod
    def choose(model):
        chosen = OneParty.choose(model)
        return chosen and {**chosen, "way": model.chance.choice(("in", "out")), "count": model.chance.choice((1, 1, 2, 3))}

    @staticmethod
    def run(world, party, way, count):
        node = OneParty.node(world, party)
        if node:
            setattr(node, f"lose_{way}", int(count))


@row("reorder", 2)
class Reorder(OneParty):
    """What a party sends next is overtaken by what it sends then."""
    @staticmethod
    def run(world, party):
        node = OneParty.node(world, party)
        if node:
            node.hold_out = 1
