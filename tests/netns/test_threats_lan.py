#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""Threats to hosts beside the phone: whom a call's messages may name (doc/security.md)."""
import json

import ctnetlink
import topology as net
from sip import Call, message, sdp
from ctl import forget_all
from ksft import run, test
from topology import OTHER, OTHER6, PHONE, PHONE6, RELAY, RELAY6, SERVER, SERVER6, Udp, router

net.build(nat="")
CTL = "tools/sipalg-ctl/sipalg-ctl"
FAMILIES = ((PHONE, SERVER, RELAY, OTHER), (PHONE6, SERVER6, RELAY6, OTHER6))


def data_of(arguments):
    return json.loads(router(f"{CTL} -j {arguments}"))


def host(address):
    return f"[{address}]" if ":" in address else address


class Line:
    """A phone and a provider that nothing is translated between."""

    def __init__(self, phone, server, seen=None):
        self.address, self.server_address, self.seen = phone, server, seen or phone
        self.phone, self.server = Udp("phone", phone, 5060), Udp("provider", server, 5060)

    def call(self, name):
        return Call(name, f"{host(self.address)}:5060", f"{host(self.seen)}:5060",
                    host(self.server_address))

    def out(self, message):
        self.phone.send(message, self.server_address)
        got = self.server.recv()
        assert got, message
        return got

    def back(self, message):
        self.server.send(message, self.seen)
        got = self.phone.recv()
        assert got, message
        return got

    def close(self):
        self.phone.close()
        self.server.close()


def leads_to(address):
    """All pinholes to a host."""
    return [hole for hole in ctnetlink.expectations() if hole.dst == net.plain(address)]


def reset():
    forget_all("ipv4", "ipv6")


@test("T-5", "who calls from outside opens no way to a third network of ours by its description")
def third_network():
    for phone, server, relay, victim in FAMILIES:
        for transport in ("RTP/AVP 0", "UDP/TLS/RTP/SAVP 0", "TCP/MSRP *"):
            line = Line(phone, server)
            call = line.call("third")
            line.out(call.request("INVITE", sdp(phone, 4000)))
            line.back(call.response("200 OK", body=sdp(victim, 8080).replace("RTP/AVP 0", transport)))
            assert not leads_to(victim), leads_to(victim)
            target, stranger = Udp("other", victim, 8080), Udp("provider", relay, 9000)
            stranger.send(b"attack", victim, 8080)
            assert target.recv(0.5) is None, "the firewall was opened"
            for sock in (target, stranger):
                sock.close()
            line.close()
            reset()


@test("T-5", "nor by a Contact or Record-Route, unless it names a phone that is registered")
def third_signalling():
    for phone, server, _, victim in FAMILIES:
        for header in ("Contact: <sip:bob@{}:5062>", "Record-Route: <sip:{}:5062;lr>"):
            line = Line(phone, server)
            call = line.call("strange")
            line.out(call.request("INVITE"))
            line.back(call.response("200 OK", extra="\n" + header.format(host(victim))))
            line.out(call.request("ACK", to_tag=True))
            assert not leads_to(victim), leads_to(victim)
            line.close()
            reset()
        register(victim, server)
        line = Line(phone, server)
        call = line.call("known")
        line.out(call.request("INVITE"))
        line.back(call.response("200 OK", extra=f"\nContact: <sip:bob@{host(victim)}:5062>"))
        line.out(call.request("ACK", to_tag=True))
        own = f" src={net.plain(phone)} "
        assert [way for way in leads_to(victim) if own in way], leads_to(victim)
        line.close()
        reset()


def register(address, server):
    """Another phone of ours, at its own address and port 5062."""
    ours, registrar = Udp("other", address, 5060), Udp("provider", server, 5060)
    data = message(f"""REGISTER sip:{host(server)} SIP/2.0
        Via: SIP/2.0/UDP {host(address)}:5060;branch=z9hG4bKthird
        From: <sip:carol@{host(server)}>;tag=c
        To: <sip:carol@{host(server)}>
        Call-ID: third
        CSeq: 1 REGISTER
        Contact: <sip:carol@{host(address)}:5062>;expires=600""")
    ours.send(data, server)
    assert registrar.recv()
    registrar.send(data.replace(data.split(b"\r\n", 1)[0], b"SIP/2.0 200 OK"), address)
    assert ours.recv() and data_of("registration list")
    ours.close()
    registrar.close()


@test("T-5", "what only a default route leads to may be named: media by another uplink")
def other_uplink():
    for phone, server, far, gateway in ((PHONE, SERVER, "198.51.100.7", OTHER),
                                        (PHONE6, SERVER6, "2001:db8:f00::7", OTHER6)):
        family = 6 if ":" in far else 4
        router(f"ip -{family} route add default via {gateway} dev lan2")
        line = Line(phone, server)
        call = line.call("uplink")
        line.out(call.request("INVITE", sdp(phone, 4010)))
        line.back(call.response("200 OK", body=sdp(far, 8010)))
        assert len(leads_to(far)) == 2, (far, leads_to(far))
        line.close()
        reset()
        router(f"ip -{family} route del default")


run(after=reset)
