# SPDX-License-Identifier: GPL-2.0-only
"""
The networks a seed may have: phones in `lan` and `lan2`, a router, providers in `out` and, by
another uplink, in `out2`. Each of them is a network namespace.

    lan  192.168.1.0/24, 2001:db8:1::/64 ---.             .--- out  203.0.113.0/24, 2001:db8:ffff::/64
                                             router ------|      |
    lan2 192.168.2.0/24, 2001:db8:2::/64 ---'             '--- out2 198.51.100.0/24, 2001:db8:fffe::/64

A topology is a dictionary of OPTIONS. build() makes it twice: `plain`, where the router has no
rule at all and everybody has a route to everybody, or with its NAT, its firewall and the helper.
"""
import os
import subprocess

from topology import CLONE_NEWNET, enter, libc

OWN = os.open("/proc/self/ns/net", os.O_RDONLY)

# Each option and what it may be: the first is the least, which shrinking tries.
OPTIONS = {
    "family": ("4", "6"),
    "nat": ("masquerade", "snat", "pool", "range", "none"),
    "firewall": ("home", "strict"),
    "uplinks": ("1", "2"),
    "zone": ("no", "yes"),
    "vrf": ("no", "yes"),
    "service": ("no", "yes"),
    "forward": ("no", "yes"),
    # phones are at a port of a bridge, whose frames IP's hooks see or do not (br_netfilter)
    "bridge": ("no", "yes", "netfilter"),
}
# Drawn apart from the others, so that seeds of before stay what they were.
LATER = ("bridge",)
LEAST = {name: values[0] for name, values in OPTIONS.items()}

PLACES = ("lan", "lan2", "out", "out2")
PREFIX = {"4": {"lan": "192.168.1.", "lan2": "192.168.2.", "out": "203.0.113.", "out2": "198.51.100."},
          "6": {"lan": "2001:db8:1::", "lan2": "2001:db8:2::", "out": "2001:db8:ffff::", "out2": "2001:db8:fffe::"}}
LENGTH = {"4": 24, "6": 64}
# hosts of the last group that stand for something; parties have 10 to 39, their media hosts 110 to 139
ROUTER, NEXT, PROXY, PROXY2, STRANGER, GATEWAY = 1, 9, 50, 51, 70, 254
POOL = (1, 2, 3, 4)
HOSTS = {"lan": range(10, 20), "lan2": range(20, 24), "out": (*range(30, 40), *range(130, 140), PROXY, PROXY2, STRANGER),
         "out2": (*range(30, 40), *range(130, 140))}
DEVICE = {"lan": "lan", "lan2": "lan2", "out": "wan", "out2": "wan2"}
PORTS = (20000, 29999)      # of `masquerade to`
# of the router's own, and of a port forward to a host in lan
SERVICE, FORWARDED, FORWARDED_HOST = 51820, 30000, 19


def address(family, place, host):
    return f"{PREFIX[family][place]}{host}"


def is_inside(place):
    return place in ("lan", "lan2")


