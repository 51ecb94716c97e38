#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""
Whatever an answer repeats of its request goes back to the byte (law 7), for
headers that are drawn at random: stacks of Vias of several programs on one
host, Record-Routes and identities that name the phone's private address, the
router's public one, or nobody, in the spellings of equipment; several
transactions are under way at once and are answered in any order.

ROUND_TRIP_SEED in the environment asks for others.
"""
import os
import random

from call_helpers import phone, server
from ksft import run, test
from sip import message
from topology import OTHER, PHONE, ROUTER, SERVER

SEED = int(os.environ.get("ROUND_TRIP_SEED", "20261129"))
ROUNDS, AT_ONCE = 120, 4
REPEATED = ("via", "v", "record-route", "from", "f", "to", "t", "call-id", "cseq")

# Others' hosts; some look like the phone's, some like the router's.
FOREIGN = (f"{PHONE}:6050", f"{PHONE}", "192.168.1.2:6050", f"{OTHER}:5060", "10.0.0.1", f"{ROUTER}:5080",
           f"{ROUTER}", SERVER, "198.51.100.9:5070", "sbc.example.net", "[2001:db8::9]:5060", "[2001:db8::9]")
OWN = (f"{PHONE}:5060", f"{PHONE}:5080", PHONE, f"{PHONE}:5066")


def lines_of(data):
    """The headers that an answer repeats."""
    return [line for line in data.decode().split("\r\n\r\n")[0].split("\r\n")[1:]
            if line.split(":")[0].strip().lower() in REPEATED]


class Draw:
    """Headers as somebody writes them."""

    def __init__(self, seed):
        self.random = random.Random(seed)

    def one(self, things):
        return self.random.choice(things)

    def name(self, full, compact):
        return self.one((full, full, compact, full.upper(), full + " "))

    def via(self, host, number, transport="UDP"):
        space = self.one((" ", " ", "  ", " \t"))
        # who leaves rport out is answered at the port in Via: its topmost is its own
        extra = self.one((";rport", ";rport;x=1", f";rport;y={PHONE}", ";RPORT"))
        return f"{self.name('Via', 'v')}: SIP/2.0/{transport}{space}{host}{extra};branch=z9hG4bK{number}"

    def below(self, number, hosts):
        """The Vias that are not topmost, and Record-Routes."""
        found = []
        for index in range(self.random.randrange(4)):
            found.append(f"{self.name('Via', 'v')}: SIP/2.0/{self.one(('UDP', 'TCP', 'TLS'))} {self.one(hosts)}"
                         f"{self.one(('', ';rport', ';received=' + PHONE, ';received=192.0.2.7;rport=99'))}"
                         f";branch=z9hG4bK{number}.{index}")
        for _ in range(self.random.randrange(4)):
            host, extra = self.one(hosts), self.one(("", ";transport=tcp", ";lr=on;x=" + PHONE))
            found.append(f"Record-Route: {self.one(('', 'who '))}<sip:{self.one(('', 'a@'))}{host};lr{extra}>")
        return found

    def party(self, full, compact, hosts, tag):
        uri = f"{self.one(('alice', 'bob', '%61', PHONE))}@{self.one(hosts)}"
        value = self.one((f"<sip:{uri}>", f'"x, {PHONE} <y>" <sip:{uri};user=phone>', f"Al <sips:{uri}>"))
        return f"{self.name(full, compact)}: {value}" + (f";tag={tag}" if tag else "")


def request(draw, number, direction, uri, top, hosts):
    method = draw.one(("OPTIONS", "MESSAGE", "SUBSCRIBE", "INFO", "FROBNICATE"))
    lines = [draw.via(top, number), *draw.below(number, hosts), draw.party("From", "f", hosts, f"f{number}"),
             draw.party("To", "t", hosts, ""), f"Call-ID: {direction}{number}@{draw.one(hosts)}",
             f"CSeq: {number} {method}", "Max-Forwards: 70"]
    return message(f"{method} {uri} SIP/2.0\n" + "\n".join(lines))


def answer(got):
    """All that it repeats, of what it got."""
    return message("SIP/2.0 200 OK\n" + "\n".join(lines_of(got)))


def goes_round(direction, seed, sender, receiver, there, back, ask):
    draw = Draw(seed)
    for first in range(1, ROUNDS, AT_ONCE):
        open_ones = []
        for number in range(first, first + AT_ONCE):
            asked = ask(draw, number)
            sender.send(asked, there)
            got = receiver.recv()
            assert got, asked.decode()
            open_ones.append((asked, got))
        draw.random.shuffle(open_ones)
        for asked, got in open_ones:
            receiver.send(answer(got), back)
            returned = sender.recv()
            assert returned, got.decode()
            wanted, repeated = lines_of(asked), lines_of(returned)
            assert repeated == wanted, "\n".join(
                [f"seed {seed}, {direction}:"] + [f"- {a}\n+ {b}" for a, b in zip(wanted, repeated) if a != b] +
                ["asked:", asked.decode(), "which arrived as:", got.decode()])


@test("C4", "FAULTS H2, R5, R6: what the phone's request says comes back in its answer as it was, for random headers")
def outward():
    goes_round("out", SEED, phone, server, SERVER, ROUTER,
               lambda draw, number: request(draw, number, "out", f"sip:bob@{SERVER}", f"{PHONE}:5060", FOREIGN + OWN))


@test("C4", "FAULTS R3, R6: what a request from outside says goes back in the phone's answer as it was, for random headers")
def inward():
    phone.send(request(Draw(1), 9000, "keep", f"sip:bob@{SERVER}", f"{PHONE}:5060", OWN), SERVER)
    assert server.recv()
    goes_round("in", SEED + 1, server, phone, ROUTER, SERVER,
               lambda draw, number: request(draw, number, "in", f"sip:alice@{ROUTER}:5060", f"{SERVER}:5060", FOREIGN))


run()
