#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""Who calls whom: names in lists, filters, diagrams; pinholes and flows as conntrack has them."""
import json
import os
import re
import subprocess
import sys
import time
import xml.dom.minidom

import topology as net
from ksft import run, test
from sip import Call, again, sdp
from topology import PHONE, RELAY, ROUTER, SERVER, Udp, shell

net.build()
TOOL = os.path.abspath("tools/sipalg-ctl/sipalg-ctl")
phone, server = Udp("phone", PHONE, 5060), Udp("provider", SERVER, 5060)


def ctl(arguments, status=0):
    done = subprocess.run(f"{TOOL} -n router {arguments}", shell=True, capture_output=True, text=True)
    assert done.returncode == status, (arguments, done)
    return done.stdout + done.stderr


def data(arguments):
    return json.loads(ctl("-j " + arguments))


def named(message, caller, callee):
    """The users that the helpers write are alice and bob."""
    return message.replace(b"sip:alice@", b"sip:" + caller + b"@").replace(
        b"sip:bob@", b"sip:" + callee + b"@")


def begin(name, port, caller=b"alice", callee=b"bob", answer=True):
    call = Call(name, f"{PHONE}:5060", f"{ROUTER}:5060", SERVER)
    phone.send(named(call.request("INVITE", sdp(PHONE, port)), caller, callee), SERVER)
    assert server.recv()
    if answer:
        server.send(named(call.response("200 OK", body=sdp(RELAY, 8000)), caller, callee), ROUTER)
        assert phone.recv()
        phone.send(named(call.request("ACK", to_tag=True), caller, callee), SERVER)
        assert server.recv()
    return call


def register(name, expires=600):
    call = Call(name, f"{PHONE}:5060", f"{ROUTER}:5060", SERVER)
    phone.send(call.request("REGISTER", extra=f"\nExpires: {expires}"), SERVER)
    assert server.recv()
    answer = call.response("200 OK", "REGISTER", extra=f"\nExpires: {expires}")
    server.send(again(answer, (f"bob@{SERVER}:5060", f"alice@{ROUTER}:5060")), ROUTER)
    assert phone.recv()


def end():
    ctl("call end --all")
    net.router("conntrack -F 2>/dev/null")


@test("fault U5", "call list tells who calls whom, how long they talk, by what, and how media is")
def names():
    begin("names", 4900, b"+4930123456", b"reception")
    begin("ringing", 4910, b"carol", b"dave", answer=False)
    rows = {row["call_id"].split("@")[0]: row for row in data("call list")}
    assert (rows["names"]["from"], rows["names"]["to"], rows["names"]["transport"]) == (
        "+4930123456", "reception", "udp"), rows["names"]
    assert (rows["ringing"]["from"], rows["ringing"]["to"]) == ("carol", "dave")
    text = ctl("call list")
    line, = [line for line in text.splitlines() if "reception" in line]
    assert "+4930123456" in line and "confirmed" in line and "udp" in line and "waiting" in line
    assert all(len(line) <= 80 for line in text.splitlines()), text
    shown = ctl(f"call show {rows['names']['id']}")
    assert f"+4930123456, {PHONE}:5060" in shown and "transport  udp" in shown, shown


@test("issue 25", "filters from, to and account run in the kernel; a longer name than is kept is found")
def filters():
    long = b"x" * 50
    begin("long", 4920, long, b"eve", answer=False)
    for text, wanted in (("from carol", ["ringing"]), ("to reception", ["names"]), ("to carol", []),
                         ("account carol", ["ringing"]), ("account eve", ["long"]),
                         ("from CAROL", []), (f"from {long.decode()}", ["long"]),
                         ("from carol state confirmed", [])):
        got = [row["call_id"].split("@")[0] for row in data("call list " + text)]
        assert got == wanted, (text, got)
    assert data("call list from " + long.decode())[0]["from"] == "x" * 40
    assert "1 call ended" in ctl("call end --all from carol")


@test("issue 25", "--mask: no name is told in what goes into a ticket, in no form of output")
def mask():
    for arguments in ("call list", "-j call list", "call show call-id names@call.example --ladder",
                      "-j call show call-id names@call.example",
                      "call show call-id names@call.example --mermaid",
                      "call show call-id names@call.example --svg"):
        plain, masked = ctl(arguments), ctl(arguments + " --mask")
        assert "reception" in plain and "+4930123456" in plain, plain
        assert "reception" not in masked and "+4930123456" not in masked and "***" in masked, masked
    end()


