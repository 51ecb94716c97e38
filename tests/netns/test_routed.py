#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""A router without NAT: pinholes as ever, and not one byte changed (S1-10)."""
import functools
import socket
import time

import ctl
import topology as net
from sip import Call, again, sdp
from ksft import run, same, test
from topology import (OTHER6, PHONE, PHONE6, RELAY, RELAY6, SERVER, SERVER6, STRANGER, Tcp, Udp)

net.build(nat="")


def call_through(family, name, phone_ip, server_ip, relay_ip, port):
    phone, server = Udp("phone", phone_ip, 5060), Udp("provider", server_ip, 5060)
    host = f"[{phone_ip}]:5060" if family == 6 else f"{phone_ip}:5060"
    call = Call(name, host, host, server_ip)
    if family == 6:
        call.server = f"[{server_ip}]"

    def out(data):
        phone.send(data, server_ip)
        same(server.recv(), data)

    def back(data):
        server.send(data, phone_ip)
        same(phone.recv(), data)

    out(call.request("INVITE", sdp(phone_ip, port)))
    ours, theirs = Udp("phone", phone_ip, port), Udp("provider", relay_ip, port)
    theirs.send(b"early", phone_ip, port)
    assert ours.recv() == b"early"
    ours.close()
    theirs.close()
    back(call.response("200 OK", body=sdp(relay_ip, port + 1000)))
    out(call.request("ACK", to_tag=True))
    for offset in (0, 1):
        ours = Udp("phone", phone_ip, port + offset)
        theirs = Udp("provider", relay_ip, port + 1000 + offset)
        ours.send(b"out", relay_ip, port + 1000 + offset)
        assert theirs.recv() == b"out"
        theirs.send(b"in", phone_ip, port + offset)
        assert ours.recv() == b"in"
        ours.close()
        theirs.close()
    out(call.request("BYE", cseq=2, to_tag=True))
    back(call.response("200 OK", "BYE"))
    net.until(lambda: not net.expectations(), 6)
    phone.close()
    server.close()


@test("S1-10", "IPv4: a call and its media, byte-identical")
def four():
    call_through(4, "r4", PHONE, SERVER, RELAY, 4700)


@test("S3-19", "IPv6: a call and its media, byte-identical")
def six():
    call_through(6, "r6", PHONE6, SERVER6, RELAY6, 4710)


@test("H-15", "ICE: a section with candidates opens its pinholes where nothing is to translate")
def ice():
    phone, server = Udp("phone", PHONE, 5060), Udp("provider", SERVER, 5060)
    call = Call("rice", f"{PHONE}:5060", f"{PHONE}:5060", SERVER)
    data = call.request("INVITE", sdp(PHONE, 4800, f"a=candidate:1 1 UDP 2130706431 {PHONE} 4800 typ host"))
    phone.send(data, SERVER)
    same(server.recv(), data)
    ours, theirs = Udp("phone", PHONE, 4800), Udp("provider", RELAY, 8800)
    # a STUN binding request, as ICE's first packet is
    check = b"\0\1\0\0\x21\x12\xa4\x42" + bytes(12)
    theirs.send(check, PHONE, 4800)
    assert ours.recv() == check
    server.send(call.response("486 Busy Here"), PHONE)
    assert phone.recv()
    for sock in (phone, server, ours, theirs):
        sock.close()


@test("H-14", "a peer that names an address of the phone's own net is heard from wherever it sends")
def same_private_net():
    phone, server = Udp("phone", PHONE, 5060), Udp("provider", SERVER, 5060)
    call = Call("rlike", f"{PHONE}:5060", f"{PHONE}:5060", SERVER)
    phone.send(call.request("INVITE", sdp(PHONE, 4810)), SERVER)
    assert server.recv()
    server.send(call.response("200 OK", body=sdp("192.168.1.77", 8810)), PHONE)
    assert phone.recv()
    ours, theirs = Udp("phone", PHONE, 4810), Udp("provider", STRANGER, 8812)
    theirs.send(b"in", PHONE, 4810)
    assert ours.recv() == b"in"
    assert not net.pinhole("192.168.1.77", 8810)
    phone.send(call.request("BYE", cseq=2, to_tag=True), SERVER)
    assert server.recv()
    for sock in (phone, server, ours, theirs):
        sock.close()


