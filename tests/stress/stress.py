#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""
Calls, faulty messages and trouble, in rounds; scripts/stress starts it.

    stress.py SECONDS SEED

After each round the kernel must have had nothing to say, what was begun must
be gone, and a call must work. A seed makes the same choices again; when what
happens is for the processors to decide.
"""
import mmap
import os
import re
import struct
import sys
import time
import traceback

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "..", "netns")]

import genl
import topology as net
import faults
import failslab
import races
from genl import DUMP, WORDS, attr
from netns_refs import Holders
from agents import Phone, Provider
from sip import Call, sdp
from topology import PHONE, RELAY, ROUTER, SERVER, Udp, shell
from faults import generator

SECONDS, SEED = int(sys.argv[1]), sys.argv[2]
ROUND = 12
HOME = os.open("/proc/self/ns/net", os.O_RDONLY)
LEAKS = "/sys/kernel/debug/kmemleak"
SCANNED = 10                    # after so many rounds
COMPLAINTS = re.compile(
    r"WARNING:|BUG|KASAN|UBSAN|ODEBUG|Oops|leak|deadlock|suspicious|INFO: (task|rcu|possible)|"
    r"refcount_t|unregister_netdevice|general protection|invalid context")


class Log:
    """The kernel's log from now on."""

    def __init__(self):
        self.handle = os.open("/dev/kmsg", os.O_RDONLY | os.O_NONBLOCK)
        os.lseek(self.handle, 0, os.SEEK_END)
        self.lines = []

    def read(self):
        while True:
            try:
                record = os.read(self.handle, 16384).decode(errors="replace")
            except BlockingIOError:
                return
            except BrokenPipeError:
                continue                # it was faster than we are
            self.lines += record.split(";", 1)[-1].splitlines()

    def check(self):
        """A race of the kernel's own is for scripts/stress to count."""
        self.read()
        lines, _, rest = races.without_foreign(self.lines)
        for number, line in enumerate(lines):
            if COMPLAINTS.search(line):
                raise AssertionError("\n".join(["the kernel says:"] +
                                               lines[max(0, number - 2):number + 60]))
        self.lines = rest


def scan(log):
    """Memory that nobody knows of any more, where the kernel can tell."""
    if not os.path.exists(LEAKS):
        return
    # what was freed or made a moment ago looks lost
    time.sleep(6)
    for _ in range(2):
        faults.write(LEAKS, "scan")
    found = faults.read(LEAKS)
    assert not found, found
    log.check()


class Workers:
    """Processes that go on until they are told to stop."""

    def __init__(self):
        self.pids = {}

    def start(self, name, make, pause=0.0):
        reading, writing = os.pipe()
        pid = os.fork()
        if not pid:
            os.setpgid(0, 0)            # with what it has started it ends
            os.write(writing, b"x")
        else:
            os.read(reading, 1)
            os.close(writing)
            os.close(reading)
            self.pids[pid] = name
            return
        try:
            worker = make()
            while True:
                worker.step()
                time.sleep(pause * worker.rng.random())
        except BaseException:
            traceback.print_exc()
        os._exit(1)

    def stop(self):
        """Ends them; none of them should have ended by itself."""
        ended = [name for pid, name in self.pids.items() if os.waitpid(pid, os.WNOHANG)[0]]
        for pid, name in self.pids.items():
            if name not in ended:
                os.killpg(pid, 9)
                os.waitpid(pid, 0)
        self.pids = {}
        if ended:
            raise AssertionError(f"these ended by themselves: {ended}")


def stats():
    """The numbers of `stats show`, by group and name."""
    netlink = genl.Netlink()
    found = {}
    for answer in netlink.command("STATS_GET", flags=DUMP)[1]:
        row = dict(genl.attrs_of(dict(genl.attrs_of(answer[4:]))[WORDS["SIPALG_A_COUNTER"]]))
        path = (row[1].rstrip(b"\0").decode(), row[2].rstrip(b"\0").decode())
        found[path] = int.from_bytes(row[3], sys.byteorder)
    netlink.close()
    return found


