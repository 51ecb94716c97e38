#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""
The network changes under a registered phone with a call up: without a helper, with the
kernel's own nf_conntrack_sip, and with this module, in one table.

    make faces-compare

The provider is one that copes with NAT: it answers where a packet came from, calls a phone
at the address that its REGISTER came from, and sends audio to where the phone's comes
from. What it is told in messages it believes if that is not a private address.
"""
import re
import time

import topology as net
from ksft import run, test
from sip import message, sdp
from topology import PHONE, RELAY, ROUTER, SERVER, Udp, router, shell

NEXT, SECOND, FAR = "203.0.113.9", "198.51.100.1", "198.51.100.60"
HELPERS = ("none", "sip", "sipalg")
NAMES = {"none": "no helper", "sip": "nf_conntrack_sip", "sipalg": "sipalg"}
PATIENCE = 180
PAGE = "doc/network-changes.md"
NAT = net.MASQUERADE.replace("oifname wan ", 'oifname { "wan", "wan2" } ')

net.build(NAT)
net.link("provider", "eth1", "wan2", (f"{FAR}/24",), (f"{SECOND}/24",))
router("modprobe nf_conntrack_sip; modprobe nf_nat_sip")
for space, links in (("router", ("all", "wan", "wan2")), ("provider", ("all", "eth0", "eth1"))):
    for link in links:
        shell(f"ip netns exec {space} sysctl -qw net.ipv4.conf.{link}.rp_filter=0")
COUNT = [0]


def rules(helper):
    """The firewall, with one helper attached or none."""
    lines = net.RULES.replace('type "sipalg"', f'type "{helper}"').replace(
        "meta l4proto { tcp, udp } th dport 5060 accept", "accept").splitlines()
    if helper == "none":
        lines = [line for line in lines if "helper set" not in line]
        text = re.sub(r"ct helper sip-\w+ \{.*?\}", "", "\n".join(lines), flags=re.S)
    else:
        text = "\n".join(lines)
    return text


def load(helper):
    router("nft flush ruleset")
    for text in (rules(helper), NAT):
        net.attach(text)


def reply(got, status="200 OK", body=""):
    """What a server answers to the bytes that it has got."""
    kept = [line for line in got.decode().split("\r\n\r\n")[0].split("\r\n")[1:]
            if re.match(r"Via|From|To|Call-ID|CSeq|Contact", line)]
    kept = [line + ";tag=peer" if line.startswith("To:") and ";tag=" not in line else line
            for line in kept]
    if body:
        kept = [line for line in kept if not line.startswith("Contact")]
        kept += [f"Contact: <sip:bob@{SERVER}:5060>", "Content-Type: application/sdp"]
    return message("\n".join([f"SIP/2.0 {status}"] + kept), body)


class Scene:
    """A phone that is registered and has a call, and where the provider believes it to be."""

    def __init__(self, helper):
        self.helper = helper
        COUNT[0] += 1
        self.name, self.cseq, self.now = f"{helper}{COUNT[0]}", 0, (ROUTER,)
        self.audio_port = 4000 + 10 * COUNT[0]
        self.phone, self.server = Udp("phone", PHONE, 5060), Udp("provider", SERVER, 5060)
        self.ours = Udp("phone", PHONE, self.audio_port)
        self.theirs = Udp("provider", RELAY, self.audio_port + 2000)
        self.at, self.told, self.heard = None, None, None
        assert self.register() and self.invite() and self.audio_out()

    def ask(self, method, call_id, body="", expires=""):
        """A request of the phone's, its answer; True if all went by an address that is right now."""
        self.cseq += 1
        to = ";tag=peer" if method == "INVITE" and self.cseq > 2 else ""
        kind = "\nContent-Type: application/sdp" if body else ""
        data = message(f"""{method} sip:bob@{SERVER} SIP/2.0
            Via: SIP/2.0/UDP {PHONE}:5060;branch=z9hG4bK{self.name}{self.cseq};rport
            From: <sip:alice@{SERVER}>;tag={self.name}
            To: <sip:bob@{SERVER}>{to}
            Call-ID: {call_id}{self.name}@call.example
            CSeq: {self.cseq} {method}
            Contact: <sip:alice@{PHONE}:5060>{expires}{kind}""", body)
        self.phone.send(data, SERVER)
        got = self.server.recv(0.5)
        if not got or self.server.sender[0] not in self.now:
            return False
        self.at = self.server.sender
        if body:
            address = got.split(b"\r\nc=IN IP4 ")[1].split(b"\r\n")[0].decode()
            port = int(got.split(b"m=audio ")[1].split()[0])
            self.told = None if address == PHONE else (address, port)
        answer = sdp(RELAY, self.audio_port + 2000) if body else ""
        self.server.send(reply(got, body=answer), *self.at)
        back = self.phone.recv(0.5)
        if not back or not back.startswith(b"SIP/2.0 200") or f"{PHONE}:5060".encode() not in back:
            return False
        if method == "INVITE":
            self.phone.send(data.replace(b"INVITE", b"ACK").split(b"Content-Type")[0] +
                            b"Content-Length: 0\r\n\r\n", SERVER)
            self.server.recv(0.5)
        return True

    def register(self):
        return self.ask("REGISTER", "reg", expires="\nExpires: 3600")

    def invite(self):
        return self.ask("INVITE", "call", body=sdp(PHONE, self.audio_port))

    def called(self):
        """A request to where the phone's REGISTER came from."""
        self.cseq += 1
        self.server.send(message(f"""OPTIONS sip:alice@{self.at[0]}:{self.at[1]} SIP/2.0
            Via: SIP/2.0/UDP {SERVER}:5060;branch=z9hG4bKin{self.name}{self.cseq}
            From: <sip:bob@{SERVER}>;tag=in{self.cseq}
            To: <sip:alice@{SERVER}>
            Call-ID: in{self.cseq}{self.name}@call.example
            CSeq: 1 OPTIONS"""), *self.at)
        got = self.phone.recv(0.5)
        return bool(got) and got.startswith(b"OPTIONS")

    def audio_out(self):
        self.ours.send(b"out", RELAY, self.audio_port + 2000)
        got = self.theirs.recv(0.5)
        if got != b"out" or self.theirs.sender[0] not in self.now:
            return False
        self.heard = self.theirs.sender
        return True

    def audio_in(self):
        """To where the phone says that it listens, or to where its audio comes from."""
        for where in {self.told or self.heard, self.heard}:
            self.theirs.send(b"in", *where)
            got = self.ours.recv(0.5)
            while got and got != b"in":
                got = self.ours.recv(0.5)
            if got:
                return True
        return False

    def close(self):
        self.ask("BYE", "call")
        self.ask("REGISTER", "reg", expires="\nExpires: 0")
        for sock in (self.phone, self.server, self.ours, self.theirs):
            sock.close()
        router("conntrack -F 2>/dev/null")


