# SPDX-License-Identifier: GPL-2.0-only
"""
The networks of real phones, as namespaces:

    alice 192.168.1.10 ---.
                           router 203.0.113.1 --- provider 203.0.113.10 --- bob 198.51.100.20
    carol 192.168.2.20 ---'                             |          '------- dave 198.51.101.30
    pbx 192.168.3.30  ----'                             |          '------- erin 198.51.102.40
                                    sbc1 198.51.103.11, sbc2 198.51.104.12,
                                    sbc3 198.51.105.13, media 198.51.106.30

Of IPv4 alone: an exchange behind the router, dave at the provider, erin at the
exchange. IPv6: 2001:db8:1::10, :2::20, :ffff::1, :ffff::10, :b::20, and :c1:: to :c4:: of
the provider's other hosts. IPv4 of alice and carol is masqueraded, IPv6 is not: there
the firewall alone is in the way.

A way is udp or tcp by IPv4, udp6 or tcp6 by IPv6, udp64 or tcp64 by a translator
in the router: then alice and carol have IPv6 alone, and bob, the provider and its
relay IPv4 (doc/nat64.md).
"""
import ipaddress
import json
import os
import subprocess

import netns

RECIPE = os.path.abspath(f"{os.path.dirname(__file__)}/../../recipes/nat64")

TOOL = os.path.abspath(f"{RECIPE}/../../tools/sipalg-ctl/sipalg-ctl")

ADDRESS = {
    "alice": ("192.168.1.10", "2001:db8:1::10"),
    "carol": ("192.168.2.20", "2001:db8:2::20"),
    "bob": ("198.51.100.20", "2001:db8:b::20"),
}
# only in rows with an exchange; see exchanges.py
MORE = {
    "pbx": ("192.168.3.30",),
    "dave": ("198.51.101.30",),
    "erin": ("198.51.102.40",),
}
# hosts of the provider beside its proxy; see places.py
HOSTS = {
    "sbc1": ("198.51.103.11", "2001:db8:c1::11"),
    "sbc2": ("198.51.104.12", "2001:db8:c2::12"),
    "sbc3": ("198.51.105.13", "2001:db8:c3::13"),
    "media": ("198.51.106.30", "2001:db8:c4::30"),
}
PUBLIC = "203.0.113.1"
# what the router has outside, one after another; see new_lease
LEASES = (PUBLIC, "203.0.113.2", "203.0.113.3")
SERVER = ("203.0.113.10", "2001:db8:ffff::10")
RELAY = HOSTS["media"]
# the recipe's prefix of what a phone behind the translator sees
PREFIX = "2001:db8:64::"
TAYGA = """
tun-device nat64
ipv4-addr 10.64.0.1
ipv6-addr 2001:db8:64:1::1
prefix 2001:db8:64::/96
map 10.64.0.10 2001:db8:1::10
map 10.64.0.20 2001:db8:2::20
data-dir /tmp/tayga
"""

LINKS = """
alice eth0 192.168.1.10/24 2001:db8:1::10/64 router lan 192.168.1.1/24 2001:db8:1::1/64
carol eth0 192.168.2.20/24 2001:db8:2::20/64 router lan2 192.168.2.1/24 2001:db8:2::1/64
router wan 203.0.113.1/24 2001:db8:ffff::1/64 provider uplink 203.0.113.10/24 2001:db8:ffff::10/64
bob eth0 198.51.100.20/24 2001:db8:b::20/64 provider access 198.51.100.1/24 2001:db8:b::1/64
pbx eth0 192.168.3.30/24 router lan3 192.168.3.1/24
dave eth0 198.51.101.30/24 provider access2 198.51.101.1/24
erin eth0 198.51.102.40/24 provider access3 198.51.102.1/24
sbc1 eth0 198.51.103.11/24 2001:db8:c1::11/64 provider core1 198.51.103.1/24 2001:db8:c1::1/64
sbc2 eth0 198.51.104.12/24 2001:db8:c2::12/64 provider core2 198.51.104.1/24 2001:db8:c2::1/64
sbc3 eth0 198.51.105.13/24 2001:db8:c3::13/64 provider core3 198.51.105.1/24 2001:db8:c3::1/64
media eth0 198.51.106.30/24 2001:db8:c4::30/64 provider core4 198.51.106.1/24 2001:db8:c4::1/64
"""
GATEWAYS = {
    "alice": ("192.168.1.1", "2001:db8:1::1"),
    "carol": ("192.168.2.1", "2001:db8:2::1"),
    "bob": ("198.51.100.1", "2001:db8:b::1"),
    "router": SERVER,
    "pbx": ("192.168.3.1",),
    "dave": ("198.51.101.1",),
    "erin": ("198.51.102.1",),
    "sbc1": ("198.51.103.1", "2001:db8:c1::1"),
    "sbc2": ("198.51.104.1", "2001:db8:c2::1"),
    "sbc3": ("198.51.105.1", "2001:db8:c3::1"),
    "media": ("198.51.106.1", "2001:db8:c4::1"),
}

