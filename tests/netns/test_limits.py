#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""What happens when somebody takes more than his share."""
import json
import time

import topology as net
from sip import Call, again, sdp
from ctl import forget_all
from ksft import run, same, test
from topology import OTHER, PHONE, RELAY, ROUTER, SERVER, Tcp, Udp, shell

net.build()
phone = Udp("phone", PHONE, 5060)
other = Udp("other", OTHER, 5062)
server = Udp("provider", SERVER, 5060)
TOOL = "tools/sipalg-ctl/sipalg-ctl -n router"


def data(arguments):
    return json.loads(shell(f"{TOOL} -j {arguments}"))


def names():
    return {row["call_id"].split("@")[0] for row in data("call list")}


def data_of_drops():
    return {reason: count for reason, count in data("stats show")["dropped"].items() if count}


def invite(name, port=0, sock=phone, host=PHONE):
    call = Call(name, f"{host}:{sock.address[1]}", f"{ROUTER}:{sock.address[1]}", SERVER)
    request = call.request("INVITE", sdp(host, port) if port else "")
    sock.send(request, SERVER)
    got = server.recv()
    return call, request, got


def answer(call):
    server.send(call.response("200 OK", body=sdp(RELAY, 8000)), ROUTER)
    assert phone.recv()


def reset():
    forget_all()
    shell(f"{TOOL} stats reset")
    time.sleep(90000)     # a route from outside is known for a day (R3)
    stats = data("stats show")
    assert stats["memory_bytes"] == 0, stats


@test("S3-40", "sixty calls in one burst, their ports a power of two apart, get the ports they ask for")
def burst():
    for i in range(60):
        call = Call(f"b{i}", f"{PHONE}:5060", f"{ROUTER}:5060", SERVER)
        phone.send(call.request("INVITE", sdp(PHONE, 2048 + 1024 * i)), SERVER)
    for i in range(60):
        got = server.recv()
        assert got and f"m=audio {2048 + 1024 * i} ".encode() in got, (i, got)
    reset()


@test("S0-12", "a full table: the call that was silent longest goes, a new one gets in")
def full():
    shell(f"{TOOL} setting set max-calls 16")
    for i in range(16):
        invite(f"f{i}")
        time.sleep(2)
    invite("f0")                    # heard of again: now f1 is the oldest
    time.sleep(2)
    _, request, got = invite("late", 5100)
    same(got, again(request, (f"{PHONE}:5060", f"{ROUTER}:5060"), (PHONE, ROUTER)))
    assert net.pinhole(ROUTER, 5100)
    have = names()
    assert "late" in have and "f0" in have and "f1" not in have and len(have) == 16, have
    assert data("stats show")["calls"]["ended"]["evicted"] == 1
    reset()


@test("S0-12", "a flood of INVITEs throws out itself, not a call that is answered (T-11)")
def flood():
    call, _, _ = invite("talk", 5110)
    answer(call)
    time.sleep(5)
    shell(f"{TOOL} setting set max-calls 16")
    for i in range(100):
        invite(f"x{i}")
    assert "talk" in names() and len(names()) == 16
    assert net.pinhole(ROUTER, 5110)
    reset()


@test("FortiOS max-dialogs", "one phone has its share and no more, another still gets in (T-11)")
def share():
    shell(f"{TOOL} setting set max-calls-per-source 3")
    for i in range(3):
        invite(f"s{i}", 5120 + 2 * i)
    _, request, got = invite("s3", 5130)
    same(got, request)              # unchanged, and counted
    assert data("stats show")["passed_unchanged"]["too_many_calls"] == 1
    assert names() == {"s0", "s1", "s2"}
    _, request, got = invite("o0", 5140, other, OTHER)
    assert got != request and "o0" in names()
    number = data("call list call-id s0@call.example")[0]["id"]
    shell(f"{TOOL} call end {number}")
    invite("s4", 5150)
    assert "s4" in names()
    reset()


@test("S0-12", "who has more than his share costs nobody else a call, in a full table (T-11)")
def share_of_full():
    shell(f"{TOOL} setting set max-calls 16 max-calls-per-source 10")
    for i in range(6):
        invite(f"o{i}", sock=other, host=OTHER)
        time.sleep(2)
    for i in range(10):
        invite(f"p{i}")
    _, request, got = invite("greedy")
    same(got, request)
    assert len(names()) == 16 and "o0" in names() and "greedy" not in names(), names()
    reset()


