#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""Threats by messages that are not their sender's to send (doc/security.md)."""
import json
import time

import topology as net
from sip import Call, again, message, sdp
from ctl import forget_all
from ksft import run, same, test
from topology import OTHER, PHONE, RELAY, ROUTER, SERVER, STRANGER, Tcp, Udp, router

net.build()
# as on a router whose owner lets anyone signal to a server inside
router("nft insert rule inet sip forward iifname wan udp dport 5060 accept")
router("nft add chain inet nat pre '{ type nat hook prerouting priority dstnat; }'")
router(f"nft add rule inet nat pre iifname wan udp dport 5060 dnat ip to {PHONE}")
phone = Udp("phone", PHONE, 5060)
other = Udp("other", OTHER, 5060)
server = Udp("provider", SERVER, 5060)
stranger = Udp("provider", STRANGER, 5060)
CTL = "tools/sipalg-ctl/sipalg-ctl"
LONG = 40       # seconds after which whatever ends a call has ended it


def data_of(arguments):
    return json.loads(router(f"{CTL} -j {arguments}"))


def call_of(name):
    return Call(name, f"{PHONE}:5060", f"{ROUTER}:5060", SERVER)


def out(data):
    phone.send(data, SERVER)
    got = server.recv()
    assert got, data
    return got


def back(data, sender=server):
    sender.send(data, ROUTER)
    got = phone.recv()
    assert got, data
    return got


def answered(name, port):
    call = call_of(name)
    out(call.request("INVITE", sdp(PHONE, port)))
    back(call.response("200 OK", body=sdp(RELAY, 8000)))
    out(call.request("ACK", to_tag=True))
    return call


def is_heard(port):
    """Media comes in by the call's pinhole."""
    ours, theirs = Udp("phone", PHONE, port), Udp("provider", RELAY, 8000)
    theirs.send(b"media", ROUTER, port)
    got = ours.recv(0.5)
    ours.close()
    theirs.close()
    return got == b"media"


def rows(name):
    return [row for row in data_of("call list") if row["call_id"] == f"{name}@call.example"]


@test("T-6", "a stranger outside who knows Call-ID and tags ends no call: BYE, CANCEL, answers")
def from_outside():
    call = answered("outside", 4000)
    bye = call.peer_request("BYE", f"{ROUTER}:5060")
    same(back(bye, stranger), again(bye, (f"BYE sip:alice@{ROUTER}:", f"BYE sip:alice@{PHONE}:")))
    out(call.request("INVITE", sdp(PHONE, 4000), cseq=2, to_tag=True))
    for status in ("481 Call/Transaction Does Not Exist", "487 Request Terminated", "200 OK"):
        back(call.response(status, body=sdp(STRANGER, 6000) if status[0] == "2" else ""), stranger)
    out(call.request("BYE", cseq=3, to_tag=True))     # the phone asks, somebody else answers
    back(call.response("200 OK", "BYE"), stranger)
    back(call.response("401 Unauthorized", "BYE"))
    time.sleep(LONG)
    assert is_heard(4000) and rows("outside")[0]["state"] == "confirmed", rows("outside")
    # ringing calls as well
    call = call_of("ringing")
    out(call.request("INVITE", sdp(PHONE, 4010)))
    back(call.response("180 Ringing"))
    cancel = again(call.peer_request("CANCEL", f"{ROUTER}:5060", cseq=1), (f";tag={call.tags[1]}", ""))
    back(cancel, stranger)
    back(call.response("603 Decline"), stranger)
    time.sleep(LONG)
    assert is_heard(4010) and rows("ringing")[0]["state"] == "early"
    assert not data_of("stats show")["calls"]["ended"].get("bye")


@test("T-6", "wrong tags, from the right address, end nothing either")
def wrong_tags():
    call = answered("tags", 4020)
    for mine, theirs in ((call.tags[0], "x"), ("x", call.tags[1]), call.tags[::-1], ("x", "y")):
        back(call.peer_request("BYE", f"{ROUTER}:5060", tags=(mine, theirs)))
    time.sleep(LONG)
    assert is_heard(4020) and rows("tags")


@test("T-7", "another phone behind the router that knows Call-ID and tags ends no call, and takes none over")
def from_inside():
    call = answered("inside", 4030)
    for method in ("BYE", "CANCEL", "INVITE"):
        body = sdp(OTHER, 4040) if method == "INVITE" else ""
        data = again(call.request(method, body, cseq=2, to_tag=True), (PHONE, OTHER))
        other.send(data, SERVER)
        assert server.recv()
    time.sleep(LONG)
    assert is_heard(4030), net.expectations()
    mine = [row for row in rows("inside") if row["source"] == f"{PHONE}:5060"]
    assert mine and mine[0]["state"] == "confirmed", rows("inside")
    assert mine[0]["media"][0]["private"] == f"{PHONE}:4030", mine


def register(host, seen, contact="", cseq=1, expires=600, name="reg"):
    """A REGISTER and the registrar's answer to it; `contact` in place of the phone's own."""
    request = message(f"""REGISTER sip:{SERVER} SIP/2.0
        Via: SIP/2.0/UDP {host};branch=z9hG4bK{name}{cseq};rport
        From: <sip:alice@{SERVER}>;tag={name}
        To: <sip:alice@{SERVER}>
        Call-ID: {name}
        CSeq: {cseq} REGISTER
        Contact: <sip:alice@{contact or host}>;expires={expires}""")
    answer = again(request, (f"REGISTER sip:{SERVER} SIP/2.0", "SIP/2.0 200 OK"),
                   (host, seen), *([(contact, seen)] if contact else []))
    return request, answer


