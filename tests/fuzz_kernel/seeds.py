#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""
What the fuzzer of the running module begins with, a file each: calls and
registrations as people make them, requests of the tool, and each message of
tests/corpus alone.

    seeds.py DIR MESSAGES      MESSAGES: those of tests/corpus, unescaped
"""
import ipaddress
import os
import re
import struct
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "../netns"))
# pylint: disable=wrong-import-position
from sip import Call, again, sdp                               # noqa: E402

PHONE, ROUTER, SERVER = "192.168.1.10", "203.0.113.1", "203.0.113.50"
PHONE6, SERVER6 = "2001:db8:1::10", "2001:db8:ffff::50"
(UDP_OUT, UDP_IN, UDP6_OUT, UDP6_IN, TCP_OUT, TCP_IN, MEDIA_OUT, MEDIA_IN, CLOCK, REQUEST,
 ICMP_IN, SETTING, PAIR, UDP64_OUT, UDP64_IN) = range(15)
TAKE, FORGET, RESTORE, PROMOTE, LISTEN = range(5)
NESTED = 0x80
PREFIX, PREFIXES, PAIR_OF = 12, 13, 14      # SIPALG_A_SETTING_*
with open(os.path.join(HERE, "../../src/core/settings.def"), encoding="ascii") as rows:
    SETTINGS = len(re.findall(r"(?m)^[A-Z_]+\(", rows.read()))


def joined(*steps):
    return b"\xff".join(bytes([kind]) + data for kind, data in steps)


def clock(seconds):
    return CLOCK, struct.pack(">H", seconds)


def media(kind, source, destination):
    return kind, struct.pack(">HH", source, destination)


def attribute(number, data):
    """NESTED: of others."""
    return bytes([number, len(data)]) + data.replace(b"\xff", b"\xfe")


def request(command, *attributes, dump=False):
    return REQUEST, bytes([command | (0x80 if dump else 0)]) + b"".join(attributes)


def lists(*settings):
    """Settings that are no number."""
    return request(2, *(attribute(NESTED | 1, attribute(1, name.encode() + b"\0") + attribute(kind, value))
                        for name, kind, value in settings))


def packed(address):
    return ipaddress.ip_address(address).packed


def pair(step, *damage):
    """Where a byte of the records is wrong, and what it is."""
    return PAIR, bytes([step]) + b"".join(struct.pack(">HB", *one) for one in damage)


def ways(out, back, host, seen, server, transport="UDP", front=b""):
    """A call, held, resumed and ended; one refused, one cancelled, one forked."""
    call = Call("a", host, seen, server, transport)
    body, answer = sdp(host.rsplit(":", 1)[0].strip("[]"), 4000), sdp(server.strip("[]"), 8000)

    def say(kind, data):
        return kind, front + data
    begun = [say(out, call.request("INVITE", body)), say(back, call.response("180 Ringing")),
             say(back, call.response("200 OK", body=answer)), say(out, call.request("ACK", to_tag=True))]
    held = [say(out, call.request("INVITE", body + "a=sendonly\n", cseq=2, to_tag=True)),
            say(back, call.response("200 OK", body=answer + "a=recvonly\n")),
            say(out, call.request("ACK", to_tag=True))]
    over = [say(out, call.request("BYE", cseq=3, to_tag=True)), say(back, call.response("200 OK", "BYE"))]
    yield "call", joined(*begun, media(MEDIA_OUT, 4000, 8000), media(MEDIA_IN, 8000, 4000), *over)
    yield "hold", joined(*begun, *held, clock(90), *over)
    yield "late", joined(*begun, clock(4000), *over, clock(40))
    yield "lost", joined(*begun, (ICMP_IN, b"\x00\x00"), clock(200), *over)
    call = Call("b", host, seen, server, transport)
    begun = say(out, call.request("INVITE", body))
    yield "busy", joined(begun, say(back, call.response("486 Busy Here")),
                         say(out, call.request("ACK", to_tag=True)), clock(33), begun)
    yield "cancel", joined(begun, say(out, call.request("CANCEL")), say(back, call.response("200 OK", "CANCEL")),
                           say(back, call.response("487 Request Terminated")), clock(40))
    early = say(back, call.response("183 Session Progress", body=answer))
    other = again(early[1][len(front):], ("peer-b", "peer-c"), (" 8000 ", " 8002 "))
    yield "fork", joined(begun, early, say(back, other), say(out, call.request("PRACK", cseq=2, to_tag=True)),
                         say(back, call.response("200 OK", body=answer)),
                         say(back, again(other, ("183 Session Progress", "200 OK"))))
    call = Call("r", host, seen, server, transport)
    mine = call.response("200 OK", "REGISTER", extra="\nExpires: 600")
    mine = re.sub(rb"(?m)^Contact: .*?\r$", f"Contact: <sip:alice@{seen}>\r".encode(), mine)
    registered = [say(out, call.request("REGISTER", extra="\nExpires: 600")), say(back, mine)]
    inwards = Call("i", server, host, seen, transport)
    yield "register", joined(*registered, clock(300), request(6, dump=True), clock(400))
    yield "called", joined(*registered, say(back, inwards.request("INVITE", answer)),
                           say(out, inwards.response("200 OK", body=body)),
                           say(back, inwards.request("BYE", cseq=2, to_tag=True)))
    call = Call("p", host, seen, server, transport)
    begun = [say(out, call.request("INVITE", body)), say(back, call.response("200 OK", body=answer)),
             say(out, call.request("ACK", to_tag=True))]
    over = [say(out, call.request("BYE", cseq=3, to_tag=True)), say(back, call.response("200 OK", "BYE"))]
    yield "pair", joined(pair(LISTEN), *registered, *begun, pair(TAKE), pair(FORGET), pair(RESTORE),
                         request(17, dump=True), clock(5), pair(PROMOTE), media(MEDIA_IN, 8000, 4000), *over, clock(60))
    for place in range(60, 1500, 90):
        yield f"pair-{place}", joined(*registered, *begun, pair(TAKE), pair(FORGET), pair(RESTORE, (place, 0xfe)),
                                      pair(PROMOTE), *over)
        yield f"pair-over-{place}", joined(*begun, *over, pair(TAKE), pair(FORGET), pair(RESTORE, (place, 0xfe)),
                                           pair(PROMOTE))


def requests():
    """Commands and attributes by their numbers in include/uapi/linux/sipalg.h."""
    call, second = (Call(name, f"{PHONE}:5060", f"{ROUTER}:5060", SERVER) for name in "no")
    begun = UDP_OUT, call.request("INVITE", sdp(PHONE, 4000))
    name = b"n@call.example"
    yield "lists", joined(begun, *(request(command, dump=True) for command in (1, 4, 6, 7, 17)))
    translated = lists(("nat64-prefix", PREFIX, packed("64:ff9b::") + b"\x60"),
                       ("nat64-pool", PREFIX, packed("100.64.0.0") + b"\x18"))
    for what, data in ways(UDP64_OUT, UDP64_IN, f"[{PHONE6}]:5062", f"{ROUTER}:5062", SERVER):
        yield f"nat64-{what}", joined(translated) + b"\xff" + data
    peers = lists(("signalling-peers", PREFIXES, packed(SERVER) + b"\x20"))
    yield "peers", joined(peers, begun, (UDP_IN, call.response("200 OK", body=sdp(SERVER, 8000))), (UDP_IN, second.request("INVITE")))
    outer = lists(("public-address", PAIR_OF, packed(ROUTER) + packed("198.51.100.7")))
    yield "outer", joined(outer, begun, (UDP_IN, call.response("200 OK", body=sdp(SERVER, 8000))))
    yield "show", joined(begun, request(4, attribute(6, name)), request(5, attribute(6, name)), request(8))
    answer = UDP_IN, call.response("200 OK", body=sdp(SERVER, 8000))
    for setting in range(SETTINGS):
        for value in 0, 1, 16:
            yield f"set-{setting}-{value}", joined((SETTING, bytes([setting, value])), begun, answer,
                                                   (UDP_OUT, second.request("INVITE", sdp(PHONE, 4000))), clock(5))


def pieces():
    """A message of a stream, and a setting that changes before it is whole."""
    call = Call("t", f"{PHONE}:5070", f"{ROUTER}:5070", SERVER, "TCP")
    whole = call.request("INVITE", sdp(PHONE, 4000))
    for mode in range(4):
        for later in range(4):
            yield f"pieces-{mode}-{later}", joined((SETTING, bytes([0, mode])), (TCP_OUT, b"00" + whole[:300]),
                                                   (SETTING, bytes([0, later])), (TCP_OUT, b"00" + whole[300:]),
                                                   (TCP_IN, b"00" + call.response("200 OK", body=sdp(SERVER, 8000))))


def main():
    folder, messages = sys.argv[1:]

    def keep(name, data):
        with open(os.path.join(folder, name), "wb") as file:
            file.write(data)
    for name, data in (*requests(), *pieces()):
        keep(name, data)
    for kind, arguments in {
            "udp": (UDP_OUT, UDP_IN, f"{PHONE}:5060", f"{ROUTER}:5060", SERVER),
            "udp6": (UDP6_OUT, UDP6_IN, f"[{PHONE6}]:5060", f"[{PHONE6}]:5060", f"[{SERVER6}]"),
            "tcp": (TCP_OUT, TCP_IN, f"{PHONE}:5070", f"{ROUTER}:5070", SERVER, "TCP", b"00")}.items():
        for name, data in ways(*arguments):
            keep(f"{kind}-{name}", data)
    for name in os.listdir(messages):
        with open(os.path.join(messages, name), "rb") as file:
            data = file.read()
        keep("corpus-" + name, bytes([UDP_OUT]) + data.replace(b"\xff", b"\xfe"))


main()
