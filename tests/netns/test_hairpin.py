#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""
Calls that come back to the side that they came from: two phones behind the
router by way of an outside proxy (H-26), and callers outside whom an inside
PBX has put through to each other (S3-46).
"""
import json
import os
import time

import topology as net
from sip import Call, again, message, sdp
from ksft import run, same, test
from topology import OTHER, PHONE, RELAY, ROUTER, SERVER, STRANGER, Udp, attach, router

HAIRPIN = """
table inet hairpin {
    chain post { type nat hook postrouting priority srcnat - 1
        iifname { lan, lan2 } oifname { lan, lan2 } masquerade
    }
}
"""

SECOND = "203.0.113.2"
CTL = os.path.abspath("tools/sipalg-ctl/sipalg-ctl")
net.build()
phone = Udp("phone", PHONE, 5060)
other = Udp("other", OTHER, 5060)
server = Udp("provider", SERVER, 5060)
PROXY = f"Via: SIP/2.0/UDP {SERVER}:5060;branch=z9hG4bKproxy\r\n"


def reply(request, status, body=""):
    """What whoever got this request answers."""
    kept = [line for line in request.decode().split("\r\n")
            if line.split(":")[0] in ("Via", "From", "To", "Call-ID", "CSeq")]
    head = "\r\n".join([f"SIP/2.0 {status}"] + kept)
    if ";tag=" not in head.split("To: ")[1].split("\r\n")[0]:
        head = head.replace("To: <sip:bob@" + SERVER + ">", f"To: <sip:bob@{SERVER}>;tag=callee")
    return message(head + f"\r\nContact: <sip:bob@{OTHER}:5060>" +
                   ("\r\nContent-Type: application/sdp" if body else ""), body)


def known(sock, address, name):
    """A phone makes itself known: at which of the router's ports?"""
    for each in (phone, other, server):
        while each.recv(0.1):
            pass
    sock.send(Call(name, f"{address}:5060", "", SERVER).request("OPTIONS"), SERVER)
    assert server.recv()
    return server.sender[1]


class Proxied:
    """A call from one phone to the other through the proxy; each has its audio."""

    def __init__(self, name, port, peer_port):
        assert known(phone, PHONE, name + "a") == 5060
        self.way_in = known(other, OTHER, name + "b")
        self.face = server.sender[0]
        self.call = Call(name, f"{PHONE}:5060", f"{ROUTER}:5060", SERVER)
        self.call.tags = (self.call.tags[0], "callee")
        invite, self.offer = self.forth(self.call.request("INVITE", sdp(PHONE, port)))
        self.answer = self.back(reply(invite, "200 OK", sdp(OTHER, peer_port)))
        self.forth(self.call.request("ACK", to_tag=True))

    def forth(self, data):
        """Phone, proxy, other: what the other got, and its body."""
        phone.send(data, SERVER)
        got = server.recv()
        self.vias = PROXY.encode() + got[got.index(b"Via:"):got.index(b"Max-Forwards")]
        server.send(got.replace(b"Via:", PROXY.encode() + b"Via:", 1), self.face, self.way_in)
        got = other.recv()
        return got, got.split(b"\r\n\r\n")[1]

    def back(self, data):
        other.send(data, SERVER)
        got = server.recv()
        assert got.startswith(b"SIP/2.0 200 OK\r\n" + self.vias), got
        server.send(got.replace(PROXY.encode(), b""), ROUTER)
        return phone.recv().split(b"\r\n\r\n")[1]

    def hang_up(self):
        bye, _ = self.forth(self.call.request("BYE", cseq=2, to_tag=True))
        self.back(reply(bye, "200 OK"))


def passes(sender, receiver, address, port):
    """Does a packet arrive; from where, is in the receiver's `sender`."""
    sender.send(b"media", address, port)
    return receiver.recv(0.5) == b"media"


