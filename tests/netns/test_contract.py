#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""Each command, filter, key, range and exit status that others build on."""
import json
import os
import subprocess
import time

import topology as net
from sip import Call, again, sdp
from ctl import calls_by_memory
from ksft import run, test
from topology import PHONE, PHONE6, RELAY, ROUTER, ROUTER6, SERVER, SERVER6, Udp, shell

net.build()
phone, server = Udp("phone", PHONE, 5060), Udp("provider", SERVER, 5060)
phone6, server6 = Udp("phone", PHONE6, 5060), Udp("provider", SERVER6, 5060)
TOOL = os.path.abspath("tools/sipalg-ctl/sipalg-ctl")

ENDS = {"bye", "cancelled", "failed", "session_expired", "max_duration", "invite_timeout", "idle",
        "evicted", "admin", "signalling_lost"}
REASONS = {"no_connection_line", "no_port_pair", "parse_error", "screened", "rate_limited",
           "too_long", "no_memory", "expectations_full", "conntrack_full", "method_denied"}
SWITCH, DOING = ("off", "on"), ("pass", "drop")
# name, default, and what it may be: words, or (least, most) and whether 0 is allowed beside
SETTINGS = (
    ("mode", "full", ("off", "observe", "pinholes", "full")),
    ("inactive-media-timeout", 120, (10, 2550, True)), ("hold-timeout", 7200, (0, 36000, False)),
    ("maximum-call-duration", 720, (3, 7200, False)),
    ("idle-call-timeout", 43200, (60, 604800, True)), ("t1-interval", 500, (500, 5000, False)),
    ("t4-interval", 5, (5, 10, False)), ("c-timeout", 3, (3, 10, False)),
    ("teardown-delay", 5, (0, 32, False)), ("session-margin", 32, (0, 300, False)),
    ("session-default", 0, (90, 86400, True)), ("retain-hold-resource", "off", SWITCH),
    ("media-source", "any", ("any", "answer", "signalling")),
    ("signalling-source", "registrar", ("registrar", "any")),
    ("contact-pinhole", "on", SWITCH), ("via-pinhole", "off", SWITCH),
    ("route-pinhole", "off", SWITCH), ("record-route-pinhole", "on", SWITCH),
    ("unknown-message", "pass", DOING), ("unknown-method", "pass", DOING),
    ("no-connection-line", "drop", DOING), ("screen-invites", "off", SWITCH),
    ("screen-timeout", 5, (1, 3600, False)), ("ice", "leave", ("leave", "rewrite")),
    ("rate-limit", 0, (1, 1000000, True)), ("max-calls", calls_by_memory(), (16, 1048576, False)),
    ("max-calls-per-source", 4096, (1, 1048576, False)),
    ("max-idle-calls", 0, (0, 1048576, False)), ("max-media-per-call", 32, (1, 64, False)),
    ("max-message", 65535, (1500, 65535, False)),
    ("media-ports", "1024-65535", None), ("deny-methods", "none", None),
    ("screen-exempt", "401,407,422,487,488", None),
    ("nat64-prefix", "none", None), ("nat64-pool", "none", None),
    ("signalling-peers", "none", None), ("public-address", "none", None))


def ctl(arguments, status=0, prefix=f"{TOOL} -n router"):
    """What is printed; what goes wrong is one sentence, and nothing else is printed."""
    done = subprocess.run(f"{prefix} {arguments}", shell=True, capture_output=True, text=True)
    assert done.returncode == status, (arguments, done)
    if status:
        assert done.stdout == "" and done.stderr.count("\n") == 1, (arguments, done)
        return done.stderr
    assert done.stderr == "", (arguments, done)
    return done.stdout


def data(arguments):
    return json.loads(ctl("-j " + arguments))


def values():
    return {row["name"]: row["value"] for row in data("setting list")}


def begin(name, port, six=False, answer=True):
    ours, theirs = (PHONE6, SERVER6) if six else (PHONE, SERVER)
    sender, receiver = (phone6, server6) if six else (phone, server)
    public, bracket = (ROUTER6, "[{}]") if six else (ROUTER, "{}")
    call = Call(name, bracket.format(ours) + ":5060", bracket.format(public) + ":5060",
                bracket.format(theirs))
    sender.send(call.request("INVITE", sdp(ours, port)), theirs)
    assert receiver.recv()
    if answer:
        receiver.send(call.response("200 OK", body=sdp(SERVER6 if six else RELAY, 8000)), public)
        assert sender.recv()
    return call


