#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""The commands of doc/upgrade.md, with calls up: what goes on, and what is picked up."""
import json

import topology as net
from pages import typed_by
from sip import Call, again, message, sdp
from ksft import run, same, test
from call_helpers import answered, back, both, hang_up, identity, new, out, phone, server
from topology import OTHER, PHONE, RELAY, ROUTER, SERVER, Tcp, Udp, router, shell

CTL = "tools/sipalg-ctl/sipalg-ctl"
other = Udp("other", OTHER, 5062)


def upgrade(meanwhile=lambda: None):
    """By the commands of the page."""
    with open("/etc/nftables.conf", "w", encoding="ascii") as file:
        file.write("flush ruleset\n" + net.RULES + net.MASQUERADE)
    commands = typed_by("tests/netns/test_upgrade.py")
    assert len(commands) == 6, commands
    for command in commands:
        router(f"{command} 2>&1")
        meanwhile()


def rows():
    return json.loads(router(f"{CTL} -j call list"))


class Audio:
    """Both ends of a call's RTP and RTCP; counts what has not arrived."""

    def __init__(self, name, host, port, relay=8000, public=None):
        self.public, self.relay, self.lost, self.sent = public or port, relay, 0, 0
        self.ends = [(Udp(name, host, port + n), Udp("provider", RELAY, relay + n)) for n in (0, 1)]

    def flows(self):
        for n, (ours, theirs) in enumerate(self.ends):
            self.sent += 2
            theirs.send(b"in", ROUTER, self.public + n)
            self.lost += ours.recv(0.5) != b"in"
            ours.send(b"out", RELAY, self.relay + n)
            self.lost += theirs.recv(0.5) != b"out" or theirs.sender != (ROUTER, self.public + n)

    def close(self):
        for pair in self.ends:
            for end in pair:
                end.close()


def call_up(name, port):
    call = answered(name, port)
    audio = Audio("phone", PHONE, port, port + 2000)
    audio.flows()
    assert not audio.lost
    return call, audio


def over(*audios):
    for audio in audios:
        audio.close()
    router(f"{CTL} call end --all")
    router("conntrack -D -p udp 2>/dev/null || true")


@test("H-23", "not a packet of what flows is lost, whatever command is at work")
def media():
    calls = [call_up(f"up{n}", 4000 + 10 * n) for n in range(3)]
    before = [identity(4000 + 10 * n) for n in range(3)]
    upgrade(lambda: [audio.flows() for _, audio in calls])
    assert not rows() and not net.expectations()
    for _, audio in calls:
        audio.flows()
        assert audio.lost == 0 and audio.sent >= 32, (audio.lost, audio.sent)
    assert [identity(4000 + 10 * n) for n in range(3)] == before
    over(*(audio for _, audio in calls))


@test("H-23", "a re-INVITE or UPDATE of the phone is followed: same ports, media, hold, and BYE closes")
def phone_first():
    for number, method in enumerate(("INVITE", "UPDATE")):
        port = 4100 + 10 * number
        call, audio = call_up("first" + method, port)
        upgrade()
        out(call.request(method, sdp(PHONE, port), cseq=2, to_tag=True))
        assert both(port)
        back(call.response("200 OK", method, body=sdp(RELAY, port + 2000)))
        audio.flows()
        assert not audio.lost, audio.lost
        row = rows()[0]
        assert row["state"] == "confirmed" and row["media"][0]["public"] == f"{ROUTER}:{port}", row
        hang_up(call)
        net.until(lambda: not net.expectations(), 6)
        audio.flows()
        assert audio.lost, "the call is over"
        over(audio)


@test("H-23", "a re-INVITE of the other side reaches the phone by its own address, and its answer has the same ports")
def peer_first():
    call, audio = call_up("peer", 4200)
    upgrade()
    data = call.peer_request("INVITE", f"{ROUTER}:5060", body=sdp(RELAY, 6200))
    server.send(data, ROUTER)
    same(phone.recv(), again(data, (f"INVITE sip:alice@{ROUTER}:", f"INVITE sip:alice@{PHONE}:")))
    out(call.peer_response("200 OK", "INVITE", body=sdp(PHONE, 4200)))
    audio.flows()
    assert not audio.lost and both(4200)
    server.send(call.peer_request("BYE", f"{ROUTER}:5060", cseq=101), ROUTER)
    assert phone.recv().startswith(f"BYE sip:alice@{PHONE}:5060 ".encode())
    out(call.peer_response("200 OK", "BYE", cseq=101))
    net.until(lambda: not net.expectations(), 6)
    over(audio)


