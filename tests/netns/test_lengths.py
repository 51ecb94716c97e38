#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""Too long, too short, or no room: what is not translated is counted, and the next message is."""
import json
import re
import socket
import struct
import time

import topology as net
from sip import Call, again, sdp
from ksft import run, same, test
from topology import PHONE, RELAY, ROUTER, SERVER, Tcp, Udp, shell

net.build()
phone = Udp("phone", PHONE, 5060)
server = Udp("provider", SERVER, 5060)
PORTS = iter(range(4500, 6000, 4))
TOOL = "tools/sipalg-ctl/sipalg-ctl -n router"
HIDE = ((f"{PHONE}:5060", f"{ROUTER}:5060"), (PHONE, ROUTER))


def counted(group, reason):
    return json.loads(shell(f"{TOOL} -j stats show"))[group][reason]


def invite(name, port=None, **extra):
    return Call(name, f"{PHONE}:5060", "", SERVER).request("INVITE", sdp(PHONE, port or next(PORTS)), **extra)


def passes(data, group=None, reason=None):
    """It leaves as it came, and is counted."""
    before = counted(group, reason)
    phone.send(data, SERVER)
    same(server.recv(), data)
    assert counted(group, reason) == before + 1


def is_translated(data):
    phone.send(data, SERVER)
    same(server.recv(), again(data, *HIDE))


@test("S3-35", "a datagram longer than max-message passes as it is, one of that length is translated")
def longer_than_set():
    shell(f"{TOOL} setting set max-message 1500")
    short = invite("fits")
    exact = invite("fits", extra="\nX: " + "x" * (1500 - len(short) - len("X: \r\n")))
    assert len(exact) == 1500, len(exact)
    is_translated(exact)
    passes(exact.replace(b"X: x", b"X: xx"), "passed_unchanged", "too_long")
    shell(f"{TOOL} setting reset")


@test("S3-35", "the longest datagram is translated where it shrinks, and dropped where it would not fit in any")
def longest():
    def of(host):
        data = Call("long", host, "", SERVER).request("OPTIONS", extra="\nX: x")
        data = data.replace(b"X: x", b"X: " + b"x" * (65507 - len(data) + 1))
        assert len(data) == 65507
        return data
    data = of(f"{PHONE}:5060")
    phone.send(data, SERVER)
    same(server.recv(), data.replace(PHONE.encode(), ROUTER.encode()))
    # its port is not what an absent one says, so it is written
    other = Udp("phone", PHONE, 5062)
    before = counted("dropped", "too_long")
    other.send(of(PHONE), SERVER)
    assert server.recv(1) is None
    assert counted("dropped", "too_long") == before + 1
    other.send(of(PHONE).replace(b"xxxxxxxxxx", b""), SERVER)
    assert f"Via: SIP/2.0/UDP {ROUTER}:5062;".encode() in server.recv()
    other.close()


@test("H-9", "a Call-ID or tag too long to be kept: the call is not followed, its message passes as it is")
def long_names():
    for word, most in (("@call.example", 512), (";tag=phone-", 256)):
        for length in (most, most + 1):
            data = invite("n")
            fill = "y" * (length - (len("n@call.example") if "@" in word else len("phone-n")))
            data = again(data, (word, f"{fill}{word}" if "@" in word else f"{word}{fill}"))
            if length > most:
                passes(data, "passed_unchanged", "too_long")
            else:
                is_translated(data)
            shell(f"{TOOL} call end --all")


@test("H-33", "a datagram with bytes behind what UDP says is its end passes as it is")
def bytes_behind():
    net.enter("phone")
    raw = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_UDP)
    raw.bind((PHONE, 0))
    data = invite("behind")
    before = counted("passed_unchanged", "parse_error")
    raw.sendto(struct.pack(">HHHH", 5060, 5060, 8 + len(data), 0) + data + b"more", (SERVER, 0))
    same(server.recv(), data)
    assert counted("passed_unchanged", "parse_error") == before + 1
    raw.close()
    is_translated(data)


def held():
    """What calls hold: none of it may remain of a message that has not left."""
    stats = json.loads(shell(f"{TOOL} -j stats show"))
    return (stats["calls"]["active"], stats["calls"]["total"], stats["calls"]["ended"],
            stats["pinholes"]["open"], stats["pinholes_kept"], stats["memory_bytes"])