def held(name, port):
    call = begin(name, port)
    phone.send(call.request("INVITE", sdp(PHONE, port, "a=sendonly"), cseq=2, to_tag=True), SERVER)
    assert server.recv()
    server.send(call.response("200 OK", body=sdp(RELAY, 8000, "a=recvonly")), ROUTER)
    assert phone.recv()


def ending(name, port):
    call = begin(name, port)
    phone.send(call.request("BYE", cseq=2, to_tag=True), SERVER)
    assert server.recv()


def register():
    call = Call("register", f"{PHONE}:5060", f"{ROUTER}:5060", SERVER)
    phone.send(call.request("REGISTER", extra="\nExpires: 600"), SERVER)
    assert server.recv()
    answer = call.response("200 OK", "REGISTER", extra="\nExpires: 600")
    server.send(again(answer, (f"bob@{SERVER}:5060", f"alice@{ROUTER}:5060")), ROUTER)
    assert phone.recv()


def clean():
    ctl("setting reset")
    ctl("call end --all")


def narrow(text):
    assert all(len(line) <= 80 for line in text.splitlines()), text
    return text


@test("contract", "every setting: its default, each word or end of its range, and no other")
def settings():
    rows = {row["name"]: row for row in data("setting list")}
    assert set(rows) == {name for name, _, _ in SETTINGS}, rows
    for name, default, may in SETTINGS:
        assert rows[name]["value"] == rows[name]["default"] == default, rows[name]
        if may is None:
            continue
        if isinstance(may[0], str):
            good, bad, told = may, ("nonsense", "", "7"), ",".join(may)
        else:
            least, most, zero = may
            good = [least, most] + [0] * zero
            bad = [most + 1, "-1", "1.5", "x", 1 << 32] + ([least - 1] if least > zero else [])
            told = f"{least}..{most}"
        assert told in rows[name]["range"], (rows[name], told)
        for value in good:
            ctl(f"setting set {name} {value}")
            assert values()[name] == value, (name, value)
        for value in bad:
            text = ctl(f"setting set {name} '{value}'", 1)
            assert name in text and told in text and values()[name] == good[-1], (text, value)
    ctl("setting reset")
    assert values() == {name: default for name, default, _ in SETTINGS}


@test("contract", "settings that are lists or pairs of ports, and how they are shown")
def lists():
    for name, good, bad in (
            ("media-ports", ("30000-30009", "1024-65535"),
             ("5-1", "1023-2000", "40001-40001", "40001-40002", "1-2-3", "65535-65536", "x")),
            ("deny-methods", ("MESSAGE", "SUBSCRIBE,MESSAGE,PUBLISH,INFO,OPTIONS", "none"),
             ("FOO", "MESSAGE,", "MESSAGE FOO", "")),
            ("screen-exempt", ("300", ",".join(str(300 + i) for i in range(16)), "401,699"),
             ("299", "700", "401,,402", ",".join(str(300 + i) for i in range(17)), "x"))):
        for value in good:
            ctl(f"setting set {name} {value}")
            assert set(values()[name].split(",")) == set(value.split(",")), values()[name]
            shown = narrow(ctl("setting list")).replace("\n  ", "")
            assert values()[name] in shown, (value, shown)
        for value in bad:
            before = values()
            done = subprocess.run([TOOL, "-n", "router", "setting", "set", name, value],
                                  capture_output=True, text=True)
            assert done.returncode in (1, 2) and name in done.stderr, (name, value, done)
            assert done.stderr.count("\n") == 1 and values() == before, (name, value, done)
    ctl("setting set deny-methods MESSAGE")
    changed, = [line.split() for line in ctl("setting list").splitlines() if "deny" in line]
    assert changed == ["deny-methods", "MESSAGE", "none", "none,", "or", "methods"], changed
    ctl("setting reset")


@test("contract", "setting set is all or nothing, whatever is wrong and wherever it stands")
def all_or_nothing():
    before = values()
    for wrong, status in (("nonsense 1", 1), ("max-calls 5", 1), ("mode", 1), ("mode loud", 1),
                          ("media-ports 40001-40001", 2), ("hold-timeout 61", 1)):
        for arguments in (f"hold-timeout 60 {wrong}", f"{wrong} hold-timeout 60"):
            ctl(f"setting set {arguments}", status)
            assert values() == before, arguments
    ctl("setting set hold-timeout 60 max-calls 500 mode observe screen-exempt 401")
    now = values()
    assert (now["hold-timeout"], now["max-calls"], now["mode"], now["screen-exempt"]) == (
        60, 500, "observe", "401"), now
    ctl("setting reset")