def all_is_gone():
    """What was begun has an end, at a command."""
    netlink = genl.Netlink()
    assert netlink.command("SETTING_RESET")[0] == 0

    def ended():
        """Packets that waited for a neighbour may still begin calls."""
        err, _ = netlink.command("CALL_END", attr(WORDS["SIPALG_A_ALL"], b""))
        assert err == 0, err
        net.router("conntrack -F 2>/dev/null")
        return not stats()["calls", "active"] and not net.expectations("media")
    net.until(ended, 5, 0.5)
    netlink.close()
    left = stats()
    assert left["pinholes", "open"] <= 2 * left["", "registrations"], left


def whereabouts():
    """For who asks where a message is that did not arrive."""
    counted = {key: value for key, value in stats().items() if value}
    return f"{counted}\n{net.router('conntrack -L 2>&1')}\n{net.router('ip neigh; ip -s link')}"


def fresh_call(number):
    """A call from beginning to end, exactly as it should be."""
    phone, server = Udp("phone", PHONE, 5190), Udp("provider", SERVER, 5060)
    port = 20000 + 4 * number % 10000
    ours, theirs = Udp("phone", PHONE, port), Udp("provider", RELAY, 30000)
    call = Call(f"fresh{number}", f"{PHONE}:5190", f"{ROUTER}:5190", SERVER)

    def across(sender, data, receiver, to):
        sender.send(data, *to)
        got = receiver.recv(5)
        assert got, f"{data}\n{whereabouts()}"
        return got
    out, back = (SERVER, 5060), (ROUTER, 5190)
    got = across(phone, call.request("INVITE", sdp(PHONE, port)), server, out)
    assert f"c=IN IP4 {ROUTER}".encode() in got and f"m=audio {port} ".encode() in got, got
    assert PHONE.encode() not in got, got
    got = across(server, call.response("200 OK", body=sdp(RELAY, 30000)), phone, back)
    assert f"Via: SIP/2.0/UDP {PHONE}:5190;".encode() in got, got
    across(phone, call.request("ACK", to_tag=True), server, out)
    across(theirs, b"in", ours, (ROUTER, port))
    across(ours, b"out", theirs, (RELAY, 30000))
    across(phone, call.request("BYE", cseq=2, to_tag=True), server, out)
    across(server, call.response("200 OK", "BYE"), phone, back)
    for end in (phone, server, ours, theirs):
        end.close()


def go_home():
    """Out of all namespaces: some sysctls exist there alone, and none is kept from vanishing."""
    net.libc.setns(HOME, net.CLONE_NEWNET)


def end_of_router():
    """It vanishes with calls up, and another takes its place."""
    go_home()
    holders = Holders("router")
    shell("ip netns del router")
    try:
        net.until(lambda: "eth0" not in shell("ip -n phone link"), 20, 0.02)
    except AssertionError as error:
        raise AssertionError(f"somebody keeps the router's namespace\n{holders}") from error
    net.build_router()
    net.attach(faults.OWN)


def refused(call, phone, server):
    phone.send(call.request("INVITE", sdp(PHONE, 20000)), SERVER)
    if server.recv(0.2):
        server.send(call.response("486 Busy Here"), ROUTER, 5180)
        phone.recv(0.2)
        phone.send(call.request("ACK"), SERVER)
        server.recv(0.2)


def crowd():
    """
    The router vanishes while calls that were refused are being forgotten, five
    seconds later; it takes a while, for others have many pinholes.
    """
    netlink = genl.Netlink()
    netlink.command("SETTING_RESET")
    netlink.command("SETTING_SET", attr(WORDS["SIPALG_A_SETTING"] | genl.NESTED,
                                        attr(1, "teardown-delay") + attr(2, 0)))
    netlink.close()
    phone, server = Udp("phone", PHONE, 5180), Udp("provider", SERVER, 5060)
    many = "\n".join(f"m=video {30000 + 2 * i} RTP/AVP 31" for i in range(30))
    start, count = time.monotonic(), 0
    while time.monotonic() - start < 7:
        count += 1
        call = Call(f"crowd{count}", f"{PHONE}:5180", f"{ROUTER}:5180", SERVER)
        if count <= 60:
            phone.send(call.request("INVITE", sdp(PHONE, 20000, many)), SERVER)
            server.recv(0.2)
        else:
            refused(call, phone, server)
    # soon so few are left that the table becomes smaller, which takes a worker
    net.until(lambda: stats()["calls", "active"] < 450, 20, 0.01)
    told = stats()
    print(f"# {count} calls, {told['calls', 'active']} of them not forgotten, "
          f"{told['pinholes', 'open']} pinholes", flush=True)
    end_of_router()
    phone.close()
    server.close()