# Of which each program is asked how much audio it got and sent: RTP version 2,
# a payload type below 64 (RTCP's second byte reads as 72 and more), and of 96 and more if
# it is video. What an exchange gets beside: fax as data (T.38), and the re-INVITEs and
# UPDATEs that phones get.
COUNT = """
table inet count {
    counter got { }
    counter seen { }
    counter sent { }
    counter fax { }
    counter refreshes { }
    chain in { type filter hook input priority raw
        meta l4proto udp @th,64,8 0x80 @th,73,7 < 64 counter name got
        meta l4proto udp @th,64,8 0x80 @th,73,7 96-127 counter name seen
        udp dport 20000-20199 counter name fax
        udp dport 5060 @th,64,32 { 0x494e5649, 0x55504441 } counter name refreshes
    }
    chain out { type filter hook output priority raw
        meta l4proto udp @th,64,8 0x80 @th,73,7 < 64 counter name sent
    }
}
"""

# A home router: who is inside may go out, nobody comes in unasked. What is sent to
# the router itself is dropped as well: conntrack forgets it then, else audio that
# comes before the phone's own would take the public port away from the phone.
FIREWALL = """
table inet firewall {
    chain input { type filter hook input priority filter; policy drop
        ct state established,related accept
        iifname { lan, lan2, lan3 } accept
        meta l4proto ipv6-icmp accept
    }
    chain forward { type filter hook forward priority filter; policy drop
        ct state established,related accept
        iifname { lan, lan2, lan3 } oifname wan accept
        meta l4proto ipv6-icmp accept
        iifname { lan, lan2, lan3 } oifname nat64 accept
        iifname nat64 oifname wan accept
        iifname nat64 meta nfproto ipv6 accept
    }
}
table ip nat {
    chain post { type nat hook postrouting priority srcnat
        oifname wan masquerade
    }
}
"""

HELPER = """
table inet sip {
    ct helper sip-udp { type "NAME" protocol udp; }
    ct helper sip-tcp { type "NAME" protocol tcp; }
    chain pre { type filter hook prerouting priority filter
        ip6 daddr 2001:db8:64::/96 return
        udp dport 5060 ct helper set "sip-udp"
        tcp dport 5060 ct helper set "sip-tcp"
    }
}
"""


def shell(command):
    done = subprocess.run(command, shell=True, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"{command}\n{done.stdout}{done.stderr}")
    return done.stdout


def load(namespace, rules):
    with netns.inside(namespace):
        subprocess.run(["nft", "-f", "-"], input=rules, text=True, check=True)