SILENT = ((PHONE, SERVER, RELAY), (PHONE6, SERVER6, RELAY6))


class Quiet:
    """A call that is routed, and its audio."""

    def __init__(self, number, ends, port):
        self.ends, self.port = ends, port
        phone_ip, server_ip, _ = ends
        host = f"[{phone_ip}]:5060" if ":" in phone_ip else f"{phone_ip}:5060"
        self.phone, self.server = Udp("phone", phone_ip, 5060), Udp("provider", server_ip, 5060)
        self.call = Call(f"quiet{number}", host, host, f"[{server_ip}]" if ":" in server_ip else server_ip)
        self.ours, self.theirs = Udp("phone", phone_ip, port), Udp("provider", ends[2], port + 1000)

    def out(self, data):
        self.phone.send(data, self.ends[1])
        same(self.server.recv(), data)

    def back(self, data):
        self.server.send(data, self.ends[0])
        same(self.phone.recv(), data)

    def answered(self):
        self.out(self.call.request("INVITE", sdp(self.ends[0], self.port)))
        self.back(self.call.response("200 OK", body=sdp(self.ends[2], self.port + 1000)))
        self.out(self.call.request("ACK", to_tag=True))
        return self

    def registers(self, expires):
        for way, message in zip((self.out, self.back), register(self.call, self.ends[0], expires)):
            way(message)

    def called(self):
        uri = self.call.host
        self.back(self.call.peer_request("INVITE", uri, body=sdp(self.ends[2], self.port + 1000)))
        self.out(self.call.peer_response("200 OK", "INVITE", body=sdp(self.ends[0], self.port)))
        self.back(self.call.peer_request("ACK", uri))

    def comes_in(self):
        self.theirs.send(b"in", self.ends[0], self.port)
        return self.ours.recv(0.5) == b"in"

    def goes_out(self):
        self.ours.send(b"out", self.ends[2], self.port + 1000)
        return self.theirs.recv(0.5) == b"out"

    def end(self):
        self.hang_up()
        self.close()
        time.sleep(40)

    def hang_up(self):
        self.out(self.call.request("BYE", cseq=90, to_tag=True))
        self.back(self.call.response("200 OK", "BYE"))

    def close(self):
        for sock in (self.phone, self.server, self.ours, self.theirs):
            sock.close()


@test("fault C2", "a call rings for 250 s, or for 50 minutes, is answered, and both are heard (D4)")
def rings_long():
    for number, (ends, wait) in enumerate(zip(SILENT + SILENT, (250, 250, 3000, 3000)), 8):
        quiet = Quiet(number, ends, 4828)
        quiet.out(quiet.call.request("INVITE", sdp(ends[0], 4828)))
        quiet.back(quiet.call.response("180 Ringing"))
        time.sleep(wait)
        assert not quiet.comes_in() and not net.pinhole(ends[0], 4828), "shut, not open"
        quiet.back(quiet.call.response("200 OK", body=sdp(ends[2], 5828)))
        quiet.out(quiet.call.request("ACK", to_tag=True))
        assert quiet.comes_in() and quiet.goes_out(), (ends, wait)
        quiet.end()


@test("fault C3", "after 400 s of silence nothing comes in; the phone's own packet still leaves and opens the way (D3)")
def silent():
    for number, ends in enumerate(SILENT):
        quiet = Quiet(number, ends, 4820).answered()
        assert quiet.comes_in() and quiet.goes_out()
        time.sleep(400)
        assert not quiet.comes_in(), ends
        assert quiet.goes_out() and quiet.comes_in(), ends
        time.sleep(400)
        assert not quiet.comes_in(), "silent again"
        quiet.end()


@test("fault C3", "the same of who is registered and comes by a way of ours, conntrack having been flushed: calling, and called")
def silent_flushed():
    for number, ends in enumerate(2 * SILENT, 20):
        quiet = Quiet(number, ends, 4824)
        quiet.registers(3600)
        net.router("conntrack -F 2>/dev/null")
        quiet.out(quiet.call.request("OPTIONS"))
        quiet.back(quiet.call.response("200 OK", "OPTIONS"))
        (quiet.answered if number < 22 else quiet.called)()
        assert quiet.comes_in() and quiet.goes_out()
        time.sleep(400)
        assert not quiet.comes_in(), (number, "in", net.expectations())
        assert quiet.goes_out() and quiet.comes_in(), (number, "out", net.expectations())
        quiet.hang_up()
        quiet.registers(0)
        quiet.close()
        time.sleep(40)


