# SPDX-License-Identifier: GPL-2.0-only
"""
The grammar of dialogs: what parties may do, one row each. choose() makes arguments that fit what
the model knows to be up, or None; run() does it, and says what must come of it. A step whose call
is not there does nothing, so that shrinking may take out any other.
"""
import itertools

import checks
from network import is_inside
from proxy import DOMAIN

ROWS = {}
CTL = checks.CTL
TEAM = "team"       # an account that several parties share


def row(kind, weight):
    def add(cls):
        cls.kind, cls.weight = kind, weight
        ROWS[kind] = cls
        return cls
    return add


class Call:
    """Who calls whom, and how: CALL's options."""

    def __init__(self, number, options, answerers):
        self.number, self.options, self.answerers = number, options, answerers
        self.kinds = ["audio"] + ["video"] * (options["media"] == "video")
        self.legs = []
        self.lively = 0     # when its audio was heard last, or its session agreed on anew
        self.talks = 0


CALL = {
    "ring": ("180", "none", "183"),
    "prack": ("no", "yes"),
    "offer": ("early", "late"),
    "end": ("answer", "answer", "answer", "busy", "cancel", "cross"),
    "media": ("audio", "video"),
    "delay": ("1", "0.1", "20", "70"),
}
PAUSES = ("0.5", "0.5", "0.5", "2", "10", "40", "100", "200", "700")


class Model:
    """What is up while a scenario is made."""

    def __init__(self, scenario, chance):
        self.scenario, self.chance = scenario, chance
        self.registered, self.team, self.calls, self.subscriptions = [], [], {}, {}
        self.numbers = itertools.count(1)

    def users(self):
        return [name if i == 0 else f"{name}.{i}" for name, options in self.scenario.parties.items()
                for i in range(int(options["accounts"]))]

    def party(self, user):
        return user.split(".")[0]

    def may_call(self, caller, callee):
        """
        Two parties; but not both inside where the provider does not stay in the path. Behind one NAT
        ACK and BYE would go straight to the other's public address, where nothing lets them in.
        On one wire they do not pass the router, which then knows of no BYE. Nor from one network to
        another without NAT and behind a strict firewall (doc/limits.md, all three).
        """
        places = [self.scenario.parties[self.party(user)]["place"] for user in (caller, callee)]
        topology = self.scenario.topology
        if self.party(caller) == self.party(callee):
            return False
        if not all(map(is_inside, places)):
            return True
        if places[0] != places[1] and topology["nat"] == "none":
            return topology["firewall"] == "home"
        return self.scenario.provider["record"] != "no"

    def one(self, things):
        things = list(things)
        return self.chance.choice(things) if things else None


def up(world, number):
    """Both legs of a call that is up."""
    call = world.calls.get(number)
    if call and len(call.legs) == 2 and all(leg.state == "up" for leg in call.legs):
        return call
    return None


def side_of(call, side):
    return call.legs[0 if side == "caller" else 1]


def other_of(call, leg):
    return call.legs[1 - call.legs.index(leg)]


def least():
    """Of each option what it is by default."""
    return {name: values[0] for name, values in CALL.items()}


def answered_register(world, phone, user, expires, wrong):
    """A REGISTER that is to be answered by 200."""
    status = []
    phone.register(user, expires, status.append)
    world.expect(lambda: status == [200], 40, "register", f"{wrong}: {status}")


@row("register", 4)
class Register:
    @staticmethod
    def choose(model):
        user = model.one(model.users())
        if user not in model.registered:
            model.registered.append(user)
        return {"user": user}

    @staticmethod
    def run(world, user):
        phone = world.phone_of(user)
        if not phone:
            return
        if user not in world.registered:
            world.registered.append(user)
        answered_register(world, phone, user, 3600, f"{user} is not registered")


@row("unregister", 1)
class Unregister:
    @staticmethod
    def choose(model):
        busy = {user for call in model.calls.values() for user in call["users"]}
        user = model.one(one for one in model.registered if one not in busy)
        if user:
            model.registered.remove(user)
        return user and {"user": user}

    @staticmethod
    def run(world, user):
        phone = world.phone_of(user)
        if not phone or user not in world.registered:
            return
        world.registered.remove(user)
        answered_register(world, phone, user, 0, f"{user} is still registered")


