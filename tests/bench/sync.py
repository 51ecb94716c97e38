#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""
What a pair of routers costs, each goal of issue 22 that is a number of its own:

    scripts/um-run --memory 2G --append nf_conntrack.expect_hashsize=262144 --timeout 900 \\
        /usr/bin/python3 tests/bench/sync.py build/bench-um/sipalg_bench.ko [--calls N]
    scripts/um-run --time-travel /usr/bin/python3 tests/bench/sync.py - --timers

The first measures what computing takes, the second how long timers of both daemons and of their
servers let the standby wait. The audio gaps and the cut of a cable are rows of
tests/failover/test_routers.py; `scripts/failover goals` runs all of it. A record of one call and
one of a mapping, as a router has told them, are changed into those of N calls: what counts is the
other router's work.
"""
import copy
import multiprocessing
import os
import socket
import statistics
import struct
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "../netns"), os.path.join(HERE, "../failover")]
if "--timers" not in sys.argv:
    os.environ["TIME_IS_REAL"] = "1"

# pylint: disable=wrong-import-position
import bench                                               # noqa: E402
import topology as net                                     # noqa: E402
from box import boxes                                      # noqa: E402
from call_helpers import answered, back, hang_up, new, out, phone, server     # noqa: E402
from genl import attr, attrs_of                            # noqa: E402
from pair import ACTIVE, STANDBY, Router, namespace, nest, word     # noqa: E402
from sip import sdp                                        # noqa: E402
from topology import PHONE, ROUTER, shell                  # noqa: E402

MOST_BEHIND, MOST_RESTORE, MOST_BYTES, MOST_RECORDS = 50, 20, 800, 3
MOST_SYNCING, MOST_UNHEARD = 10, 0
MOST_WAITING = 80       # ms: of the 100 without audio when planned, what a router with one call leaves
CALLS = int(sys.argv[sys.argv.index("--calls") + 1]) if "--calls" in sys.argv else 50000
EACH_HOST = 250         # calls of one phone, each pair of ports once
PORT = 42752            # of the call that is changed: no other number of its record is the same
AUDIO = 0.02            # seconds from one packet to the next
BATCH = 16000           # bytes of a request: short ones are seldom interrupted
SHARED = 3              # pinholes of a phone's signalling
TIMES, ROUNDS = 40, 6


def goal(what, measured, most, unit):
    bench.goal(f"{what}, {unit}", measured, most)


def records():
    """Of one call with audio: what its router has told, and how many pinholes it has."""
    active = Router("router")
    assert active.set(ACTIVE, 1, listen=True) == 0
    call = answered("call000000", PORT)
    objects = [one for one in active.dump()[0] if one.kind != "k"]
    longest = max(len(one.record) for one in objects)
    goal("bytes of a call's longest record", longest, MOST_BYTES, "bytes")
    goal("records of a call", len(objects), MOST_RECORDS, "records")
    holes = int(shell("ip netns exec router conntrack -C expect"))
    hang_up(call)
    active.ears.close()
    return sorted(objects, key=lambda one: "kmrct".index(one.kind)), holes


def changed(one, *pairs):
    """The same object with other bytes, wherever they stand."""
    made = copy.copy(one)
    for old, new_bytes in pairs:
        made.key = made.key.replace(old, new_bytes)
        made.record = made.record.replace(old, new_bytes)
    return made


def table(objects, calls):
    """Objects of so many calls, in the order in which they need each other."""
    mappings, found = [one for one in objects if one.kind == "m"], []
    template, = (one for one in objects if one.kind == "c")
    for old in (PORT, PORT + 1):
        assert template.record.count(struct.pack(">H", old)) >= 2, old
    for host in range(-(-calls // EACH_HOST)):
        of_host = ((socket.inet_aton(PHONE), struct.pack(">I", 0x0a000001 + host)),
                   (socket.inet_aton(ROUTER), struct.pack(">I", 0x64400001 + host)))
        found += [changed(one, *of_host) for one in mappings]
        for number in range(host * EACH_HOST, min(calls, (host + 1) * EACH_HOST)):
            port = 4096 + 2 * (number % EACH_HOST)
            # addresses last: they may have a port's two bytes
            found.append(changed(template, (b"call000000", b"call%06d" % number),
                                 (struct.pack(">H", PORT), struct.pack(">H", port)),
                                 (struct.pack(">H", PORT + 1), struct.pack(">H", port + 1)), *of_host))
    return found


def requests(objects):
    """Batches, as the daemon makes larger ones."""
    batches, size = [[]], 0
    for one in objects:
        size += len(one.key) + len(one.record) + 64
        if size > BATCH:
            batches.append([])
            size = len(one.key) + len(one.record) + 64
        batches[-1].append(one)
    return batches


def audio(pipe):
    """A stream through the router until told to stop; says the longest silence, in ms."""
    sender, receiver = net.Udp("phone", PHONE, 7078), net.Udp("provider", net.SERVER, 7078)
    last, longest, count = time.monotonic(), 0, 0
    while not pipe.poll(AUDIO):
        sender.send(b"\x80" + bytes(171), net.SERVER, 7078)
        assert receiver.recv(5)
        now = time.monotonic()
        last, longest, count = now, max(longest, now - last), count + 1
        if count == 20:     # all is there that the first packets look for
            longest = 0
            pipe.send(None)
    pipe.send(1000 * (longest - AUDIO))


def while_audio_passes(happens):
    """How much longer than its interval a stream was silent meanwhile, and how long it took: ms."""
    net.router("nft add rule inet sip forward udp dport 7078 accept")
    ours, its = multiprocessing.Pipe()
    stream = multiprocessing.get_context("fork").Process(target=audio, args=(its,))
    stream.start()
    assert ours.poll(20), "no audio"
    begin = time.monotonic()
    assert happens() == 0
    took = 1000 * (time.monotonic() - begin)
    time.sleep(5 * AUDIO)       # the next packets show how long the last one waited
    ours.recv()
    ours.send(None)
    waited = ours.recv()
    stream.join()
    return waited, took


def restore(objects, holes):
    """All on a standby that has nothing, with its pinholes."""
    for name in "nf_conntrack_expect_max", "nf_conntrack_max":
        bench.whole_kernel(f"net.netfilter.{name}=1000000")
    namespace("second", net.MASQUERADE)
    standby = Router("second")
    standby.netlink.patience = 60
    assert standby.set(STANDBY, 1) == 0
    epoch = nest("SYNC", attr(word("SYNC_EPOCH"), 1))
    prepared = [(sum(one.kind == "c" for one in batch), epoch + b"".join(one.attrs() for one in batch))
                for batch in requests(table(objects, CALLS))]
    spent, each, failed = 0, [], 0
    for count, data in prepared:
        begin = time.monotonic()
        err, answers = standby.netlink.command("SYNC_RESTORE", data)
        spent += time.monotonic() - begin
        each.append(1e6 * (time.monotonic() - begin) / count)
        assert err == 0, err
        failed += sum(struct.unpack("=I", dict(attrs_of(answer[4:]))[word("COUNT")])[0] for answer in answers)
    calls = len({one.key for one in standby.dump()[0] if one.kind == "c"})
    pinholes = int(shell("ip netns exec second conntrack -C expect"))
    tenths = [min(each[len(each) * part // 10:len(each) * (part + 1) // 10]) for part in range(10)]
    print(f"# {CALLS} calls in {len(prepared)} requests: {spent:.2f} s, {1e6 * spent / CALLS:.1f} us each; of each "
          f"tenth the least disturbed request {', '.join(f'{one:.1f}' for one in tenths)} us; {calls} calls, {pinholes} "
          f"pinholes, {failed} could not be restored", flush=True)
    # all but those of the signalling, which the calls of a phone share
    assert (calls, failed) == (CALLS, 0) and pinholes >= (holes - SHARED) * CALLS, (calls, pinholes, failed, holes)
    goal(f"cold restore of {CALLS} calls, least disturbed", statistics.mean(tenths), MOST_RESTORE, "us each")
    waited, took = while_audio_passes(lambda: standby.set(ACTIVE, 2))
    print(f"# promotion of {CALLS} calls: {took:.0f} ms", flush=True)
    goal(f"audio waits while {CALLS} calls are promoted, longest", waited, MOST_WAITING, "ms")
    standby.netlink.close()
    standby.ears.close()
    shell("ip netns del second")


def behind():
    """From a message's arrival until the standby has the call, with both daemons."""
    one, two = boxes()
    for box in one, two:
        box.start_server()
        box.start_daemon()
    one.master()
    two.backup()
    net.until(two.is_ready, 20)
    standby, late = Router("second"), []
    for number in range(TIMES):
        call = new(f"late{number}")
        out(call.request("INVITE", sdp(PHONE, 4000 + 2 * number)))
        begin = time.monotonic()
        while not any(item.kind == "c" and b"late%d@" % number in item.key for item in standby.dump()[0]):
            assert time.monotonic() - begin < 5, "the standby has not been told"
            time.sleep(0.001)
        late.append(1000 * (time.monotonic() - begin))
        back(call.response("486 Busy Here"))
        out(call.request("ACK", to_tag=True))
        time.sleep(0.01 * (number % 5))
    for box in one, two:
        box.kill("daemon", "server")
    print(f"# behind, of {TIMES} calls: {min(late):.0f} to {max(late):.0f} ms, "
          f"the middle one {statistics.median(late):.0f} ms", flush=True)
    goal("standby behind, longest", max(late), MOST_BEHIND, "ms")


