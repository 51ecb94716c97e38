#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""A setting applies to what exists: calls that are up, phones that are registered (D12)."""
import json
import os
import time

import topology as net
from sip import Call, again, message, sdp
from call_helpers import (answered, audio, back, both, expires, hang_up, lively, new, out, passes,
                          phone, reinvite, server)
from ksft import run, same, test
from topology import PHONE, PHONE6, RELAY, ROUTER, SERVER, SERVER6, STRANGER, Tcp, Udp, router

CTL = os.path.abspath("tools/sipalg-ctl/sipalg-ctl")


def setting(text):
    router(f"{CTL} setting set {text}")


def calls():
    return json.loads(router(f"{CTL} call list -j"))


def reset():
    router(f"{CTL} setting reset")


@test("fault C10", "idle-call-timeout: shorter, longer, 0 (never) and back reach a call that is up")
def idle():
    call = answered("idle", 4000)
    setting("idle-call-timeout 0")
    time.sleep(30000)
    out(call.request("INFO", cseq=2, to_tag=True))
    back(call.response("200 OK", "INFO"))
    time.sleep(2000)
    assert calls(), "0 is never"
    setting("idle-call-timeout 3000")
    time.sleep(900)
    assert calls()
    setting("idle-call-timeout 6000")
    time.sleep(200)
    assert calls(), "3000 s would be over"
    setting("idle-call-timeout 3050")
    net.until(lambda: not calls(), 5)
    reset()


@test("fault C10", "maximum-call-duration counts from the answer, whenever it is set")
def duration():
    answered("long", 4004)
    time.sleep(400)
    setting("maximum-call-duration 10")
    time.sleep(190)
    assert calls()
    time.sleep(20)
    assert not calls()
    answered("over", 4006)
    time.sleep(300)
    setting("maximum-call-duration 3")
    net.until(lambda: not calls() and not net.expectations(), 5)
    reset()


@test("fault C10", "inactive-media-timeout: shorter closes, 0 keeps what is silent")
def inactive():
    call = answered("silent", 4010)
    time.sleep(60)
    setting("inactive-media-timeout 50")
    net.until(lambda: not net.pinhole(ROUTER, 4010), 5)
    reset()
    reinvite(call, sdp(PHONE, 4010), sdp(RELAY, 6010))
    time.sleep(60)
    setting("inactive-media-timeout 0")
    time.sleep(600)
    assert both(4010)
    setting("inactive-media-timeout 700")
    time.sleep(30)
    assert both(4010)
    time.sleep(60)
    assert not net.pinhole(ROUTER, 4010)
    reset()
    hang_up(call)


@test("fault C10", "hold-timeout and retain-hold-resource reach a call on hold")
def hold():
    call = answered("hold", 4014)
    reinvite(call, sdp(PHONE, 4014, "a=inactive"), sdp(RELAY, 6014, "a=inactive"))
    assert not net.expectations()
    setting("retain-hold-resource on")
    assert both(4014), "retained from now on"
    setting("retain-hold-resource off")
    assert not net.expectations()
    setting("hold-timeout 0")
    time.sleep(8000)
    assert calls()
    setting("hold-timeout 8100")
    time.sleep(80)
    assert calls()
    time.sleep(40)
    assert not calls()
    reset()


@test("fault C10", "c-timeout reaches a call that rings, session-margin and session-default one that is up")
def others():
    call = new("rings")
    out(call.request("INVITE", sdp(PHONE, 4018)))
    back(call.response("180 Ringing"))
    setting("c-timeout 5")
    time.sleep(240)
    assert both(4018)
    setting("c-timeout 3")
    net.until(lambda: not net.pinhole(ROUTER, 4018), 5)
    router(f"{CTL} call end --all")
    reset()
    answered("margin", 4020, 300)
    setting("session-margin 100")
    assert lively(4020, 390)
    lively(4020, 20)
    assert not calls()
    reset()
    answered("default", 4022)
    assert lively(4022, 400)
    setting("session-default 600")
    assert lively(4022, 220)
    lively(4022, 20)
    assert not calls()
    reset()


@test("fault C10", "media-source reaches what is open: who may not send any more is shut out, who may is let in")
def source():
    call = answered("source", 4026)
    ours, theirs = audio(4026)
    stranger = Udp("provider", STRANGER, 7000)
    assert passes(theirs, ours, ROUTER, 4026) and passes(stranger, ours, ROUTER, 4026)
    setting("media-source answer")
    assert passes(theirs, ours, ROUTER, 4026) and not passes(stranger, ours, ROUTER, 4026)
    setting("media-source signalling")
    assert not passes(stranger, ours, ROUTER, 4026)
    setting("media-source any")
    late = Udp("provider", STRANGER, 7002)
    assert passes(late, ours, ROUTER, 4026)
    for sock in (ours, theirs, stranger, late):
        sock.close()
    hang_up(call)
    reset()