@row("call", 8)
class Invite:
    @staticmethod
    def choose(model):
        caller, callee = model.one(model.registered), model.one(model.registered)
        if not caller or not model.may_call(caller, callee):
            return None
        options = {name: model.chance.choice((values[0], *values)) for name, values in CALL.items()}
        number = str(next(model.numbers))
        if options["end"] == "answer":
            model.calls[number] = {"users": (caller, callee), "hold": None}
        return {"number": number, "from": caller, "to": callee,
                **{name: value for name, value in options.items() if value != CALL[name][0]}}

    @staticmethod
    def run(world, number, to, **options):
        caller = options.pop("from")
        options = {**least(), **options}
        if not {caller, to} <= set(world.registered):
            return
        call = Call(number, options, [world.phone_of(to).name])
        world.calls[number] = call
        phone, other = world.phone_of(caller), world.phone_of(to)
        leg = phone.call(call, caller, to)
        called = lambda: other.legs.get(leg.call_id)
        if not world.expect(called, 40, "call", f"call {number} does not reach {to}"):
            return
        call.legs = [leg, called()]
        if options["end"] == "cross":
            world.loop.until(lambda: call.legs[1].state == "accepted", 3)
            if leg.state == "early":
                phone.cancel(leg)
        if options["end"] == "answer":
            early_audio(world, call)
            world.expect(lambda: up(world, number), float(options["delay"]) + 70, "call",
                         f"call {number} is not up: {[one.state for one in call.legs]}")
            call.lively = world.loop.now()
        elif options["end"] == "cross":
            world.expect(lambda: all(one.state in ("up", "ended", "cancelled") for one in call.legs), 70,
                         "call", f"call {number} is neither up nor over: {[one.state for one in call.legs]}")
            if up(world, number):
                hang_up(world, call)
        elif options["end"] == "busy":
            world.expect(lambda: leg.failure == 486, 40, "call", f"call {number} is not refused: {leg.failure}")
        else:
            world.loop.until(lambda: leg.state == "early", 3)
            if leg.state == "early":
                phone.cancel(leg)
                world.expect(lambda: leg.failure == 487, 40, "call", f"call {number} is not cancelled: {leg.failure}")
            else:
                # without a provisional response it may not be cancelled: it is refused instead
                other.refuse(call.legs[1], "480 Temporarily Unavailable")
                world.expect(lambda: leg.failure == 480, 40, "call", f"call {number} is not refused")


def early_audio(world, call):
    """Who has told of media before the call is answered is heard, and hears."""
    options, leg = call.options, call.legs[0]
    if options["ring"] == "183" and options["offer"] == "early" and float(options["delay"]) > 10:
        if world.loop.until(lambda: leg.session.remote, 5):
            checks.audio(world, call)


def change_session(world, number, side, method, change, body=True):
    """A re-INVITE or UPDATE of one side, after `change` of its session."""
    call = up(world, number)
    if not call:
        return
    leg = side_of(call, side)
    change(leg.session)
    text = leg.session.offer() if body else ""
    if method == "INVITE":
        leg.done.pop("INVITE", None)
        leg.cseq_of_invite = leg.cseq
        leg.phone.send_invite(leg, text)
    else:
        leg.phone.ask_in(leg, method, text)
    world.expect(lambda: leg.done.get(method) == 200, 40, "dialog",
                 f"{method} of {leg.phone.name} in call {number}: {leg.done.get(method)}")
    other = other_of(call, leg)
    world.expect(lambda: not other.accepted, 40, "dialog",
                 f"{other.phone.name} gets no ACK of {leg.phone.name} in call {number}")
    call.lively = world.loop.now()


def choose_side(model, **more):
    number = model.one(model.calls)
    return number and {"number": number, "side": model.chance.choice(("caller", "callee")), **more}


