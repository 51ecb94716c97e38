#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""Threats to what all share: ports, the tables (doc/security.md)."""
import json
import resource
import time

import topology as net
from sip import Call, again, sdp
from ctl import ctl, forget_all
from ksft import run, same, test
from topology import OTHER, PHONE, ROUTER, SERVER, Tcp, Udp, router, shell

net.build()
phone = Udp("phone", PHONE, 5060)
other = Udp("other", OTHER, 5060)
server = Udp("provider", SERVER, 5060)
CTL = "tools/sipalg-ctl/sipalg-ctl"


def data(arguments):
    return json.loads(router(f"{CTL} -j {arguments}"))


def invite(name, sock, port, **options):
    """What the provider gets of an INVITE with audio on this port, or None."""
    host = sock.address[0]
    call = Call(name, f"{host}:5060", f"{ROUTER}:5060", SERVER)
    sock.send(call.request("INVITE", sdp(host, port), **options), SERVER)
    return server.recv(0.5)


def is_translated(got):
    return bool(got) and f"c=IN IP4 {ROUTER}".encode() in got


def reset():
    forget_all()
    time.sleep(40)
    assert data("stats show")["memory_bytes"] == 0, data("stats show")


@test("T-12", "one host takes three quarters of the ports for media at most, others find the rest")
def pairs():
    ctl("setting set media-ports 20000-20079")     # forty pairs
    got = [invite(f"p{i}", other, 4000 + 2 * i) for i in range(40)]
    assert [is_translated(one) for one in got] == [True] * 30 + [False] * 10
    assert data("stats show")["dropped"]["no_port_pair"] == 10
    assert is_translated(invite("heard", phone, 4000))
    # what ends gives back what it held
    ctl(f"call end {data('call list call-id p3@call.example')[0]['id']}")
    assert is_translated(invite("next", other, 4200))
    assert not is_translated(invite("more", other, 4202))


@test("T-12", "nor does one with many streams in each call; it may where it may hold all calls")
def streams():
    ctl("setting set media-ports 20000-20079 max-calls 64 max-calls-per-source 64")
    more = "\n".join(f"m=audio {6000 + 2 * i} RTP/AVP 0" for i in range(19))
    host = Call("s0", f"{OTHER}:5060", f"{ROUTER}:5060", SERVER)
    other.send(host.request("INVITE", sdp(OTHER, 4000, more)), SERVER)
    assert is_translated(server.recv())
    other.send(Call("s1", f"{OTHER}:5060", f"{ROUTER}:5060", SERVER).request(
        "INVITE", sdp(OTHER, 5000, more.replace("m=audio 6", "m=audio 7"))), SERVER)
    assert is_translated(server.recv())
    ctl("call end --all")
    ctl("setting set max-calls-per-source 5")
    assert is_translated(invite("s2", other, 4000))
    other.send(Call("s3", f"{OTHER}:5060", f"{ROUTER}:5060", SERVER).request(
        "INVITE", sdp(OTHER, 5000, more)), SERVER)
    assert server.recv(0.5) is None, "more than twice as many pairs as calls"


@test("S3-40", "the last free pair of ports is found, wherever it lies")
def last_pair():
    ctl("setting set media-ports 20000-20127 max-calls 64 max-calls-per-source 64")
    calls = [f"l{number}" for number in range(64)]
    for number, name in enumerate(calls):
        assert is_translated(invite(name, other, 4000 + 2 * number)), name
    for number, name in enumerate(calls):
        ctl(f"call end {data(f'call list call-id {name}@call.example')[0]['id']}")
        assert is_translated(invite(f"again{number}", other, 6000 + 2 * number)), name


@test("T-12", "a host that signals from ever new ports takes no others' media ports")
def senders():
    ctl("setting set media-ports 20000-20079")
    for port in range(20000, 20080):
        sock = Udp("other", OTHER, port)
        sock.send(Call(f"n{port}", f"{OTHER}:{port}", "", SERVER).request("OPTIONS"), SERVER)
        got = server.recv()
        assert got and server.sender == (ROUTER, port), server.sender
        assert f"Contact: <sip:alice@{ROUTER}:{port}>".encode() in got, got
        sock.close()
    assert is_translated(invite("still", phone, 4000))