def talk_directly(name, port, peer_port, masked):
    """Both directions of RTP and RTCP between the addresses that the phones were told."""
    call = Proxied(name, port, peer_port)
    assert f"c=IN IP4 {PHONE}\r\n".encode() in call.offer and f"m=audio {port} ".encode() in call.offer
    assert f"c=IN IP4 {OTHER}\r\n".encode() in call.answer
    assert f"m=audio {peer_port} ".encode() in call.answer
    for i in (0, 1):
        ours, theirs = Udp("phone", PHONE, port + i), Udp("other", OTHER, peer_port + i)
        assert passes(ours, theirs, OTHER, peer_port + i), (i, net.expectations())
        assert masked or theirs.sender == (PHONE, port + i), theirs.sender
        assert passes(theirs, ours, PHONE, port + i), (i, net.expectations())
        assert masked or ours.sender == (OTHER, peer_port + i), ours.sender
        ours.close()
        theirs.close()
    call.hang_up()
    ours, theirs = Udp("phone", PHONE, port), Udp("other", OTHER, peer_port)
    time.sleep(6)
    assert not passes(theirs, ours, PHONE, port) and not passes(ours, theirs, OTHER, peer_port)
    ours.close()
    theirs.close()
    time.sleep(185)


def turn_at_router(name, port, peer_port):
    """A phone that sends to the other's public address all the same is heard."""
    call = Proxied(name, port, peer_port)
    ours, theirs = Udp("phone", PHONE, port), Udp("other", OTHER, peer_port)
    assert passes(ours, theirs, ROUTER, peer_port), net.expectations()
    assert passes(theirs, ours, ROUTER, port), net.expectations()
    call.hang_up()
    ours.close()
    theirs.close()
    time.sleep(190)


@test("H-26", "two phones by an outside proxy: audio both ways, by the short way, as long as the call")
def short():
    talk_directly("short", 5100, 5200, False)


@test("fault C3", "two phones by an outside proxy are silent for 400 s: whoever speaks first is heard, and then the other")
def silent():
    for name, first in (("silent1", 0), ("silent2", 1)):
        call = Proxied(name, 5150, 5250)
        socks = [Udp("phone", PHONE, 5150), Udp("other", OTHER, 5250)]
        ways = [socks[::-1], socks] if first else [socks, socks[::-1]]
        assert passes(*socks, OTHER, 5250) and passes(*socks[::-1], PHONE, 5150)
        for _ in range(2):
            time.sleep(400)
            for speaker, listener in ways:
                assert passes(speaker, listener, *listener.address), (name, net.expectations())
        call.hang_up()
        for sock in socks:
            sock.close()
        time.sleep(185)
        assert not net.expectations(), net.expectations()


@test("H-26", "media to the other phone's public address turns round at the router")
def turned():
    turn_at_router("turned", 5110, 5210)


@test("H-26", "the same with rules for hairpin NAT")
def with_rules():
    attach(HAIRPIN)
    talk_directly("rules", 5120, 5220, True)
    turn_at_router("rturned", 5130, 5230)
    router("nft delete table inet hairpin")


@test("H-26", "the same where each phone has a public address of its own, out of a pool")
def with_pool():
    net.shell(f"ip -n router addr add {SECOND}/24 dev wan")
    router(f"nft insert rule inet nat post ip saddr {OTHER} oifname wan snat to {SECOND}")
    router("conntrack -D -p udp 2>/dev/null || true")
    talk_directly("pool", 5140, 5240, False)
    talk_directly("poolagain", 5140, 5240, False)
    router("nft flush chain inet nat post")
    router("nft add rule inet nat post oifname wan masquerade")
    net.shell(f"ip -n router addr del {SECOND}/24 dev wan")
    router("conntrack -D -p udp 2>/dev/null || true")


def told(data, sender, receiver, address):
    sender.send(data, address)
    got = receiver.recv()
    assert got, "nothing has come"
    return got.split(b"\r\n\r\n", 1)[1]


def only_from_the_pbx(*ports):
    """
    What the peers themselves have named is open to the PBX alone, which may
    be a phone whose address an outer router translates once more.
    """
    lines = net.expectations()
    assert sorted(int(line.split(" dport=")[1].split()[0]) for line in lines) == sorted(ports), lines
    assert all(f" src={PHONE} " in line for line in lines), lines