@row("hold", 4)
class Hold:
    @staticmethod
    def choose(model):
        number = model.one(one for one, call in model.calls.items() if not call["hold"])
        if not number:
            return None
        side = model.chance.choice(("caller", "callee"))
        model.calls[number]["hold"] = side
        return {"number": number, "side": side, "how": model.chance.choice(("sendonly", "inactive", "zero")),
                "by": model.chance.choice(("INVITE", "INVITE", "UPDATE"))}

    @staticmethod
    def run(world, number, side, how, by="INVITE"):
        def change(session):
            session.direction, session.zero = ("sendonly", True) if how == "zero" else (how, False)
        change_session(world, number, side, by, change)


@row("resume", 4)
class Resume:
    @staticmethod
    def choose(model):
        number = model.one(one for one, call in model.calls.items() if call["hold"])
        if not number:
            return None
        side, model.calls[number]["hold"] = model.calls[number]["hold"], None
        return {"number": number, "side": side, "ports": model.chance.choice(("same", "same", "new")),
                "by": model.chance.choice(("INVITE", "INVITE", "UPDATE"))}

    @staticmethod
    def run(world, number, side, ports="same", by="INVITE"):
        def change(session):
            session.direction, session.zero = "sendrecv", False
            if ports == "new":
                session.move()
        change_session(world, number, side, by, change)


@row("refresh", 3)
class Refresh:
    """A re-INVITE or UPDATE that changes nothing, new ports, or no offer at all."""
    @staticmethod
    def choose(model):
        return choose_side(model, how=model.chance.choice(("INVITE", "UPDATE", "late", "empty", "ports")))

    @staticmethod
    def run(world, number, side, how):
        change_session(world, number, side, "UPDATE" if how in ("UPDATE", "empty") else "INVITE",
                       (lambda session: session.move()) if how == "ports" else (lambda session: None),
                       how not in ("late", "empty"))


@row("talk", 10)
class Talk:
    """Who has agreed to be heard is heard."""
    count = itertools.count()

    @staticmethod
    def choose(model):
        number = model.one(model.calls)
        return number and {"number": number}

    @staticmethod
    def run(world, number):
        call = up(world, number)
        if not call:
            return
        checks.audio(world, call)


@row("bye", 4)
class Bye:
    @staticmethod
    def choose(model):
        made = choose_side(model)
        if made:
            del model.calls[made["number"]]
        return made

    @staticmethod
    def run(world, number, side):
        call = up(world, number)
        if call:
            hang_up(world, call, side)


def hang_up(world, call, side="caller"):
    leg = side_of(call, side)
    other = other_of(call, leg)
    leg.phone.ask_in(leg, "BYE")
    world.expect(lambda: leg.done.get("BYE") == 200 and other.state == "ended", 40, "dialog",
                 f"BYE of {leg.phone.name} in call {call.number}: {leg.done.get('BYE')}, {other.state}")


@row("ask", 2)
class Ask:
    """INFO or OPTIONS within a call."""
    @staticmethod
    def choose(model):
        return choose_side(model, method=model.chance.choice(("INFO", "OPTIONS")))

    @staticmethod
    def run(world, number, side, method):
        call = up(world, number)
        if not call:
            return
        leg = side_of(call, side)
        leg.phone.ask_in(leg, method)
        world.expect(lambda: leg.done.get(method) == 200, 40, "dialog",
                     f"{method} of {leg.phone.name} in call {number}: {leg.done.get(method)}")


@row("message", 2)
class MessageRow:
    """MESSAGE or OPTIONS outside of a dialog."""
    @staticmethod
    def choose(model):
        sender, receiver = model.one(model.registered), model.one(model.registered)
        if not sender or model.party(sender) == model.party(receiver):
            return None
        return {"from": sender, "to": receiver, "method": model.chance.choice(("MESSAGE", "OPTIONS"))}

    @staticmethod
    def run(world, to, method="MESSAGE", **options):
        sender, answers = options["from"], []
        if {sender, to} <= set(world.registered):
            world.phone_of(sender).ask_out(method, sender, to, answers.append)
            world.expect(lambda: answers and answers[0] and answers[0].status == 200, 40, "dialog",
                         f"{method} of {sender} to {to}: {answers}")