@test("issue 25", "a name that would steer a terminal, a diagram or JSON does not")
def hostile():
    begin("hostile", 4930, b"a%3Cb%22", b"x<y&z")
    row, = data("call list")
    assert (row["from"], row["to"]) == ("a%3Cb%22", "x<y&z"), row
    picture = ctl(f"call show {row['id']} --svg")
    xml.dom.minidom.parseString(picture)
    assert "x?y?z" in picture, picture
    end()


@test("issue 25", "the ladder tells what was changed: fields of headers and of SDP")
def fields():
    call = begin("fields", 4940)
    rows = data("call show call-id fields@call.example --ladder")["messages"]
    assert {"Via", "Contact", "o=", "c="} <= set(rows[0]["changed"]), rows[0]
    assert "Via" in rows[1]["changed"] and "c=" not in rows[1]["changed"], rows[1]
    text = ctl("call show call-id fields@call.example --ladder")
    assert " Via " in text and " Contact " in text and " o= c=" in text, text
    assert all(len(line) <= 80 for line in text.splitlines()), text
    phone.send(call.request("INVITE", sdp(PHONE, 4940).replace(f"c=IN IP4 {PHONE}", ""), cseq=2,
                            to_tag=True), SERVER)
    assert server.recv(0.5) is None
    diagram = ctl("call show call-id fields@call.example --mermaid").splitlines()
    assert diagram[0] == "sequenceDiagram", diagram
    assert "    caller->>router: INVITE" in diagram and "    router->>callee: INVITE" in diagram
    assert "    caller-xrouter: INVITE" in diagram
    assert any("dropped: no_connection_line" in line for line in diagram), diagram
    picture = xml.dom.minidom.parseString(ctl("call show call-id fields@call.example --ladder --svg"))
    texts = [node.firstChild.data for node in picture.getElementsByTagName("text") if node.firstChild]
    assert "INVITE" in texts and "dropped: no_connection_line" in texts, texts
    ctl("call show call-id fields@call.example --svg --mermaid", 1)


@test("issue 25", "pinhole list is conntrack's own list, with the owner of each, and of one call")
def pinholes():
    register("names-register")
    begin("other", 4950)
    rows = data("pinhole list")
    listed = len([line for line in net.router("conntrack -L expect 2>/dev/null").splitlines()
                  if "helper=sipalg" in line])
    assert len(rows) == listed > 4, (len(rows), listed)
    row, = [row for row in rows if row["destination"] == f"{ROUTER}:4940"]
    number = data("call list call-id fields@call.example")[0]["id"]
    assert (row["protocol"], row["purpose"], row["owner"], row["owner_id"]) == (
        "udp", "rtp", "call", number), row
    assert any(row["owner"] == "registration" for row in rows), rows
    ours = data(f"pinhole list call {number}")
    assert ours and all(row["owner_id"] == number and row["owner"] == "call" for row in ours), ours
    assert len(ours) < len(rows)
    text = ctl("pinhole list")
    assert f"call {number}" in text and all(len(line) <= 80 for line in text.splitlines()), text
    ctl("pinhole list call fields", 1)


@test("issue 25", "call show has the call's connections with packets, bytes, state and timeout")
def flows():
    shell("nsenter -t 1 -n sysctl -qw net.netfilter.nf_conntrack_acct=1")
    net.router("sysctl -qw net.netfilter.nf_conntrack_acct=1")
    ours, theirs = Udp("phone", PHONE, 4940), Udp("provider", RELAY, 8000)
    for _ in range(3):
        theirs.send(b"audio", ROUTER, 4940)
        assert ours.recv()
    flow, = data("call show call-id fields@call.example")["flows"]
    assert (flow["source"], flow["destination"], flow["packets"], flow["state"]) == (
        f"{RELAY}:8000", f"{ROUTER}:4940", 3, "unreplied"), flow
    assert flow["timeout_seconds"] > 0
    ours.send(b"audio", RELAY, 8000)
    assert theirs.recv()
    flow, = data("call show call-id fields@call.example")["flows"]
    assert flow["state"] == "replied" and flow["reply_packets"] == 1, flow
    assert "no answer" not in ctl("call show call-id fields@call.example")
    ours.close()
    theirs.close()
    end()


@test("fault U5", "registration list names accounts, finds them, and ends one with its pinholes")
def registrations():
    register("account")
    row, = data("registration list")
    assert row["account"].startswith("bob@") or row["account"].startswith("alice@"), row
    user = row["account"].split("@")[0]
    assert user in ctl("registration list")
    assert "***" in ctl("registration list --mask")
    for text, count in ((row["account"], 1), (user, 1), ("nobody", 0), (user[:-1], 0)):
        assert len(data(f"registration list account {text}")) == count, text
    before = data("pinhole list")
    assert any(hole["owner"] == "registration" for hole in before), before
    ctl("registration end 4000000000", 2)
    assert "1 registration ended" in ctl(f"registration end {row['id']}")
    assert data("registration list") == [] and data("pinhole list") == []
    assert phone.recv(0.3) is None and server.recv(0.3) is None
    assert "no such registration" in ctl(f"registration end {row['id']}", 2)
    ctl("registration end alice", 1)


