#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""sipalg-ctl, the real tool, against the real module."""
import json
import os
import signal
import subprocess
import time

import topology as net
from screen import Terminal
from sip import Call, again, sdp
from ctl import calls_by_memory
from ksft import run, same, test
from topology import PHONE, RELAY, ROUTER, SERVER, Udp, shell

net.build()
phone = Udp("phone", PHONE, 5060)
server = Udp("provider", SERVER, 5060)
TOOL = "tools/sipalg-ctl/sipalg-ctl"


def ctl(arguments, status=0, prefix=f"{TOOL} -n router"):
    """What the tool prints, its exit status being what is wanted."""
    done = subprocess.run(f"{prefix} {arguments}", shell=True, capture_output=True, text=True)
    if done.returncode != status:
        raise AssertionError(f"{arguments}: status {done.returncode}\n{done.stdout}{done.stderr}")
    for line in done.stdout.splitlines():
        if not arguments.startswith(("-j", "-p", "stats show --prom")):
            assert len(line) <= 80, line
    if arguments.startswith("-j") and not status:
        return done.stdout          # a remark may stand beside it
    return done.stdout + done.stderr


def data(arguments):
    return json.loads(ctl("-j " + arguments))


def begin(name, port, answer=True):
    call = Call(name, f"{PHONE}:5060", f"{ROUTER}:5060", SERVER)
    phone.send(call.request("INVITE", sdp(PHONE, port)), SERVER)
    assert server.recv()
    if answer:
        server.send(call.response("200 OK", body=sdp(RELAY, 8000),
                                  extra="\nSession-Expires: 1800;refresher=uac"), ROUTER)
        assert phone.recv()
    return call


def reset():
    ctl("setting reset")
    ctl("call end --all")
    net.router("conntrack -D -p udp 2>/dev/null || true")


@test("contract", "setting list: every setting of the contract with value and range")
def setting_list():
    found = {row["name"]: row for row in data("setting list")}
    for name, value in (("mode", "full"), ("inactive-media-timeout", 120),
                        ("maximum-call-duration", 720), ("t1-interval", 500),
                        ("media-ports", "1024-65535"), ("deny-methods", "none"),
                        ("contact-pinhole", "on"), ("via-pinhole", "off"),
                        ("screen-exempt", "401,407,422,487,488"), ("max-calls", calls_by_memory())):
        assert found[name]["value"] == value, found[name]
    assert len(found) == 37, len(found)
    ctl("setting list")


@test("contract", "setting set: all or nothing, a bad value names its range")
def setting_set():
    ctl("setting set inactive-media-timeout 300 mode observe screen-exempt 401,486")
    found = {row["name"]: row["value"] for row in data("setting list")}
    assert found["inactive-media-timeout"] == 300 and found["mode"] == "observe"
    assert found["screen-exempt"] == "401,486"
    text = ctl("setting set hold-timeout 5 inactive-media-timeout 9", 1)
    assert "10..2550" in text, text
    ctl("setting set hold-timeout 5 nonsense 9", 1)
    ctl("setting set hold-timeout", 1)
    ctl("setting set mode loud", 1)
    ctl("setting set t1-interval -5", 1)
    text = ctl("setting set media-ports 40001-40001", 2)
    assert "media-ports" in text and "1024-65535" in text, text
    found = {row["name"]: row["value"] for row in data("setting list")}
    assert found["hold-timeout"] == 7200
    ctl("setting reset")
    found = {row["name"]: row["value"] for row in data("setting list")}
    assert found["inactive-media-timeout"] == 120 and found["mode"] == "full"


@test("H-22", "mode off and observe leave messages byte-identical and open nothing")
def modes():
    for mode in ("off", "observe", "pinholes"):
        ctl(f"setting set mode {mode}")
        call = Call("mode" + mode, f"{PHONE}:5060", "", SERVER)
        request = call.request("INVITE", sdp(PHONE, 4900))
        phone.send(request, SERVER)
        same(server.recv(), request)
        assert bool(net.expectations()) == (mode == "pinholes"), mode
        assert len(data("call list")) == (mode != "off"), mode
        reset()