@test("fault C3", "the 2xx to a refresh opens it as well: UPDATE without SDP, the peer's re-INVITE; a refusal does not")
def silent_refreshed():
    for number, ends in enumerate(SILENT, 4):
        quiet = Quiet(number, ends, 4824).answered()
        call, uri = quiet.call, quiet.call.host
        for cseq, status in enumerate(("491 Request Pending", "200 OK"), 10):
            time.sleep(400)
            assert not quiet.comes_in(), (ends, status, net.expectations())
            quiet.out(call.request("UPDATE", cseq=cseq, to_tag=True))
            quiet.back(call.response(status, "UPDATE"))
            assert quiet.comes_in() == (status[0] == "2"), (ends, status)
        time.sleep(400)
        assert not quiet.comes_in()
        quiet.back(call.peer_request("INVITE", uri, cseq=71, body=sdp(ends[2], 5824)))
        assert not quiet.comes_in(), "not before the phone accepts"
        quiet.out(call.peer_response("200 OK", "INVITE", cseq=71, body=sdp(ends[0], 4824)))
        quiet.back(call.peer_request("ACK", uri, cseq=71))
        assert quiet.comes_in() and quiet.goes_out(), ends
        quiet.end()


@test("S1-12", "a pinhole leads to what the message names and nowhere else")
def direction():
    phone, server = Udp("phone", PHONE, 5060), Udp("provider", SERVER, 5060)
    call = Call("r12", f"{PHONE}:5060", f"{PHONE}:5060", SERVER)
    data = call.request("INVITE", sdp(PHONE, 4720))
    phone.send(data, SERVER)
    same(server.recv(), data)
    theirs, ours = Udp("provider", RELAY, 4720), Udp("phone", PHONE, 4720)
    ours.send(b"wrong way", RELAY, 4720)
    other = Udp("phone", PHONE, 4730)
    theirs.send(b"wrong port", PHONE, 4730)
    theirs.send(b"right", PHONE, 4720)
    assert ours.recv() == b"right"
    assert other.recv(0.5) is None and theirs.recv(0.5) is None
    server.send(call.response("486 Busy Here"), PHONE)
    assert phone.recv()
    for sock in (phone, server, theirs, ours, other):
        sock.close()


@test("S3-16", "the callee itself sends the BYE past its proxy, and the pinhole goes with the call")
def past_proxy():
    phone, server = Udp("phone", PHONE, 5060), Udp("provider", SERVER, 5060)
    callee = Udp("provider", RELAY, 5070)
    call = Call("past", f"{PHONE}:5060", f"{PHONE}:5060", SERVER)
    phone.send(call.request("INVITE", sdp(PHONE, 4790)), SERVER)
    assert server.recv()
    bye = call.peer_request("BYE", f"{PHONE}:5060")
    callee.send(bye, PHONE)
    assert phone.recv(1) is None
    server.send(again(call.response("200 OK", body=sdp(RELAY, 8790)),
                      (f"bob@{SERVER}:5060", f"bob@{RELAY}:5070")), PHONE)
    assert phone.recv()
    ack = call.request("ACK", to_tag=True)
    phone.send(ack, RELAY, 5070)
    same(callee.recv(), ack)
    net.router(f"conntrack -D -p udp -s {PHONE}")
    callee.send(bye, PHONE)
    same(phone.recv(), bye)
    net.until(lambda: not net.expectations(), 6)
    net.until(lambda: not net.expectations("signalling"), 40)
    for sock in (phone, server, callee):
        sock.close()


def register(call, phone_ip, expires):
    """A REGISTER and its answer."""
    call.cseq += 1
    ask = call.request("REGISTER", extra=f"\nExpires: {expires}")
    contact = ("bob@" + call.server + ":5060", "alice@" + call.host)
    return ask, again(call.response("200 OK", "REGISTER", extra=f"\nExpires: {expires}"), contact)