@test("H-23", "BYE, and what else has no description, passes translated from either side")
def ends():
    call, audio = call_up("ends", 4300)
    upgrade()
    hang_up(call)
    call, more = call_up("ends2", 4310)
    upgrade()
    for method in ("INFO", "BYE"):
        data = call.peer_request(method, f"{ROUTER}:5060")
        server.send(data, ROUTER)
        same(phone.recv(), again(data, (f"{method} sip:alice@{ROUTER}:", f"{method} sip:alice@{PHONE}:")))
        out(call.peer_response("200 OK", method))
    over(audio, more)


@test("H-23", "a call whose public port is another than the phone's keeps it when the other side asks")
def other_port():
    first, audio = call_up("taken", 4400)
    call = Call("moved", f"{OTHER}:5062", f"{ROUTER}:5062", SERVER)
    other.send(call.request("INVITE", sdp(OTHER, 4400)), SERVER)
    port = int(server.recv().split(b"m=audio ")[1].split()[0])
    assert port != 4400
    server.send(call.response("200 OK", body=sdp(RELAY, 6500)), ROUTER, 5062)
    assert other.recv()
    theirs = Audio("other", OTHER, 4400, 6500, port)
    theirs.flows()
    upgrade(lambda: (audio.flows(), theirs.flows()))
    server.send(call.peer_request("INVITE", f"{ROUTER}:5062", body=sdp(RELAY, 6500)), ROUTER, 5062)
    assert other.recv().startswith(f"INVITE sip:alice@{OTHER}:5062 ".encode())
    other.send(call.peer_response("200 OK", "INVITE", body=sdp(OTHER, 4400)), SERVER)
    got = server.recv()
    assert f"m=audio {port} ".encode() in got, (port, got)
    out(first.request("INVITE", sdp(PHONE, 4400), cseq=2, to_tag=True))
    back(first.response("200 OK", body=sdp(RELAY, 6400)))
    for one in (audio, theirs):
        one.flows()
        assert not one.lost, (one.public, one.lost)
    over(audio, theirs)


@test("H-23", "where the phone itself asks its media may move: it is heard from and at the port it names")
def moved():
    first, audio = call_up("held", 4600)
    call = Call("mover", f"{OTHER}:5062", f"{ROUTER}:5062", SERVER)
    other.send(call.request("INVITE", sdp(OTHER, 4600)), SERVER)
    port = int(server.recv().split(b"m=audio ")[1].split()[0])
    server.send(call.response("200 OK", body=sdp(RELAY, 6700)), ROUTER, 5062)
    assert other.recv()
    theirs = Audio("other", OTHER, 4600, 6700, port)
    theirs.flows()
    upgrade()
    out(first.request("INVITE", sdp(PHONE, 4600), cseq=2, to_tag=True))
    back(first.response("200 OK", body=sdp(RELAY, 6600)))
    other.send(call.request("INVITE", sdp(OTHER, 4600), cseq=2, to_tag=True), SERVER)
    theirs.public = int(server.recv().split(b"m=audio ")[1].split()[0])
    assert theirs.public != 4600
    server.send(call.response("200 OK", body=sdp(RELAY, 6700)), ROUTER, 5062)
    assert other.recv()
    for one in (audio, theirs):
        one.flows()
        assert not one.lost, (one.public, one.lost)
    over(audio, theirs)