@test("S3-40", "media-ports is respected")
def ports():
    ctl("setting set media-ports 30000-30009")
    for i in range(5):
        call = Call(f"mp{i}", f"{PHONE}:5060", "", SERVER)
        phone.send(call.request("INVITE", sdp(PHONE, 4910 + 2 * i)), SERVER)
        got = server.recv()
        port = int(got.split(b"m=audio ")[1].split()[0])
        assert 30000 <= port <= 30008 and port % 2 == 0, port
    call = Call("mp5", f"{PHONE}:5060", "", SERVER)
    phone.send(call.request("INVITE", sdp(PHONE, 4930)), SERVER)
    assert server.recv(1) is None
    assert data("stats show")["dropped"]["no_port_pair"] == 1
    # people see why nobody is called
    phone.send(call.request("INVITE", sdp(PHONE, 4930)), SERVER)
    assert server.recv(1) is None
    shown = data("call show mp5@call.example --ladder")
    assert [(row["method"], row.get("dropped"), row.get("reason")) for row in shown["messages"]] == \
        [("INVITE", 1, "no_port_pair")] * 2, shown
    # and it goes on when there are ports
    ctl("setting set media-ports 30000-30011")
    phone.send(call.request("INVITE", sdp(PHONE, 4930)), SERVER)
    assert b"m=audio 30010 " in server.recv()
    assert net.pinhole(ROUTER, 30010)
    reset()


@test("S3-3", "deny-methods drops, and counts why")
def denied():
    ctl("stats reset")
    ctl("setting set deny-methods SUBSCRIBE,MESSAGE")
    call = Call("deny", f"{PHONE}:5060", "", SERVER)
    phone.send(call.request("MESSAGE"), SERVER)
    options = call.request("OPTIONS")
    phone.send(options, SERVER)
    same(server.recv(), again(options, (f"{PHONE}:5060", f"{ROUTER}:5060")))
    assert data("stats show")["dropped"]["method_denied"] == 1
    reset()


@test("S3-3", "what deny-methods drops within a call is in the call's ladder, and ends nothing")
def denied_within():
    call = begin("ctl-deny", 4940)
    ctl("setting set deny-methods INFO,BYE")
    for method in ("INFO", "BYE"):
        phone.send(call.request(method, cseq=call.cseq + 1, to_tag=True), SERVER)
        assert server.recv(0.5) is None
    rows = data("call show ctl-deny@call.example --ladder")["messages"]
    assert [(row["method"], row.get("dropped"), row.get("reason")) for row in rows[-2:]] == \
        [(method, 1, "method_denied") for method in ("INFO", "BYE")], rows
    assert data("call list")[0]["state"] == "confirmed" and net.pinhole(ROUTER, 4940)
    assert "method_denied" in ctl("call show ctl-deny@call.example --ladder")
    reset()


@test("contract", "call list and show: the keys of the contract, and what they say")
def calls():
    begin("ctl-a", 4950)
    begin("ctl-b", 4960, answer=False)
    time.sleep(3)
    rows = {row["call_id"]: row for row in data("call list")}
    row = rows["ctl-a@call.example"]
    assert row["state"] == "confirmed" and rows["ctl-b@call.example"]["state"] == "early"
    assert row["from_tag"] == "phone-ctl-a" and row["to_tag"] == "peer-ctl-a"
    assert row["source"] == f"{PHONE}:5060" and row["destination"] == f"{SERVER}:5060"
    assert row["session_interval_seconds"] == 1800 and row["refresher"] == "uac"
    assert 2 <= row["age_seconds"] <= 5 and row["expires_in_seconds"] <= 1832
    assert row["idle_seconds"] <= 5
    assert len(row["media"]) == 1, "S2-2: one channel, told once"
    media = row["media"][0]
    assert media["kind"] == "audio" and media["private"] == f"{PHONE}:4950"
    assert media["public"] == f"{ROUTER}:4950" and media["peer"] == f"{RELAY}:8000"
    assert media["rtcp"] == 4951 and media["state"] == "waiting"
    for key in ("idle_seconds", "packets", "bytes"):
        assert isinstance(media[key], int)
    net.router("sysctl -qw net.netfilter.nf_conntrack_acct=1")
    ours, theirs = Udp("phone", PHONE, 4950), Udp("provider", RELAY, 8000)
    theirs.send(b"media", ROUTER, 4950)
    assert ours.recv() == b"media"
    shown = data(f"call show {row['id']}")
    assert shown["media"][0]["state"] == "flowing" and shown["media"][0]["packets"] == 1
    assert data("call show ctl-a@call.example")["id"] == row["id"]
    ctl(f"call show {row['id']}")
    ctl("call list")
    ours.close()
    theirs.close()
    reset()


@test("S0-5", "filters: Call-ID, address, prefix, port, state, age, silence")
def filters():
    begin("f-a", 4970)
    time.sleep(20)
    begin("f-b", 4980, answer=False)
    for text, names in (("call-id f-a@call.example", "a"), (f"address {PHONE}", "ab"),
                        ("address 192.168.1.0/24", "ab"), ("address 192.168.2.0/24", ""),
                        (f"address {RELAY}", "a"), ("port 4980", "b"), ("port 1", ""),
                        ("state early", "b"), ("state confirmed", "a"), ("older 10", "a"),
                        ("idle 10", "a"), ("idle 10 state early", "")):
        got = sorted(row["call_id"][2] for row in data("call list " + text))
        assert got == list(names), (text, got)
    for text in ("address 300.1.1.1", "port 70000", "state odd", "older", "age 5",
                 "address 10.0.0.0/33"):
        ctl("call list " + text, 1)
    reset()


