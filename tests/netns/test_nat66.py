#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""IPv6 behind NAT66: the same with colons and brackets."""
import topology as net
from sip import Call, again, sdp
from ksft import run, same, test
from topology import OTHER6, PHONE6, RELAY6, ROUTER6, SERVER6, Tcp, Udp

net.build()
phone = Udp("phone", PHONE6, 5060)
server = Udp("provider", SERVER6, 5060)
HIDE = ((PHONE6, ROUTER6),)
SHOW = ((ROUTER6, PHONE6),)


def new(name, transport="UDP", port=5060):
    call = Call(name, f"[{PHONE6}]:5060", f"[{ROUTER6}]:{port}", SERVER6, transport)
    call.server = f"[{SERVER6}]"
    return call


def out(data, *changes):
    phone.send(data, SERVER6)
    same(server.recv(), again(data, *changes) if changes else data)


def back(data, *changes):
    server.send(data, ROUTER6)
    same(phone.recv(), again(data, *changes) if changes else data)


@test("S3-20", "a call through NAT66: brackets in URIs, none in c=, audio both ways")
def call():
    call = new("six")
    out(call.request("INVITE", sdp(PHONE6, 4600)), *HIDE)
    back(call.response("200 OK", body=sdp(RELAY6, 8600)), *SHOW)
    out(call.request("ACK", to_tag=True), *HIDE)
    for offset in (0, 1):
        assert net.pinhole(ROUTER6, 4600 + offset), net.expectations()
        ours = Udp("phone", PHONE6, 4600 + offset)
        theirs = Udp("provider", RELAY6, 8600 + offset)
        theirs.send(b"in", ROUTER6, 4600 + offset)
        assert ours.recv() == b"in"
        ours.send(b"out", RELAY6, 8600 + offset)
        assert theirs.recv() == b"out" and theirs.sender == (ROUTER6, 4600 + offset)
        ours.close()
        theirs.close()
    out(call.request("BYE", cseq=2, to_tag=True), *HIDE)
    back(call.response("200 OK", "BYE"), *SHOW)
    net.until(lambda: not net.expectations(), 6)


@test("RFC 5118 4.5", "received comes back as it was written, with brackets or without")
def received():
    call = new("r5118")
    out(call.request("OPTIONS"), *HIDE)
    back(again(call.response("200 OK", "OPTIONS"), (";rport", f";received={ROUTER6}")), *SHOW)
    back(again(call.response("200 OK", "OPTIONS"), (";rport", f";received=[{ROUTER6}]")), *SHOW)


@test("S3-42", "the phone's own spelling of its address comes back to it")
def spelling():
    odd = "2001:0DB8:1::10"
    call = Call("odd6", f"[{odd}]:5060", f"[{ROUTER6}]:5060", SERVER6)
    call.server = f"[{SERVER6}]"
    out(call.request("OPTIONS"), (odd, ROUTER6))
    back(call.response("200 OK", "OPTIONS"), (ROUTER6, odd))


@test("S3-19", "the same over TCP")
def tcp():
    client, accepted = Tcp.pair("phone", PHONE6, 40000, SERVER6)
    call = new("six-tcp", "TCP", 40000)
    data = call.request("INVITE", sdp(PHONE6, 4610))
    wanted = again(data, (f"[{PHONE6}]:5060", f"[{ROUTER6}]:40000"), (PHONE6, ROUTER6))
    client.send(data[:300])
    client.send(data[300:])
    same(accepted.recv(len(wanted)), wanted)
    answer = call.response("486 Busy Here")
    wanted = again(answer, (f"[{ROUTER6}]:40000", f"[{PHONE6}]:5060"))
    accepted.send(answer)
    same(client.recv(len(wanted)), wanted)
    client.close()
    accepted.close()


@test("S3-35", "a message of 60,000 bytes in UDP fragments arrives translated")
def fragments():
    call = new("frag6")
    out(call.request("NOTIFY", extra="\nX: " + "x" * 60000), *HIDE)


@test("H-21b", "a full packet that grows by translation arrives: IPv6 routers may not fragment")
def grows():
    # 5060 outside is the first phone's, so this one's messages get a port put in
    phone.send(b"\r\n\r\n", SERVER6)
    assert server.recv()
    other = Udp("other", OTHER6, 5060)
    call = Call("big6", f"[{OTHER6}]", "", f"[{SERVER6}]")
    # up to a full frame: 1500 bytes less those of IPv6 and UDP
    room = 1452 - len(call.request("OPTIONS", extra="\nX: ")) - 1
    for size in range(room - 28, room + 1, 4):
        data = call.request("OPTIONS", extra="\nX: " + "x" * size)
        other.send(data, SERVER6)
        got = server.recv()
        assert got, f"{len(data)} bytes have not arrived"
        seen = f"[{ROUTER6}]:{server.sender[1]}"
        same(got, again(data, (f"UDP [{OTHER6}];", f"UDP {seen};"), (f"@[{OTHER6}]>", f"@{seen}>")))
    assert len(data) <= 1452 < len(got), "no message has grown over the MTU"
    other.close()


run(after=net.nothing_left)