def build(mode):
    """`mode`: sipalg, sip (the kernel's own), none (no helper), routed (no NAT either)."""
    for name in (*ADDRESS, *MORE, *HOSTS, "router", "provider"):
        shell(f"ip netns add {name}; ip -n {name} link set lo up")
        shell(f"ip netns exec {name} sysctl -qw net.ipv6.conf.default.accept_dad=0 "
              "net.ipv6.conf.all.forwarding=1 net.ipv4.ip_forward=1")
    for line in LINKS.split("\n")[1:-1]:
        words = line.split()
        half = len(words) // 2
        (left, left_if, *left_at), (right, right_if, *right_at) = words[:half], words[half:]
        shell(f"ip link add {left_if} netns {left} type veth peer name {right_if} netns {right}")
        for name, device, addresses in ((left, left_if, left_at), (right, right_if, right_at)):
            for address in addresses:
                shell(f"ip -n {name} addr add {address} dev {device}" +
                      (" nodad" if ":" in address else ""))
            shell(f"ip -n {name} link set {device} up")
    for name, hops in GATEWAYS.items():
        for hop in hops:
            shell(f"ip -n {name} route add default via {hop}")
    # private addresses are known outside in the control alone
    shell("ip -n provider route add " +
          ("192.168.0.0/16 via 203.0.113.1" if mode == "routed" else "blackhole 192.168.0.0/16"))
    shell("ip -n provider route add 2001:db8:1::/64 via 2001:db8:ffff::1; "
          "ip -n provider route add 2001:db8:2::/64 via 2001:db8:ffff::1")
    for name in (*ADDRESS, *MORE):
        load(name, COUNT)
    if mode != "routed":
        load("router", FIREWALL)
    if mode in ("sipalg", "sip"):
        load("router", HELPER.replace("NAME", mode))
    if mode != "routed":
        translate(mode)


def translate(mode):
    """A NAT64 in the router, by the recipe; the helper that knows of it is ours."""
    with netns.inside("router"):
        os.makedirs("/tmp/tayga", exist_ok=True)
        with open("/tmp/tayga.conf", "w", encoding="ascii") as file:
            file.write(TAYGA)
        shell("tayga --mktun --config /tmp/tayga.conf; ip link set nat64 up; "
              "ip route replace 10.64.0.0/16 dev nat64; ip -6 route replace 2001:db8:64::/96 dev nat64")
        subprocess.Popen(["tayga", "--nodetach", "--config", "/tmp/tayga.conf"], stdin=subprocess.DEVNULL,
                         stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    if mode == "sipalg":
        shell(f"{TOOL} -n router setting set "
              "nat64-prefix 2001:db8:64::/96 nat64-pool 10.64.0.0/16")


def lease():
    """What the router has outside now."""
    found = shell("ip -n router -4 -j addr show dev wan")
    return json.loads(found)[0]["addr_info"][0]["local"]


def new_lease(mode):
    """Another address outside, as a line has that has been dialled anew."""
    old = lease()
    new = LEASES[(LEASES.index(old) + 1) % len(LEASES)]
    # the route goes with the address
    shell(f"ip -n router addr del {old}/24 dev wan; ip -n router addr add {new}/24 dev wan; "
          f"ip -n router route add default via {SERVER[0]}")
    if mode == "routed":
        shell(f"ip -n provider route replace 192.168.0.0/16 via {new}")


def only_six(way):
    """Who is behind the translator has no IPv4; all others have both."""
    for name in "alice", "carol":
        hop = GATEWAYS[name][0]
        address = f"{ADDRESS[name][0]}/24"
        if is_translated(way):
            shell(f"ip -n {name} -4 addr flush dev eth0")
        elif address not in shell(f"ip -n {name} -4 addr show dev eth0"):
            shell(f"ip -n {name} addr add {address} dev eth0; ip -n {name} route add default via {hop}")


def is_translated(way):
    return way.endswith("64")


def is_six(way, user):
    """Whether a phone uses IPv6, as an index of the addresses above."""
    return way.endswith("6") or (is_translated(way) and user != "bob")


def transport(way):
    return way.rstrip("64")


def address(way, user):
    return {**ADDRESS, **MORE}[user][is_six(way, user)]


def seen_by(way, user, host):
    """One of the two addresses of a provider's host, as a phone sees it."""
    if is_translated(way) and user != "bob":
        return str(ipaddress.IPv6Address(int(ipaddress.IPv6Address(PREFIX)) |
                                         int(ipaddress.IPv4Address(host[0]))))
    return host[is_six(way, user)]


def count(name):
    """All counters of a namespace until now."""
    with netns.inside(name):
        text = subprocess.run(["nft", "-j", "list", "counters"], capture_output=True, text=True,
                              check=True).stdout
    return {entry["counter"]["name"]: entry["counter"]["packets"]
            for entry in json.loads(text)["nftables"] if "counter" in entry}


def counters(name):
    """RTP packets that a phone has got and sent until now."""
    found = count(name)
    return found["got"], found["sent"]