@test("fault C10", "mode observe and off close what is open, pinholes and full open it again; what flows goes on")
def mode():
    call = answered("mode", 4030)
    ours, theirs = audio(4030)
    assert passes(theirs, ours, ROUTER, 4030)
    for word in ("observe", "off"):
        setting(f"mode {word}")
        assert not net.expectations() and not net.expectations("signalling"), word
        assert passes(theirs, ours, ROUTER, 4030), "a connection is the users'"
        setting("mode full")
        assert both(4030), word
    for sock in (ours, theirs):
        sock.close()
    hang_up(call)
    reset()


@test("D12", "what cannot act on what exists says so in sipalg(4): those settings wait, and act on what comes next")
def waits():
    call = answered("tear1", 4070)
    setting("teardown-delay 20")
    hang_up(call)
    setting("teardown-delay 0")
    time.sleep(15)
    assert both(4070), "what is being torn down keeps its time"
    time.sleep(6)
    assert not both(4070)
    call = answered("tear2", 4072)
    hang_up(call)
    time.sleep(0.2)
    assert not both(4072)
    reset()

    setting("t1-interval 5000")
    call = answered("t1", 4074)
    hang_up(call)
    setting("t1-interval 500")
    time.sleep(300)
    assert calls(), "64 times 5 s"
    time.sleep(30)
    assert not calls()
    call = answered("t1-2", 4076)
    hang_up(call)
    time.sleep(36)
    assert not calls()

    call = answered("ports", 4080)
    setting("media-ports 30000-30099")
    reinvite(call, sdp(PHONE, 4080), sdp(RELAY, 6080))
    assert both(4080), "a call keeps its ports"
    phone.send(new("ports2").request("INVITE", sdp(PHONE, 4084)), SERVER)
    port = int(server.recv().split(b"m=audio ")[1].split()[0])
    assert 30000 <= port <= 30098, port
    hang_up(call)
    router(f"{CTL} call end --all")
    reset()

    both_calls = answered("share1", 4088), answered("share2", 4092)
    setting("max-calls-per-source 1")
    assert len(calls()) == 2, "what he has he keeps"
    phone.send(new("share3").request("INVITE", sdp(PHONE, 4096)), SERVER)
    assert server.recv() and len(calls()) == 2
    for call in both_calls:
        hang_up(call)
    reset()

    media = "m=video 4202 RTP/AVP 96\nm=video 4204 RTP/AVP 97"
    call = new("many")
    out(call.request("INVITE", sdp(PHONE, 4200, media)))
    back(call.response("200 OK", body=sdp(RELAY, 6200, media.replace("42", "62"))))
    out(call.request("ACK", to_tag=True))
    setting("max-media-per-call 1")
    assert both(4200) and both(4202) and both(4204), "streams stay"
    reset()
    hang_up(call)


@test("fault C10", "setting reset reaches calls as set does; session-margin reaches a call that was answered 481")
def by_reset():
    call = answered("reset", 4062)
    setting("mode observe")
    assert not net.expectations()
    reset()
    assert both(4062)
    setting("inactive-media-timeout 10")
    net.until(lambda: not net.pinhole(ROUTER, 4062), 15)
    reset()
    out(call.request("INFO", cseq=2, to_tag=True))
    back(call.response("481 Gone", "INFO"))
    setting("session-margin 300")
    time.sleep(35)
    setting("session-margin 60")
    net.until(lambda: not calls(), 320, 10)
    reset()


def register(sock, name, contact):
    data = message(f"""REGISTER sip:{SERVER} SIP/2.0
        Via: SIP/2.0/UDP {PHONE}:5060;branch=z9hG4bK{name};rport
        From: <sip:alice@{SERVER}>;tag=reg
        To: <sip:alice@{SERVER}>
        Call-ID: {name}
        CSeq: 1 REGISTER
        Contact: <sip:alice@{contact}>
        Expires: 3600""")
    sock.send(data, SERVER)
    got = server.recv()
    assert got
    answer = again(data, ("REGISTER sip:203.0.113.50 SIP/2.0", "SIP/2.0 200 OK"),
                   (f"{PHONE}:5060", f"{ROUTER}:5060"))
    server.send(answer, ROUTER)
    assert sock.recv()


