# SPDX-License-Identifier: GPL-2.0-only
"""
Established media: cycles from a packet's first hook in the router to its last,
of a call's, and of the same translation by rules in a kernel without the
module; and packets a second, by a flowtable as well.
"""
import os
import statistics
import time

import topology as net
from sip import Call, sdp
from topology import PHONE, RELAY, ROUTER, SERVER, Udp, enter, router, shell

SIPALG = os.path.abspath(os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                      "../../build/module-um-bench/sipalg.ko"))
PORT = 20000
RTP = bytes(172)    # 20 ms of G.711

# As many rules as net.RULES has, for each packet the same.
PLAIN = """
table inet sip {
    chain pre { type filter hook prerouting priority filter
        udp dport 5060 accept
        tcp dport 5060 accept
    }
    chain forward { type filter hook forward priority filter; policy drop
        ct state established,related accept
        ct status dnat accept
    }
}
table ip static {
    chain pre { type nat hook prerouting priority dstnat
        iifname wan udp dport %d dnat to %s
    }
}
""" % (PORT, PHONE)

FLOWTABLE = """
table inet fast {
    flowtable ft { hook ingress priority 0; devices = { lan, wan }; }
    chain forward { type filter hook forward priority 10
        meta l4proto udp flow add @ft
    }
}
"""


class Media:
    """Both ends of a stream, which has begun."""

    def __init__(self):
        self.ours, self.theirs = Udp("phone", PHONE, PORT), Udp("provider", RELAY, PORT)
        self.exchange(20)

    def exchange(self, times):
        for _ in range(times):
            self.theirs.send(RTP, ROUTER, PORT)
            assert self.ours.recv(5)
            self.ours.send(RTP, RELAY, PORT)
            assert self.theirs.recv(5)

    def close(self):
        self.ours.close()
        self.theirs.close()

    def cycles(self, times):
        enter("router")
        with open("/proc/sipalg_bench", "w", encoding="ascii") as file:
            file.write("1")
        self.exchange(times)
        with open("/proc/sipalg_bench", encoding="ascii") as file:
            found = [int(line.split()[1]) for line in file]
        with open("/proc/sipalg_bench", "w", encoding="ascii") as file:
            file.write("0")
        assert len(found) == 2 * times, len(found)
        return found

    def rate(self, times):
        """Packets a second, one end sending and the other taking them out by turns."""
        start = time.monotonic()
        for _ in range(times // 50):
            for _ in range(50):
                self.theirs.send(RTP, ROUTER, PORT)
            for _ in range(50):
                assert self.ours.recv(5)
        return times / (time.monotonic() - start)


def call_up():
    """A call by sipalg; what its signalling needs goes when media has begun."""
    net.attach()
    phone, server = Udp("phone", PHONE, 5060), Udp("provider", SERVER, 5060)
    call = Call(f"rtp{time.monotonic_ns()}", f"{PHONE}:5060", f"{ROUTER}:5060", SERVER)
    for sender, data, address, receiver in (
            (phone, call.request("INVITE", sdp(PHONE, PORT)), SERVER, server),
            (server, call.response("200 OK", body=sdp(RELAY, PORT)), ROUTER, phone),
            (phone, call.request("ACK", to_tag=True), SERVER, server)):
        sender.send(data, address, 5060)
        assert receiver.recv(5)
    phone.close()
    server.close()


def take_away():
    router("nft delete table inet sip")
    router("nft delete table ip static 2>/dev/null || true")
    router("conntrack -D -p udp 2>/dev/null || true")


def measure(result, rounds, times):
    """Rounds of both in turns; the caller's rules are back afterwards."""
    cycles = {"no module": [], "sipalg": []}
    rate = {name + by: [] for by in ("", ", flowtable") for name in cycles}
    take_away()
    for _ in range(rounds):
        for name, found in cycles.items():
            if name == "sipalg":
                shell(f"insmod {SIPALG}")
                call_up()
            else:
                shell("rmmod sipalg")
                net.attach(PLAIN)
            media = Media()
            found += media.cycles(times)
            rate[name].append(media.rate(times))
            net.attach(FLOWTABLE)
            media.exchange(20)
            rate[name + ", flowtable"].append(media.rate(times))
            router("nft delete table inet fast")
            media.close()
            take_away()
    net.attach()
    medians = {name: statistics.median(found) for name, found in cycles.items()}
    share = medians["sipalg"] / medians["no module"]
    result["RTP"] = {"cycles": medians, "ratio": share,
                     "packets a second": {name: statistics.median(found)
                                          for name, found in rate.items()}}
    print(f"\n{'RTP packet, forwarded':30} {medians['no module']:18.0f} {medians['sipalg']:18.0f} "
          f"{share:6.2f}  1.02")
    for by in ("", ", flowtable"):
        print(f"{'packets a second' + by:30} {statistics.median(rate['no module' + by]):18.0f} "
              f"{statistics.median(rate['sipalg' + by]):18.0f}")
    return share