def one_round(number, seconds):
    """
    Gives back what there was in it, and how many messages arrived. It ends with
    the router or with the module: then registrations end as well, and a debug
    kernel warns of calls, pinholes and bytes that somebody has lost (src/core/net.c)
    and of timers that are armed still.
    """
    arrived = mmap.mmap(-1, 8 * 4)
    rng = generator(SEED, number)
    damaged = rng.choice((0, 0.1, 0.3, 0.8))
    commands = faults.some(rng, faults.COMMANDS, number)
    system = faults.some(rng, faults.SYSTEM, number)
    last = "crowd" if number == 2 else rng.choice(("end", "end", "vanish", "vanish", "vanish", "crowd"))
    what = f"{damaged:.0%} faulty, " + ", ".join(
        [kind.__name__.lower() for kind in commands + system] + [last])
    print(f"# {number}: {what}", flush=True)
    go_home()
    if faults.Reload in system:        # a socket knows the family by its number
        commands = [kind for kind in commands if kind not in (faults.Settings, faults.Requests)]

    parties, commanders = Workers(), Workers()
    parties.start("provider", lambda: Provider(generator(SEED, number, "provider"), damaged,
                                               memoryview(arrived)[:8]))
    for i, (space, workers) in enumerate((("phone", parties), ("other", parties),
                                          ("router", commanders))):
        workers.start(space, lambda i=i, space=space:
                      Phone(generator(SEED, number, space), damaged,
                            memoryview(arrived)[8 * i + 8:8 * i + 16], space, i))
    for kind in commands:
        commanders.start(kind.__name__, lambda kind=kind:
                         kind(generator(SEED, number, kind.__name__)), 0.4)
    made = [kind(generator(SEED, number, kind.__name__)) for kind in system]
    end = time.monotonic() + seconds
    try:
        while time.monotonic() < end:
            rng.choice(made).step()
            time.sleep(rng.random() / 2)
    finally:
        commanders.stop()
        for one in made:
            one.heal()
    if last == "vanish":
        end_of_router()
        time.sleep(0.5)
    parties.stop()
    if last == "crowd":
        crowd()
    if last == "end":
        all_is_gone()
        faults.Reload(rng).step()
    return f"{what}: {sum(struct.unpack('=4Q', arrived[:]))} messages"


def each_allocation_fails():
    """Gives back how many there were."""
    faults.Memory(None).arm(0)
    rng = generator(SEED, "turns")
    step = 1 if SECONDS >= 600 else 8
    count = failslab.module(rng.randrange(step) + 1, step), failslab.namespaces(), failslab.commands()
    some = failslab.messages(rng, SECONDS // 4)
    go_home()
    return "an allocation fails: %d of the module, %d of a namespace, %d of commands; " \
        "of messages " % count + some


def races_are_told():
    """Is this the module with tests/tsan_runtime? One processor alone has no races."""
    return "__tsan_init\t[sipalg]" in faults.read("/proc/kallsyms")


def rounds():
    """What is to be done, without an end: each gives back what it was."""
    if faults.Memory in faults.SYSTEM and not races_are_told():
        yield lambda number: each_allocation_fails()
    while True:
        yield lambda number: one_round(number, ROUND)


def main():
    print(f"# seed {SEED}, {SECONDS} s; the same choices again: scripts/stress {SECONDS} {SEED}",
          flush=True)
    log = Log()
    net.build()
    net.attach(faults.OWN)
    start = time.monotonic()
    for number, this in enumerate(rounds(), 1):
        try:
            what = this(number)
            all_is_gone()
            log.check()
            fresh_call(number)
            log.check()
            if number % SCANNED == 0:
                scan(log)
        except Exception:
            log.read()
            print(f"not ok {number} - H-34 {SEED}: round {number}")
            for line in traceback.format_exc().splitlines() + ["the kernel's log:"] + log.lines[-80:]:
                print(f"# {line}")
            print(f"1..{number}", flush=True)
            sys.exit(1)
        print(f"ok {number} - H-34 {what}", flush=True)
        if time.monotonic() - start > SECONDS:
            break
    print(f"1..{number}", flush=True)


main()