def register_from(ports):
    """A host that is to be reached at each of these ports."""
    for port in ports:
        sock = Udp("other", OTHER, port)
        sock.send(Call(f"r{port}", f"{OTHER}:{port}", "", SERVER).request("REGISTER"), SERVER)
        assert server.recv()
        sock.close()


@test("T-12", "who may have one call has it, by however many ports he is reached himself")
def reached():
    ctl("setting set media-ports 20000-20079 max-calls-per-source 1")
    register_from(range(20000, 20006))
    tcp, accepted = Tcp.pair("other", OTHER, 20010)
    tcp.send(Call("r20010", f"{OTHER}:20010", "", SERVER, "TCP").request("REGISTER"))
    assert f"{ROUTER}:20010".encode() in accepted.socket.recv(4096)
    assert is_translated(invite("one", other, 4000))
    assert not is_translated(invite("two", other, 4100))
    assert [call["call_id"] for call in data("call list")] == ["one@call.example"]
    tcp.close()
    accepted.close()


@test("T-12", "ports by which a host is reached and those for its media are of one share")
def together():
    ctl("setting set media-ports 20000-20079")     # forty pairs
    register_from(range(20000, 20020))
    got = [is_translated(invite(f"m{i}", other, 4000 + 2 * i)) for i in range(20)]
    assert got == [True] * 10 + [False] * 10, got


def routed(name, sock, port):
    """An answered call whose callee has eight proxies before it; says what ways that opened."""
    host = sock.address[0]
    call = Call(name, f"{host}:5060", f"{ROUTER}:5060", SERVER)
    sock.send(call.request("INVITE"), SERVER)
    assert server.recv()
    seen = server.sender[1]
    hops = "".join(f"\n            Record-Route: <sip:198.51.100.7:{port + n};lr>" for n in range(8))
    server.send(again(call.response("200 OK", extra=hops), (f"{ROUTER}:5060", f"{ROUTER}:{seen}")), ROUTER, seen)
    assert sock.recv()


@test("T-13", "one host's calls open a quarter of the ways for signalling at most, others' open theirs")
def gates():
    ctl("setting set contact-pinhole off")
    for number in range(600):
        routed(f"g{number}", other, 10000 + 8 * number)
    assert len(net.expectations("signalling")) == 1024, len(net.expectations("signalling"))
    routed("own", phone, 2000)
    mine = [line for line in net.expectations("signalling") if f" src={PHONE} " in line]
    assert len(mine) == 8, mine


@test("T-13", "halves of messages on a thousand connections cost nobody else his: a quarter of the room is one host's")
def halves():
    resource.setrlimit(resource.RLIMIT_NOFILE, (8192, 8192))
    half = Call("half", f"{OTHER}:5060", "", SERVER, "TCP").request("INVITE", extra="\nX: " + "x" * 30000)[:15000]
    client, accepted = Tcp.pair("phone", PHONE, 40000)     # select() knows low numbers only
    ends = []
    for number in range(1100):
        pair = Tcp.pair("other", OTHER, 20000 + number)
        pair[0].socket.setblocking(False)
        pair[0].socket.send(half)
        ends.append(pair)
    held = data("stats show")["memory_bytes"]
    assert 2 << 20 < held < 6 << 20, held
    whole = Call("whole", f"{PHONE}:40000", "", SERVER, "TCP").request("INVITE", sdp(PHONE, 4000))
    client.send(whole[:200])
    client.send(whole[200:])
    wanted = again(whole, (f"{PHONE}:40000", f"{ROUTER}:40000"), (PHONE, ROUTER))
    same(accepted.recv(len(wanted), 1), wanted)
    for pair in ends + [(client, accepted)]:
        for end in pair:
            end.close()
    router("conntrack -D -p tcp >/dev/null 2>&1 || true")
    time.sleep(70)


@test("T-10", "what an attacker chooses does not choose the place in a table: it is another after each start")
def seeded():
    orders = []
    for _ in range(3):
        for number in range(40):
            assert invite(f"seed{number}", phone, 4000 + 2 * number)
        orders.append([row["call_id"] for row in data("call list")])
        net.detach()
        shell("rmmod sipalg; modprobe sipalg")
        net.attach()
        router("conntrack -F 2>/dev/null")
    assert [sorted(order) for order in orders] == [sorted(orders[0])] * 3
    assert len({tuple(order) for order in orders}) == 3, orders


run(after=reset)