def invites(listener):
    """Cycles of an INVITE in help(), each with what it has told taken in time."""
    found = []
    for _ in range(TIMES):
        call = new(f"i{time.monotonic_ns()}")
        bench.reset()
        phone.send(call.request("INVITE", sdp(PHONE, 5000 + 2 * len(found), bench.thirteen)), net.SERVER)
        assert server.recv(5)
        found += bench.samples()[:1]
        server.send(call.response("486 Busy Here"), ROUTER)
        assert phone.recv(5)
        phone.send(call.request("ACK", to_tag=True), net.SERVER)
        assert server.recv(5)
        if listener:
            listener.told(0.03)
        else:
            time.sleep(0.03)
    shell(f"{bench.CTL} -n router call end --all")
    return found


def more(values, base):
    """Percent on top, of the medians and of the least disturbed twentieth."""
    least = [statistics.quantiles(some, n=20)[0] for some in (values, base)]
    return 100 * (statistics.median(values) / statistics.median(base) - 1), 100 * (least[0] / least[1] - 1)


def syncing():
    """In turns: nobody listens, somebody does, he has gone."""
    before, during, after = [], [], []
    bench.attach("sipalg")
    for _ in range(ROUNDS):
        before += invites(None)
        listener = Router("router")
        assert listener.set(ACTIVE, 1, listen=True) == 0
        during += invites(listener)
        listener.ears.close()
        listener.netlink.close()
        after += invites(None)
    print(f"# INVITE, cycles: {statistics.median(before):.0f} without a daemon, {statistics.median(during):.0f} "
          f"while syncing, {statistics.median(after):.0f} when it has gone, of {len(before)} each")
    half = len(before) // 2
    noise = max(abs(more(*halves)[1]) for halves in ((before[::2], before[1::2]), (before[:half], before[half:])))
    for what, values in (("while syncing", during), ("when it has gone", after)):
        print("# an INVITE {}: {:+.1f} % by the medians, {:+.1f} % by the least disturbed; two halves of those "
              "without a daemon differ by {:.1f} %".format(what, *more(values, before), noise))
    goal("an INVITE on top while syncing", max(0, more(during, before)[1]), MOST_SYNCING, "% of its cycles")
    goal("an INVITE on top when no daemon listens, beyond noise", max(0, more(after, before)[1] - noise),
         MOST_UNHEARD, "% of its cycles")


def main():
    if "--timers" in sys.argv:
        behind()
    else:
        bench.touch_memory()
        shell(f"insmod {bench.MODULE}")
        syncing()
        restore(*records())
    sys.exit(not all(row["met"] for row in bench.judge()))


main()
