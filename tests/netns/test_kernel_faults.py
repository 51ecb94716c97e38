#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""What a kernel developer would look at: tables, events, netlink, memory."""
import errno
import subprocess
import time

import genl
import topology as net
from ctl import ctl, data, forget_all, stats
from genl import ACK, DUMP, attr
from ksft import run, test
from sip import Call, sdp
from topology import OTHER, PHONE, ROUTER, SERVER, Udp, shell

HOSTS = 60

net.build()
phone = Udp("phone", PHONE, 5060)
server = Udp("provider", SERVER, 5060)


@test("fault K2", f"{HOSTS} phones behind one public port, each with a server of its own: all are translated")
def one_face():
    for number in range(HOSTS):
        shell(f"ip -n phone addr add 192.168.1.{100 + number}/24 dev eth0")
        shell(f"ip -n provider addr add 203.0.113.{100 + number}/24 dev eth0")
    for number in range(HOSTS):
        host, provider = f"192.168.1.{100 + number}", f"203.0.113.{100 + number}"
        ours, theirs = Udp("phone", host, 5060), Udp("provider", provider, 5060)
        call = Call(f"face{number}", f"{host}:5060", "", provider)
        for method in ("REGISTER", "OPTIONS"):
            ours.send(call.request(method), provider)
            got = theirs.recv()
            assert got and theirs.sender == (ROUTER, 5060), (number, theirs.sender)
            assert host.encode() not in got, got
            assert f"<sip:alice@{ROUTER}:5060>".encode() in got, got
        ours.close()
        theirs.close()
    assert not stats()["passed_unchanged"]["no_memory"], stats()["passed_unchanged"]
    forget_all()


@test("fault K5", "conntrack -E expect tells of each pinhole, when it opens and when it closes")
def events():
    watcher = subprocess.Popen(["ip", "netns", "exec", "router", "stdbuf", "-oL", "conntrack", "-E",
                                "expect"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    time.sleep(2)
    call = Call("events", f"{PHONE}:5060", f"{ROUTER}:5060", SERVER)
    phone.send(call.request("INVITE", sdp(PHONE, 4000)), SERVER)
    assert server.recv()
    time.sleep(2)
    ctl("call end --all")
    time.sleep(2)
    watcher.terminate()
    lines = watcher.communicate()[0].splitlines()
    for port in (4000, 4001):
        told = [line for line in lines if f"dst={ROUTER} " in line and f" dport={port} " in line]
        assert len(told) == 2 and told[0].lstrip().startswith("[NEW]") and \
            told[1].lstrip().startswith("[DESTROY]"), lines
    forget_all()


@test("fault K7", "a command that takes no attribute refuses each, and does nothing")
def attributes():
    netlink = genl.Netlink()
    ctl("setting set hold-timeout 60")
    for name, flags in (("SETTING_RESET", ACK), ("STATS_RESET", ACK), ("STATS_GET", DUMP),
                        ("SETTING_GET", DUMP)):
        for kind in (1, 2, 7, 60):
            err, answers = netlink.command(name, attr(kind, b"\1\0\0\0"), flags)
            assert err == errno.EINVAL and not answers, (name, kind, err, answers)
        found = {row["name"]: row["value"] for row in data("setting list")}
        assert found["hold-timeout"] == 60, "reset all the same"
    for name, flags in (("STATS_GET", DUMP), ("SETTING_GET", DUMP), ("SETTING_RESET", ACK)):
        assert netlink.command(name, flags=flags)[0] == 0, name
    netlink.close()
    forget_all()


@test("fault K8", "memory_bytes holds expectations and their masters, and says how much they are")
def memory():
    net.until(lambda: not stats()["memory_bytes"], 90000, 600)
    parts = []
    for number in range(10):
        call = Call(f"memory{number}", f"{PHONE}:5060", f"{ROUTER}:5060", SERVER)
        phone.send(call.request("INVITE", sdp(PHONE, 4000 + 2 * number)), SERVER)
        assert server.recv()
        now = stats()
        assert now["memory_bytes"] > now["memory_conntrack_bytes"] > 0, now
        parts.append(now["memory_conntrack_bytes"])
    steps = {after - before for before, after in zip(parts, parts[1:])}
    # a master and two expectations each, nothing else: 64-bit kernels need 200 and more for one
    assert len(steps) == 1 and steps == {parts[0]} and parts[0] > 3 * 150, parts
    forget_all()
    time.sleep(60)
    assert not stats()["memory_conntrack_bytes"], stats()


@test("fault K4", "many adjacent ports are found between those of other calls, and where there are none it is said")
def runs():
    ctl("setting set media-ports 20000-20999 max-calls 1000 max-calls-per-source 1000"
        " max-media-per-call 64")
    other = Udp("other", OTHER, 5062)

    def invite(name, sock, port, count=1):
        host, mine = sock.address
        call = Call(name, f"{host}:{mine}", f"{ROUTER}:{mine}", SERVER)
        body = sdp(host, port).replace(f"m=audio {port} ", f"m=audio {port}/{count} ")
        sock.send(call.request("INVITE", body), SERVER)
        got = server.recv(1)
        return int(got.split(b"m=audio ")[1].split(b"/")[0].split()[0]) if got else None

    # every fiftieth port is taken, but for one gap of a hundred
    taken = [port for port in range(20000, 21000, 50) if port != 20500]
    for port in taken:
        assert invite(f"one{port}", other, port) == port
    for number in range(8):
        port = invite(f"run{number}", phone, 30000 + 100 * number, 24)
        assert port and port % 2 == 0 and 20000 <= port and port + 47 <= 20999, port
        assert not any(port <= one + i < port + 48 for one in taken for i in (0, 1)), port
        ctl(f"call end {data(f'call list call-id run{number}@call.example')[0]['id']}")
    # from wherever the walk begins, also behind the only place there is
    for number in range(30):
        port = invite(f"long{number}", phone, 40000, 48)
        assert port and 20452 <= port <= 20454, (number, port)
        ctl(f"call end {data(f'call list call-id long{number}@call.example')[0]['id']}")
    # another program's port takes its own place and no more
    program = Udp("router", ROUTER, 20460)
    for number in range(30):
        port = invite(f"behind{number}", phone, 40000, 44)
        assert port and 20461 < port <= 20462, (number, port)
        ctl(f"call end {data(f'call list call-id behind{number}@call.example')[0]['id']}")
    program.close()
    assert invite("longer", phone, 42000, 50) is None
    assert stats()["dropped"]["no_port_pair"] == 1
    other.close()
    forget_all()


run()