@row("wait", 2)
class Wait:
    @staticmethod
    def choose(model):
        return {"seconds": model.chance.choice(("30", "90", "250", "1000"))}

    @staticmethod
    def run(world, seconds):
        world.loop.run(float(seconds))


@row("cross", 1)
class Cross:
    """Both offer at once (glare): one of them wins, or none."""
    @staticmethod
    def choose(model):
        number = model.one(one for one, call in model.calls.items() if not call["hold"])
        return number and {"number": number}

    @staticmethod
    def run(world, number):
        call = up(world, number)
        if not call:
            return
        for leg in call.legs:
            leg.done.pop("INVITE", None)
            leg.phone.send_invite(leg, leg.session.offer())
        world.expect(lambda: all(leg.done.get("INVITE") in (200, 491) for leg in call.legs), 40, "dialog",
                     f"re-INVITEs that cross in call {number}: {[leg.done.get('INVITE') for leg in call.legs]}")
        world.expect(lambda: not any(leg.accepted for leg in call.legs), 40, "dialog", f"no ACK in call {number}")


@row("join", 2)
class Join:
    """Another party for the account that several share."""
    @staticmethod
    def choose(model):
        name = model.one(model.scenario.parties)
        model.team = sorted({name, *model.team})
        return {"party": name}

    @staticmethod
    def run(world, party):
        phone = world.phones.get(party)
        if not phone:
            return
        phone.users = [*phone.users, TEAM] if TEAM not in phone.users else phone.users
        world.team = [*world.team, party] if party not in world.team else world.team
        answered_register(world, phone, TEAM, 3600, f"{party} does not join")


@row("callteam", 3)
class CallTeam:
    """All that share the account ring, one answers, the others are told (RFC 3261 16.7)."""
    @staticmethod
    def choose(model):
        caller, answer = model.one(model.registered), model.one(model.team)
        if not caller or not answer or model.party(caller) in model.team or \
                not all(model.may_call(caller, one) for one in model.team):
            return None
        number = str(next(model.numbers))
        model.calls[number] = {"users": (caller, answer), "hold": None}
        return {"number": number, "from": caller, "answer": answer}

    @staticmethod
    def run(world, number, answer, **options):
        caller = options["from"]
        if caller not in world.registered or answer not in world.team or world.phone_of(caller).name in world.team:
            return
        call = Call(number, {**least(), "delay": "1"}, [answer])
        world.calls[number] = call
        leg, members = world.phone_of(caller).call(call, caller, TEAM), [world.phones[name] for name in world.team]
        if not world.expect(lambda: all(leg.call_id in phone.legs for phone in members), 40, "call",
                            f"call {number} does not reach all of {world.team}"):
            return
        call.legs = [leg, world.phones[answer].legs[leg.call_id]]
        world.expect(lambda: up(world, number), 70, "call", f"call {number} is not up")
        call.lively = world.loop.now()
        others = [phone.legs[leg.call_id] for phone in members if phone.name != answer]
        world.expect(lambda: all(other.state == "cancelled" for other in others), 40, "call",
                     f"call {number} goes on ringing: {[other.state for other in others]}")


@row("transfer", 3)
class Transfer:
    """REFER: the other one calls somebody else, and tells how it went."""
    @staticmethod
    def choose(model):
        number = model.one(one for one, call in model.calls.items() if not call["hold"])
        if not number:
            return None
        side = model.chance.choice(("caller", "callee"))
        users = model.calls[number]["users"]
        stays = users[1 if side == "caller" else 0]
        target = model.one(user for user in model.registered
                           if model.party(user) not in [model.party(one) for one in users] and
                           model.may_call(stays, user))
        if not target or stays not in model.registered:
            return None
        del model.calls[number]
        new = str(next(model.numbers))
        model.calls[new] = {"users": (stays, target), "hold": None}
        return {"number": number, "side": side, "to": target, "new": new}

    @staticmethod
    def run(world, number, side, to, new):
        call = up(world, number)
        if not call or to not in world.registered:
            return
        leg = side_of(call, side)
        other = other_of(call, leg)
        third = world.phone_of(to)
        if third in (leg.phone, other.phone) or other.phone.users[0] not in world.registered:
            return
        leg.phone.ask_in(leg, "REFER", extra=[("Refer-To", f"<sip:{to}@{DOMAIN}>")])
        if not world.expect(lambda: leg.done.get("REFER") == 202, 40, "dialog",
                            f"REFER of {leg.phone.name} in call {number}: {leg.done.get('REFER')}"):
            return
        Invite.run(world, new, to, **{"from": other.phone.users[0]})
        other.phone.ask_in(other, "NOTIFY", extra=[("Event", "refer"), ("Subscription-State", "terminated")])
        world.expect(lambda: other.done.get("NOTIFY") == 200, 40, "dialog",
                     f"NOTIFY of {other.phone.name} in call {number}: {other.done.get('NOTIFY')}")
        hang_up(world, call, side)