@test("H-11", "UDP: a registered phone is called by its registrar, and by nobody else, to the end")
def registered():
    phone, server = Udp("phone", PHONE, 5060), Udp("provider", SERVER, 5060)
    stranger = Udp("provider", STRANGER, 5060)
    call = Call("rreg", f"{PHONE}:5060", f"{PHONE}:5060", SERVER)

    def registers(expires):
        ask, answer = register(call, PHONE, expires)
        phone.send(ask, SERVER)
        same(server.recv(), ask)
        server.send(answer, PHONE)
        same(phone.recv(), answer)
    registers(600)
    time.sleep(590)
    net.router("conntrack -D -p udp 2>/dev/null || true")
    invite = call.peer_request("INVITE", f"{PHONE}:5060")
    stranger.send(invite, PHONE)
    assert phone.recv(1) is None
    server.send(invite, PHONE)
    same(phone.recv(), invite)
    registers(0)
    net.until(lambda: not net.expectations("signalling"), 40)
    for sock in (phone, server, stranger):
        sock.close()


@test("S3-19", "TCP, IPv6: a registered phone is called by a connection from its registrar")
def registered_by_stream():
    client, server = Tcp.pair("phone", PHONE6, 40100, SERVER6)
    call = Call("r6tcp", f"[{PHONE6}]:5060", f"[{PHONE6}]:5060", f"[{SERVER6}]", "TCP")
    ask, answer = register(call, PHONE6, 600)
    client.send(ask)
    same(server.recv(len(ask)), ask)
    server.send(answer)
    same(client.recv(len(answer)), answer)
    net.enter("phone")
    listener = socket.socket(socket.AF_INET6)
    listener.bind((PHONE6, 5060))
    listener.listen()
    listener.settimeout(3)
    net.enter("provider")
    caller = socket.socket(socket.AF_INET6)
    caller.settimeout(3)
    caller.bind((SERVER6, 0))
    caller.connect((PHONE6, 5060))
    called, _ = listener.accept()
    invite = call.peer_request("INVITE", f"[{PHONE6}]:5060")
    caller.sendall(invite)
    same(Tcp(called).recv(len(invite)), invite)
    for sock in (client, server, caller, called, listener):
        sock.close()


@test("S3-54", "a BYE with the right tags from an address that is not in the call ends nothing (T-6)")
def stranger():
    net.router("nft insert rule inet sip forward iifname wan udp dport 5060 accept")
    phone, server = Udp("phone", PHONE, 5060), Udp("provider", SERVER, 5060)
    forger = Udp("provider", STRANGER, 5060)
    call = Call("r354", f"{PHONE}:5060", f"{PHONE}:5060", SERVER)
    phone.send(call.request("INVITE", sdp(PHONE, 4770)), SERVER)
    assert server.recv()
    server.send(call.response("200 OK", body=sdp(RELAY, 4770)), PHONE)
    assert phone.recv()
    bye = call.peer_request("BYE", f"{PHONE}:5060")
    forger.send(bye, PHONE)
    same(phone.recv(), bye)
    time.sleep(10)
    assert net.pinhole(PHONE, 4770)
    server.send(bye, PHONE)
    same(phone.recv(), bye)
    net.until(lambda: not net.expectations(), 6)
    for sock in (phone, server, forger):
        sock.close()


@test("H-25", "no pinhole leads to a port below 1024 or to the router itself (T-3, T-4)")
def refused():
    phone, server = Udp("phone", PHONE, 5060), Udp("provider", SERVER, 5060)
    for name, address, port in (("low", PHONE, 22), ("own", net.ROUTER, 4740),
                                ("lan", "192.168.1.1", 4742), ("many", "224.2.1.1", 4744),
                                ("zero", "0.0.0.0", 4746)):
        call = Call("h25" + name, f"{PHONE}:5060", f"{PHONE}:5060", SERVER)
        data = call.request("INVITE", sdp(address, port))
        phone.send(data, SERVER)
        same(server.recv(), data)
        assert not net.expectations(), name
        server.send(call.response("486 Busy Here"), PHONE)
        assert phone.recv()
    phone.close()
    server.close()


