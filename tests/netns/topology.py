# SPDX-License-Identifier: GPL-2.0-only
"""
Phones, a router and a provider as network namespaces of the test's kernel.

    phone 192.168.1.10 ---.
                           router 203.0.113.1 --- provider 203.0.113.50
    other 192.168.2.20 ---'                       and .60, .70 of the same host

and the same with 2001:db8:1::/64, :2::/64 inside and 2001:db8:ffff::/64 outside.
One process holds the sockets of all of them, so that a test is a straight line.
"""
import ctypes
import os
import select
import socket
import subprocess
import time

import ctnetlink

CLONE_NEWNET = 0x40000000
# Where sleeping takes its time and the machine is slow (scripts/guest/netns-tests).
TIME_IS_REAL = "TIME_IS_REAL" in os.environ
PATIENCE = 3 if TIME_IS_REAL else 1
libc = ctypes.CDLL(None, use_errno=True)

PHONE, OTHER, ROUTER = "192.168.1.10", "192.168.2.20", "203.0.113.1"
SERVER, RELAY, STRANGER = "203.0.113.50", "203.0.113.60", "203.0.113.70"
PHONE6, OTHER6, ROUTER6 = "2001:db8:1::10", "2001:db8:2::20", "2001:db8:ffff::1"
SERVER6, RELAY6 = "2001:db8:ffff::50", "2001:db8:ffff::60"

MASQUERADE = """
table inet nat {
    chain post { type nat hook postrouting priority srcnat
        oifname wan masquerade
    }
}
"""

RULES = """
table inet sip {
    ct helper sip-udp {
        type "sipalg" protocol udp
    }
    ct helper sip-tcp {
        type "sipalg" protocol tcp
    }
    chain pre { type filter hook prerouting priority filter
        udp dport 5060 ct helper set "sip-udp"
        tcp dport 5060 ct helper set "sip-tcp"
    }
    chain forward { type filter hook forward priority filter; policy drop
        ct state established,related accept
        iifname { lan, lan2 } meta l4proto { tcp, udp } th dport 5060 accept
        ip6 nexthdr icmpv6 accept
    }
}
"""


def shell(command):
    """Runs a command and gives back what it printed; its failure is ours."""
    done = subprocess.run(command, shell=True, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"{command}\n{done.stdout}{done.stderr}")
    return done.stdout


def enter(namespace):
    handle = os.open(f"/run/netns/{namespace}", os.O_RDONLY)
    if libc.setns(handle, CLONE_NEWNET):
        raise OSError(ctypes.get_errno(), "setns")
    os.close(handle)


def router(command):
    return shell(f"ip netns exec router {command}")


def link(left, left_if, right_if, left_addresses, right_addresses):
    shell(f"ip link add {left_if} netns {left} type veth peer name {right_if} netns router")
    for space, name, addresses in ((left, left_if, left_addresses),
                                   ("router", right_if, right_addresses)):
        for address in addresses:
            shell(f"ip -n {space} addr add {address} dev {name}" +
                  (" nodad" if ":" in address else ""))
        shell(f"ip -n {space} link set {name} up")


def build(nat=MASQUERADE):
    """Makes everything; call it once, before any socket."""
    for name in ("phone", "other", "provider"):
        namespace(name)
    build_router(nat)
    for client, server in ((PHONE, SERVER), (PHONE6, SERVER6)):
        _wake(client, server)


def namespace(name):
    shell(f"ip netns add {name}; ip -n {name} link set lo up")
    shell(f"ip netns exec {name} sysctl -qw net.ipv6.conf.default.accept_dad=0")


def build_router(nat=MASQUERADE):
    """Makes the router and its links, at first or when it has been deleted."""
    namespace("router")
    link("phone", "eth0", "lan", (f"{PHONE}/24", f"{PHONE6}/64"),
         ("192.168.1.1/24", "2001:db8:1::1/64"))
    link("other", "eth0", "lan2", (f"{OTHER}/24", f"{OTHER6}/64"),
         ("192.168.2.1/24", "2001:db8:2::1/64"))
    link("provider", "eth0", "wan",
         (f"{SERVER}/24", f"{RELAY}/24", f"{STRANGER}/24", f"{SERVER6}/64", f"{RELAY6}/64"),
         (f"{ROUTER}/24", f"{ROUTER6}/64"))
    shell("ip -n phone route add default via 192.168.1.1")
    shell("ip -n phone route add default via 2001:db8:1::1")
    shell("ip -n other route add default via 192.168.2.1")
    shell("ip -n other route add default via 2001:db8:2::1")
    if not nat:
        shell(f"ip -n provider route add default via {ROUTER}")
        shell(f"ip -n provider route add default via {ROUTER6}")
    router("sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1")
    # the table belongs to the whole kernel
    shell("sysctl -qw net.netfilter.nf_conntrack_expect_max=100000")
    for rules in (RULES, nat):
        attach(rules)


