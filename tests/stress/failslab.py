# SPDX-License-Identifier: GPL-2.0-only
"""
Each allocation of the module fails in its turn: while it is loaded, while a
namespace begins, at each command, and while a phone registers and calls.
"""
import os
import time

import genl
import topology as net
from genl import DUMP, NESTED, WORDS, attr
from sip import Call, sdp
from topology import PHONE, RELAY, ROUTER, SERVER, Tcp, Udp, shell
from faults import Memory, attach, detach, read, write

NTH = "/proc/thread-self/fail-nth"
SLAB = Memory.PLACE
MOST = 1000
FINIT_MODULE = 313


def every(action):
    """Does it with the first allocation failing, with the second, ... until none is left."""
    for number in range(1, MOST):
        write(NTH, number)
        try:
            action()
        finally:
            left = int(read(NTH))
            write(NTH, 0)
        if left:
            return number - 1
    raise AssertionError(f"there is no end of allocations: {action}")


def namespaces():
    """The number is inherited by no child, so the child counts for itself."""
    done, number = False, 0
    while not done:
        number += 1
        child = os.fork()
        if not child:
            write(NTH, number)
            net.libc.unshare(net.CLONE_NEWNET)
            left = int(read(NTH))
            write(NTH, 0)
            os._exit(1 if left else 0)
        done = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        assert number < MOST, "there is no end of allocations"
    return number - 1


def span(function):
    """Where a function of the kernel begins, and what is behind it."""
    with open("/proc/kallsyms", encoding="ascii") as file:
        symbols = sorted((int(line.split()[0], 16), line.split()[2]) for line in file)
    place = next(i for i, (_, name) in enumerate(symbols) if name == function)
    return symbols[place][0], next(at for at, _ in symbols[place:] if at > symbols[place][0])


def load(path):
    """Gives back whether it is loaded; modprobe would try again."""
    handle = os.open(path, os.O_RDONLY)
    try:
        return not net.libc.syscall(FINIT_MODULE, handle, b"", 0)
    finally:
        os.close(handle)


def module(first, step):
    """The module is loaded, or it is not: what it asks for from its first line on."""
    path = shell("modinfo -n sipalg").strip()
    detach()
    shell("rmmod sipalg")
    Memory(None).arm(0, span("do_one_initcall"))
    number, done = first - step, False
    while not done:
        number += step
        write(NTH, number)
        loaded = load(path)
        done = int(read(NTH)) > 0
        write(NTH, 0)
        if loaded and not done:
            shell("rmmod sipalg")
        assert number < MOST and (loaded or not done), number
    attach()
    Memory(None).arm(0)
    return number // step


def commands():
    """A command may fail, and then it says so; the next one works."""
    netlink = genl.Netlink()
    netlink.patience = 0.2

    def setting(name, value):
        return attr(WORDS["SIPALG_A_SETTING"] | NESTED, attr(1, name) + attr(2, value))
    made = 0
    for name, attrs, flags in (
            ("SETTING_SET", setting("rate-limit", 1000), 0), ("SETTING_RESET", b"", 0),
            ("SETTING_GET", b"", DUMP), ("STATS_GET", b"", DUMP),
            ("CALL_GET", b"", DUMP), ("REGISTRATION_GET", b"", DUMP),
            ("CALL_GET", attr(WORDS["SIPALG_A_CALL_ID"], b"turns@call.example"), 0),
            ("CALL_END", attr(WORDS["SIPALG_A_CALL_ID"], b"turns@call.example"), 0)):
        made += every(lambda name=name, attrs=attrs, flags=flags:
                      netlink.command(name, attrs, genl.ACK | flags))
        if flags:
            err, answers = netlink.command(name, flags=flags)
            assert err == 0 and answers or name.startswith(("CALL", "REG")), (name, err)
    netlink.close()
    return made


class Talk:
    """A registration and two calls, over UDP and TCP, in which anything may be lost."""

    def __init__(self):
        self.phone, self.server = Udp("phone", PHONE, 5170), Udp("provider", SERVER, 5060)
        self.number = 0

    def across(self, data, outbound, ways=None):
        if ways:
            ways[not outbound].send(data[:300])
            ways[not outbound].send(data[300:])
            ways[outbound].recv(65536, 0.02)
        elif outbound:
            self.phone.send(data, SERVER)
            self.server.recv(0.02)
        else:
            self.server.send(data, ROUTER, 5170)
            self.phone.recv(0.02)

    def call(self, ways, port):
        local = f"{PHONE}:{port}"
        call = Call(f"turns{self.number}{port}", local, f"{ROUTER}:{port}", SERVER,
                    "TCP" if ways else "UDP")
        self.across(call.request("INVITE", sdp(PHONE, 20000, "m=video 20010 RTP/AVP 31")), True, ways)
        self.across(call.response("183 Session Progress", body=sdp(RELAY, 30000)), False, ways)
        self.across(call.response("200 OK", body=sdp(RELAY, 30000),
                                  extra="\nRecord-Route: <sip:203.0.113.60;lr>"), False, ways)
        self.across(call.request("ACK", to_tag=True), True, ways)
        self.across(call.request("INVITE", sdp(PHONE, 20020), cseq=2, to_tag=True), True, ways)
        self.across(call.response("200 OK", body=sdp(RELAY, 30000)), False, ways)
        self.across(call.request("BYE", cseq=3, to_tag=True), True, ways)
        self.across(call.response("200 OK", "BYE"), False, ways)

    def all(self):
        self.number += 1
        register = Call(f"turns{self.number}r", f"{PHONE}:5170", f"{ROUTER}:5170", SERVER)
        self.across(register.request("REGISTER", extra="\nExpires: 20"), True)
        self.across(register.response("200 OK", "REGISTER", extra="\nExpires: 20").replace(
            b"sip:bob@203.0.113.50:5060", b"sip:alice@203.0.113.1:5170"), False)
        self.call(None, 5170)
        ways = Tcp.pair("phone", PHONE, 41000 + self.number)
        self.call(ways, 41000 + self.number)
        for way in ways:
            way.close()

    def close(self):
        self.phone.close()
        self.server.close()


GRANTED = 1 << 30


def one_talk(talk, memory, granted):
    """Gives back how many bytes were asked for, if none was refused."""
    memory.arm(0)
    write(f"{SLAB}/times", 1)
    write(f"{SLAB}/space", granted)
    write(f"{SLAB}/probability", 100)
    talk.all()
    memory.heal()
    left = int(read(f"{SLAB}/space"))
    write(f"{SLAB}/space", 0)
    net.router("conntrack -F 2>/dev/null")
    netlink = genl.Netlink()
    netlink.command("CALL_END", attr(WORDS["SIPALG_A_ALL"], b""))
    netlink.close()
    return granted - left


def messages(rng, seconds):
    """
    Softirqs have no number of their own: so many bytes are granted before one
    allocation fails. There are hundreds, so each run takes others of them, one
    a second; on a slow machine fewer.
    """
    talk, memory = Talk(), Memory(rng)
    most = one_talk(talk, memory, GRANTED)
    end, times = time.monotonic() + seconds, 0
    while times < seconds and time.monotonic() < end:
        one_talk(talk, memory, rng.randrange(most))
        times += 1
    talk.close()
    return f"{times} in {most} bytes"