@test("H-1", "of two calls with one address the second has its pinhole when the first has ended")
def one_address():
    phone, server = Udp("phone", PHONE, 5060), Udp("provider", SERVER, 5060)
    for name in ("one1", "one2"):
        call = Call(name, f"{PHONE}:5060", f"{PHONE}:5060", SERVER)
        phone.send(call.request("INVITE", sdp(PHONE, 4780)), SERVER)
        assert server.recv()
        server.send(call.response("200 OK", body=sdp(RELAY, 8780)), PHONE)
        assert phone.recv()
        phone.send(call.request("ACK", to_tag=True), SERVER)
        assert server.recv()
        if name == "one1":
            first = call
    phone.send(first.request("BYE", cseq=2, to_tag=True), SERVER)
    assert server.recv()
    time.sleep(9)      # longer than teardown-delay, and than the second one waits
    assert net.pinhole(PHONE, 4780)
    ours, theirs = Udp("phone", PHONE, 4780), Udp("provider", RELAY, 8780)
    theirs.send(b"in", PHONE, 4780)
    assert ours.recv() == b"in"
    phone.send(call.request("BYE", cseq=2, to_tag=True), SERVER)
    assert server.recv()
    net.until(lambda: not net.expectations(), 6)
    for sock in (phone, server, ours, theirs):
        sock.close()


@test("S3-62", "TCP in pieces is not held, and its pinholes open all the same")
def stream():
    client, accepted = Tcp.pair("phone", PHONE, 40000)
    call = Call("rtcp", f"{PHONE}:40000", f"{PHONE}:40000", SERVER, "TCP")
    data = call.request("INVITE", sdp(PHONE, 4750))
    client.send(data[:100])
    same(accepted.recv(100), data[:100])
    client.send(data[100:])
    same(accepted.recv(len(data) - 100), data[100:])
    assert net.pinhole(PHONE, 4750)
    answer = call.response("486 Busy Here")
    accepted.send(answer)
    same(client.recv(len(answer)), answer)
    client.close()
    accepted.close()


@test("S1-2", "anyone may send to the pinhole, up to a number (T-23)")
def many():
    phone, server = Udp("phone", PHONE, 5060), Udp("provider", SERVER, 5060)
    call = Call("many", f"{PHONE}:5060", f"{PHONE}:5060", SERVER)
    phone.send(call.request("INVITE", sdp(PHONE, 4760)), SERVER)
    assert server.recv()
    ours = Udp("phone", PHONE, 4760)
    arrived = 0
    for port in range(7000, 7040):
        theirs = Udp("provider", STRANGER, port)
        theirs.send(b"x", PHONE, 4760)
        arrived += ours.recv(0.2) == b"x"
        theirs.close()
    assert arrived == 16, arrived
    server.send(call.response("486 Busy Here"), PHONE)
    assert phone.recv()
    net.until(lambda: not net.expectations(), 6)
    assert not net.connections(STRANGER, 7000) and not net.connections(STRANGER, 7015)
    for sock in (phone, server, ours):
        sock.close()


@test("S3-56", "two phones of one number ring behind an IPv6 firewall: one is busy, the other is heard and hears")
def two_phones_ring():
    server = Udp("provider", SERVER6, 5060)
    phones = [Udp("other", OTHER6, 5060), Udp("phone", PHONE6, 5060)]
    calls = []
    for number, sock in enumerate(phones):
        address = sock.address[0]
        sock.send(b"\r\n\r\n", SERVER6)
        assert server.recv()
        call = Call("ring6", f"[{address}]:5060", f"[{address}]:5060", f"[{SERVER6}]")
        call.tags = (f"callee-{number}", "caller")
        invite = again(call.peer_request("INVITE", f"[{address}]:5060", body=sdp(RELAY6, 8900)),
                       (f";tag={call.tags[0]}", ""), ("branch=z9hG4bK", f"branch=z9hG4bK{number}"))
        server.send(invite, address)
        same(sock.recv(), invite)
        calls.append((sock, call, f"branch=z9hG4bK{number}"))
    busy, rings = calls

    def answer(number, status, body=""):
        sock, call, branch = number
        data = again(call.peer_response(status, "INVITE", body=body), ("branch=z9hG4bK", branch))
        sock.send(data, SERVER6)
        same(server.recv(), data)
    answer(rings, "180 Ringing")
    answer(busy, "486 Busy Here")
    server.send(busy[1].peer_request("ACK", f"[{OTHER6}]:5060"), OTHER6)
    assert phones[0].recv()
    time.sleep(3)
    answer(rings, "200 OK", sdp(PHONE6, 4900))
    ours, theirs = Udp("phone", PHONE6, 4900), Udp("provider", RELAY6, 8900)
    for _ in range(30):
        theirs.send(b"in", PHONE6, 4900)
        assert ours.recv() == b"in"
        time.sleep(10)
    bye = rings[1].peer_response("200 OK", "BYE", cseq=101)
    server.send(rings[1].peer_request("BYE", f"[{PHONE6}]:5060", cseq=101), PHONE6)
    assert phones[1].recv()
    phones[1].send(bye, SERVER6)
    same(server.recv(), bye)
    net.until(lambda: not net.expectations(), 6)
    for sock in (*phones, server, ours, theirs):
        sock.close()


