#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""sipalg-ctl monitor: what happens, told in order and whole."""
import functools
import json
import signal
import time

from sip import Call, again, sdp
from ctl import ctl
from call_helpers import phone, send_back as back, send_out as out, server
from events import Monitor
from ksft import run, test
from topology import OTHER, PHONE, RELAY, ROUTER, SERVER


def listening(*settings):
    """A test with a monitor of its own; afterwards all is as before."""
    def mark(function):
        @functools.wraps(function)
        def both():
            for setting in settings:
                ctl("setting set " + setting)
            monitor = Monitor()
            try:
                function(monitor)
            finally:
                monitor.close()
                ctl("setting reset")
                ctl("call end --all")
                while phone.recv(0.1) or server.recv(0.1):
                    pass
        return both
    return mark


def begin(name, port, answer=True):
    call = Call(name, f"{PHONE}:5060", f"{ROUTER}:5060", SERVER)
    out(call.request("INVITE", sdp(PHONE, port)))
    if answer:
        back(call.response("200 OK", body=sdp(RELAY, 8000),
                           extra="\nSession-Expires: 1800;refresher=uac"))
        out(call.request("ACK", to_tag=True))
    return call


@test("issue 5", "events: a call that is new and one that is answered are told with all there is")
@listening()
def whole(monitor):
    call = begin("whole", 4900, answer=False)
    new, = monitor.events("call")
    assert (new["event"], new["state"], new["call_id"]) == (
        "new", "early", "whole@call.example"), new
    assert (new["source"], new["destination"], new["from_tag"], new["to_tag"]) == (
        f"{PHONE}:5060", f"{SERVER}:5060", "phone-whole", ""), new
    media, = new["media"]
    assert (media["private"], media["public"], media["rtcp"], media["state"]) == (
        f"{PHONE}:4900", f"{ROUTER}:4900", 4901, "waiting"), media
    assert 0 < new["expires_in_seconds"] <= 32, new
    back(call.response("200 OK", body=sdp(RELAY, 8000),
                       extra="\nSession-Expires: 1800;refresher=uac"))
    told, = monitor.events("call")
    assert (told["event"], told["state"], told["id"]) == ("answered", "confirmed", new["id"]), told
    assert (told["to_tag"], told["session_interval_seconds"], told["refresher"]) == (
        "peer-whole", 1800, "uac"), told
    assert 1800 <= told["expires_in_seconds"] <= 1832, told
    assert told["media"][0]["peer"] == f"{RELAY}:8000", told


@test("issue 5", "events: hold, resumption, UPDATE, silence and BYE are changes, then it ends")
@listening("inactive-media-timeout 60")
def changes(monitor):
    call = begin("changes", 4910)
    assert [event["event"] for event in monitor.events("call")] == ["new", "answered"]
    for body, answer, state in (("a=sendonly", "a=recvonly", "held"), ("", "", "confirmed")):
        out(call.request("INVITE", sdp(PHONE, 4910, body), cseq=call.cseq + 1, to_tag=True))
        assert not monitor.events("call")
        back(call.response("200 OK", body=sdp(RELAY, 8000, answer)))
        told, = monitor.events("call")
        assert (told["event"], told["state"]) == ("changed", state), told
        out(call.request("ACK", to_tag=True))
    out(call.request("UPDATE", sdp(PHONE, 4912), cseq=call.cseq + 1, to_tag=True))
    back(call.response("200 OK", "UPDATE", body=sdp(RELAY, 8000)))
    told, = monitor.events("call")
    assert told["event"] == "changed" and told["media"][0]["private"] == f"{PHONE}:4912", told
    time.sleep(70)
    told, = monitor.events("call")
    assert told["event"] == "changed" and told["media"][0]["state"] == "idle", told
    out(call.request("BYE", cseq=call.cseq + 1, to_tag=True))
    told, = monitor.events("call")
    assert (told["event"], told["state"]) == ("changed", "ending"), told
    back(call.response("200 OK", "BYE"))
    time.sleep(40)
    *_, last = monitor.events("call")
    assert (last["event"], last["reason"], last["id"]) == ("ended", "bye", told["id"]), last
    assert not [event for event in _ if event["event"] != "changed"], _


@test("issue 5", "events: each end of a call with its reason, once")
@listening("c-timeout 3 maximum-call-duration 3 inactive-media-timeout 0 max-calls 16")
def reasons(monitor):
    def cancelled():
        call = begin("cancelled", 4920, answer=False)
        out(call.request("CANCEL"))
        back(call.response("487 Request Terminated"))

    def failed():
        back(begin("failed", 4922, answer=False).response("486 Busy Here"))

    def session_expired():
        call = begin("session_expired", 4924, answer=False)
        back(call.response("200 OK", body=sdp(RELAY, 8000),
                           extra="\nSession-Expires: 90;refresher=uac"))

    def max_duration():
        begin("max_duration", 4926)

    def invite_timeout():
        back(begin("invite_timeout", 4928, answer=False).response("180 Ringing"))

    def admin():
        begin("admin", 4930)
        ctl("call end --all")

    def evicted():
        for i in range(17):
            begin(f"evicted{i}", 4932 + 2 * i, answer=False)

    for function in (cancelled, failed, session_expired, max_duration, invite_timeout, admin,
                     evicted):
        function()
        time.sleep(0 if function is evicted else 400)
        ended = [event for event in monitor.events("call") if event["event"] == "ended"]
        assert [event["reason"] for event in ended] == [function.__name__], (function, ended)
        assert ended[0]["call_id"].startswith(function.__name__), ended