class Network:
    def __init__(self, options, plain):
        self.options, self.plain = options, plain
        self.family = options["family"]
        self.natted = not plain and options["nat"] != "none"
        self.face = ROUTER      # what the router has on its uplinks

    def at(self, place, host):
        return address(self.family, place, host)

    def places(self):
        return PLACES if self.options["uplinks"] == "2" else PLACES[:3]

    def build(self):
        clear()
        names = ("router", *self.places())
        ip([], [f"netns add {name}" for name in names])
        for name in names:
            enter(name)
            settle(name)
        batch("router", self._links())
        if self.has_bridge():
            enter("router")
            for family in ("iptables", "ip6tables"):
                sysctl(f"bridge/bridge-nf-call-{family}", int(self.options["bridge"] == "netfilter"))
        batch("router", self.router_addresses(self.places()))
        batch("router", [f"route add ::/0 dev {DEVICE[place]}" + (" table 10" if self.has_vrf() else "")
                         for place in self.places() if self.by_default(place)])
        for place in self.places():
            batch(place, ["link set lo up", "link set eth0 up", *self._host_addresses(place)])
        if self.options["uplinks"] == "2":
            self._core()
        if not self.plain:
            self.load_rules()

    def _links(self):
        yield "link set lo up"
        if self.has_vrf():
            yield from ("link add red type vrf table 10", "link set red up")
        for place in self.places():
            device = DEVICE[place]
            if place == "lan" and self.has_bridge():
                yield from (f"link add {device} type bridge", f"link add port type veth peer name eth0 netns {place}",
                            f"link set port master {device}", "link set port up")
            else:
                yield f"link add {device} type veth peer name eth0 netns {place}"
            if self.has_vrf():
                yield f"link set {device} master red"
            yield f"link set {device} up"

    def has_vrf(self):
        return not self.plain and self.options["vrf"] == "yes"

    def has_bridge(self):
        return not self.plain and self.options["bridge"] != "no"

    def router_addresses(self, places):
        for place in places:
            hosts = [self.face if place == "out" else ROUTER]
            if not is_inside(place):
                hosts = list(POOL) if self.options["nat"] == "pool" and place == "out" and not self.plain else hosts
                if not self.natted:
                    hosts.append(GATEWAY)
            length = 128 if self.by_default(place) else LENGTH[self.family]
            for host in hosts:
                yield f"addr add {self.at(place, host)}/{length} dev {DEVICE[place]}" + self._nodad()

    def by_default(self, place):
        """
        The second uplink of IPv6 is where the default route leads. Addresses of IPv6 do not tell who
        is inside, and a host that neither end's interface and no default route leads to is in
        somebody else's network (H-25, doc/limits.md).
        """
        return self.family == "6" and place == "out2"

    def _host_addresses(self, place):
        for host in HOSTS[place]:
            yield f"addr add {self.at(place, host)}/{LENGTH[self.family]} dev eth0" + self._nodad()
        if is_inside(place):
            yield f"route add default via {self.at(place, ROUTER)}"
        elif not self.natted:
            for inside in ("lan", "lan2"):
                yield f"route add {self.prefix(inside)} via {self.at(place, GATEWAY)}"

    def prefix(self, place):
        return f"{PREFIX[self.family][place]}{'0' if self.family == '4' else ''}/{LENGTH[self.family]}"

    def _nodad(self):
        return " nodad" if self.family == "6" else ""

    def _core(self):
        """The Internet between the two providers."""
        mine, theirs = ("10.99.0.1", "10.99.0.2") if self.family == "4" else ("2001:db8:99::1", "2001:db8:99::2")
        length = 30 if self.family == "4" else 64
        batch("out", ["link add core type veth peer name core netns out2", "link set core up",
                      f"addr add {mine}/{length} dev core" + self._nodad(),
                      f"route add {self.prefix('out2')} via {theirs}"])
        batch("out2", ["link set core up", f"addr add {theirs}/{length} dev core" + self._nodad(),
                       f"route add {self.prefix('out')} via {mine}"])

    def load_rules(self):
        nft(self.rules())

    def rules(self):
        return "flush ruleset\n" + RULES.format(
            zones="iifname { lan, lan2 } ct original zone set 1" if self.options["zone"] == "yes" else "",
            # what has come by an interface of a VRF has come by the VRF, for a forward chain
            inside=f"{'ip' if self.family == '4' else 'ip6'} saddr {{ {self.prefix('lan')}, {self.prefix('lan2')} }}",
            what="" if self.options["firewall"] == "home" else "meta l4proto { tcp, udp } th dport 5060",
            forwarded=f"{'ip' if self.family == '4' else 'ip6'} daddr {self.at('lan', FORWARDED_HOST)} udp dport "
                      f"{FORWARDED} accept" if self.options["forward"] == "yes" else "",
        ) + self._nat()

    def _nat(self):
        family = "ip" if self.family == "4" else "ip6"
        face = self.at("out", self.face)
        source = {"masquerade": "masquerade", "none": "",
                  "snat": f"oifname wan snat {family} to {face}; masquerade",
                  "pool": f"oifname wan snat {family} to {face}-{self.at('out', self.face + 3)}; masquerade",
                  "range": f"meta l4proto {{ tcp, udp }} masquerade to :{PORTS[0]}-{PORTS[1]}"}[self.options["nat"]]
        lines = [f"iifname {{ lan, lan2, red }} oifname {{ wan, wan2 }} {rule}" for rule in source.split("; ") if rule]
        forward = (f"chain before {{ type nat hook prerouting priority dstnat\n"
                   f"iifname {{ wan, wan2, red }} fib daddr type local udp dport {FORWARDED} dnat {family} to "
                   f"{self.at('lan', FORWARDED_HOST)}\n}}") if self.options["forward"] == "yes" and self.natted else ""
        return NAT.format("\n".join(lines), forward)

    def faces(self):
        """Addresses by which those outside reach the router, or would have."""
        return [self.at(place, host) for place in self.places() if not is_inside(place)
                for host in (*POOL, NEXT)]


RULES = """
table inet sip {{
    ct helper sip-udp {{ type "sipalg" protocol udp; }}
    ct helper sip-tcp {{ type "sipalg" protocol tcp; }}
    chain zones {{ type filter hook prerouting priority raw
        {zones}
    }}
    chain pre {{ type filter hook prerouting priority filter
        udp dport 5060 ct helper set "sip-udp"
        tcp dport 5060 ct helper set "sip-tcp"
    }}
    chain forward {{ type filter hook forward priority filter; policy drop
        ct state established,related accept
        meta l4proto icmpv6 accept
        {inside} {what} accept
        {forwarded}
    }}
}}
"""
NAT = """
table inet nat {{
    chain post {{ type nat hook postrouting priority srcnat
        {}
    }}
    {}
}}
"""


def settle(name):
    """What the namespace that we are in needs, whatever it is."""
    for path, value in (("ipv4/ip_forward", 1), ("ipv6/conf/all/forwarding", 1),
                        ("ipv4/conf/all/rp_filter", 0), ("ipv4/conf/default/rp_filter", 0),
                        ("ipv4/conf/default/promote_secondaries", 1), ("ipv6/conf/default/accept_dad", 0),
                        ("ipv4/udp_l3mdev_accept", 1),
                        ("ipv4/conf/all/accept_local", 1 if name != "router" else 0),
                        ("ipv4/conf/all/send_redirects", 0), ("ipv4/conf/default/send_redirects", 0)):
        sysctl(path, value)


def sysctl(path, value):
    with open(f"/proc/sys/net/{path}", "w", encoding="ascii") as file:
        file.write(str(value))


def batch(name, lines):
    lines = list(lines)
    ip(["-n", name, *(["-6"] if any(":" in line for line in lines) else [])], lines)


def ip(options, lines):
    """One process for all: in the user-mode kernel they are what takes time."""
    subprocess.run(["ip", *options, "-batch", "-"], check=True, text=True, input="\n".join(lines) + "\n",
                   stdout=subprocess.DEVNULL)


def nft(rules):
    enter("router")
    done = subprocess.run(["nft", "-f", "-"], input=rules, text=True, capture_output=True)
    if done.returncode:
        raise RuntimeError(rules + done.stderr)


def clear():
    """Away with all of them; we are in none, or it would stay."""
    libc.setns(OWN, CLONE_NEWNET)
    ip([], [f"netns delete {name}" for name in ("router", *PLACES) if os.path.exists(f"/run/netns/{name}")])