@test("fault C10", "contact-pinhole and signalling-source reach a phone that is registered, mode as well")
def registered():
    register(phone, "reg1", f"{PHONE}:5060")
    assert net.pinhole(ROUTER, 5060, "signalling")
    setting("contact-pinhole off")
    assert not net.pinhole(ROUTER, 5060, "signalling")
    setting("contact-pinhole on")
    assert f"src={SERVER} " in net.pinhole(ROUTER, 5060, "signalling")
    setting("signalling-source any")
    assert "src=0.0.0.0 " in net.pinhole(ROUTER, 5060, "signalling")
    setting("signalling-source registrar")
    assert f"src={SERVER} " in net.pinhole(ROUTER, 5060, "signalling")
    setting("mode observe")
    assert not net.expectations("signalling")
    setting("mode full")
    assert net.pinhole(ROUTER, 5060, "signalling")
    reset()


@test("fault C10", "record-route-pinhole and contact-pinhole close and open what a call's parties have named")
def ways():
    call = new("ways")
    out(call.request("INVITE", sdp(PHONE, 4040)))
    back(call.response("200 OK", body=sdp(RELAY, 6040), extra="\nRecord-Route: <sip:203.0.113.80:5062;lr>"))
    out(call.request("ACK", to_tag=True))
    assert net.pinhole("203.0.113.80", 5062, "signalling")
    setting("record-route-pinhole off")
    assert not net.pinhole("203.0.113.80", 5062, "signalling")
    setting("record-route-pinhole on")
    assert net.pinhole("203.0.113.80", 5062, "signalling"), net.expectations("signalling")
    hang_up(call)
    reset()


@test("fault O3", "observe changes, opens and drops nothing, whatever else is set (D6); pinholes drops what full drops, but no description")
def observe():
    no_c = sdp(PHONE, 4050).replace(f"c=IN IP4 {PHONE}\n", "")
    strange = b"INVITE sip:bob@example.com SIP/2.0\r\nVia: SIP/2.0/UDP 192.168.1.10\r\nNo colon here\r\n\r\n"
    setting("mode observe deny-methods MESSAGE,INFO rate-limit 1 screen-invites on unknown-method drop unknown-message drop")

    def sent():
        yield new("noc").request("INVITE", no_c)
        yield new("denied").request("MESSAGE")
        yield new("odd").request("FROBNICATE")
        yield strange
        for number in range(4):
            yield new(f"many{number}").request("INVITE", sdp(PHONE, 4052))
    for data in sent():
        phone.send(data, SERVER)
        same(server.recv(), data)
    call = new("screen")
    for cseq in (1, 2, 3):
        data = call.request("INVITE", sdp(PHONE, 4054), cseq=cseq)
        phone.send(data, SERVER)
        same(server.recv(), data)
        server.send(call.response("404 Not Found"), ROUTER)
        assert phone.recv()
    assert not net.expectations() and not net.expectations("signalling")
    drops = json.loads(router(f"{CTL} stats show -j"))["dropped"]
    assert not any(drops.values()), drops
    setting("mode pinholes rate-limit 0 screen-invites off")
    phone.send(new("denied2").request("MESSAGE"), SERVER)
    assert server.recv(0.5) is None, "as full does"
    data = new("noc2").request("INVITE", no_c)
    phone.send(data, SERVER)
    same(server.recv(), data)
    reset()
    phone.send(new("noc3").request("INVITE", no_c), SERVER)
    assert server.recv(0.5) is None
    router(f"{CTL} call end --all")


@test("fault O3", "observe drops and changes nothing over TCP either, nor does it keep conntrack's flows alive")
def observe_tcp():
    setting("mode observe deny-methods MESSAGE rate-limit 1")
    ours, theirs = Tcp.pair("phone", PHONE, 5061)
    wanted = b""
    for number in range(4):
        call = Call(f"tcp{number}", f"{PHONE}:5061", "", SERVER, "TCP")
        wanted += call.request("MESSAGE") + call.request("INVITE", sdp(PHONE, 4060).replace(f"c=IN IP4 {PHONE}\n", ""))
    ours.send(wanted)
    same(theirs.recv(len(wanted)), wanted)
    call = new("flow")
    phone.send(call.request("INVITE"), SERVER)
    assert server.recv()
    server.send(call.response("200 OK", extra=expires(1800)), ROUTER)
    assert phone.recv()
    lines = [line for line in router("conntrack -L -p udp 2>/dev/null").splitlines() if "dport=5060" in line]
    assert lines and all(int(line.split()[2]) <= 180 for line in lines), lines
    ours.close()
    theirs.close()
    reset()
    router(f"{CTL} call end --all")


