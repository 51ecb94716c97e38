#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""Two routers: TCP connections outlive the one that has shifted their numbers."""
import fcntl
import socket
import struct
import termios
import time

import topology as net
from ctl import data, stats
from endpoints import Line, both_ways
from ksft import run, same, test
from pair import Pair
from segments import Segments, lose, silence
from sip import Call, again, sdp
from topology import PHONE, PHONE6, ROUTER, ROUTER6, SERVER, SERVER6, shell
from transports import Stream, WayCall, hide, show

net.build()
pair = Pair()
ports = iter(range(44000, 45000))


def switch():
    pair.sync()
    pair.take_over(connections=True)
    time.sleep(3)       # IPv6 knows after a second that there is a link


def retransmitted(sock):
    """Segments that a socket has sent again (tcpi_total_retrans), and bytes that it waits to be acknowledged."""
    info = sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 104)
    waiting = struct.unpack("i", fcntl.ioctl(sock, termios.TIOCOUTQ, bytes(4)))[0]
    return struct.unpack_from("=I", info, 100)[0], waiting


def at_rest(way):
    """All that was sent has arrived and is acknowledged, and nothing was sent twice."""
    for end in way.ends:
        net.until(lambda sock=end.socket: retransmitted(sock)[1] == 0, 5)
        assert retransmitted(end.socket)[0] == 0, retransmitted(end.socket)


def goes_on(way, call, port):
    """A re-INVITE of the phone's and a BYE of the peer's, each byte as without a switch."""
    host, relay = call.phone, call.peer
    invite = call.call.request("INVITE", sdp(host, port, "a=sendonly"), cseq=7, to_tag=True)
    same(way.across(invite, True), hide(way, invite))
    ok = call.call.response("200 OK", body=sdp(relay, port + 2000, "a=recvonly"))
    same(way.across(ok, False), show(way, ok))
    ack = call.call.request("ACK", cseq=7, to_tag=True)
    same(way.across(ack, True), hide(way, ack))
    states = [row["state"] for row in data("call list") if row["call_id"] == f"{call.call.name}@call.example"]
    assert states == ["held"], data("call list")
    bye = call.call.peer_request("BYE", way.alg)
    same(way.across(bye, False), show(way, bye))
    ok = call.call.peer_response("200 OK", "BYE")
    same(way.across(ok, True), hide(way, ok))
    at_rest(way)


def call_of(host, server, public, name, port):
    way = Stream(host, server, public, next(ports))
    call = WayCall(way, name, port).rings().picks_up()
    assert call.talks()
    return way, call


@test("issue 22", "a call over TCP goes on by the other router: shifted both ways, nothing is sent again")
def goes():
    for host, server, public, name in ((PHONE, SERVER, ROUTER, "tcp4"), (PHONE6, SERVER6, ROUTER6, "tcp6")):
        way, call = call_of(host, server, public, name, 4000)
        assert len(hide(way, call.call.request("OPTIONS"))) != len(call.call.request("OPTIONS"))
        switch()
        assert call.talks()
        goes_on(way, call, 4000)
        assert stats()["tcp"]["foreign"] == 0, stats()["tcp"]
        net.until(lambda: not net.expectations(), 10)
        switch()


@test("issue 22", "a connection goes there and back, and there: what a router remembers of it is not believed")
def and_back():
    way, call = call_of(PHONE, SERVER, ROUTER, "back", 4100)
    for number in range(20, 24):
        switch()
        options = call.call.request("OPTIONS", cseq=number, extra="\nX: " + "x" * number)
        same(way.across(options, True), hide(way, options))
        ok = call.call.response("200 OK", "OPTIONS")
        same(way.across(ok, False), show(way, ok))
        at_rest(way)
    goes_on(way, call, 4100)


@test("issue 22", "a connection of before anybody listened is told with all others")
def told_later():
    pair.active.ears.close()
    way, call = call_of(PHONE, SERVER, ROUTER, "before", 4200)
    pair.active = type(pair.active)("router")
    assert pair.active.set(listen=True) == 0
    pair.active.mark()
    switch()
    goes_on(way, call, 4200)


@test("issue 22", "with every seventh segment lost acknowledgments and SACK are right after a switch")
def lossy():
    line = Line()
    both_ways(line, 5)
    switch()
    for space in ("phone", "provider"):
        shell(f"ip netns exec {space} nft 'add table inet lossy; add chain inet lossy in "
              "{ type filter hook input priority 0; }; "
              "add rule inet lossy in meta l4proto tcp numgen inc mod 7 0 drop'")
    both_ways(line, 30)
    for space in ("phone", "provider"):
        shell(f"ip netns exec {space} nft delete table inet lossy")
    line.close()


def options(port, number, extra=""):
    """A message of the phone's and what becomes of it."""
    call = Call(f"s{port}n{number}", f"{PHONE}:{port}", "", SERVER, "TCP")
    sent = call.request("OPTIONS", extra=extra)
    return sent, again(sent, (f"{PHONE}:{port}", f"{ROUTER}:{port}"))


def begun():
    """A connection whose first message has arrived, translated: its port, itself, the message."""
    port = next(ports)
    line = Segments(port)
    first, wanted = options(port, 1)
    line.send(0, first)
    same(line.server.recv(len(wanted)), wanted)
    return port, line, first


@test("issue 22", "a message that nobody has acknowledged is repeated by the other router as this one has sent it")
def owed():
    silence()
    port, line, first = begun()
    second, wanted = options(port, 2, "\nX: second")
    lose("data")
    line.send(len(first), second)
    assert not line.server.recv(1, 0.5)
    switch()
    lose()
    line.send(len(first), second)
    same(line.server.recv(len(wanted)), wanted)
    end = len(first) + len(second)
    assert line.acked(end - 1) == end
    third, wanted = options(port, 3, "\nX: the third")
    line.send(end, third)
    same(line.server.recv(len(wanted)), wanted)
    assert line.acked(end) == end + len(third)
    line.close()


@test("issue 22", "the beginning of a message of which its sender knows that it has arrived is not lost")
def held():
    port, line, first = begun()
    assert line.acked(len(first) - 1) == len(first)
    second, wanted = options(port, 2, "\nX: " + "x" * 200)
    line.send(len(first), second[:150])
    assert line.acked(len(first)) == len(first) + 150
    switch()
    line.send(len(first) + 150, second[150:])
    same(line.server.recv(len(wanted)), wanted)
    line.close()


@test("issue 22", "of a connection that has ended nothing stays on either router")
def ended():
    way, _ = call_of(PHONE, SERVER, ROUTER, "ends", 4400)
    port = struct.pack(">H", int(way.local.rsplit(":", 1)[1]))

    def of_it(objects):
        return [one for one in objects if one.kind == "t" and one.key[4:6] == port]

    pair.sync()
    assert of_it(pair.active.dump()[0]) and of_it(pair.standby.dump()[0])
    for end in way.ends:
        end.close()
    time.sleep(300)     # conntrack has forgotten it, and the module has looked
    told = of_it(pair.sync())
    assert told and told[-1].record is None, told
    assert not of_it(pair.active.dump()[0]) and not of_it(pair.standby.dump()[0])


run()