@test("issue 5", "events: a call that is picked up midway is new before it is anything else")
@listening()
def midway(monitor):
    call = Call("midway", f"{PHONE}:5060", f"{ROUTER}:5060", SERVER)
    out(call.request("INVITE", sdp(PHONE, 4970), cseq=7, to_tag=True))
    back(call.response("200 OK", body=sdp(RELAY, 8000)))
    kinds = [event["event"] for event in monitor.events("call")]
    assert kinds[0] == "new" and kinds.count("new") == 1, kinds


@test("issue 5", "events: pinholes open and close, a phone registers and leaves")
@listening()
def others(monitor):
    begin("pinholes", 4980, answer=False)
    opened = monitor.events("pinhole")
    assert [event["event"] for event in opened] == ["opened"] * 2, opened
    assert (opened[0]["protocol"], opened[0]["source"], opened[0]["destination"],
            opened[0]["private"]) == (
        "udp", "0.0.0.0:0", f"{ROUTER}:4980", f"{PHONE}:4980"), opened
    ctl("call end --all")
    closed = [event for event in monitor.events("pinhole") if event["event"] == "closed"]
    assert {event["destination"] for event in closed} == {f"{ROUTER}:4980", f"{ROUTER}:4981"}
    for expires, kind in ((600, "registered"), (0, "unregistered")):
        register = Call("reg", f"{PHONE}:5060", f"{ROUTER}:5060", SERVER)
        out(register.request("REGISTER", extra=f"\nExpires: {expires}", cseq=600 - expires + 1))
        answer = register.response("200 OK", "REGISTER", extra=f"\nExpires: {expires}")
        back(again(answer, (f"bob@{SERVER}:5060", f"alice@{ROUTER}:5060")))
        told, = monitor.events("registration")
        assert (told["event"], told["private"], told["public"], told["registrar"],
                told["protocol"]) == (kind, f"{PHONE}:5060", f"{ROUTER}:5060", f"{SERVER}:5060",
                                      "udp"), told
        if expires:
            assert 590 <= told["expires_in_seconds"] <= 600, told


@test("issue 5", "events: messages that are dropped or pass unchanged, each with its reason")
@listening("deny-methods MESSAGE rate-limit 5")
def messages(monitor):
    call = Call("odd", f"{PHONE}:5060", f"{ROUTER}:5060", SERVER)
    bad = again(call.request("OPTIONS"), ("CSeq: 1 OPTIONS", "CSeq: OPTIONS"))

    def told(*wanted):
        events = monitor.events("message")
        found = [(event["event"], event["reason"], event["source"], event["destination"])
                 for event in events]
        assert found == [(*one, f"{PHONE}:5060", f"{SERVER}:5060") for one in wanted], found
        return events[0].get("call")
    phone.send(call.request("MESSAGE"), SERVER)
    assert told(("dropped", "method_denied")) is None
    phone.send(call.request("INVITE", sdp(PHONE, 4990).replace(f"c=IN IP4 {PHONE}", "")), SERVER)
    number = told(("dropped", "no_connection_line"))
    assert number == json.loads(ctl("-j call show odd@call.example"))["id"], number
    phone.send(bad, SERVER)
    assert server.recv() == bad
    told(("unchanged", "parse_error"))
    ctl("setting set unknown-message drop")
    phone.send(bad, SERVER)
    told(("dropped", "parse_error"))
    other = Call("often", f"{PHONE}:5060", f"{ROUTER}:5060", SERVER)
    for _ in range(6):
        phone.send(other.request("OPTIONS"), SERVER)
    told(("dropped", "rate_limited"))


@test("issue 5", "events: no more than 5,000 a second are told, and how many were not is said")
@listening()
def limited(monitor):
    bad = b"INVITE sip:x SIP/2.0\r\nCSeq: x\r\n\r\n"
    time.sleep(1)
    for _ in range(5500):
        phone.send(bad, SERVER)
        server.recv(0)
    found = monitor.events("message", "monitor", seconds=2)
    told = sum(event["event"] == "unchanged" for event in found)
    phone.send(bad, SERVER)
    found += monitor.events("message", "monitor")
    lost = sum(event["count"] for event in found if event["event"] == "lost")
    assert told >= 5000 and lost > 0 and told + lost == 5500, (told, lost)


@test("issue 5", "events: a listener that is too slow is told that it has missed some")
@listening()
def overrun(monitor):
    bad = b"INVITE sip:x SIP/2.0\r\nCSeq: x\r\n\r\n"
    monitor.process.send_signal(signal.SIGSTOP)
    for _ in range(5):
        time.sleep(1.1)
        for _ in range(4000):
            phone.send(bad, SERVER)
            server.recv(0)
    monitor.process.send_signal(signal.SIGCONT)
    found = monitor.events("message", "monitor", seconds=2)
    assert [event for event in found if event["object"] == "monitor" and event["event"] == "lost"]
    assert sum(event["event"] == "unchanged" for event in found) < 20000
    phone.send(bad, SERVER)
    assert monitor.events("message"), "it goes on"


@test("issue 5", "events as text: a line each, without what the messages say")
def text():
    monitor = Monitor("")
    begin("text-event", 5000)
    ctl("call end --all")
    lines = monitor.lines()
    monitor.close()
    joined = "\n".join(lines)
    for words in ("call new ", "call answered ", "call ended ", ": admin", "pinhole opened udp "):
        assert words in joined, lines
    assert f", early, {PHONE}:5060 -> {SERVER}:5060" in joined and "alice" not in joined, lines
    assert OTHER not in joined and "text-event" not in joined, lines


run()