@test("contract", "call end closes pinholes and media at once and sends nothing")
def end():
    begin("e-a", 4990)
    begin("e-b", 4996)
    number = data("call list call-id e-a@call.example")[0]["id"]
    ctl(f"call end {number}")
    assert not net.pinhole(ROUTER, 4990) and net.pinhole(ROUTER, 4996)
    assert "no such call" in ctl(f"call end {number}", 2)
    assert "no such call" in ctl("call show 4000000000", 2)
    assert phone.recv(0.5) is None and server.recv(0.5) is None
    assert "1 call ended" in ctl("call end --all state confirmed")
    assert not data("call list") and not net.expectations()
    assert data("stats show")["calls"]["ended"]["admin"] >= 2
    ctl("call end", 1)
    ctl("call end --all state", 1)


@test("S0-4", "stats show: the groups of the contract; memory and calls at zero in the end")
def stats():
    time.sleep(45)
    shown = data("stats show")
    for key in ("calls", "messages", "pinholes", "registrations", "dropped",
                "passed_unchanged", "tcp", "memory_bytes"):
        assert key in shown, key
    assert shown["calls"]["active"] == 0 and shown["pinholes"]["open"] == 0
    assert shown["memory_bytes"] == 0, shown["memory_bytes"]
    assert shown["messages"]["INVITE"]["new"] > 0
    ctl("stats show")
    assert "sipalg_calls 0" in ctl("stats show --prometheus")
    ctl("stats reset")
    assert data("stats show")["messages"]["INVITE"]["new"] == 0


@test("S0-5", "a listing of 5,000 calls is complete")
def many():
    ctl("setting set max-calls-per-source 5000")
    for i in range(5000):
        call = Call(f"m{i}", f"{PHONE}:5060", "", SERVER)
        phone.send(call.request("INVITE"), SERVER)
        server.recv()
    rows = data("call list")
    assert len({row["call_id"] for row in rows}) == 5000, len(rows)
    assert "5000 calls ended" in ctl("call end --all")
    reset()


@test("contract", "hostile Call-IDs are JSON all the same, and harmless on a terminal")
def hostile():
    call = Call("x", f"{PHONE}:5060", "", SERVER)
    request = again(call.request("INVITE"), ("x@call.example", 'a"\\\\<b\x7f'))
    phone.send(request, SERVER)
    assert server.recv()
    row = data("call list")[0]
    assert row["call_id"] == 'a"\\\\<b\x7f', row["call_id"]
    assert "\x7f" not in ctl("call list")
    reset()


@test("contract", "a summary without arguments, help, and mistakes in one sentence")
def words():
    assert "calls" in ctl("")
    assert "call list" in ctl("--help") and "call list" in ctl("call --help")
    assert ctl("frobnicate", 1).count("\n") == 1
    assert ctl("call frobnicate", 1).count("\n") == 1
    assert ctl("", 1, prefix=f"{TOOL} -n nowhere").count("\n") == 1


@test("contract", "the summary says why nothing is seen, where nothing is")
def silence():
    space = f"{TOOL} -n silent"
    shell("ip netns add silent")

    def why():
        text = ctl("", prefix=space)
        assert "No SIP message" in text, text
        return text
    assert "No rule attaches the helper" in why()
    with open("/tmp/silent.nft", "w", encoding="ascii") as file:
        file.write(net.RULES)
    shell("ip netns exec silent nft -f /tmp/silent.nft")
    assert "A rule attaches the helper" in why() and "conntrack -D" in why()
    ctl("setting set mode off", prefix=space)
    assert "setting set mode full" in why()
    assert "nft" in ctl("", prefix=f"ip netns exec other env PATH=/nowhere {os.path.abspath(TOOL)}")
    begin("seen", 5060)
    assert "No SIP message" not in ctl("")
    shell("ip netns del silent")
    reset()