def seconds_until(works, patience):
    """Tried each second: 0 is the first time, None never."""
    for second in range(patience):
        start = time.monotonic()
        if works():
            return second
        time.sleep(max(0, 1 - (time.monotonic() - start)))
    return None


# what the phone does not bring about itself is tried for a few seconds only
MEASURES = (("call in, phone silent", Scene.called, 5), ("audio in, phone silent", Scene.audio_in, 5),
            ("REGISTER", Scene.register, PATIENCE), ("call in", Scene.called, PATIENCE),
            ("audio out", Scene.audio_out, PATIENCE), ("audio in", Scene.audio_in, PATIENCE),
            ("both after re-INVITE", lambda scene: scene.invite() and scene.audio_out() and
             scene.audio_in(), PATIENCE))


def address(old, new):
    router(f"ip addr del {old}/24 dev wan")
    router(f"ip addr add {new}/24 dev wan")


def change(scene):
    address(ROUTER, NEXT)
    scene.now = (NEXT,)
    return lambda: address(NEXT, ROUTER)


def change_back(scene):
    address(ROUTER, NEXT)
    scene.ours.send(b"meanwhile", RELAY, scene.audio_port + 2000)
    scene.theirs.recv(1)
    time.sleep(5)
    address(NEXT, ROUTER)


