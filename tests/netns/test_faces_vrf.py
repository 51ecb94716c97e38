#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""All interfaces in a VRF: whose address is whose is asked there."""
import topology as net
from ksft import run, test
from sip import Call, sdp
from topology import PHONE, PHONE6, RELAY, RELAY6, ROUTER, ROUTER6, SERVER, SERVER6, Udp, router

net.build()
router("ip link add red type vrf table 10")
router("ip link set red up")
for name in ("lan", "lan2", "wan"):
    router(f"ip link set {name} down")
    router(f"ip link set {name} master red")
    router(f"ip link set {name} up")
# the kernel takes IPv6 addresses off as the link changes its VRF
for address, name in (("2001:db8:1::1/64", "lan"), ("2001:db8:2::1/64", "lan2"),
                      (f"{ROUTER6}/64", "wan")):
    router(f"ip addr replace {address} dev {name} nodad")
# what has come by one of its interfaces has come by the VRF, for a forward chain
net.attach("""table inet sip {
    chain forward {
        iifname red meta l4proto { tcp, udp } th dport 5060 accept
    }
}""")
COUNT = [0]
FAMILIES = ((PHONE, SERVER, RELAY, ROUTER, "192.168.1.1"),
            (PHONE6, SERVER6, RELAY6, ROUTER6, "2001:db8:1::1"))


def host(address, port=5060):
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"


def invite(phone_ip, server_ip, body, answer):
    """A call that is answered: what the provider sees of it, and how to end it."""
    COUNT[0] += 1
    phone, server = Udp("phone", phone_ip, 5060), Udp("provider", server_ip, 5060)
    call = Call(f"vrf{COUNT[0]}", host(phone_ip), "",
                f"[{server_ip}]" if ":" in server_ip else server_ip)

    def asks():
        phone.send(call.request("INVITE", body), server_ip)
        return server.recv(1)
    got = asks() or asks() or asks()
    assert got, "no INVITE"
    call.seen = host(*server.sender)
    server.send(call.response("200 OK", body=answer), *server.sender)
    assert phone.recv()

    def end():
        phone.send(call.request("BYE", cseq=2, to_tag=True), server_ip)
        assert server.recv()
        server.send(call.response("200 OK", "BYE"), *server.sender)
        assert phone.recv()
        phone.close()
        server.close()
    return got, end


@test("N4", "control: a call in a VRF has audio both ways")
def control():
    for phone, server, relay, address, _ in FAMILIES:
        got, end = invite(phone, server, sdp(phone, 4000), sdp(relay, 6000))
        assert f" {address}\r\n".encode() in got, got
        port = int(got.split(b"m=audio ")[1].split()[0])
        ours, theirs = Udp("phone", phone, 4000), Udp("provider", relay, 6000)
        theirs.send(b"in", address, port)
        assert ours.recv(1) == b"in"
        ours.send(b"out", relay, 6000)
        assert theirs.recv(1) == b"out" and theirs.sender == (address, port), theirs.sender
        ours.close()
        theirs.close()
        end()


@test("N4", "a phone that names the router's own address opens nothing of the router's")
def router_address():
    for phone, server, relay, address, inside in FAMILIES:
        for own in (address, inside):
            _, end = invite(phone, server, sdp(own, 8080), sdp(relay, 6000))
            assert not net.pinhole(own, 8080), net.expectations()
            end()


run(after=net.nothing_left)
