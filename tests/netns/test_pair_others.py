#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""Pairs that are not alike: IPv6, three routers, other versions, limits and clocks, two that are active."""
import copy
import json
import time

import pair as pairs
import topology as net
from call_helpers import answered, audio, both, hang_up, passes, reinvite
from ctl import CTL, data, forget_all
from genl import NESTED, attr, attrs_of
from ksft import run, test
from pair import ACTIVE, STANDBY, Pair, Router
from sip import again, sdp
from topology import PHONE, PHONE6, RELAY, ROUTER, ROUTER6, SERVER6, Udp, router, shell
from transports import Datagrams, WayCall

HOUR = 3600 * 1000
pair = Pair()
pairs.namespace("third", net.MASQUERADE)
third = Router("third")


def fresh():
    for _ in range(2):
        forget_all("ipv4", "ipv6")
    pair.sync()


def alike(side="router"):
    """What all routers must have alike, of this one."""
    calls = []
    for row in sorted(data_of("call list", side), key=lambda one: one["call_id"]):
        calls.append((row["call_id"], row["state"], row["from_tag"], row["to_tag"], row["source"], row["destination"],
                      tuple((one["private"], one["public"], one["peer"]) for one in row["media"])))
    holes = sorted((hole.kind, hole.protocol, hole.src, hole.dst, hole.sport, hole.dport)
                   for hole in net.ctnetlink.expectations(side) if hole.helper == "sipalg")
    return calls, holes


def data_of(arguments, side):
    return json.loads(shell(f"ip netns exec {side} {CTL} -j {arguments}"))


def registrations():
    return [{key: value for key, value in row.items() if key != "expires_in_seconds"}
            for row in data("registration list")]


def six():
    way = Datagrams(Udp("phone", PHONE6, 5060), Udp("provider", SERVER6, 5060), ROUTER6)
    return way, lambda: (way.ours.close(), way.theirs.close())


@test("issue 22", "IPv6 behind NAT66: a call and a registration go on by the other router")
def ipv6():
    fresh()
    way, close = six()
    account = WayCall(way, "reg6", 0).call
    way.across(account.request("REGISTER", extra="\nExpires: 600"), True)
    answer = account.response("200 OK", "REGISTER", extra="\nExpires: 600")
    way.across(again(answer, (f"<sip:bob@{way.server}:5060>", f"<sip:alice@{way.alg}>")), False)
    call = WayCall(way, "six", 4000).rings().picks_up()
    ends = call.audio()
    assert call.comes_in(ends) and call.goes_out(ends)
    pair.sync()
    before = alike(), registrations()
    assert len(before[0][0]) == len(before[1]) == 1 and before[0][1], before
    pair.take_over()
    time.sleep(3)       # IPv6 knows after a second that there is a link
    assert (alike(), registrations()) == before, (alike(), registrations(), before)
    assert call.comes_in(ends) and call.goes_out(ends)
    for end in ends:
        end.close()
    call.hangs_up()
    net.until(lambda: not net.expectations(), 10)
    close()


@test("issue 22", "what one router tells two are told; either may be promoted, and the others follow")
def three():
    fresh()
    assert third.set(STANDBY, pair.epoch) == 0
    pair.active.mark()
    objects = pair.sync()
    third.restore(objects, pair.epoch)
    call = answered("three", 4100)
    told = pair.sync()
    third.restore(told, pair.epoch)
    assert alike() == alike("second") == alike("third"), (alike(), alike("second"), alike("third"))
    ours, theirs = audio(4100)
    assert passes(theirs, ours, ROUTER, 4100) and passes(ours, theirs, RELAY, 6100)
    # the third takes over: of the first nothing more is heard
    pair.epoch += 1
    assert pair.active.set(STANDBY, pair.epoch - 1) == 0
    pairs.plug("third")
    first, second = pair.active, pair.standby
    pair.active = third
    assert third.set(ACTIVE, pair.epoch, listen=True) == 0
    third.mark()
    told = third.told()
    for side in (first, second):
        side.restore(told, pair.epoch)
    assert passes(theirs, ours, ROUTER, 4100) and passes(ours, theirs, RELAY, 6100)
    reinvite(call, sdp(PHONE, 4100, "a=sendonly"), sdp(RELAY, 6100, "a=recvonly"))
    told = third.told()
    for side in (first, second):
        side.restore(told, pair.epoch)
    assert alike()[0] == alike("second")[0] == alike("third")[0], (alike(), alike("second"), alike("third"))
    assert [row[1] for row in alike("second")[0]] == ["held"]
    # back to the first, which is called `third` now
    pair.epoch += 1
    assert third.set(STANDBY, pair.epoch - 1) == 0
    pairs.plug("third")
    pair.active, pair.standby = first, second
    assert first.set(ACTIVE, pair.epoch, listen=True) == 0
    time.sleep(0.1)
    hang_up(call)
    time.sleep(10)
    assert not both(4100)
    pair.sync()
    ours.close()
    theirs.close()


