#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""
Two routers with sipalg-sync and Redis (or Valkey) each, as they are installed:

    scripts/um-run --timeout 200 /usr/bin/python3 tests/failover/test_daemons.py

The argument valkey-server asks another server. Time is real: a server that sleeps for ever in a
kernel whose time travels would stop it.
"""
import json
import os
import signal
import sys
import time

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, f"{TOP}/tests/netns")
os.environ["TIME_IS_REAL"] = "1"

import topology as net  # noqa: E402
from box import CTL, PASSWORD, TYPED, boxes  # noqa: E402
from call_helpers import answered, audio, hang_up, out, passes, reinvite  # noqa: E402
from ctl import data  # noqa: E402
from ksft import run, test  # noqa: E402
from pages import typed_by  # noqa: E402
from pair import plug  # noqa: E402
from sip import sdp  # noqa: E402
from topology import PHONE, RELAY, ROUTER, shell  # noqa: E402

one, two = boxes()


def in_step(active, standby, seconds=10):
    """Both have the same, and the standby has nothing left to apply."""
    net.until(lambda: standby.is_ready() and not active.status()["behind"] and
              active.status()["records"] == standby.status()["records"] and
              active.calls() == standby.calls(), seconds)


def said(box, sentence):
    """Once in the log, and in what `sync status` says."""
    net.until(lambda: sentence in box.status().get("trouble", ""), 10)
    assert sentence in box.status().get("trouble", ""), (box.status(), box.logs())
    assert box.logs().count(sentence) >= 1, box.logs()


@test("issue 22", "a router that starts is standby, and ready as soon as its own server answers")
def begin():
    one.start_daemon()
    assert not one.is_ready() and one.status()["connected"] == 0
    one.start_server()
    net.until(one.is_ready, 5)
    assert (one.status()["role"], one.status()["behind"]) == ("standby", 0)
    one.master()
    assert one.status()["role"] == "active" and one.status()["epoch"] == 1, one.status()
    two.start_server()
    two.start_daemon()
    two.backup()
    in_step(one, two)


@test("issue 22", "a call is on the standby within a moment; the active one dies, and it goes on")
def dies():
    call, (ours, theirs) = answered("daemons", 4000), audio(4000)
    start = time.monotonic()
    net.until(lambda: len(two.calls()) == 1, 5, 0.01)
    print(f"# on the standby at most {(time.monotonic() - start) * 1000:.0f} ms after the ACK")
    assert passes(theirs, ours, ROUTER, 4000) and passes(ours, theirs, RELAY, 6000)
    in_step(one, two)
    one.kill("daemon", "server")
    net.until(two.is_ready, 5)
    plug()
    two.master()
    assert two.status()["epoch"] == 2, two.status()
    assert passes(theirs, ours, ROUTER, 4000) and passes(ours, theirs, RELAY, 6000)
    assert theirs.sender == (ROUTER, 4000)
    reinvite(call, sdp(PHONE, 4000, "a=sendonly"), sdp(RELAY, 6000, "a=recvonly"))
    assert [row["state"] for row in data("call list")] == ["held"]
    ours.close()
    theirs.close()
    globals()["held"] = call


@test("issue 22", "the dead router comes back as the standby, and has what the other has")
def comes_back():
    one.start_server()
    one.start_daemon()
    one.backup()
    in_step(two, one)
    assert one.status()["epoch"] == 2 and one.status()["role"] == "standby", one.status()
    assert [row[1] for row in one.calls()] == ["held"], one.calls()


@test("issue 22", "a planned hand-over: ready is refused until the demotion, and the call ends there")
def handover():
    done = two.sync("handover")
    assert done.returncode == 0, done.stderr
    assert not two.is_ready()
    plug()
    one.master()
    two.backup()
    in_step(one, two)
    call = globals()["held"]
    hang_up(call)
    net.until(lambda: not net.expectations(), 10)
    net.until(lambda: [row[1] for row in two.calls()] == ["ending"] or not two.calls(), 5)


@test("issue 22", "with a wrong password, and without its server, a router is not ready and says why")
def wrong():
    two.kill("daemon")
    two.configure("wrong")
    two.start_daemon()
    time.sleep(1)
    assert not two.is_ready()
    said(two, "the server refuses: see redis-password")
    assert "wrong" not in two.logs()
    two.kill("daemon")
    two.configure(PASSWORD)
    two.start_daemon()
    in_step(one, two)
    one.kill("server")
    call = answered("alone", 4100)
    assert not one.is_ready()
    said(one, "the server is not there")
    one.start_server()
    in_step(one, two, 20)
    assert "alone@call.example" in [row[0] for row in two.calls()], two.calls()
    hang_up(call)


@test("issue 22", "a server that is back, empty, before its daemon looks: all is there again, of the active and of the standby")
def server_restarted():
    call = answered("restarted", 4600)
    in_step(one, two)
    for box in one, two:
        box.daemon.send_signal(signal.SIGSTOP)
        box.kill("server")
        box.start_server()
        box.daemon.send_signal(signal.SIGCONT)
        if box is two:
            box.redis("REPLICAOF", box.peer, "6379")
        net.until(lambda: one.status()["records"] and one.status()["records"] == two.status()["records"], 10)
        in_step(one, two)
        assert one.status()["records"] >= 2 and "restarted@call.example" in [row[0] for row in two.calls()], \
            (box.number, one.status(), two.status(), two.calls())
    hang_up(call)


@test("issue 22", "a full server: one sentence, the active one goes on, and tells all when there is room")
def full():
    one.redis("CONFIG", "SET", "maxmemory", "1")
    call = answered("full", 4300)
    said(one, "the server is full: see maxmemory")
    assert one.is_ready() and one.status()["behind"], one.status()
    ours, theirs = audio(4300)
    assert passes(theirs, ours, ROUTER, 4300) and passes(ours, theirs, RELAY, 6300)
    ours.close()
    theirs.close()
    assert "full@call.example" not in [row[0] for row in two.calls()]
    one.redis("CONFIG", "SET", "maxmemory", "0")
    in_step(one, two, 20)
    assert "full@call.example" in [row[0] for row in two.calls()], two.calls()
    assert not one.status().get("trouble"), one.status()
    hang_up(call)


@test("issue 22", "garbage among the records: the standby says so, and has all the rest")
def garbage():
    call = answered("garbage", 4400)
    key = "c" + "x" * 40

    def has_read_it():
        """The active one may sweep it away first, once, since the server was full before."""
        one.redis("HSET", "sipalg:records", key, "X" * 100)
        two.kill("daemon")
        two.start_daemon()
        net.until(lambda: "garbage@call.example" in [row[0] for row in two.calls()], 10)
        return one.redis("HEXISTS", "sipalg:records", key).stdout.strip() == "1"

    net.until(has_read_it, 10)
    said(two, "records cannot be restored")
    assert two.is_ready(), two.status()
    one.redis("HDEL", "sipalg:records", key)
    two.kill("daemon")
    two.start_daemon()
    in_step(one, two)
    hang_up(call)


@test("issue 22", "split brain: who was promoted later wins, and the other drops what only it had")
def split():
    shell("ip -n router link set sync down")
    two.master()
    call = answered("split", 4200)
    assert "split@call.example" in [row[0] for row in one.calls()]
    assert two.status()["epoch"] > one.status()["epoch"] - 1
    shell("ip -n router link set sync up")
    one.backup()
    in_step(two, one, 20)
    assert "split@call.example" not in [row[0] for row in one.calls()], one.calls()
    out(call.request("BYE", cseq=9, to_tag=True))


def numbers(value):
    """All of what `stats show -j` has, by whatever name."""
    if isinstance(value, dict):
        return [number for one in value.values() for number in numbers(one)]
    return [value] if isinstance(value, int) and not isinstance(value, bool) else []


@test("issue 22", "counters are sane on both: none has gone below nothing, and calls are as many as are listed")
def counters():
    in_step(two, one, 20)
    for box in one, two:
        stats = json.loads(box.run(CTL, "-j", "stats", "show").stdout)
        assert numbers(stats) and all(0 <= number < 1 << 40 for number in numbers(stats)), stats
        assert stats["calls"]["active"] == len(box.calls()), (stats["calls"], box.calls())


@test("issue 22", "all that pages and manual pages tell of the pair to type has been typed")
def documented():
    told = {line.split("#")[0].strip() for line in typed_by("tests/failover/test_daemons.py")}
    assert told and told <= TYPED, (told, TYPED)


def end():
    for box in (one, two):
        box.kill("daemon", "server")


try:
    run()
finally:
    end()
