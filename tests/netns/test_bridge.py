#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""
Phones and provider in one subnet, the router a bridge between them (S1-10):
pinholes as ever and not one byte changed. By br_netfilter, where rules are
those of a router, and by nf_conntrack_bridge, where they are the bridge's own.
"""
import time

import topology as net
from sip import Call, sdp
from ksft import run, same, test
from topology import Udp, attach, router, shell

PHONE, SERVER, RELAY = "192.168.9.10", "192.168.9.50", "192.168.9.60"
PHONE6, SERVER6 = "2001:db8:9::10", "2001:db8:9::50"

# of bridged ARP and IPv6 neighbours no rule of a router's hears, or must
ROUTER_RULES = """
table inet sip {
    ct helper sip {
        type "sipalg" protocol udp
    }
    chain pre { type filter hook prerouting priority filter
        udp dport 5060 ct helper set "sip"
    }
    chain forward { type filter hook forward priority filter; policy drop
        ct state established,related accept
        udp dport 5060 accept
        meta l4proto icmpv6 accept
    }
}
"""


def build():
    for name in ("phone", "router", "provider"):
        shell(f"ip netns add {name}; ip -n {name} link set lo up")
        shell(f"ip netns exec {name} sysctl -qw net.ipv6.conf.default.accept_dad=0")
    shell("ip -n router link add br0 type bridge; ip -n router link set br0 up")
    for name, addresses in (("phone", (f"{PHONE}/24", f"{PHONE6}/64")),
                            ("provider", (f"{SERVER}/24", f"{RELAY}/24", f"{SERVER6}/64"))):
        shell(f"ip link add eth0 netns {name} type veth peer name {name} netns router")
        for address in addresses:
            shell(f"ip -n {name} addr add {address} dev eth0" + (" nodad" if ":" in address else ""))
        shell(f"ip -n {name} link set eth0 up; ip -n router link set {name} master br0 up")


def wake(phone, server):
    def arrives():
        phone.send(b"\r\n", server.address[0])
        return server.recv(1)
    net.until(arrives, 20)


def carried(data, sender, receiver):
    sender.send(data, receiver.address[0])
    same(receiver.recv(), data)


def passes(sender, receiver):
    sender.send(b"media", *receiver.address)
    return receiver.recv(0.5) == b"media"


def whole_call(name, address, peer):
    """A call from phone to provider; its bytes, pinholes, audio, and its end."""
    phone, server = Udp("phone", address, 5060), Udp("provider", peer, 5060)
    wake(phone, server)
    host = f"[{address}]:5060" if ":" in address else f"{address}:5060"
    call = Call(name, host, host, f"[{peer}]" if ":" in peer else peer)
    early = Udp("provider", peer, 7000), Udp("phone", address, 4000)
    assert not passes(*early), "the bridge lets everything through"
    carried(call.request("INVITE", sdp(address, 4000)), phone, server)
    assert len(net.expectations()) == 2, net.expectations()
    carried(call.response("200 OK", body=sdp(peer, 6000)), server, phone)
    carried(call.request("ACK", to_tag=True), phone, server)
    ours, theirs = early[1], Udp("provider", peer, 6000)
    assert passes(theirs, ours) and passes(ours, theirs)
    carried(call.request("BYE", cseq=2, to_tag=True), phone, server)
    carried(call.response("200 OK", "BYE"), server, phone)
    time.sleep(6)
    assert not net.expectations() and not passes(theirs, ours)
    for sock in (phone, server, ours, theirs, early[0]):
        sock.close()
    time.sleep(200)


@test("S1-10", "br_netfilter, IPv4: pinholes open and close, every byte is the same")
def by_br_netfilter():
    router("sysctl -qw net.bridge.bridge-nf-call-iptables=1 net.bridge.bridge-nf-call-ip6tables=1")
    attach(ROUTER_RULES)
    whole_call("four", PHONE, SERVER)


@test("S1-10", "br_netfilter, IPv6: the same")
def six_by_br_netfilter():
    whole_call("six", PHONE6, SERVER6)
    router("nft delete table inet sip")
    router("sysctl -qw net.bridge.bridge-nf-call-iptables=0 net.bridge.bridge-nf-call-ip6tables=0")


@test("S1-10", "nf_conntrack_bridge, IPv4: pinholes open and close, every byte is the same")
def by_conntrack_bridge():
    router("nft -f recipes/bridge.nft")
    whole_call("bfour", PHONE, SERVER)


@test("S1-10", "nf_conntrack_bridge, IPv6: the same")
def six_by_conntrack_bridge():
    whole_call("bsix", PHONE6, SERVER6)


build()
run()
