# SPDX-License-Identifier: GPL-2.0-only
"""
What must hold, seen from the parties: messages are those of a world without a router between, audio
is heard by whom it was agreed with, nothing tells of private addresses, nothing stays open.
"""
import json
import re

import ctnetlink
from media import NOBODY
from message import written
from network import FORWARDED, FORWARDED_HOST, POOL, PORTS, PREFIX, ROUTER, SERVICE, STRANGER, is_inside
from node import udp
from topology import shell

CTL = "tools/sipalg-ctl/sipalg-ctl"
ROUNDS = 3
KNOCKING = 0.2  # seconds that a stranger waits
QUIET = 100     # seconds without media or a refresh after which the phone has to speak first (D3)


def inside_pattern(network):
    """An address of somebody inside, as it stands in messages."""
    prefixes = "|".join(re.escape(PREFIX[network.family][place]) for place in ("lan", "lan2"))
    return rf"\[?(?:{prefixes})[0-9a-f]+\]?"


class Transcript:
    """What each party has got: two runs are compared by it."""

    def __init__(self, network):
        self.got = {}
        faces = "|".join(re.escape(face) for face in network.faces())
        self.changes = []
        if network.options["nat"] != "none":
            self.changes = [(re.compile(rf"(?:{inside_pattern(network)}|\[?(?:{faces})\b\]?)(?::\d+)?"), "<inside>"),
                            (re.compile(r"(?m)^m=(\w+) [1-9]\d*"), r"m=\1 <port>"),
                            (re.compile(r"(?m)^a=rtcp:\d+"), "a=rtcp:<port>"),
                            (re.compile(r"rport=\d+"), "rport=<port>")]

    def add(self, node, message, source, home):
        """
        `home` is the port of who has sent it from `source`: of two connections between the same two
        hosts, by two faces of the router, the kernel has to give one another port, and who is seen
        by that is named by it.
        """
        key = node.name, message.get("Call-ID"), message.get("CSeq"), message.start.split(" ")[0 if message.is_request else 1]
        forms = self.got.setdefault(key, [])
        text = "\n".join([message.start, *(f"{name}: {value}" for name, value in message.headers
                                           if name != "Content-Length"), "", message.body])
        if home:
            text = text.replace(written(*source) + ";", written(source[0], home) + ";")
            text = text.replace(written(*source) + ">", written(source[0], home) + ">")
        for pattern, word in self.changes:
            text = pattern.sub(word, text)
        if text not in forms:
            forms.append(text)

    def compare(self, plain):
        """The first message that is none of those that came where there was nothing between."""
        for key, forms in self.got.items():
            for form in forms:
                wanted = plain.got.get(key)
                if wanted and form not in wanted:
                    return f"{key[0]} has got {difference(form, wanted[0])}"
        return None


def difference(got, wanted):
    got, wanted = got.split("\n"), wanted.split("\n")
    lines = [f"  got    {line}" for line in got if line not in wanted]
    lines += [f"  wanted {line}" for line in wanted if line not in got]
    return "\n".join([got[0], *lines])


def leaks(world, node, message):
    """Who is outside of a NAT gets to know nobody's address inside."""
    if not world.network.natted or is_inside(node.place):
        return
    text = "\n".join([message.start, *(f"{name}: {value}" for name, value in message.headers if name != "Call-ID"),
                      message.body])
    found = re.search(inside_pattern(world.network), text)
    if found:
        line = next(line for line in text.split("\n") if found[0] in line)
        world.fault("leak", f"{node.name} has got {message.describe()} with {line}")


def ctl(arguments):
    return json.loads(shell(f"ip netns exec router {CTL} -j {arguments}") or "[]")


def service_of(world):
    """The router's own service is there all the time, at whatever address the router has."""
    if world.plain or world.network.options["service"] == "no":
        return []
    return [("router", "0.0.0.0" if world.network.family == "4" else "::", SERVICE)]


def prepare(world):
    """What an administrator of such a network sets, since sipalg(4) says so."""
    world.service = Ears(world, service_of(world))
    settings = []
    if world.network.options["nat"] == "range":
        settings.append(f"media-ports {PORTS[0]}-{PORTS[1]}")
    if world.scenario.provider["pool"] == "yes":
        settings.append(f"signalling-peers {world.proxy.other_address}")
    if settings and not world.plain:
        shell(f"ip netns exec router {CTL} setting set {' '.join(settings)}")


def audio(world, call):
    """RTP and RTCP of each stream, three times, and whether they were heard."""
    silent = world.loop.now() - call.lively > QUIET
    # else each is the first in its turn, who is outside before all others
    inside_first = silent or call.talks % 2 == 1
    legs = sorted(call.legs, key=lambda leg: world.is_inside(leg.phone) != inside_first)
    call.talks += 1
    sent = []
    for count in range(ROUNDS):
        for leg in legs:
            other = call.legs[1 - call.legs.index(leg)]
            for index in range(len(leg.session.media)):
                if leg.session.sends(index):
                    for which in (0, 1):
                        text = f"{leg.phone.name} {call.number} {index} {which} {world.loop.now():.3f}"
                        leg.session.send(index, which, text)
                        sent.append((count, leg, other, index, which, text))
            world.loop.run(0.02)
    world.loop.run(0.2)
    for count, leg, other, index, which, text in sent:
        heard = other.session.media[index].got[which]
        # what the phone sends opens the way in again, and nothing else does (D3)
        shut = silent and world.is_inside(other.phone) and (count == 0 or not other.session.sends(index))
        if text not in heard and not shut:
            stream = leg.session.remote[index]
            world.fault("audio", f"{other.phone.name} does not hear {leg.phone.name}'s {'RTCP' if which else 'RTP'} "
                                 f"to {stream.address}:{stream.rtcp if which else stream.port} in call {call.number}")
            return
        if text in heard:
            check_source(world, leg, other, index, which, heard[text])
            # what a closed way has stopped is no sign of life
            call.lively = world.loop.now()