@test("issue 25", "names and bits of fields take at most 96 bytes of a call")
def memory():
    def taken(caller, callee):
        end()
        net.until(lambda: data("stats show")["memory_bytes"] == 0, 100000, 100)
        call = Call("bytes", f"{PHONE}:5060", f"{ROUTER}:5060", SERVER)
        request = call.request("INVITE").replace(b"alice@", caller).replace(b"bob@", callee)
        phone.send(request, SERVER)
        assert server.recv()
        return data("stats show")["memory_bytes"]
    none, long = taken(b"", b""), taken(b"a" * 60 + b"@", b"b" * 60 + b"@")
    # the bits stand where an entry of the log had two bytes to spare
    assert 0 < long - none <= 96, (none, long)
    assert taken(b"a" * 40 + b"@", b"b" * 40 + b"@") == long, "no longer name is kept"
    end()


@test("fault U2", "what cannot be written is an error, of every command")
def full():
    for arguments in ("call list", "-j call list", "registration list", "pinhole list",
                      "setting list", "stats show", "stats show --prometheus", "check", "",
                      "--help", "--version", "-j stats show"):
        done = subprocess.run(f"{TOOL} -n router {arguments} >/dev/full", shell=True,
                              capture_output=True, text=True)
        assert done.returncode in (1, 3) and "No space left" in done.stderr, (arguments, done)


@test("fault U2", "a Call-ID of digits is found, as such and by its name; a number is the kernel's first")
def digits():
    def call_of(name, port):
        call = Call("digits", f"{PHONE}:5060", f"{ROUTER}:5060", SERVER)
        request = again(call.request("INVITE", sdp(PHONE, port)), ("digits@call.example", name))
        phone.send(request, SERVER)
        assert server.recv()
    call_of("1234567", 4960)
    assert data("call show 1234567")["call_id"] == "1234567"
    number = data("call list")[0]["id"]
    call_of(str(number), 4962)
    assert data(f"call show {number}")["call_id"] == "1234567"
    assert data(f"call show call-id {number}")["call_id"] == str(number)
    call_of("007", 4964)
    assert data("call show 007")["call_id"] == "007"
    assert "1 call ended" in ctl("call end 1234567")
    assert "no such call" in ctl("call end 1234567", 2)
    end()


@test("issue 25", "the picture of a call as wide as can be is the one that a browser is asked to show")
def picture():
    call = Call("wide", f"{PHONE}:5060", f"{ROUTER}:5060", SERVER)

    def send(data, extra=""):
        if extra:
            data = data.replace(b"Max-Forwards: 70", extra.encode())
        data = named(data, b"a-user-whose-name-is-longer-than-the-column", b"w" * 40)
        phone.send(data, SERVER)
        return server.recv(0.5)
    everywhere = "\r\n".join((f"Record-Route: <sip:{PHONE}:5060;lr>", f"Route: <sip:{ROUTER}:5070;lr>",
                               f"Referred-By: <sip:a@{PHONE}>", f"P-Asserted-Identity: <sip:a@{PHONE}>"))
    body = sdp(PHONE, 4970, f"a=rtcp:4971 IN IP4 {PHONE}")
    for _ in range(2):
        assert send(call.request("INVITE", body), everywhere)
    for status in ("100 Trying", "183 Session Progress", "200 OK"):
        server.send(call.response(status, body=sdp(RELAY, 8000) if status != "100 Trying" else ""), ROUTER)
        assert phone.recv()
    assert send(call.request("ACK", to_tag=True))
    assert not send(call.request("INVITE", body.replace(f"c=IN IP4 {PHONE}", ""), cseq=2, to_tag=True))
    time.sleep(40000)
    assert send(call.request("BYE", cseq=3, to_tag=True))
    server.send(call.response("200 OK", "BYE"), ROUTER)
    assert phone.recv()
    drawn = ctl("call show call-id wide@call.example --svg")
    if "--print" in sys.argv:
        print("@@@" + drawn.replace("\n", "\n@@@"))
    with open("tests/picture/ladder.svg", encoding="ascii") as file:
        wanted = file.read()
    assert timeless(drawn) == timeless(wanted), drawn
    end()


def timeless(svg):
    return re.sub(r">\d+\.\d{3}<", ">#<", svg).strip()


run()