@row("subscribe", 2)
class Subscribe:
    """
    Only where the provider stays in the path: pinholes belong to calls and registrations (C15), and
    so nothing is opened for a NOTIFY straight from whom the phone has never talked to, or for the
    refresh of who watches the phone (doc/limits.md).
    """
    @staticmethod
    def choose(model):
        if model.scenario.provider["record"] == "no":
            return None
        watcher, watched = model.one(model.registered), model.one(model.registered)
        if not watcher or model.party(watcher) == model.party(watched):
            return None
        number = str(next(model.numbers))
        model.subscriptions[number] = (watcher, watched)
        return {"number": number, "from": watcher, "to": watched}

    @staticmethod
    def run(world, number, to, **options):
        watcher = options["from"]
        if not {watcher, to} <= set(world.registered):
            return
        phone, other = world.phone_of(watcher), world.phone_of(to)
        leg = phone.subscribe(watcher, to)
        if world.expect(lambda: leg.done.get("SUBSCRIBE") == 200 and leg.notified, 40, "dialog",
                        f"SUBSCRIBE of {watcher} to {to}: {leg.done.get('SUBSCRIBE')}, {leg.notified}"):
            world.subscriptions[number] = leg, other.legs[leg.call_id]


@row("notify", 2)
class Notify:
    @staticmethod
    def choose(model):
        number = model.one(model.subscriptions)
        return number and {"number": number}

    @staticmethod
    def run(world, number):
        if number in world.subscriptions:
            _, theirs = world.subscriptions[number]
            theirs.phone.notify(theirs, "active")
            world.expect(lambda: theirs.done.get("NOTIFY") == 200, 40, "dialog",
                         f"NOTIFY of {theirs.phone.name} for {number}: {theirs.done.get('NOTIFY')}")


@row("unsubscribe", 1)
class Unsubscribe:
    @staticmethod
    def choose(model):
        number = model.one(model.subscriptions)
        if number:
            del model.subscriptions[number]
        return number and {"number": number}

    @staticmethod
    def run(world, number):
        if number in world.subscriptions:
            leg, theirs = world.subscriptions.pop(number)
            leg.phone.resubscribe(leg, 0)
            world.expect(lambda: leg.done.get("SUBSCRIBE") == 200 and leg.notified[-1] == "terminated", 40, "dialog",
                         f"subscription {number} does not end: {leg.done.get('SUBSCRIBE')}, {leg.notified}")
            leg.state = theirs.state = "ended"


@row("knock", 3)
class Knock:
    """A stranger tries ports that nobody has offered."""
    @staticmethod
    def choose(model):
        return {}

    @staticmethod
    def run(world):
        checks.knock(world)


@row("serve", 2)
class Serve:
    """The router's own service, and the host of the port forward, are reached as ever."""
    @staticmethod
    def choose(model):
        return {} if "yes" in (model.scenario.topology["service"], model.scenario.topology["forward"]) else None

    @staticmethod
    def run(world):
        checks.services(world)


def end_all(world):
    """Everybody hangs up and logs out."""
    for number in list(world.subscriptions):
        Unsubscribe.run(world, number)
    for number, call in world.calls.items():
        if up(world, number):
            # what its media have opened is to go with it
            checks.audio(world, call)
            hang_up(world, call)
    for user in list(world.registered):
        Unregister.run(world, user)
    for name in world.team:
        answered_register(world, world.phones[name], TEAM, 0, f"{name} does not leave")