@test("contract", "call show --ladder: the last 32 messages, what was changed, and why not")
def ladder():
    call = begin("lad", 5020)
    phone.send(call.request("ACK", to_tag=True), SERVER)
    server.recv()
    body = sdp(PHONE, 5020).replace(f"c=IN IP4 {PHONE}", "")
    phone.send(call.request("INVITE", body, cseq=2, to_tag=True), SERVER)
    phone.send(call.request("OPTIONS", cseq=3, to_tag=True), SERVER)
    server.recv()
    rows = data("call show lad@call.example --ladder")["messages"]
    assert [(row["method"], row["status"], row["from"]) for row in rows] == [
        ("INVITE", 0, "caller"), ("INVITE", 200, "callee"), ("ACK", 0, "caller"),
        ("INVITE", 0, "caller"), ("OPTIONS", 0, "caller")], rows
    assert rows[0]["edits"] > 0 and rows[3]["dropped"] == 1
    assert rows[3]["reason"] == "no_connection_line"
    text = ctl("call show lad@call.example --ladder")
    assert "- INVITE -" in text and "< 200 INVITE -" in text and "no_connection_line" in text
    for cseq in range(4, 44):
        phone.send(call.request("OPTIONS", cseq=cseq, to_tag=True), SERVER)
        server.recv()
    rows = data("call show lad@call.example --ladder")["messages"]
    assert [row["cseq"] for row in rows] == list(range(12, 44)), rows
    reset()


@test("issue 5", "outside calls, too, what comes again is told from what is new, in both directions")
def registered_again():
    reset()
    ctl("stats reset")
    call = Call("twice", f"{PHONE}:5060", f"{ROUTER}:5060", SERVER)
    for cseq, count in ((1, 0), (1, 1), (2, 1)):
        phone.send(call.request("REGISTER", cseq=cseq), SERVER)
        server.recv()
        server.send(call.response("200 OK", "REGISTER"), ROUTER)
        phone.recv()
        messages = data("stats show")["messages"]
        for kind in ("REGISTER", "2xx"):
            assert messages[kind] == {"new": cseq, "retransmitted": count}, (kind, messages[kind])
    phone.send(call.request("OPTIONS", cseq=2), SERVER)
    assert server.recv()
    assert data("stats show")["messages"]["OPTIONS"] == {"new": 1, "retransmitted": 0}
    reset()


@test("S0-4", "a 200 to a re-INVITE is new, and the same once more is a retransmission")
def answered_again():
    call = begin("again", 5050)
    phone.send(call.request("INVITE", sdp(PHONE, 5050), cseq=2, to_tag=True), SERVER)
    assert server.recv()
    answer = call.response("200 OK", body=sdp(RELAY, 8000))
    ctl("stats reset")
    for count in (0, 1):
        server.send(answer, ROUTER)
        assert phone.recv()
        assert data("stats show")["messages"]["2xx"] == {"new": 1, "retransmitted": count}
    rows = data("call show again@call.example --ladder")["messages"]
    assert [row["retransmitted"] for row in rows] == [0, 0, 0, 0, 1], rows
    reset()


@test("contract", "top: in place, fits 24 lines of 80 columns, quits on q")
def top():
    begin("top", 5030, answer=False)
    terminal = Terminal([TOOL, "-n", "router", "top"])
    lines = terminal.screens(2)
    assert len(lines) <= 24 and max(map(len, lines)) <= 80, lines
    assert any(line.startswith("calls ") and " 1 now" in line for line in lines), lines
    begin("top2", 5032, answer=False)
    lines = terminal.screens(1)
    rates = [float(line.split()[-1].rstrip("/s")) for line in lines if line.endswith("/s")]
    assert len(rates) == 2 and 0.4 <= rates[0] <= 1.1 and 0.4 <= rates[1] <= 1.1, lines
    terminal.resize(8, 40)
    lines = terminal.screens(2)
    assert len(lines) == 7 and max(map(len, lines)) <= 39, lines
    assert any(line.startswith("calls ") and " 2 now" in line for line in lines), lines
    terminal.type(b"q")
    assert terminal.close() == 0
    for stop in (signal.SIGINT, signal.SIGTERM):
        terminal = Terminal([TOOL, "-n", "router", "top"])
        terminal.screens()
        terminal.process.send_signal(stop)
        assert terminal.close() == 0
    reset()


@test("contract", "without the capability nothing is told; without the module it says so")
def privilege():
    text = ctl("call list", 2, prefix=f"setpriv --reuid 65534 --clear-groups {TOOL}")
    assert "CAP_NET_ADMIN" in text, text
    ctl("monitor", 2, prefix=f"setpriv --reuid 65534 --clear-groups {TOOL}")
    ctl("setting set mode off", 2, prefix=f"setpriv --reuid 65534 --clear-groups {TOOL}")
    assert data("setting list")[0]["value"] == "full"
    net.detach()
    net.router("conntrack -D -p udp 2>/dev/null || true")
    shell("rmmod sipalg")
    assert "modprobe sipalg" in ctl("call list", 1)
    shell("modprobe sipalg")


run()