@test("S3-35", "an INVITE that would not fit in any datagram leaves no call, no port and no pinhole behind")
def too_long_to_call():
    other = Udp("phone", PHONE, 5062)
    data = Call("outsize", PHONE, "", SERVER).request("INVITE", sdp(PHONE, 4204), extra="\nX: x")
    data = data.replace(b"X: x", b"X: " + b"x" * (65507 - len(data) + 1))
    short = data.replace(b"x" * 40, b"", 1)
    other.send(again(short, ("outsize", "first")), SERVER)
    assert server.recv(), "of its port the router knows now"
    before, dropped = held(), counted("dropped", "too_long")
    other.send(data, SERVER)
    assert server.recv(1) is None
    assert counted("dropped", "too_long") == dropped + 1
    assert held() == before, (held(), before)
    assert not net.pinhole(ROUTER, 4206)
    other.close()
    shell(f"{TOOL} call end --all")


@test("S3-56", "a ringing that would not fit in any datagram opens no dialog: BYE to the one that fits ends the call")
def too_long_to_ring():
    call = Call("outring", f"{PHONE}:5060", f"{ROUTER}:5060", SERVER)
    phone.send(call.request("INVITE", sdp(PHONE, 4300)), SERVER)
    assert server.recv() and net.pinhole(ROUTER, 4300)
    data = call.response("180 Ringing", tag="long", extra="\nX: x")
    dropped = counted("dropped", "too_long")
    server.send(data.replace(b"X: x", b"X: " + b"x" * (65507 - len(data) + 1)), ROUTER)
    assert phone.recv(1) is None
    assert counted("dropped", "too_long") == dropped + 1
    server.send(call.response("180 Ringing"), ROUTER)
    assert phone.recv()
    phone.send(call.request("BYE", cseq=2, to_tag=True), SERVER)
    assert server.recv()
    server.send(call.response("200 OK", "BYE"), ROUTER)
    assert phone.recv()
    time.sleep(10)
    assert not net.pinhole(ROUTER, 4300)
    shell(f"{TOOL} call end --all")


@test("S3-40", "where somebody else's pinhole is in the way, a message is dropped, leaves nothing behind, and passes when it comes again")
def in_the_way():
    is_translated(invite("first", 4100))
    net.router(f"conntrack -I expect -t 60 --tuple-src {RELAY} --tuple-dst {ROUTER} "
               f"--mask-src 255.255.255.255 --mask-dst 255.255.255.255 "
               f"-s {PHONE} -d {SERVER} -p udp --orig-port-src 5060 --orig-port-dst 5060 "
               "--tuple-port-src 9000 --tuple-port-dst 4200 --mask-port-src 65535 --mask-port-dst 65535")
    data = invite("blocked", 4200)
    before, dropped = held(), counted("dropped", "no_port_pair")
    phone.send(data, SERVER)
    assert server.recv(1) is None
    assert counted("dropped", "no_port_pair") == dropped + 1
    assert held() == before, (held(), before)
    assert not net.pinhole(ROUTER, 4201)
    phone.send(data, SERVER)
    got = server.recv()
    port = int(re.search(rb"m=audio (\d+)", got)[1])
    same(got, again(data, *HIDE, ("m=audio 4200", f"m=audio {port}")))
    assert port not in (4199, 4200) and net.pinhole(ROUTER, port) and net.pinhole(ROUTER, port + 1)
    net.router("conntrack -F expect")
    shell(f"{TOOL} call end --all")
    time.sleep(33)
    is_translated(invite("free", 4200))


@test("H-3", "a phone on the router itself sends its INVITE in pieces: it leaves whole and translated")
def from_the_router():
    net.attach("""table inet own {
        ct helper own-tcp { type "sipalg" protocol tcp; }
        chain out { type filter hook output priority filter; tcp dport 5060 ct helper set "own-tcp"; }
    }""")
    own = "192.168.1.1"
    ours, theirs = Tcp.pair("router", own, 40100)
    data = Call("own", f"{own}:5060", "", SERVER, "TCP").request("INVITE", sdp(own, 4300))
    wanted = again(data, (f"{own}:5060", f"{ROUTER}:40100"), (own, ROUTER))
    ours.send(data[:200])
    ours.send(data[200:])
    same(theirs.recv(len(wanted)), wanted)
    for end in (ours, theirs):
        end.close()
    net.router("nft delete table inet own")


run()