def none_for_a_while(scene):
    router(f"ip addr del {ROUTER}/24 dev wan")
    time.sleep(10)
    router(f"ip addr add {NEXT}/24 dev wan")
    scene.now = (NEXT,)
    return lambda: address(NEXT, ROUTER)


def uplink(scene):
    for host in (SERVER, RELAY):
        router(f"ip route add {host}/32 via {FAR} dev wan2")
    scene.now = (SECOND,)

    def undo():
        for host in (SERVER, RELAY):
            router(f"ip route del {host}/32 via {FAR} dev wan2")
    return undo


def flush(_scene):
    router("conntrack -F 2>/dev/null")


def flush_expect(_scene):
    router("conntrack -F expect 2>/dev/null")


def flap(_scene):
    router("ip link set wan down")
    time.sleep(3)
    router("ip link set wan up")
    # IPv6 addresses do not come back by themselves
    router(f"ip addr replace {net.ROUTER6}/64 dev wan nodad")


def reload(scene):
    load(scene.helper)


def silence(_scene):
    """No change but time: NAT forgets a flow that carries nothing."""
    time.sleep(400)


EVENTS = (("nothing", lambda scene: None), ("another address", change),
          ("another address, and back after 5 s", change_back),
          ("no address for 10 s, then another", none_for_a_while),
          ("the route moves to another uplink", uplink), ("`conntrack -F`", flush),
          ("`conntrack -F expect`", flush_expect), ("link down for 3 s", flap),
          ("the rules are loaded anew", reload), ("400 s of silence", silence))
FOUND = {}


def measure(event, happens):
    """All helpers, one after the other, through the same."""
    for helper in HELPERS:
        load(helper)
        router("conntrack -F 2>/dev/null")
        scene = Scene(helper)
        undo = happens(scene)
        for name, works, patience in MEASURES:
            FOUND[event, helper, name] = seconds_until(lambda works=works: works(scene), patience)
        scene.close()
        if undo:
            undo()
        time.sleep(45)


def word(seconds):
    return "no" if seconds is None else "at once" if seconds == 0 else f"{seconds} s"


def table():
    """In the page's form: of each event what it took, helper by helper."""
    names = [name for name, _, _ in MEASURES]
    lines = ["| what happens | | " + " | ".join(names) + " |", "|---" * (len(names) + 2) + "|"]
    for event, _ in EVENTS:
        for helper in HELPERS:
            cells = [word(FOUND[event, helper, name]) for name in names]
            first = event if helper == HELPERS[0] else ""
            lines.append(f"|{' ' + first if first else ''} | {NAMES[helper]} | " + " | ".join(cells) + " |")
    return lines


def worse(event, name):
    """Does a helper, or none, do better here than this module?"""
    mine = FOUND[event, "sipalg", name]
    others = [FOUND[event, other, name] for other in HELPERS if other != "sipalg"]
    best = min((seconds for seconds in others if seconds is not None), default=None)
    return best is not None and (mine is None or mine > best)


def compared(event, happens):
    def check():
        measure(event, happens)
        bad = [name for name, _, _ in MEASURES if worse(event, name)]
        assert not bad, {key: word(value) for key, value in FOUND.items() if key[0] == event}
    return check


for EVENT, HAPPENS in EVENTS:
    test("issue 18", f"{EVENT}: nothing works without this module that fails with it")(
        compared(EVENT, HAPPENS))


@test("issue 18", "the page says what was measured")
def page():
    lines = table()
    for line in lines:
        print(f"# {line}", flush=True)
    with open(PAGE, encoding="utf-8") as file:
        told = [line for line in file.read().splitlines()]
    missing = [line for line in lines if line not in told]
    assert net.TIME_IS_REAL or not missing, missing


run()