def changed(one, record):
    made = copy.copy(one)
    made.record, made.sequence = record, one.sequence + 1
    return made


def nested(record, change):
    """A record with `change` of each of its attributes' kind and value."""
    return record[:4] + b"".join(attr(kind, value) for kind, value in change(list(attrs_of(record[4:]))))


@test("issue 22", "a newer module's record, with what this one does not know, is restored; so is an older one's")
def minor():
    fresh()
    call, (ours, theirs) = answered("minor", 4200), audio(4200)
    objects = pair.sync()
    calls = [one for one in objects if one.kind == "c" and one.record]

    def newer(attrs):
        return [(kind, value + (b"\0" * 8 if kind in (1, 4, 8) else b"")) for kind, value in attrs] + \
            [(30, b"more"), (200, b"still more"), (31 | NESTED, attr(1, b"nest"))]

    pair.standby.restore([changed(calls[-1], nested(calls[-1].record, newer))], pair.epoch)
    unknown = copy.copy(calls[-1])
    unknown.key = b"z" + b"an object that nobody knows"
    pair.standby.restore([unknown], pair.epoch)
    before = alike()
    pair.take_over()
    assert alike() == before, (alike(), before)
    assert passes(theirs, ours, ROUTER, 4200) and passes(ours, theirs, RELAY, 6200)
    # an older one has fewer members at the end of a group, and they are 0
    pair.active.mark()
    told = [one for one in pair.sync() if one.kind == "c" and one.record]
    assert told
    older = nested(told[-1].record, lambda attrs: [(kind, value[:-8] if kind == 1 else value) for kind, value in attrs])
    pair.standby.restore([changed(told[-1], older)], pair.epoch)
    pair.take_over()
    assert passes(theirs, ours, ROUTER, 4200) and passes(ours, theirs, RELAY, 6200)
    hang_up(call)
    ours.close()
    theirs.close()


@test("issue 22", "a record of another version is refused in one clear sentence, and those beside it are restored")
def major():
    fresh()
    call = answered("major", 4300)
    pair.active.mark()
    objects = [one for one in pair.sync() if one.record]
    wrong = [changed(one, bytes([one.record[0] + 1]) + one.record[1:]) for one in objects if one.kind == "c"][-1:]
    fine = [changed(one, one.record) for one in objects if one.kind == "m"][-1:]
    assert wrong and fine
    err, failed = pair.standby.ask_restore(wrong + fine, pair.epoch)
    assert (err, failed) == (0, 1), (err, failed)
    sentence = pair.standby.netlink.sentence
    assert sentence == "a record is of another version of the module", sentence
    assert [one.sequence for one in pair.standby.dump()[0] if one.key == fine[0].key] == [fine[0].sequence]
    hang_up(call)
    time.sleep(50)
    pair.sync()