@test("H-23", "a registered phone is called by its connection, and by its pinhole after the next refresh")
def registered():
    def register(cseq):
        data = message(f"""REGISTER sip:{SERVER} SIP/2.0
            Via: SIP/2.0/UDP {PHONE}:5060;branch=z9hG4bKup{cseq};rport
            From: <sip:alice@{SERVER}>;tag=up
            To: <sip:alice@{SERVER}>
            Call-ID: upgraded
            CSeq: {cseq} REGISTER
            Contact: <sip:alice@{PHONE}:5060>;expires=3600""")
        got = out(data)
        back(got.replace(got.split(b"\r\n", 1)[0], b"SIP/2.0 200 OK"))

    def rings(name):
        call = new(name)
        server.send(again(call.peer_request("INVITE", f"{ROUTER}:5060", body=sdp(RELAY, 8000)),
                          (f";tag={call.tags[0]}", "")), ROUTER)
        return phone.recv(0.5)
    register(1)
    upgrade()
    assert rings("kept").startswith(f"INVITE sip:alice@{PHONE}:5060 ".encode())
    net.time.sleep(1800)
    assert rings("later"), "the connection is kept"
    register(2)
    router("conntrack -D -p udp")
    assert rings("refreshed").startswith(f"INVITE sip:alice@{PHONE}:5060 ".encode())
    over()


@test("H-23", "a TCP connection goes on to the byte, and the next one is followed")
def stream():
    ours, theirs = Tcp.pair("phone", PHONE, 40000)
    hide = (f"{PHONE}:40000", f"{ROUTER}:40000")
    call = Call("tcp", f"{PHONE}:40000", f"{ROUTER}:40000", SERVER, "TCP")
    ours.send(call.request("INVITE", sdp(PHONE, 4800)))
    same(theirs.recv(65536, 0.1), again(call.request("INVITE", sdp(PHONE, 4800)), hide, (PHONE, ROUTER)))
    theirs.send(call.response("200 OK", body=sdp(RELAY, 6800)))
    same(ours.recv(65536, 0.1), again(call.response("200 OK", body=sdp(RELAY, 6800)), hide[::-1]))
    audio = Audio("phone", PHONE, 4800, 6800)
    audio.flows()
    upgrade(audio.flows)
    for sender, receiver in ((ours, theirs), (theirs, ours)):
        sender.send(b"\r\n\r\n" + call.request("OPTIONS", cseq=5))
        same(receiver.recv(65536, 0.1), b"\r\n\r\n" + call.request("OPTIONS", cseq=5))
    for end in (ours, theirs):
        end.close()
    ours, theirs = Tcp.pair("phone", PHONE, 40002)
    data = again(call.request("INVITE", sdp(PHONE, 4800), cseq=6, to_tag=True), (":40000", ":40002"))
    ours.send(data)
    same(theirs.recv(65536, 0.1), again(data, (f"{PHONE}:40002", f"{ROUTER}:40002"), (PHONE, ROUTER)))
    assert both(4800)
    audio.flows()
    assert not audio.lost
    for end in (ours, theirs):
        end.close()
    over(audio)


@test("H-23", "a call that rings meanwhile is answered, and a re-INVITE gives it its audio")
def ringing():
    call = new("rings")
    out(call.request("INVITE", sdp(PHONE, 4900)))
    back(call.response("180 Ringing"))
    upgrade()
    back(call.response("200 OK", body=sdp(RELAY, 6900)))
    out(call.request("ACK", to_tag=True))
    audio = Audio("phone", PHONE, 4900, 6900)
    out(call.request("INVITE", sdp(PHONE, 4900), cseq=2, to_tag=True))
    back(call.response("200 OK", body=sdp(RELAY, 6900)))
    audio.flows()
    assert not audio.lost
    over(audio)


@test("H-23", "without resume=1 nothing is followed before a rule says so, and new connections alone")
def unasked():
    call, audio = call_up("unasked", 5000)
    net.detach()
    shell("rmmod sipalg; modprobe sipalg")
    net.attach()
    data = call.request("INVITE", sdp(PHONE, 5000), cseq=2, to_tag=True)
    phone.send(data, SERVER)
    same(server.recv(), data)
    router("conntrack -D -p udp --orig-port-dst 5060")
    # whoever calls before the phone has said anything means it by the address that conntrack knows
    phone.send(b"\r\n\r\n", SERVER)
    assert server.recv()
    bye = call.peer_request("BYE", f"{ROUTER}:5060")
    server.send(bye, ROUTER)
    same(phone.recv(), again(bye, (f"BYE sip:alice@{ROUTER}:", f"BYE sip:alice@{PHONE}:")))
    out(data)
    over(audio)


run(after=over)
