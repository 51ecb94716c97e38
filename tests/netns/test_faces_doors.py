#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""Ports of the router's own programs and of port forwards are not given to phones."""
import socket

import topology as net
from ksft import run, test
from sip import Call, sdp
from topology import (OTHER, PHONE, PHONE6, ROUTER, ROUTER6, SERVER, SERVER6, Udp, enter, router)

net.build()
COUNT = [0]


def listen(kind, address, port, device=None):
    enter("router")
    sock = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, kind)
    if device:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, device.encode())
    sock.bind((address, port))
    if kind == socket.SOCK_STREAM:
        sock.listen()
    return sock


def given(phone_ip, server_ip, port, transport="RTP/AVP"):
    """The public port that the peer is told for one of the phone's."""
    COUNT[0] += 1
    six = ":" in phone_ip
    phone, server = Udp("phone", phone_ip, 5060), Udp("provider", server_ip, 5060)
    own = f"[{phone_ip}]:5060" if six else f"{phone_ip}:5060"
    call = Call(f"door{COUNT[0]}", own, own, f"[{server_ip}]" if six else server_ip)
    body = sdp(phone_ip, port).replace("RTP/AVP 0", transport + (" 0" if "RTP" in transport else " *"))
    phone.send(call.request("INVITE", body), server_ip)
    got = server.recv()
    assert got, "no INVITE"
    seen = int(got.split(b"m=audio ")[1].split()[0])
    public = ROUTER6 if six else ROUTER
    assert net.pinhole(public, seen), net.expectations()
    call.seen = f"[{public}]:5060" if six else f"{public}:5060"
    server.send(call.response("486 Busy Here"), public)
    assert phone.recv()
    phone.close()
    server.close()
    return seen


FAMILIES = ((PHONE, SERVER, "0.0.0.0", ROUTER), (PHONE6, SERVER6, "::", ROUTER6))


@test("O1", "control: a port that nobody has is given as it is")
def control():
    for phone, server, _, _ in FAMILIES:
        assert given(phone, server, 51820) == 51820


@test("O1", "a UDP service of the router keeps its port, also as RTCP's")
def udp_service():
    for phone, server, anywhere, address in FAMILIES:
        for where in (anywhere, address):
            sock = listen(socket.SOCK_DGRAM, where, 51820)
            assert given(phone, server, 51820) != 51820
            sock.close()
            sock = listen(socket.SOCK_DGRAM, where, 51821)
            assert given(phone, server, 51820) not in (51820, 51821)
            sock.close()


@test("O1", "a service bound to the uplink keeps it; one bound to another address does not count")
def bound():
    for phone, server, anywhere, _ in FAMILIES:
        sock = listen(socket.SOCK_DGRAM, anywhere, 51820, "wan")
        assert given(phone, server, 51820) != 51820
        sock.close()
    sock = listen(socket.SOCK_DGRAM, "192.168.1.1", 51820)
    assert given(PHONE, SERVER, 51820) == 51820
    sock.close()


@test("O1", "a TCP service keeps its port from TCP media, not from UDP")
def tcp_service():
    for phone, server, anywhere, _ in FAMILIES:
        sock = listen(socket.SOCK_STREAM, anywhere, 51820)
        assert given(phone, server, 51820, "TCP/MSRP") != 51820
        assert given(phone, server, 51820) == 51820
        sock.close()


FORWARD = """table inet forwards {{
    chain pre {{ type nat hook prerouting priority dstnat
        {}
    }}
}}"""


@test("O1", "a port forward keeps its port: one, a range, and redirect")
def forward():
    rules = ((f"iifname wan udp dport 51820 dnat ip to {OTHER}", (PHONE, SERVER)),
             ("iifname wan udp dport 51820-51822 dnat ip6 to 2001:db8:2::20", (PHONE6, SERVER6)),
             ("iifname wan udp dport 51821 redirect to :53", (PHONE, SERVER)),
             ("iifname wan udp dport 51821 redirect to :53", (PHONE6, SERVER6)))
    for rule, ends in rules:
        net.attach(FORWARD.format(rule))
        try:
            assert given(*ends, 51820) not in (51820, 51821), rule
        finally:
            router("nft delete table inet forwards")
    net.attach(FORWARD.format(f"iifname lan udp dport 51820 dnat ip to {OTHER}"))
    assert given(PHONE, SERVER, 51820) == 51820
    router("nft delete table inet forwards")


run(after=net.nothing_left)