@test("H-26", "one line of a telephone calls its other line by an outside proxy: both ways are followed")
def own_line():
    second = Udp("phone", PHONE, 5062)
    assert known(phone, PHONE, "line1") == 5060
    way_in = known(second, PHONE, "line2")
    call = Call("ownline", f"{PHONE}:5060", f"{ROUTER}:5060", SERVER)
    phone.send(call.request("INVITE", sdp(PHONE, 4000)), SERVER)
    came = server.recv()
    offer = again(came, (f"INVITE sip:bob@{SERVER}", f"INVITE sip:bob@{ROUTER}:{way_in}"),
                  ("Via:", PROXY + "Via:"))
    server.send(offer, ROUTER, way_in)
    rings = second.recv()
    answer = again(reply(rings, "200 OK", sdp(PHONE, 4010)), (f"{OTHER}:5060", f"{PHONE}:5062"))
    second.send(answer, SERVER)
    told = server.recv()
    assert PHONE.encode() not in told, told.decode()
    assert f"bob@{ROUTER}:{way_in}".encode() in told and net.pinhole(ROUTER, 4010), net.expectations()
    server.send(again(told, (PROXY, "")), ROUTER)
    heard = phone.recv().decode()
    assert f"c=IN IP4 {PHONE}" in heard and "m=audio 4010 " in heard, heard
    assert len(json.loads(router(f"{CTL} -j call list"))) == 2
    # each way has its own end
    call.tags = (call.tags[0], "callee")
    phone.send(call.request("BYE", cseq=2, to_tag=True), SERVER)
    bye = server.recv()
    server.send(again(bye, (f"BYE sip:bob@{SERVER}", f"BYE sip:bob@{ROUTER}:{way_in}"), ("Via:", PROXY + "Via:")),
                ROUTER, way_in)
    ends = second.recv()
    second.send(reply(ends, "200 OK"), SERVER)
    server.send(again(server.recv(), (PROXY, "")), ROUTER)
    assert phone.recv()
    net.until(lambda: not net.expectations(), 6)
    second.close()


@test("S3-46", "outside to outside by an inside PBX: no description changes, no pinhole between them (T-20)")
def put_through():
    """Of the caller's leg the provider is the peer, of the other leg the PBX is."""
    assert known(phone, PHONE, "pt0") == 5060
    inward = Call("pt1", f"{PHONE}:5060", f"{ROUTER}:5060", SERVER)
    outward = Call("pt2", f"{PHONE}:5060", f"{ROUTER}:5060", SERVER)
    offer, answer = sdp(RELAY, 5300), sdp(STRANGER, 5310)

    def unchanged(data, *way):
        same(told(data, *way), data.split(b"\r\n\r\n", 1)[1])
    unchanged(inward.peer_request("INVITE", f"{ROUTER}:5060", body=offer, tags=("", inward.tags[1])),
              server, phone, ROUTER)
    unchanged(outward.request("INVITE", offer), phone, server, SERVER)
    unchanged(outward.response("200 OK", body=answer), server, phone, ROUTER)
    unchanged(outward.request("ACK", to_tag=True), phone, server, SERVER)
    unchanged(inward.peer_response("200 OK", "INVITE", body=answer), phone, server, SERVER)
    unchanged(inward.peer_request("ACK", f"{ROUTER}:5060"), server, phone, ROUTER)
    only_from_the_pbx(5300, 5301, 5310, 5311)
    for call in (inward, outward):
        server.send(call.peer_request("BYE", f"{ROUTER}:5060", cseq=101), ROUTER)
        assert phone.recv()


@test("S3-46", "a PBX that takes the media back to itself has its pinholes again")
def taken_back():
    assert known(phone, PHONE, "tb0") == 5060
    call = Call("tb", f"{PHONE}:5060", f"{ROUTER}:5060", SERVER)
    hide = (f"{PHONE}:5060", f"{ROUTER}:5060")
    data = call.request("INVITE", sdp(RELAY, 5320))
    phone.send(data, SERVER)
    same(server.recv(), again(data, hide))
    server.send(call.response("200 OK", body=sdp(STRANGER, 5330)), ROUTER)
    assert phone.recv()
    only_from_the_pbx(5330, 5331)
    data = call.request("INVITE", sdp(PHONE, 5322), cseq=2, to_tag=True)
    phone.send(data, SERVER)
    same(server.recv(), again(data, hide, (PHONE, ROUTER)))
    server.send(call.response("200 OK", body=sdp(STRANGER, 5330)), ROUTER)
    assert phone.recv()
    ours, theirs = Udp("phone", PHONE, 5322), Udp("provider", STRANGER, 5330)
    assert passes(theirs, ours, ROUTER, 5322) and passes(ours, theirs, STRANGER, 5330)
    phone.send(call.request("BYE", cseq=3, to_tag=True), SERVER)
    assert server.recv()
    ours.close()
    theirs.close()


run(after=net.nothing_left)