@test("S0-19", "more idle calls than max-idle-calls: the one that is idle longest goes")
def idle_calls():
    shell(f"{TOOL} setting set max-idle-calls 2")
    shell(f"{TOOL} stats reset")
    calls = []
    for i in range(4):
        call, _, _ = invite(f"idle{i}", 5160 + 2 * i)
        answer(call)
        calls.append(call)
        time.sleep(5)
    ends = Udp("phone", PHONE, 5162), Udp("provider", RELAY, 8000)
    for _ in range(3):
        time.sleep(60)              # idle1 talks, the others fall silent
        ends[1].send(b"media", ROUTER, 5162)
        assert ends[0].recv(0.5)
    assert names() == {"idle1", "idle2", "idle3"}, names()
    assert data("stats show")["calls"]["ended"]["evicted"] == 1
    phone.send(calls[2].request("INVITE", sdp(PHONE, 5164), cseq=2, to_tag=True), SERVER)
    assert server.recv()            # it is in use again
    server.send(calls[2].response("200 OK", body=sdp(RELAY, 8000)), ROUTER)
    assert phone.recv()
    time.sleep(200)                 # now idle1 is silent too, and idle3 is the oldest
    assert names() == {"idle1", "idle2"}, names()
    for end in ends:
        end.close()
    reset()


def removed(call, port):
    """A re-INVITE takes the call's only stream away."""
    phone.send(call.request("INVITE", sdp(PHONE, 0), cseq=2, to_tag=True), SERVER)
    assert server.recv()
    server.send(call.response("200 OK", body=sdp(RELAY, 0)), ROUTER)
    assert phone.recv(), port


def held(call, port):
    phone.send(call.request("INVITE", sdp(PHONE, port, "a=inactive"), cseq=2, to_tag=True), SERVER)
    assert server.recv()
    server.send(call.response("200 OK", body=sdp(RELAY, 8000, "a=inactive")), ROUTER)
    assert phone.recv()


def talking(names_of, first):
    calls = []
    for i, name in enumerate(names_of):
        call, _, _ = invite(name, first + 2 * i)
        answer(call)
        phone.send(call.request("ACK", to_tag=True), SERVER)
        assert server.recv()
        calls.append(call)
    return calls


@test("S0-19", "calls that fall idle by a message, or are too many when the limit comes, go at once; held ones do not count (D5)")
def idle_by_message():
    calls = talking([f"hold{i}" for i in range(5)], 5170)
    shell(f"{TOOL} setting set max-idle-calls 2")
    held(calls[0], 5170)
    for i, call in enumerate(calls[1:], 1):
        removed(call, 5170 + 2 * i)
    assert names() == {"hold0", "hold3", "hold4"}, names()
    shell(f"{TOOL} setting set max-idle-calls 1")
    assert names() == {"hold0", "hold4"}, names()
    reset()


@test("fault C9", "a full table: ended and refused calls go first, then those that ring, then idle ones, held ones last (D5)")
def order_of_eviction():
    shell(f"{TOOL} setting set max-calls 16 inactive-media-timeout 60")
    idle, on_hold = talking(["idle", "held"], 5300)
    held(on_hold, 5302)
    time.sleep(70)
    talk, = talking(["talk"], 5310)
    invite("ring")
    refused = [f"refused{i}" for i in range(4)]
    for name in refused:
        refuse(name, "486 Busy Here")
    call, = talking(["ended"], 5320)
    phone.send(call.request("BYE", cseq=2, to_tag=True), SERVER)
    assert server.recv()
    for i in range(7):
        invite(f"o{i}", sock=other, host=OTHER)
    assert len(names()) == 16, names()
    for i in range(5):
        talking([f"new{i}"], 5330 + 2 * i)
        assert {"idle", "held", "talk", "ring", "o0"} <= names() and len(names()) == 16, (i, names())
    assert not names() & {"ended", *refused}, names()
    for i in range(7):              # of those that ring, first of who has most
        talking([f"next{i}"], 5350 + 2 * i)
    assert {"idle", "held", "talk"} <= names(), names()
    assert len(names() & {f"o{i}" for i in range(7)} | names() & {"ring"}) == 1, names()
    talking(["more0", "more1"], 5370)
    assert {"held", "talk"} <= names() and "idle" not in names(), names()
    assert len(names()) == 16 and not names() & {f"o{i}" for i in range(7)}, names()
    reset()


@test("fault C10", "max-calls: what is too much when the limit comes goes at once, in the same order (D12)")
def fewer_calls():
    talking([f"up{i}" for i in range(10)], 5400)
    for i in range(10):
        invite(f"r{i}")
    assert len(names()) == 20
    shell(f"{TOOL} setting set max-calls 16")
    assert len(names()) == 16 and {f"up{i}" for i in range(10)} <= names(), names()
    reset()


@test("FortiOS invite-rate", "rate-limit: so many requests of a method a second from one address")
def rate():
    shell(f"{TOOL} setting set rate-limit 5")
    for i in range(8):
        phone.send(Call(f"r{i}", f"{PHONE}:5060", f"{ROUTER}:5060", SERVER).request("INVITE"), SERVER)
    got = [server.recv(0.1) for _ in range(8)]
    assert [bool(one) for one in got] == [True] * 5 + [False] * 3
    assert data("stats show")["dropped"]["rate_limited"] == 3
    assert invite("ro", sock=other, host=OTHER)[2], "another phone has its own"
    call = Call("r0", f"{PHONE}:5060", f"{ROUTER}:5060", SERVER)
    for _ in range(10):
        phone.send(call.request("CANCEL"), SERVER)
        assert server.recv(), "what belongs to a call is not held back"
    time.sleep(1.1)
    assert invite("r9")[2]
    reset()