@test("contract", "mistakes: one sentence that names the fix, exit 1 or 2, nothing changed")
def mistakes():
    begin("kept", 4900)
    before = values()
    for arguments, status, words in (
            ("setting set nonsense 1", 1, "setting list"), ("setting set mode", 1, "pairs"),
            ("setting set", 1, "pairs"), ("setting set mode off mode full", 1, "twice"),
            ("setting", 1, "list, set and reset"), ("setting list x", 1, "list, set and reset"),
            ("setting reset x", 1, "list, set and reset"), ("call", 1, "list, show"),
            ("call frobnicate", 1, "list, show"), ("call list colour red", 1, "no filter colour"),
            ("call list state", 1, "wants a value"), ("call list state odd", 1, "early"),
            ("call list state early state held", 1, "twice"), ("call list port 65536", 1, "65535"),
            ("call list port x", 1, "number"), ("call list address 300.1.1.1", 1, "no address"),
            ("call list address 10.0.0.0/33", 1, "32"), ("call list address ::/129", 1, "128"),
            ("call list older -5", 1, "number"), ("call list idle 99999999999", 1, "number"),
            ("call list call-id " + "x" * 600, 1, "too long"), ("call show", 1, "one ID"),
            ("call show 1 --ladders", 1, "one ID"), ("call show 4000000000", 2, "call list"),
            ("call show no@call", 2, "call list"), ("call end", 1, "--all"),
            ("call end 1 2", 1, "--all"), ("call end 4000000000", 2, "call list"),
            ("call end --all state", 1, "wants a value"), ("call end --all state odd", 1, "early"),
            ("registration", 1, "list"), ("registration show", 1, "list"),
            ("stats", 1, "show and reset"), ("stats show --x", 1, "show and reset"),
            ("monitor x", 1, "--help"), ("check x", 1, "--help"), ("top x", 1, "--help"),
            ("-j top", 1, "stats show"), ("sync", 1, "handover"), ("sync on", 1, "handover"),
            ("sync status", 1, "sipalg-sync"), ("frobnicate", 1, "no object frobnicate"),
            ("-x", 1, "no option -x"), ("--frob", 1, "no option --frob")):
        assert words in ctl(arguments, status), (arguments, ctl(arguments, status))
    assert "ip netns list" in ctl("call list", 1, f"{TOOL} -n nowhere")
    assert "wants a name" in ctl("", 1, f"{TOOL} -n")
    assert values() == before and len(data("call list")) == 1
    clean()


READING = ("setting list", "call list", "call show keys@call.example",
           "call show keys@call.example --ladder", "registration list", "stats show", "check", "")


def timeless(text):
    """The value of a JSON text, but for numbers: between two questions time passes."""
    return json.loads(text, parse_int=lambda digits: 0)


@test("contract", "-j and -p on every reading command: one value, the same, spread over lines or not")
def forms():
    begin("keys", 4910)
    register()
    for arguments in READING:
        compact = ctl(f"-j {arguments}")
        assert compact.count("\n") == 1 and compact.isascii(), arguments
        for form in (f"--json {arguments}", f"{arguments} -j"):
            assert timeless(ctl(form)) == timeless(compact), form
        for form in (f"-p {arguments}", f"-j --pretty {arguments}"):
            pretty = ctl(form)
            assert timeless(pretty) == timeless(compact) and pretty.count("\n") > 5, form
        narrow(ctl(arguments))
    clean()


@test("contract", "the keys of calls, media, registrations and counters, with values of their kind")
def keys():
    begin("keys", 4920)
    register()
    row, = data("call list")
    for key, kind in (("id", int), ("call_id", str), ("state", str), ("from_tag", str),
                      ("to_tag", str), ("from", str), ("to", str), ("transport", str),
                      ("source", str), ("destination", str), ("age_seconds", int),
                      ("idle_seconds", int), ("session_interval_seconds", int), ("refresher", str),
                      ("expires_in_seconds", int), ("media", list)):
        assert isinstance(row[key], kind), (key, row)
    for key, kind in (("kind", str), ("private", str), ("public", str), ("peer", str),
                      ("rtcp", int), ("state", str), ("idle_seconds", int), ("packets", int),
                      ("bytes", int)):
        assert isinstance(row["media"][0][key], kind), (key, row)
    call = begin("quiet", 4924)
    phone.send(call.request("INVITE", sdp(PHONE, 4924, "a=inactive"), cseq=2, to_tag=True), SERVER)
    assert server.recv()
    server.send(call.response("200 OK", body=sdp(RELAY, 8000, "a=inactive")), ROUTER)
    assert phone.recv()
    quiet, = data("call list state held")
    assert quiet["media"][0]["state"] == "held" and row["media"][0]["state"] == "waiting", quiet
    shown = data("call show keys@call.example")
    assert {key: shown[key] for key in row} == row, shown
    one, = data("registration list")
    assert isinstance(one["id"], int) and one["id"] > 0, one
    assert one == {"id": one["id"], "account": f"bob@{SERVER}", "protocol": "udp",
                   "private": f"{PHONE}:5060", "public": f"{ROUTER}:5060", "registrar": f"{SERVER}:5060",
                   "callers": [SERVER], "expires_in_seconds": one["expires_in_seconds"]}, one
    assert 590 <= one["expires_in_seconds"] <= 600, one
    stats = data("stats show")
    assert {"active", "peak", "total", "ended"} <= set(stats["calls"]), stats
    assert set(stats["calls"]["ended"]) == ENDS, stats["calls"]
    assert {"INVITE", "ACK", "BYE", "REGISTER", "1xx", "6xx"} <= set(stats["messages"]), stats
    assert all(set(pair) == {"new", "retransmitted"} for pair in stats["messages"].values())
    assert set(stats["pinholes"]) == {"open", "opened", "closed"}, stats
    for group in ("dropped", "passed_unchanged"):
        assert REASONS <= set(stats[group]), stats[group]
    for key in ("registrations", "memory_bytes"):
        assert isinstance(stats[key], int), key
    assert stats["registrations"] == 1 and isinstance(stats["tcp"], dict), stats
    clean()