def _wake(client, server):
    """Neighbours find each other at their leisure: wait for that once."""
    ours, theirs = Udp("phone", client, 5060), Udp("provider", server, 5060)

    def arrives():
        ours.send(b"\r\n", server)
        return theirs.recv(1)
    until(arrives, 20)
    ours.close()
    theirs.close()
    for family in ("ipv4", "ipv6"):
        router(f"conntrack -D -f {family} -p udp 2>/dev/null || true")


def attach(rules=RULES):
    """Loads rules into the router, by default those that attach the helper."""
    with open("/tmp/rules.nft", "w", encoding="ascii") as file:
        file.write(rules)
    router("nft -f /tmp/rules.nft")


def detach():
    """Takes the helper's rules away, and with them the firewall."""
    router("nft delete table inet sip")


def _family(address):
    return socket.AF_INET6 if ":" in address else socket.AF_INET


class Udp:
    """A UDP socket in one of the namespaces."""

    def __init__(self, namespace, address, port):
        enter(namespace)
        self.socket = socket.socket(_family(address), socket.SOCK_DGRAM)
        self.socket.bind((address, port))
        self.address = (address, port)

    def send(self, data, address, port=5060):
        self.socket.sendto(data, (address, port))

    def recv(self, seconds=2):
        """The next datagram, or None; its sender is in `sender`."""
        if not select.select([self.socket], [], [], seconds * PATIENCE)[0]:
            return None
        data, sender = self.socket.recvfrom(65536)
        self.sender = sender[:2]
        return data

    def close(self):
        self.socket.close()


class Tcp:
    """One end of a TCP connection."""

    def __init__(self, sock):
        self.socket = sock
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    @staticmethod
    def pair(namespace, address, port, server=SERVER):
        """Both ends of a connection from a phone to the provider."""
        enter("provider")
        listener = socket.socket(_family(server))
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((server, 5060))
        listener.listen()
        enter(namespace)
        client = socket.socket(_family(address))
        client.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        client.bind((address, port))
        client.connect((server, 5060))
        accepted, _ = listener.accept()
        listener.close()
        return Tcp(client), Tcp(accepted)

    def send(self, data):
        self.socket.sendall(data)

    def recv(self, length, seconds=5):
        """So many bytes, or fewer if no more come in time."""
        data = b""
        while len(data) < length and select.select([self.socket], [], [],
                                                        seconds * PATIENCE)[0]:
            more = self.socket.recv(length - len(data))
            if not more:
                break
            data += more
        return data

    def close(self):
        self.socket.close()


def expectations(kind="media"):
    """The module's open pinholes of a kind: ctnetlink.Expectation, each also a line of text."""
    return [hole for hole in ctnetlink.expectations() if hole.kind == kind and
            hole.helper == "sipalg"]


def pinhole(address, port, kind="media"):
    """The pinhole to an address and port, or None."""
    for hole in expectations(kind):
        if (hole.dst, hole.dport) == (plain(address), port):
            return hole
    return None


def plain(address):
    """An address as the kernel's tools write it."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    return socket.inet_ntop(family, socket.inet_pton(family, address))


def connections(address, port):
    """Tracked UDP connections in which this address and port take part."""
    lines = router("conntrack -L -p udp 2>/dev/null").splitlines()
    lines += router("conntrack -L -f ipv6 -p udp 2>/dev/null").splitlines()
    return [line for line in lines
            if (f"src={address} " in line or f"dst={address} " in line) and
            (f"port={port} " in line)]


def until(condition, seconds, step=0.1):
    """Looks every `step` if a condition holds, and says after how many seconds it did."""
    start = time.monotonic()
    while not condition():
        if time.monotonic() - start > seconds:
            raise AssertionError(f"has not come to pass in {seconds} s")
        time.sleep(step)
    return time.monotonic() - start


def nothing_left():
    """Whatever a test has begun: 40 s later no media pinhole is there."""
    if TIME_IS_REAL:
        until(lambda: not expectations(), 40, 1)
        return
    time.sleep(40)
    left = expectations()
    if left:
        raise AssertionError("left over: " + "; ".join(left))