def check_source(world, leg, other, index, which, source):
    """It comes from where its sender has said to hear (symmetric RTP, RFC 4961)."""
    told = other.session.remote[index]
    options = world.network.options
    one_face = options["uplinks"] == "1" and options["nat"] != "pool" and told.address not in NOBODY
    if one_face and not world.is_inside(other.phone) and \
            source != (told.address, told.rtcp if which else told.port):
        world.fault("source", f"{other.phone.name} hears {leg.phone.name} from {source[0]}:{source[1]}, "
                              f"who is to be at {told.address}:{told.port}")


def current_faces(world):
    network = world.network
    hosts = POOL if network.options["nat"] == "pool" else (network.face,)
    return [network.at("out", host) for host in hosts] + \
        ([network.at("out2", ROUTER)] if network.options["uplinks"] == "2" else [])


def show(world):
    """What the router has, for who reads a trace."""
    for command in (f"{CTL} call list", f"{CTL} pinhole list", "conntrack -L 2>/dev/null", "conntrack -L -f ipv6 2>/dev/null"):
        for line in shell(f"ip netns exec router {command}").splitlines():
            world.note(line)


class Ears:
    """Sockets that nobody is to reach, or that somebody is."""

    def __init__(self, world, places):
        self.world, self.heard, self.sockets = world, [], {}
        for place, address, port in places:
            try:
                sock = udp(place, address, port, "red" if place == "router" and world.network.has_vrf() else "")
            except OSError:
                continue    # somebody's own: that one has been offered
            self.sockets[address, port] = sock
            world.loop.add(sock, lambda sock=sock, at=(address, port): self.hear(sock, at))

    def hear(self, sock, at):
        try:
            self.heard.append((*at, *sock.recvfrom(100)))
        except OSError:
            pass

    def close(self):
        for sock in self.sockets.values():
            self.world.loop.remove(sock)
            sock.close()


def shout(world, place, address, targets, text, port=7777):
    """One datagram to each target."""
    sock = udp(place, address, port)
    for target in targets:
        for _ in range(2):      # an ICMP error for the last may be what send() tells
            try:
                sock.sendto(text.encode(), target)
                break
            except OSError:
                continue
    world.loop.run(KNOCKING)
    sock.close()


def knock(world):
    if world.plain:
        world.loop.run(KNOCKING)
        return
    inside = [phone for phone in world.phones.values() if world.is_inside(phone)]
    ports = sorted({8080, 5090, *(media.port + 2 for phone in inside for leg in phone.legs.values()
                                  for media in leg.session.media)})
    ears = Ears(world, [(phone.place, phone.address, port) for phone in inside for port in ports])
    addresses = current_faces(world) + ([] if world.network.natted else [phone.address for phone in inside])
    shout(world, "out", world.network.at("out", STRANGER), [(one, port) for one in addresses for port in ports], "knock")
    for address, port, _, source in ears.heard:
        world.fault("reached", f"{source[0]}:{source[1]} has reached {address}:{port}, which nobody offered")
    ears.close()


def services(world):
    """From outside, by the router's address as it is now."""
    if "yes" not in (world.network.options["service"], world.network.options["forward"]):
        return
    if world.plain:
        world.loop.run(KNOCKING)
        return
    network, places, targets = world.network, [], []
    if network.options["service"] == "yes":
        targets.append((network.at("out", network.face), SERVICE))
    if network.options["forward"] == "yes":
        host = network.at("lan", FORWARDED_HOST)
        places.append(("lan", host, FORWARDED))
        targets.append((network.at("out", network.face) if network.natted else host, FORWARDED))
    ears = Ears(world, places)
    shout(world, "out", network.at("out", STRANGER), targets, "service")
    heard = {(address, port) for address, port, _, _ in ears.heard + world.service.heard}
    for _, address, port in places + service_of(world):
        if (address, port) not in heard:
            world.fault("service", f"{address}:{port} is not reached any more")
    ears.close()
    world.service.heard = []


def left_open(world):
    """A minute after everything has ended nothing is open."""
    world.loop.run(61)
    if world.plain:
        return
    left = [*map(str, ctnetlink.expectations())]
    if left:
        world.fault("left", f"expectations: {'; '.join(left)}")
    for what in ("call list", "registration list"):
        entries = ctl(what)
        if entries:
            world.fault("left", f"{what}: {json.dumps(entries)}")
    still_reached(world)


def still_reached(world):
    """Ports that were told for media lead nowhere, neither for strangers nor for who was in the call."""
    ears = Ears(world, sorted(place for place in world.heard_at if is_inside(place[0])))
    for place, address, port in sorted(world.heard_at):
        if not is_inside(place):
            # from the very ports of the call: conntrack may still know them
            shout(world, place, address, sorted(world.told), "late", port)
    shout(world, "out", world.network.at("out", STRANGER), sorted(world.told), "late")
    for address, port, _, source in ears.heard:
        world.fault("reached", f"{source[0]}:{source[1]} still reaches {address}:{port}")
    ears.close()
