#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""
A standby is told garbage, and is then promoted; what was real is damaged at random:

    scripts/um-run --time-travel env SEED=N /usr/bin/python3 tests/netns/test_pair_fuzz.py
"""
import copy
import os
import random
import socket
import struct

import topology as net
from call_helpers import answered, new, phone, reinvite, server
from genl import NESTED, attr, attrs_of
from ksft import run, test
from pair import ACTIVE, STANDBY, Pair
from sip import message, sdp
from topology import PHONE, RELAY, ROUTER, SERVER, Udp
from transports import Stream, WayCall

SEED = int(os.environ.get("SEED") or 22)         # make check tries the same each time
REQUESTS = int(os.environ.get("REQUESTS") or 2000)
ROUND = 500             # requests until the standby is promoted
WORDS = (b"\0", b"\1", b"\x7f", b"\x80", b"\xff")

pair = Pair()


def spoil_leaf(rng, value):
    """Other bytes, or more of them, or fewer."""
    data, choice = bytearray(value), rng.randrange(5)
    if choice == 0 and data:
        data[rng.randrange(len(data))] = rng.randrange(256)
    elif choice == 1:
        del data[rng.randrange(len(data) + 1):]
    elif choice == 2:
        data += rng.randbytes(rng.choice((1, 4, 8, 40, 700)))
    elif choice == 3 and len(data) >= 4:
        place = rng.randrange(len(data) // 4) * 4
        data[place:place + 4] = rng.choice(WORDS) * 4
    else:
        data = bytearray(rng.choice(WORDS) * len(data))
    return bytes(data)


def kinds_of(value):
    """Those of its attributes; None: it is no list of attributes."""
    try:
        return [kind for kind, _ in attrs_of(value)]
    except (AssertionError, struct.error):
        return None


def is_nest(value):
    """It may be one: its lengths fit."""
    kinds = kinds_of(value)
    return bool(kinds) and all(0 < kind < 32 for kind in kinds)


def spoil_attrs(rng, data):
    """One of the attributes is damaged, missing, there twice or elsewhere."""
    attrs = list(attrs_of(data))
    if not attrs:
        return rng.randbytes(8)
    place, choice = rng.randrange(len(attrs)), rng.randrange(8)
    kind, value = attrs[place]
    if choice == 0:
        del attrs[place]
    elif choice == 1:
        attrs.insert(rng.randrange(len(attrs)), (kind, value))
    elif choice == 2:
        attrs[place] = rng.randrange(40), value
    elif choice == 3:
        attrs += [(kind, value)] * rng.randrange(1, 70)
    else:
        attrs[place] = kind, spoil_attrs(rng, value) if is_nest(value) else spoil_leaf(rng, value)
    return b"".join(attr(kind | (NESTED if is_nest(value) else 0), value) for kind, value in attrs)[:30000]


def wild(rng, objects):
    """A real object, damaged."""
    one = copy.copy(rng.choice(objects))
    one.sequence = rng.choice((0, 1, (one.sequence + 1) % (1 << 64), rng.randrange(1 << 44), (1 << 64) - 1))
    choice, record = rng.randrange(12), one.record
    if choice == 0:
        record = None
    elif choice == 1:
        record = spoil_leaf(rng, record) or b"\1"
    elif choice == 2:
        record = rng.choice(objects).record
    elif choice == 3:
        key = bytearray(one.key)
        key[rng.randrange(len(key))] = rng.randrange(256)
        one.key = bytes(key)
    elif choice == 4:
        one.key = one.key[:rng.randrange(1, len(one.key) + 1)]
    else:
        for _ in range(rng.choice((1, 1, 1, 2, 5))):
            # one that has been damaged before may end amid an attribute
            spoil = spoil_leaf if kinds_of(record[4:]) is None else spoil_attrs
            record = record[:4] + spoil(rng, record[4:])
    one.record = record
    return one


def register():
    request = message(f"""REGISTER sip:{SERVER} SIP/2.0
        Via: SIP/2.0/UDP {PHONE}:5060;branch=z9hG4bKfuzz;rport
        From: <sip:alice@{SERVER}>;tag=f
        To: <sip:alice@{SERVER}>
        Call-ID: fuzz@call.example
        CSeq: 1 REGISTER
        Contact: <sip:alice@{PHONE}:5060>;expires=600""")
    phone.send(request, SERVER)
    assert server.recv()
    server.send(request.replace(b"REGISTER sip:203.0.113.50 SIP/2.0", b"SIP/2.0 200 OK")
                .replace(PHONE.encode(), ROUTER.encode()), ROUTER)
    assert phone.recv()


def drain(*sockets):
    for one in sockets:
        one.setblocking(False)
        try:
            while one.recv(1 << 16):
                pass
        except (BlockingIOError, ConnectionError, TimeoutError):
            pass
        one.setblocking(True)


def traffic(way, call, number):
    """Whatever becomes of it: messages within the call, by UDP and TCP, and audio."""
    datagrams = call.request("INFO", cseq=100 + number, to_tag=True), call.request("BYE", cseq=101 + number, to_tag=True)
    for data in datagrams:
        phone.send(data, SERVER)
    server.send(call.peer_request("INFO", f"{ROUTER}:5060", cseq=200 + number), ROUTER)
    for sender, receiver, port in (("provider", ROUTER, 4000), ("phone", RELAY, 6000)):
        end = Udp(sender, RELAY if sender == "provider" else PHONE, 6000 if sender == "provider" else 4000)
        end.send(b"media", receiver, port)
        end.close()
    for end in way.ends:
        try:
            end.socket.settimeout(1)
            end.socket.send(new(f"t{number}").request("OPTIONS"))
        except (TimeoutError, OSError):
            pass


def connections():
    """Calls and a registration, by UDP and TCP, of which all is told."""
    register()
    call = answered("fuzz", 4000)
    reinvite(call, sdp(PHONE, 4000, "m=video 4010 RTP/AVP 31"), sdp(RELAY, 6000, "m=video 6010 RTP/AVP 31"))
    way = Stream(PHONE, SERVER, ROUTER, next(PORTS))
    WayCall(way, f"tcp{way.local}", 4100).rings().picks_up()
    return way, call


PORTS = iter(range(46000, 60000))


@test("issue 22", f"restore requests with damaged records, then a promotion and traffic (seed {SEED})")
def fuzzed():
    rng, sent, rounds = random.Random(SEED), 0, 0
    print(f"# seed {SEED}", flush=True)
    while sent < REQUESTS:
        way, call = connections()
        pair.sync()
        objects = [one for one in pair.standby.dump()[0] if one.record]
        assert {one.kind for one in objects} >= {"k", "m", "r", "c", "t"}, [one.key for one in objects]
        others = [one for one in objects if one.kind != "k"]
        for _ in range(ROUND):
            pair.standby.ask_restore([wild(rng, others if rng.random() < .99 else objects)
                                      for _ in range(rng.randrange(1, 4))], pair.epoch, rng.choice((0, 0, 1, 1 << 31)))
        sent += ROUND
        pair.standby.dump()
        pair.take_over(connections=True)
        pair.active.mark()
        traffic(way, call, rounds)
        pair.sync()
        drain(phone.socket, server.socket, *(end.socket for end in way.ends))
        for end in way.ends:
            end.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            end.close()
        # what is left of it goes, on either side
        net.router("conntrack -F 2>/dev/null")
        for name in ("router", "second"):
            net.shell(f"ip netns exec {name} {CTL} call end --all")
        rounds += 1
    assert pair.standby.set(ACTIVE, pair.epoch + 1) == 0
    assert pair.standby.set(STANDBY, pair.epoch + 1) == 0


CTL = os.path.abspath("tools/sipalg-ctl/sipalg-ctl")


run()
