#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""Without NAT: whom a message may have opened to its peer (D9)."""
import topology as net
from ksft import run, test
from sip import Call, sdp
from topology import (OTHER6, PHONE, PHONE6, RELAY, RELAY6, SERVER, SERVER6, Udp, shell)

NEIGHBOUR, NEIGHBOUR6 = "192.168.1.3", "2001:db8:1::3"

net.build(nat="")
shell(f"ip -n phone addr add {NEIGHBOUR}/24 dev eth0; "
      f"ip -n phone addr add {NEIGHBOUR6}/64 dev eth0 nodad")
COUNT = [0]
FAMILIES = ((PHONE, SERVER, RELAY, NEIGHBOUR), (PHONE6, SERVER6, RELAY6, NEIGHBOUR6))


def host(address, port=5060):
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"


class Session:
    """A call from the phone; what it and its peer write may be changed."""

    def __init__(self, phone, server):
        COUNT[0] += 1
        self.ends = phone, server
        self.phone, self.server = Udp("phone", phone, 5060), Udp("provider", server, 5060)
        self.call = Call(f"named{COUNT[0]}", host(phone), host(phone),
                         f"[{server}]" if ":" in server else server)

    def goes(self, body, answer, changes=(), answer_changes=()):
        data = self.call.request("INVITE", body)
        for old, new in changes:
            assert old.encode() in data, old
            data = data.replace(old.encode(), new.encode())
        self.phone.send(data, self.ends[1])
        assert self.server.recv()
        data = self.call.response("200 OK", body=answer)
        for old, new in answer_changes:
            assert old.encode() in data, old
            data = data.replace(old.encode(), new.encode())
        self.server.send(data, self.ends[0])
        assert self.phone.recv()
        return self

    def end(self):
        self.phone.send(self.call.request("BYE", cseq=2, to_tag=True), self.ends[1])
        assert self.server.recv()
        self.server.send(self.call.response("200 OK", "BYE"), self.ends[0])
        assert self.phone.recv()
        self.phone.close()
        self.server.close()


def opened(address):
    lines = net.expectations("media") + net.expectations("signalling")
    return [line for line in lines if f"dst={address} " in line]


@test("O2", "control: the phone's own address is opened, and the peer's media host is")
def control():
    for phone, server, relay, _ in FAMILIES:
        session = Session(phone, server).goes(sdp(phone, 4000), sdp(relay, 6000))
        assert opened(phone) and opened(relay)
        session.end()


@test("O2", "c= that names a neighbour opens nothing to it (D9)")
def description():
    for phone, server, relay, neighbour in FAMILIES:
        session = Session(phone, server).goes(sdp(neighbour, 8080), sdp(relay, 6000))
        assert not opened(neighbour), opened(neighbour)
        session.end()


@test("O2", "Contact, Record-Route and Route that name a neighbour open nothing to it")
def headers():
    for phone, server, relay, neighbour in FAMILIES:
        own, other = host(phone), host(neighbour, 8080)
        for change in ((f"Contact: <sip:alice@{own}>", f"Contact: <sip:alice@{other}>"),
                       ("Max-Forwards: 70", f"Record-Route: <sip:{other};lr>\r\nMax-Forwards: 70"),
                       ("Max-Forwards: 70", f"Route: <sip:{other};lr>\r\nMax-Forwards: 70")):
            session = Session(phone, server).goes(sdp(phone, 4000), sdp(relay, 6000), [change])
            assert not opened(neighbour), (change, opened(neighbour))
            session.end()


@test("O2", "what a peer outside writes opens no host inside but the phone")
def from_outside():
    for phone, server, relay, neighbour in FAMILIES:
        other = host(neighbour, 8080)
        there = f"[{server}]" if ":" in server else server
        session = Session(phone, server).goes(
            sdp(phone, 4000), sdp(relay, 6000), (),
            [(f"Contact: <sip:bob@{there}:5060>", f"Contact: <sip:bob@{other}>\r\n"
                                                  f"Record-Route: <sip:{other};lr>")])
        assert not opened(neighbour), opened(neighbour)
        session.end()


@test("O2", "a neighbour that has spoken for itself may be named (D9)")
def known():
    for phone, server, relay, neighbour in FAMILIES:
        session = Session(phone, server).goes(sdp(neighbour, 4100), sdp(relay, 6000))
        assert not opened(neighbour), "it has not spoken yet"
        session.end()
        its = Udp("phone", neighbour, 5060)
        there = Udp("provider", server, 5060)
        name = f"[{server}]" if ":" in server else server
        its.send(Call(f"own{COUNT[0]}", host(neighbour), "", name).request("OPTIONS"), server)
        assert there.recv()
        its.close()
        there.close()
        session = Session(phone, server).goes(sdp(neighbour, 4100), sdp(relay, 6000))
        assert opened(neighbour)
        session.end()


@test("N7", "IPv4 signalling, IPv6 media, and the reverse: the phone's other address is opened")
def families():
    for (phone, server, _, _), (media, _, relay, _) in (FAMILIES, FAMILIES[::-1]):
        session = Session(phone, server).goes(sdp(media, 4200), sdp(relay, 6200))
        ours, theirs = Udp("phone", media, 4200), Udp("provider", relay, 6200)
        theirs.send(b"in", media, 4200)
        assert ours.recv(1) == b"in", "peer to phone"
        ours.send(b"out", relay, 6200)
        assert theirs.recv(1) == b"out", "phone to peer"
        ours.close()
        theirs.close()
        session.end()


@test("N7", "not a neighbour's address of the other family")
def other_family():
    session = Session(PHONE, SERVER).goes(sdp("2001:db8:1::99", 4300), sdp(RELAY6, 6300))
    assert not opened("2001:db8:1::99")
    session.end()
    session = Session(PHONE, SERVER).goes(sdp(OTHER6, 4300), sdp(RELAY6, 6300))
    assert not opened(OTHER6)
    session.end()


run(after=net.nothing_left)