@test("contract", "filters by state, by IPv6, by Call-ID; call end takes the same, and either ID")
def filters():
    begin("early", 4930, answer=False)
    begin("confirmed", 4932)
    held("held", 4934)
    ending("ending", 4936)
    begin("six", 4938, six=True)

    def names(filter_):
        return {row["call_id"].split("@")[0] for row in data("call list " + filter_)}
    for state in ("early", "held", "ending"):
        assert names(f"state {state}") == {state}, (state, names(f"state {state}"))
    assert names("state confirmed") == {"confirmed", "six"}
    for address in (PHONE6, "2001:db8:1::/64", "2001:db8::/32", "::/0", SERVER6):
        assert names(f"address {address}") == {"six"}, address
    assert names("address 0.0.0.0/0") == {"early", "confirmed", "held", "ending"}
    assert names("port 4931") == {"early"}, "the RTCP port, too"
    assert names(f"address {PHONE} port 4932 state confirmed older 0 idle 0") == {"confirmed"}
    row, = data("call list call-id six@call.example")
    assert row["source"] == f"[{PHONE6}]:5060" and row["destination"] == f"[{SERVER6}]:5060", row
    assert row["media"][0]["public"] == f"[{ROUTER6}]:4938", row
    # people see who calls whom; where from stands in the call's own screen
    shown, = [line for line in narrow(ctl("call list address ::/0")).splitlines()
              if line.split()[0] == str(row["id"])]
    assert shown.split()[1:4] == ["alice", "bob", "confirmed"], shown
    assert "alice" in row["from"] and "bob" in row["to"] and row["transport"] == "udp", row
    assert f"callee     bob, [{SERVER6}]:5060" in narrow(ctl(f"call show {row['id']} --ladder"))
    assert ctl("call end six@call.example") == "1 call ended\n"
    number = data("call list state held")[0]["id"]
    assert ctl(f"call end {number}") == "1 call ended\n"
    assert ctl("call end --all state ending port 4936") == "1 call ended\n"
    assert names("") == {"early", "confirmed"}
    assert ctl("call end --all address 198.51.100.1") == "0 calls ended\n"
    assert ctl("call end --all") == "2 calls ended\n"
    clean()


@test("contract", "stats: for a textfile collector, from zero again, and the same as text")
def stats():
    begin("counted", 4950)
    text = ctl("stats show --prometheus")
    families, helped = {}, set()
    for line in text.splitlines():
        if line.startswith("# HELP "):
            name, told = line.split(" ", 3)[2:]
            assert told and name not in helped, line
            helped.add(name)
        elif line.startswith("#"):
            _, word, name, kind = line.split()
            assert word == "TYPE" and kind in ("gauge", "counter") and name not in families, line
            assert name in helped and (kind == "counter") == name.endswith("_total"), line
            families[name] = kind
        else:
            name = line.split("{")[0].split()[0]
            assert name in families and float(line.rsplit(" ", 1)[1]) >= 0, line
    assert set(families) == helped and families["sipalg_calls"] == "gauge", families
    assert "\nsipalg_calls 1\n" in text, text
    for reason in ENDS:
        assert f'\nsipalg_calls_ended_total{{reason="{reason}"}} ' in text, (reason, text)
    assert '\nsipalg_messages_total{method="INVITE",retransmitted="false"} ' in text, text
    assert any(line.split()[:2] == ["messages.INVITE", "new"] for line in
               narrow(ctl("stats show")).splitlines())
    ctl("stats reset")
    now = data("stats show")
    assert now["messages"]["INVITE"]["new"] == 0 and now["calls"]["active"] == 1, now
    clean()