NO_CONNECTION = sdp(PHONE, 4066).replace(f"c=IN IP4 {PHONE}\n", "")


class Line:
    """A TCP connection of the phone's, and the messages on it."""

    def __init__(self, host, server_ip, port):
        self.ours, self.theirs = Tcp.pair("phone", host, port, server_ip)
        ends = [f"[{one}]" if ":" in one else one for one in (host, server_ip)]
        self.call = Call(f"line{port}", f"{ends[0]}:{port}", "", ends[1], "TCP")

    def passes(self, data, wanted, pieces=1):
        for at in range(0, len(data), -(-len(data) // pieces)):
            self.ours.send(data[at:at - (-len(data) // pieces)])
            time.sleep(0.2)
        same(self.theirs.recv(len(wanted) + 1, 1), wanted)

    def close(self):
        self.ours.close()
        self.theirs.close()


@test("fault O3", "observe over TCP, IPv4 and IPv6: each piece of a message passes as it comes, whatever would drop it; answers too")
def observe_pieces():
    router(f"{CTL} stats reset")
    setting("mode observe deny-methods MESSAGE,INFO rate-limit 1 unknown-method drop unknown-message drop screen-invites on")
    for number, (host, server_ip) in enumerate(((PHONE, SERVER), (PHONE6, SERVER6))):
        line = Line(host, server_ip, 5070 + number)
        broken = b"INVITE sip:bob@example.com SIP/2.0\r\nVia: SIP/2.0/TCP 192.168.1.10\r\nNo colon here\r\n\r\n"
        for data in (line.call.request("MESSAGE"), line.call.request("INVITE", NO_CONNECTION),
                     line.call.request("FROBNICATE"), line.call.request("INFO"), broken):
            for at in range(0, len(data), 100):
                line.ours.send(data[at:at + 100])
                same(line.theirs.recv(len(data[at:at + 100]), 1), data[at:at + 100])
        answer = line.call.response("200 OK", body=NO_CONNECTION)
        line.theirs.send(answer)
        same(line.ours.recv(len(answer), 1), answer)
        line.close()
    assert not net.expectations() and not net.expectations("signalling")
    drops = json.loads(router(f"{CTL} stats show -j"))["dropped"]
    assert not any(drops.values()), drops
    reset()
    router(f"{CTL} call end --all")


@test("fault O3", "pinholes over TCP drops what full drops, whole or in pieces, and counts that; a description without c= passes (D6)")
def pinholes_tcp():
    for number, (host, server_ip) in enumerate(((PHONE, SERVER), (PHONE6, SERVER6))):
        router(f"{CTL} stats reset")
        setting("mode pinholes deny-methods MESSAGE,INFO")
        line = Line(host, server_ip, 5080 + number)
        good, denied = line.call.request("OPTIONS"), line.call.request("MESSAGE")
        odd = line.call.request("INVITE", NO_CONNECTION)
        line.passes(good + denied + odd, good + b"\r\n" + odd)
        line.passes(denied, b"\r\n", 4)
        line.passes(odd, odd, 3)
        line.passes(good, good, 2)
        assert json.loads(router(f"{CTL} stats show -j"))["dropped"]["method_denied"] == 2
        line.close()
        reset()
        router(f"{CTL} call end --all")


@test("fault O3", "pinholes drops by rate-limit and screen-invites as full does, and changes no byte of the rest (D6)")
def pinholes_limits():
    setting("mode pinholes rate-limit 2")
    got = []
    for number in range(4):
        data = new(f"fast{number}").request("OPTIONS")
        phone.send(data, SERVER)
        got.append(server.recv(0.3) == data)
    assert got == [True, True, False, False], got
    line = Line(PHONE, SERVER, 5090)
    time.sleep(1.1)
    pings = [Call(f"tcpfast{number}", f"{PHONE}:5090", "", SERVER, "TCP").request("OPTIONS") for number in range(4)]
    line.passes(b"".join(pings), pings[0] + pings[1] + b"\r\n\r\n")
    line.close()
    setting("rate-limit 0 screen-invites on")
    call = new("screened")
    data = call.request("INVITE", NO_CONNECTION)
    phone.send(data, SERVER)
    same(server.recv(), data)
    server.send(call.response("404 Not Found"), ROUTER)
    assert phone.recv()
    phone.send(new("screened2").request("INVITE", NO_CONNECTION), SERVER)
    assert server.recv(0.5) is None
    reset()
    router(f"{CTL} call end --all")


run(after=net.nothing_left)