@test("issue 22", "a standby with smaller limits has all that the active one has, and keeps it when it is promoted")
def limits():
    fresh()
    shell(f"ip netns exec second {CTL} setting set max-calls 16 max-calls-per-source 2 max-media-per-call 1 "
          "max-idle-calls 1 media-ports 30000-30009")
    calls = [answered(f"limit{number}", 4400 + 2 * number) for number in range(24)]
    two = sdp(PHONE, 5000, "m=video 5010 RTP/AVP 31"), sdp(RELAY, 7000, "m=video 7010 RTP/AVP 31")
    reinvite(calls[0], *two)
    pair.sync()
    before = alike()
    assert len(before[0]) == 24 and alike("second") == before, (alike("second"), before)
    pair.take_over()
    assert alike() == before
    ours, theirs = audio(4400 + 2 * 23)
    assert passes(theirs, ours, ROUTER, 4400 + 2 * 23)
    for call in calls[1:]:
        hang_up(call)
    calls[0].cseq = 5
    hang_up(calls[0])
    ours.close()
    theirs.close()
    time.sleep(50)
    pair.sync()
    router(f"{CTL} setting reset")
    pair.take_over()


@test("issue 22", "with clocks an hour apart a call neither ends nor lives too long")
def clocks():
    fresh()
    call, (ours, theirs) = answered("clock", 4500, interval=1800), audio(4500)
    objects = pair.sync()
    mine = [one for one in objects if one.kind != "k" and one.record]
    # a daemon that takes the other's clock for its own finds records of an hour ago, or of ever
    for age in (HOUR, (1 << 32) - 1, 0):
        pair.standby.restore([changed(one, one.record) for one in mine], pair.epoch, age)
        assert alike("second") == alike(), age
        for one in mine:
            one.sequence += 1
    # what is right comes last, and counts
    pair.take_over()
    time.sleep(1700)
    assert len(data("call list")) == 1
    time.sleep(300)
    assert data("call list") == [], data("call list")
    ours.close()
    theirs.close()
    del call


@test("issue 22", "a record that is an hour old by a wrong clock ends no call before its router is promoted")
def old():
    fresh()
    call = answered("old", 4600, interval=1800)
    pair.sync()
    pair.active.mark()
    objects = [one for one in pair.active.told() if one.record]
    pair.standby.restore(objects, pair.epoch, 2 * HOUR)
    time.sleep(60)
    assert [row[0] for row in alike("second")[0]] == ["old@call.example"]
    pair.active.mark()
    pair.sync()     # and the next one mends it
    pair.take_over()
    time.sleep(2)
    assert [row[0] for row in alike()[0]] == ["old@call.example"]
    hang_up(call)
    time.sleep(50)
    pair.sync()


def follow(loser, winner, epoch):
    """What the loser's daemon does: all records, and what is not among them is ended."""
    assert loser.set(STANDBY, epoch) == 0
    records = winner.dump()[0]
    loser.restore(records, epoch)
    keys = {one.key for one in records}
    gone = []
    for one in loser.dump()[0]:
        if one.key not in keys and one.kind != "k":
            one.record, one.sequence = None, one.sequence + 1
            gone.append(one)
    loser.restore(gone, epoch)


@test("issue 22", "two active ones: who was promoted later wins, the other drops what only it had, and both are alike")
def split():
    fresh()
    call, (ours, theirs) = answered("before", 4700), audio(4700)
    pair.sync()
    # the link between them is cut, and the cables are the second's: both are active
    winner = pair.epoch + 1
    assert pair.standby.set(ACTIVE, winner, listen=True) == 0
    lost = answered("lost", 4720)
    assert len(alike()[0]) == 2
    pairs.plug()
    loser, survivor = pair.active, pair.standby
    assert passes(theirs, ours, ROUTER, 4700) and passes(ours, theirs, RELAY, 6700)
    kept = answered("kept", 4740)
    assert loser.ask_restore(survivor.dump()[0], winner)[0] != 0, "an active one is told nothing"
    survivor.told()
    follow(loser, survivor, winner)
    pair.active, pair.standby, pair.epoch = survivor, loser, winner
    assert alike() == alike("second"), (alike(), alike("second"))
    assert [row[0] for row in alike()[0]] == ["before@call.example", "kept@call.example"]
    # it is the standby of one now, and takes over what there is
    hang_up(kept)
    pair.sync()
    pair.take_over()
    assert passes(theirs, ours, ROUTER, 4700) and passes(ours, theirs, RELAY, 6700)
    hang_up(call)
    time.sleep(50)
    pair.sync()
    assert alike()[0] == alike("second")[0] == []
    ours.close()
    theirs.close()
    del lost


run()