@test("contract", "an empty list is no failure")
def empty():
    clean()
    assert data("call list") == [] and data("call list state held") == []
    assert len(ctl("call list").splitlines()) == 1
    assert len(ctl("registration list").splitlines()) >= 1


@test("issue 5", "listing takes no more memory for 3,000 calls than for one")
def memory():
    ctl("setting set max-calls-per-source 5000")

    def lists(form, kilobytes):
        done = subprocess.run(f"ulimit -v {kilobytes}; {TOOL} -n router {form} call list",
                              shell=True, capture_output=True, text=True)
        # people see names, programs addresses as well: once for each call
        told = f'"source":"{PHONE}:5060"' if form else "\n"
        return done.returncode == 0 and done.stdout.count(told) - (not form)
    begin("m", 4960)
    enough = {form: next(size for size in range(1000, 20000, 50) if lists(form, size))
              for form in ("", "-j")}
    for i in range(3000):
        call = Call(f"m{i}", f"{PHONE}:5060", "", SERVER)
        phone.send(again(call.request("INVITE"), (f"m{i}@", f"{i:x}@")), SERVER)
        server.recv()
    time.sleep(5)       # the table has grown
    for form, size in enough.items():
        assert lists(form, size) == lists(form, 1 << 20) == 3001, (form, size)
    clean()


COMMANDS = ("setting list", "setting set mode off", "setting reset", "call list", "call show 1",
            "call end 1", "call end --all", "registration list", "stats show", "stats reset",
            "monitor", "top", "check", "", "-j call list", "-j stats show")


@test("contract", "help of all and of each object, and what the shell completes")
def help_():
    whole = narrow(ctl("--help"))
    assert whole == ctl("-h") == ctl("help")
    for name in ("setting", "call", "registration", "pinhole", "stats", "monitor", "check", "top",
                 "sync"):
        text = ctl(f"{name} --help")
        assert f"\n  {name}" in text and text in (ctl(f"{name} -h"), ctl(f"{name} help")), name
        assert len(text) < len(whole), name

    def completed(*words):
        script = ("source tools/sipalg-ctl/completion.bash; COMP_WORDS=(sipalg-ctl \"$@\");"
                  "COMP_CWORD=$#; _sipalg_ctl; echo ${COMPREPLY[*]}")
        path = f"PATH={os.path.dirname(TOOL)}:$PATH"
        return shell(f"ip netns exec router env {path} bash -c '{script}' - " +
                     " ".join(f"'{word}'" for word in words)).split()
    assert completed("") == ["setting", "call", "registration", "pinhole", "stats", "monitor",
                             "check", "top", "sync", "--version"]
    assert completed("-j", "call", "") == ["list", "show", "end"]
    assert completed("call", "list", "state", "") == ["early", "confirmed", "held", "ending"]
    assert completed("setting", "set", "mode", "") == ["off", "observe", "pinholes", "full"]
    assert completed("setting", "set", "ice", "") == ["leave", "rewrite"]
    assert completed("setting", "set", "contact-pinhole", "o") == ["off", "on"]
    assert completed("call", "list", "port", "") == [] and completed("call", "sho") == ["show"]
    assert "call-id" in completed("call", "end", "--all", "") and completed("stats", "s") == ["show"]
    assert "max-calls" in completed("setting", "set", "max")


@test("contract", "without the capability no command tells or does anything: exit 2, and the fix")
def privilege():
    begin("private", 4990)
    before = values()
    everybody = f"nsenter --net=/run/netns/router setpriv --reuid 65534 --clear-groups {TOOL}"
    for arguments in COMMANDS:
        assert "CAP_NET_ADMIN" in ctl(arguments, 2, everybody), arguments
    assert "run as root" in ctl("call list", 2,
                                f"setpriv --reuid 65534 --clear-groups {TOOL} -n router")
    assert values() == before and len(data("call list")) == 1
    clean()


@test("contract", "without the module each command says so, in another sentence: exit 1, and the fix")
def unloaded():
    net.detach()
    shell("ip netns exec router conntrack -F 2>/dev/null; ip netns exec router nft flush ruleset")
    shell("rmmod sipalg")
    for arguments in COMMANDS:
        assert "modprobe sipalg" in ctl(arguments, 1), arguments
    assert ctl("--help")
    shell("modprobe sipalg")


run()
