#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""Does `call show` tell all that another router would need to go on with a call?"""
import json
import os
import time

import topology as net
from sip import sdp
from call_helpers import new, send_back as back, send_out as out
from ksft import run, test
from topology import OTHER, PHONE, RELAY, ROUTER, SERVER

TOOL = os.path.abspath("tools/sipalg-ctl/sipalg-ctl")


def read(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


def show(name):
    return json.loads(net.router(f"{TOOL} -j call show {name}@call.example --ladder"))


# What doc/dev/restore.md tells of, by the list that it is an entry of.
KEYS = {
    "": "call_id from_tag inside protocol exact_state session_interval_seconds refresher "
        "invite_expires_seconds age_seconds idle_seconds answered_seconds_ago messages",
    "parties": "side address public contact invite_cseq spoke held held_offered has_sdp_offer",
    "dialogs": "fork tag confirmed ended caller_answered_cseq callee_answered_cseq",
    "timers": "name remaining_ms",
    "sections": "index side fork kind protocol private private_rtcp public public_rtcp "
                "seen_seconds_ago translated offered active held held_offered idle "
                "ice_untouched outside hairpin",
    "signalling_pinholes": "side fork field protocol destination real inside",
}


@test("issue 5", "what is told of an answered call is what its messages have said")
def answered():
    call = new("whole")
    out(call.request("INVITE", sdp(PHONE, 4900), extra="\nExpires: 600"))
    back(call.response("180 Ringing"))
    back(call.response("200 OK", body=sdp(RELAY, 8000),
                       extra="\nSession-Expires: 1800;refresher=uas"))
    out(call.request("ACK", to_tag=True))
    time.sleep(5)
    told = show("whole")
    assert (told["protocol"], told["inside"], told["exact_state"], told["refresher"]) == (
        "udp", PHONE, "confirmed", "uas"), told
    assert 4 <= told["answered_seconds_ago"] <= 6 and "bye_cseq" not in told, told
    caller, callee = told["parties"]
    assert caller == {"side": "caller", "address": f"{PHONE}:5060", "public": f"{ROUTER}:5060",
                      "contact": PHONE, "invite_cseq": 1, "spoke": 1, "held": 0,
                      "held_offered": 0, "has_sdp_offer": 0}, caller
    assert (callee["address"], callee["contact"], callee["invite_cseq"]) == (
        f"{SERVER}:5060", SERVER, 0), callee
    assert told["dialogs"] == [{"fork": 1, "tag": "peer-whole", "confirmed": 1, "ended": 0,
                                "caller_answered_cseq": 0, "callee_answered_cseq": 1}], told
    timers = {timer["name"]: timer["remaining_ms"] for timer in told["timers"]}
    assert set(timers) == {"session", "max_duration", "idle", "media"}, timers
    assert 1826000 <= timers["session"] <= 1828000, timers
    ours, theirs = told["sections"]
    assert (ours["side"], ours["fork"], ours["private"], ours["private_rtcp"], ours["public"],
            ours["public_rtcp"], ours["translated"], ours["active"], ours["protocol"]) == (
        "caller", 0, f"{PHONE}:4900", 4901, f"{ROUTER}:4900", 4901, 1, 1, "udp"), ours
    assert (theirs["side"], theirs["fork"], theirs["private"], theirs["private_rtcp"],
            theirs["translated"]) == ("callee", 1, f"{RELAY}:8000", 8001, 0), theirs
    pinholes = told["signalling_pinholes"]
    assert {(hole["side"], hole["field"], hole["destination"], hole["real"]) for hole in pinholes} \
        == {("caller", "contact", f"{ROUTER}:5060", f"{PHONE}:5060"),
            ("callee", "contact", f"{SERVER}:5060", f"{SERVER}:5060")}, pinholes


@test("issue 5", "what is told has the names that doc/dev/restore.md gives, in each list the same")
def names():
    told = show("whole")
    assert set(KEYS[""].split()) <= set(told), told
    for name, keys in KEYS.items():
        for entry in told[name] if name else ():
            assert set(keys.split()) == set(entry), (name, entry)
    text = read("doc/dev/restore.md")
    missing = [key for key in told if f"`{key}" not in text and key not in (
        "id", "state", "to_tag", "source", "destination", "expires_in_seconds", "media")]
    assert not missing, missing


@test("issue 5", "forks, holds and what is only offered are told apart; so is a BYE")
def others():
    call = new("forked")
    out(call.request("INVITE", sdp(PHONE, 4910)))
    for tag in ("one", "two"):
        back(call.response("183 Session Progress", body=sdp(RELAY, 8000), tag=tag))
    told = show("forked")
    assert [(dialog["fork"], dialog["tag"], dialog["confirmed"]) for dialog in told["dialogs"]] == [
        (1, "one", 0), (2, "two", 0)], told["dialogs"]
    assert [section["fork"] for section in told["sections"]] == [0, 1, 2], told["sections"]
    assert told["exact_state"] == "early" and "answered_seconds_ago" not in told, told
    call = new("held")
    out(call.request("INVITE", sdp(PHONE, 4920)))
    back(call.response("200 OK", body=sdp(RELAY, 8000)))
    out(call.request("ACK", to_tag=True))
    out(call.request("INVITE", sdp(PHONE, 4920, "a=sendonly"), cseq=2, to_tag=True))
    party = show("held")["parties"][0]
    assert (party["held"], party["held_offered"], party["has_sdp_offer"]) == (0, 1, 1), party
    back(call.response("200 OK", body=sdp(RELAY, 8000, "a=recvonly")))
    party = show("held")["parties"][0]
    assert (party["held"], party["has_sdp_offer"], party["invite_cseq"]) == (1, 0, 2), party
    out(call.request("BYE", cseq=3, to_tag=True))
    told = show("held")
    assert (told["exact_state"], told["reason"], told["bye_cseq"], told["bye_side"],
            told["bye_fork"]) == ("bye_sent", "bye", 3, "caller", 1), told
    assert {"teardown", "forget"} <= {timer["name"] for timer in told["timers"]}, told["timers"]
    call = new("failed")
    out(call.request("INVITE", sdp(PHONE, 4930)))
    back(call.response("486 Busy Here"))
    assert show("failed")["exact_state"] == "failed"


@test("issue 5", "a call as large as may be is told whole, and in one answer")
def large():
    tag = "t" * 250
    call = new("large")
    lines = "\n".join(f"m=audio {20000 + 2 * i} RTP/AVP 0" for i in range(1, 32))
    out(call.request("INVITE", sdp(PHONE, 20000, lines)))
    peer = "\n".join(f"m=audio {30000 + 2 * i} RTP/AVP 0" for i in range(1, 32))
    for i in range(16):
        back(call.response("183 Session Progress", body=sdp(RELAY, 30000, peer) if i < 1 else "",
                           tag=f"{i}{tag}"))
    told = show("large")
    assert len(told["dialogs"]) == 16 and len(told["sections"]) == 64, (
        len(told["dialogs"]), len(told["sections"]))
    assert len(told["messages"]) == 17 and len(told["media"]) == 32, len(told["media"])


@test("issue 5", "a list does not tell what only a single call is asked for")
def short():
    row = json.loads(net.router(f"{TOOL} -j call list"))[0]
    assert "parties" not in row and "sections" not in row and OTHER not in json.dumps(row), row


run()