@test("FortiOS invite-rate", "keepalives and answers are not counted; over TCP only what is too much is taken out")
def rate_of_what():
    shell(f"{TOOL} setting set rate-limit 2")
    call, _, _ = invite("alive", 5200)
    answer(call)
    for data in (b"\r\n\r\n", b"\0"):
        for _ in range(20):
            phone.send(data, SERVER)
            same(server.recv(), data)
    for method in ("ACK", "INFO", "UPDATE", "BYE"):
        for cseq in range(2, 7):
            phone.send(call.request(method, cseq=cseq, to_tag=True), SERVER)
            assert server.recv(), (method, cseq)
    time.sleep(1.1)
    ours, theirs = Tcp.pair("phone", PHONE, 40000)
    # a Contact without transport parameter is one for UDP, as the phone's other one is (R4)
    hide = ((f"TCP {PHONE}:5060", f"TCP {ROUTER}:40000"), (f"{PHONE}:5060", f"{ROUTER}:5060"))
    four = [Call(f"tcp{i}", f"{PHONE}:5060", "", SERVER, "TCP").request("INVITE") for i in range(4)]
    ours.send(b"".join(four) + b"\r\n\r\n" + Call("opt", f"{PHONE}:5060", "", SERVER, "TCP").request("OPTIONS"))
    wanted = [again(data, *hide) for data in four[:2]] + [b"\r\n"] * 4 + \
        [again(Call("opt", f"{PHONE}:5060", "", SERVER, "TCP").request("OPTIONS"), *hide)]
    same(theirs.recv(len(b"".join(wanted)) + 1, 1), b"".join(wanted))
    assert data_of_drops() == {"rate_limited": 2}
    ours.close()
    theirs.close()
    net.router("conntrack -D -p tcp")
    reset()


@test("S4-2", "rounds of 422 are one call that screening lets be, unless 422 is taken from the list")
def rounds():
    shell(f"{TOOL} setting set screen-invites on")
    call = Call("rounds", f"{PHONE}:5060", f"{ROUTER}:5060", SERVER)
    for cseq in range(1, 5):
        phone.send(call.request("INVITE", sdp(PHONE, 5210), cseq=cseq), SERVER)
        assert server.recv(), cseq
        server.send(call.response("422 Session Interval Too Small", extra="\nMin-SE: 900"), ROUTER)
        assert phone.recv()
        phone.send(call.request("ACK", cseq=cseq), SERVER)
        assert server.recv()
    phone.send(call.request("INVITE", sdp(PHONE, 5210), cseq=5), SERVER)
    assert server.recv()
    answer(call)
    assert names() == {"rounds"} and net.pinhole(ROUTER, 5210)
    assert not data_of_drops()
    shell(f"{TOOL} setting set screen-exempt 401,407,487,488")
    refuse("seeds", "422 Session Interval Too Small")
    assert invite("blocked")[2] is None
    reset()


@test("S3-30", "a refused INVITE is not let through again for screen-timeout")
def screened():
    shell(f"{TOOL} setting set screen-invites on")
    for status, blocked in (("404 Not Found", True), ("302 Moved", True), ("503 Busy", True),
                            ("401 Unauthorized", False), ("422 Too Small", False),
                            ("487 Terminated", False), ("603 Decline", False)):
        shell(f"{TOOL} stats reset")
        refuse(f"first{status[:3]}", status)
        assert bool(invite(f"second{status[:3]}")[2]) != blocked, status
        assert data("stats show")["dropped"]["screened"] == blocked
        assert invite(f"other{status[:3]}", sock=other, host=OTHER)[2], "another caller may"
        time.sleep(5.1)
        assert invite(f"third{status[:3]}")[2], status
        time.sleep(6)
    reset()


@test("S3-30", "within the same call, too; another callee may be called; off by default")
def screened_call():
    shell(f"{TOOL} setting set screen-invites on screen-timeout 60 screen-exempt 486")
    call = refuse("again", "404 Not Found")
    phone.send(call.request("INVITE", cseq=2), SERVER)
    assert server.recv(0.5) is None
    request = call.request("INVITE", cseq=3).replace(b"INVITE sip:bob@", b"INVITE sip:carol@")
    phone.send(request, SERVER)
    assert server.recv()
    refuse("busy", "486 Busy Here", b"sip:dave@")
    time.sleep(61)
    assert invite("later")[2]
    shell(f"{TOOL} setting reset")
    refuse("off", "404 Not Found")
    assert invite("off2")[2]
    reset()


def refuse(name, status, callee=b"sip:bob@"):
    call = Call(name, f"{PHONE}:5060", f"{ROUTER}:5060", SERVER)
    phone.send(call.request("INVITE").replace(b"INVITE sip:bob@", b"INVITE " + callee), SERVER)
    assert server.recv(), name
    server.send(call.response(status), ROUTER)
    assert phone.recv()
    phone.send(call.request("ACK").replace(b"ACK sip:bob@", b"ACK " + callee), SERVER)
    assert server.recv()
    return call


run()