def ways_in():
    return [line for line in net.expectations("signalling") if f" dst={ROUTER} " in line]


@test("T-8", "a 2xx to a REGISTER opens nothing unless the registrar sends it, and it was asked for")
def forged_answer():
    request, answer = register(f"{PHONE}:5060", f"{ROUTER}:5060")
    back(answer)                                # nobody has asked
    assert not ways_in()
    out(request)
    back(answer, stranger)                      # somebody else answers
    back(again(answer, ("CSeq: 1", "CSeq: 2")))
    back(again(answer, ("Call-ID: reg", "Call-ID: ger")))
    assert not ways_in() and not data_of("registration list"), ways_in()
    back(answer)
    assert len(ways_in()) == 1 and len(data_of("registration list")) == 1
    assert f" src={SERVER} " in ways_in()[0], ways_in()
    out(register(f"{PHONE}:5060", f"{ROUTER}:5060", cseq=2, expires=0)[0])
    back(again(answer, ("CSeq: 1", "CSeq: 2"), ("expires=600", "expires=0")))


@test("T-8", "nor can a stranger unregister a phone, nor another phone register it or take it off")
def forged_register():
    request, answer = register(f"{PHONE}:5060", f"{ROUTER}:5060", cseq=5, name="mine")
    out(request)
    back(answer)
    before = data_of("registration list")
    assert len(before) == 1, before
    back(again(answer, (";expires=600", ";expires=0")), stranger)
    back(again(answer, (f"<sip:alice@{ROUTER}:5060>;expires=600", "*\r\nExpires: 0")), stranger)
    # a phone that names the other one as its own Contact, and one that takes it off
    for expires in (600, 0):
        request, answer = register(f"{OTHER}:5060", f"{ROUTER}:5060", f"{PHONE}:5060", expires=expires,
                                   name="theirs")
        other.send(request, SERVER)
        assert server.recv()
        port = server.sender[1]
        server.send(answer.replace(f"Via: SIP/2.0/UDP {ROUTER}:5060".encode(),
                                   f"Via: SIP/2.0/UDP {ROUTER}:{port}".encode()), ROUTER, port)
        assert other.recv()
    after = data_of("registration list")
    mine = [row for row in after if PHONE in json.dumps(row)]
    assert len(mine) == 1, after
    ways = [line for line in ways_in() if " dport=5060 " in line]
    assert len(ways) == 1, ways_in()
    request, answer = register(f"{PHONE}:5060", f"{ROUTER}:5060", cseq=6, name="mine", expires=0)
    out(request)
    back(answer)
    time.sleep(600)


@test("T-9", "one Call-ID, and even one From tag, of two phones is two calls, each with its own end")
def collision():
    call = answered("same", 4050)
    other.send(again(call.request("INVITE", sdp(PHONE, 4060)), (PHONE, OTHER)), SERVER)
    got = server.recv()
    port = server.sender[1]
    assert got and b"m=audio 4060 " in got, got
    server.send(again(call.response("486 Busy Here"), (f"{ROUTER}:5060", f"{ROUTER}:{port}")), ROUTER, port)
    assert other.recv()
    time.sleep(LONG)
    assert not net.pinhole(ROUTER, 4060) and is_heard(4050)
    assert len(rows("same")) == 1, rows("same")


@test("T-1", "a browser that is made to send REGISTER and INVITE at the edge of a segment opens nothing")
def slipstream():
    for name, host in (("phone", PHONE), ("other", OTHER)):
        client, accepted = Tcp.pair(name, host, 40000)
        request, answer = register(f"{host}:5070", f"{ROUTER}:5070", name="slip")
        request, answer = (data.replace(b"/UDP", b"/TCP") for data in (request, answer))
        invite = Call("slip", f"{host}:40000", "", SERVER, "TCP").request("INVITE", sdp(host, 4070))
        head = b"POST /upload HTTP/1.1\r\nHost: evil.example:5060\r\nContent-Length: 9999\r\n\r\n"
        for piece in (head + b"a" * (1000 - len(head)), request, b"b" * 1448, invite, b"\r\n\r\n" + request):
            client.send(piece)
            same(accepted.recv(len(piece)), piece)
        # and the server that plays along, in its own direction
        theirs = Call("back", "", "", SERVER, "TCP")
        for piece in (answer, theirs.peer_request("INVITE", f"{host}:40000", body=sdp(host, 8080)),
                      theirs.peer_request("INVITE", f"{ROUTER}:40000", cseq=101, body=sdp(OTHER, 8080))):
            accepted.send(piece)
            assert client.recv(len(piece) + 20, 0.5)
        ways = net.expectations() + net.expectations("signalling")
        assert not [way for way in ways if f" dst={ROUTER} " in way or " dst=192.168." in way], ways
        assert not data_of("registration list"), data_of("registration list")
        client.close()
        accepted.close()
        router("conntrack -D -p tcp 2>/dev/null || true")


run(after=forget_all)