# who is inside has a zone of its own: for what it opens, for what it answers as well, or both ways with the outside
OPENS, ANSWERS, SHARED = ("iifname lan ct original zone set 1",
                          "iifname lan ct original zone set 1; iifname wan ct reply zone set 1",
                          "iifname { lan, wan } ct zone set 1")


def in_zones(check, rules=(OPENS, ANSWERS, SHARED)):
    """By each of these rules, IPv4 and IPv6: nothing is left of a call that is over."""
    @functools.wraps(check)
    def run_all():
        net.router("nft insert rule inet sip forward iifname wan udp dport 5060 accept")
        for index, rule in enumerate(rules):
            net.attach(f"table inet zones {{ chain pre {{ type filter hook prerouting priority raw; {rule}; }}\n}}")
            for number, ends in enumerate(SILENT, index * 2):
                ctl.forget_all("ipv4", "ipv6")
                quiet = Quiet(f"{check.__name__}{number}", ends, 4830)
                check(quiet)
                quiet.close()
                time.sleep(40)
                left = ctl.data("call list"), net.expectations(), net.expectations("signalling")
                assert left == ([], [], []), (rule, ends, left)
            net.router("nft delete table inet zones")
        net.router("conntrack -F 2>/dev/null")
    return run_all


def from_pool(quiet):
    """The provider's second host re-INVITEs."""
    quiet.answered()
    call, uri, server = quiet.call, quiet.call.host, quiet.server
    quiet.server = Udp("provider", quiet.ends[2], 5060)
    for data_in, data_out in ((call.peer_request("INVITE", uri, body=sdp(quiet.ends[2], 5830)),
                               call.peer_response("200 OK", "INVITE", body=sdp(quiet.ends[0], 4830))),
                              (call.peer_request("ACK", uri), b"")):
        quiet.back(data_in)
        if data_out:
            quiet.phone.send(data_out, quiet.ends[2])
            same(quiet.server.recv(), data_out)
    assert len(ctl.data("call list")) == 1
    quiet.server.close()
    quiet.server = server
    quiet.hang_up()


def flushed(quiet):
    """Conntrack knows no more of it, and the far end hangs up."""
    quiet.answered()
    net.router("conntrack -F 2>/dev/null")
    quiet.back(quiet.call.peer_request("BYE", quiet.call.host))
    quiet.out(quiet.call.peer_response("200 OK", "BYE"))


def called(quiet):
    """The outside has called who is registered, who speaks first, and hangs up by a flow of its own."""
    quiet.registers(600)
    quiet.called()
    assert quiet.goes_out() and quiet.comes_in(), net.expectations()
    net.router("conntrack -F 2>/dev/null")
    quiet.hang_up()
    quiet.registers(0)


test("N5", "zones of one direction: another host of the provider re-INVITEs, and it is the same call")(in_zones(from_pool))
test("N5", "zones of one direction: conntrack is flushed, the far end hangs up, and the call is over")(in_zones(flushed))
test("N5", "zones of one direction: called from outside, who hangs up inside by a new flow ends it")(
    # where it only answers, the outside's audio finds no pinhole: doc/limits.md
    in_zones(called, (OPENS, SHARED)))


run(after=net.nothing_left)
