#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""What a party accepts is proven, from wherever it came; what nobody accepts is nothing."""
import json
import os
import socket
import time

import topology as net
from sip import Call, again, sdp
from call_helpers import (answered, audio, back, both, expires, hang_up, lively, new, out, passes,
                          phone, server)
from ksft import run, test
from topology import (PHONE, PHONE6, RELAY, RELAY6, ROUTER, ROUTER6, SERVER, SERVER6, STRANGER,
                      Tcp, Udp, router)

CTL = os.path.abspath("tools/sipalg-ctl/sipalg-ctl")
# whoever is outside may call the phone: the provider's hosts are many
router("nft insert rule inet sip forward iifname wan meta l4proto { tcp, udp } th dport 5060 accept")
router("nft add chain inet nat pre '{ type nat hook prerouting priority dstnat; }'")
router(f"nft add rule inet nat pre iifname wan udp dport 5060 dnat ip to {PHONE}")
router(f"nft add rule inet nat pre iifname wan tcp dport 5060 dnat ip to {PHONE}")
router(f"nft add rule inet nat pre iifname wan udp dport 5060 dnat ip6 to {PHONE6}")
sbc = Udp("provider", STRANGER, 5060)
REFUSALS = ("481 Call/Transaction Does Not Exist", "491 Request Pending", "488 Not Acceptable Here",
            "500 Server Internal Error")


def calls():
    return json.loads(router(f"{CTL} call list -j"))


def ended(reason):
    return json.loads(router(f"{CTL} stats show -j"))["calls"]["ended"].get(reason, 0)


def ask(call, method, cseq, body="", extra="", sender=sbc):
    """The provider's other host asks, and the phone gets it."""
    data = call.peer_request(method, f"{ROUTER}:5060", cseq=cseq, body=body)
    data = again(data, (f"SIP/2.0/UDP {SERVER}:", f"SIP/2.0/UDP {sender.address[0]}:"),
                 (f"sip:bob@{SERVER}:5060>", f"sip:bob@{sender.address[0]}:5060>{extra}"))
    sender.send(data, ROUTER)
    got = phone.recv()
    assert got and f"{method} sip:alice@{PHONE}:5060 ".encode() in got, got
    return data


def tell(call, status, method, cseq, body="", extra="", to=sbc, at=None):
    """The phone answers that host, or another one in its place; says what it got."""
    at = at or to
    data = call.peer_response(status, method, cseq=cseq, body=body)
    data = again(data, (f"SIP/2.0/UDP {SERVER}:", f"SIP/2.0/UDP {to.address[0]}:"),
                 (f"<sip:alice@{PHONE}:5060>", f"<sip:alice@{PHONE}:5060>{extra}"))
    phone.send(data, at.address[0])
    got = at.recv()
    assert got and f"sip:alice@{ROUTER}:5060>".encode() in got and PHONE.encode() not in got, got
    return got


@test("fault C1", "a refresh from another host of the provider, by re-INVITE or UPDATE, with and without SDP, counts (D1)")
def refreshes():
    for number, (method, with_sdp) in enumerate((("INVITE", True), ("INVITE", False),
                                                 ("UPDATE", True), ("UPDATE", False))):
        port = 4000 + 4 * number
        call = answered(f"fresh{number}", port, 300)
        for cseq in range(200, 203):
            assert lively(port, 250)
            offer = sdp(RELAY, port + 2000)
            ask(call, method, cseq, offer if with_sdp else "")
            got = tell(call, "200 OK", method, cseq, sdp(PHONE, port) if with_sdp or method == "INVITE" else "",
                       "\nSession-Expires: 300;refresher=uac")
            assert f"m=audio {port} ".encode() in got or not with_sdp, got
            if method == "INVITE":
                ask(call, "ACK", cseq, "" if with_sdp else offer)
        assert lively(port, 200), method
        hang_up(call)


@test("fault C1", "a re-INVITE from there moves the media: what it names and what is answered opens, and not before")
def moves():
    call = answered("moves", 4040)
    ask(call, "INVITE", 300, sdp(STRANGER, 7000))
    assert not net.pinhole(STRANGER, 7000), "nobody has accepted that yet"
    got = tell(call, "200 OK", "INVITE", 300, sdp(PHONE, 4046))
    assert b"m=audio 4046 " in got and f"c=IN IP4 {ROUTER}".encode() in got, got
    ours, theirs = Udp("phone", PHONE, 4046), Udp("provider", STRANGER, 7000)
    assert passes(theirs, ours, ROUTER, 4046) and passes(ours, theirs, STRANGER, 7000)
    assert theirs.sender == (ROUTER, 4046) and not net.pinhole(ROUTER, 4040)
    ours.close()
    theirs.close()
    ask(call, "BYE", 301)
    tell(call, "200 OK", "BYE", 301)
    net.until(lambda: not net.expectations(), 6)


@test("fault C1", "a BYE from there that the phone accepts ends the call; one that it does not, changes nothing")
def bye():
    before = ended("bye")
    call = answered("bye", 4050)
    for cseq, refusal in enumerate(REFUSALS, 400):
        ask(call, "BYE", cseq)
        if cseq % 2:
            tell(call, refusal, "BYE", cseq)
    ask(call, "BYE", 410)               # nobody answers
    assert lively(4050, 100), "nobody has accepted any"
    assert calls()[0]["state"] == "confirmed"
    ask(call, "BYE", 411)
    tell(call, "200 OK", "BYE", 411)
    net.until(lambda: not net.expectations(), 6)
    time.sleep(40)
    assert not calls() and ended("bye") == before + 1


@test("issue 26", "a phone that answers to where the call came from has accepted what one of signalling-peers asked")
def answered_elsewhere():
    router(f"{CTL} setting set signalling-peers {STRANGER}")
    for number, (method, with_sdp) in enumerate((("INVITE", True), ("UPDATE", False))):
        port = 4250 + 4 * number
        call = answered(f"former{number}", port, 300)
        for cseq in range(200, 203):
            assert lively(port, 250)
            ask(call, method, cseq, sdp(RELAY, port + 2000) if with_sdp else "")
            tell(call, "200 OK", method, cseq, sdp(PHONE, port) if with_sdp else "",
                 "\nSession-Expires: 300;refresher=uac", at=server)
            if method == "INVITE":
                ask(call, "ACK", cseq)
        assert lively(port, 200), method
        hang_up(call)
    call = answered("former", 4260)
    ask(call, "BYE", 210)
    tell(call, "500 Server Internal Error", "BYE", 210, at=server)
    ask(call, "BYE", 211)
    # another transaction's
    phone.send(again(call.peer_response("200 OK", "BYE", cseq=211), ("branch=z9hG4bK", "branch=z9hG4bKno")), SERVER)
    assert server.recv()
    time.sleep(8)
    assert calls() and both(4260)
    ask(call, "BYE", 212)
    tell(call, "200 OK", "BYE", 212, at=server)
    time.sleep(8)
    assert not both(4260) and not net.expectations("media")
    net.until(lambda: not calls(), 40)
    router(f"{CTL} setting reset")


@test("S3-54", "who listens and copies the other side's request, branch and all, is accepted by no answer to that (T-6)")
def copied():
    for number, (method, first) in enumerate((("INVITE", True), ("INVITE", False), ("UPDATE", True), ("UPDATE", False))):
        port = 4270 + 4 * number
        call = answered(f"copy{number}", port, 300)
        true = call.peer_request(method, f"{ROUTER}:5060", cseq=90, body=sdp(RELAY, port + 2000))
        forged = call.peer_request(method, f"{ROUTER}:5060", cseq=90, body=sdp(STRANGER, 7010))
        for sender, data in ((server, true), (sbc, forged))[::1 if first else -1]:
            sender.send(data, ROUTER)
            assert phone.recv()
        out(call.peer_response("200 OK", method, cseq=90, body=sdp(PHONE, port)))
        assert not net.pinhole(STRANGER, 7010) and net.pinhole(RELAY, port + 2000), (method, first)
        # it is no party by that
        ask(call, "BYE", 91)
        time.sleep(8)
        assert calls() and both(port), (method, first)
        hang_up(call)


@test("fault C1", "refused or not answered, a re-INVITE or UPDATE from there opens nothing and refreshes nothing")
def refused():
    for number, refusal in enumerate(REFUSALS + (None,)):
        before = ended("session_expired")
        port = 4060 + 4 * number
        call = answered(f"ref{number}", port, 300)
        assert lively(port, 100)
        for cseq, method in enumerate(("INVITE", "UPDATE"), 500):
            ask(call, method, cseq, sdp(STRANGER, 7010))
            if refusal:
                tell(call, refusal, method, cseq)
        assert lively(port, 220) and both(port) and not net.pinhole(STRANGER, 7010)
        time.sleep(20)
        assert not calls() and ended("session_expired") == before + 1, (refusal, calls())


@test("fault C1", "the phone's 2xx to an INFO, REFER or OPTIONS from there is a sign of life, and moves no media (D11)")
def others():
    router(f"{CTL} setting set idle-call-timeout 600")
    call = answered("info", 4090)
    for cseq, method in enumerate(("INFO", "REFER", "OPTIONS", "MESSAGE"), 600):
        assert lively(4090, 500)
        ask(call, method, cseq)
        tell(call, "200 OK", method, cseq)
    assert lively(4090, 500) and both(4090)
    ask(call, "INFO", 650)
    tell(call, "403 Forbidden", "INFO", 650)
    assert lively(4090, 95)
    time.sleep(15)
    assert not calls(), "a refusal is none"
    router(f"{CTL} setting reset")


@test("fault C1", "the call's first INVITE comes again from another host: who is answered is the caller")
def other_invite():
    first = new("again")
    invite = again(first.peer_request("INVITE", f"{ROUTER}:5060", body=sdp(RELAY, 6100), tags=("", first.tags[1])),
                   (";tag=\r\n", "\r\n"))
    server.send(invite, ROUTER)
    assert phone.recv()
    sbc.send(again(invite, (f"UDP {SERVER}:", f"UDP {STRANGER}:"), ("z9hG4bK", "z9hG4bKsecond")), ROUTER)
    assert phone.recv()
    phone.send(again(first.peer_response("200 OK", "INVITE", body=sdp(PHONE, 4100)), (f"UDP {SERVER}:", f"UDP {STRANGER}:"),
                     ("z9hG4bK", "z9hG4bKsecond")), STRANGER)
    got = sbc.recv()
    assert got and b"m=audio 4100 " in got and PHONE.encode() not in got, got
    ours, theirs = audio(4100)
    assert passes(theirs, ours, ROUTER, 4100) and passes(ours, theirs, RELAY, 6100)
    ours.close()
    theirs.close()
    ask(first, "BYE", 101)
    tell(first, "200 OK", "BYE", 101)
    net.until(lambda: not net.expectations(), 6)


@test("fault C1", "a PRACK from there that answers the phone's offer takes effect when the phone accepts it, and not before")
def prack():
    for number, status in enumerate(("481 Gone", "200 OK")):
        call = new(f"prack{number}")
        invite = call.peer_request("INVITE", f"{ROUTER}:5060", tags=("", call.tags[1]))
        server.send(again(invite, (";tag=\r\n", "\r\n")), ROUTER)
        assert phone.recv()
        out(call.peer_response("183 Session Progress", "INVITE", body=sdp(PHONE, 4220)))
        ask(call, "PRACK", 101, sdp(STRANGER, 7220))
        assert not net.pinhole(STRANGER, 7220), "nobody has accepted that yet"
        tell(call, status, "PRACK", 101)
        ours, theirs = Udp("phone", PHONE, 4220), Udp("provider", STRANGER, 7220)
        assert bool(net.pinhole(STRANGER, 7220)) == (status[0] == "2"), status
        assert status[0] == "4" or (passes(theirs, ours, ROUTER, 4220) and passes(ours, theirs, STRANGER, 7220))
        ours.close()
        theirs.close()
        out(call.peer_response("486 Busy Here", "INVITE"))
        time.sleep(40)


@test("fault C1", "a pool of six hosts refreshes by turns, and a seventh hangs up")
def pool():
    call = answered("pool", 4224, 300)
    hosts = [f"203.0.113.{number}" for number in range(100, 107)]
    for host in hosts:
        net.shell(f"ip -n provider addr add {host}/24 dev eth0")
    for number in range(14):
        host = Udp("provider", hosts[number % 6], 5060)
        method = ("UPDATE", "INVITE")[number % 2]
        assert lively(4224, 200), number
        ask(call, method, 200 + number, sdp(RELAY, 6224), sender=host)
        tell(call, "200 OK", method, 200 + number, sdp(PHONE, 4224), "\nSession-Expires: 300;refresher=uac", to=host)
        host.close()
    last = Udp("provider", hosts[6], 5060)
    ask(call, "BYE", 300, sender=last)
    assert both(4224)
    tell(call, "200 OK", "BYE", 300, to=last)
    net.until(lambda: not net.expectations(), 6)
    last.close()


@test("fault C1", "by TCP, to a PBX: a BYE and a refresh that it accepts on another connection count")
def by_tcp():
    ours, theirs = Tcp.pair("phone", PHONE, 5060)
    call = Call("tcp", f"{PHONE}:5060", f"{ROUTER}:5060", SERVER, "TCP")

    def send(sender, receiver, data):
        sender.send(data)
        got = receiver.recv(len(data) - 60, 1)
        got += receiver.recv(4000, 0.2)
        assert got
        return got
    send(ours, theirs, call.request("INVITE", sdp(PHONE, 4110)))
    send(theirs, ours, call.response("200 OK", body=sdp(RELAY, 6110), extra=expires(300)))
    send(ours, theirs, call.request("ACK", to_tag=True))
    assert lively(4110, 250)
    net.enter("phone")
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    ours.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    listener.bind((PHONE, 5060))
    listener.listen()
    net.enter("provider")
    client = socket.socket()
    client.bind((STRANGER, 5070))
    client.connect((ROUTER, 5060))
    there, here = Tcp(client), Tcp(listener.accept()[0])
    update = again(call.peer_request("UPDATE", f"{ROUTER}:5060", cseq=70), (f"TCP {SERVER}:", f"TCP {STRANGER}:"))
    send(there, here, update)
    answer = again(call.peer_response("200 OK", "UPDATE", cseq=70), (f"TCP {SERVER}:", f"TCP {STRANGER}:"),
                   ("Call-ID", "Session-Expires: 300;refresher=uac\r\nCall-ID"))
    assert PHONE.encode() not in send(here, there, answer)
    assert lively(4110, 250) and lively(4110, 40)
    send(there, here, again(call.peer_request("BYE", f"{ROUTER}:5060", cseq=71), (f"TCP {SERVER}:", f"TCP {STRANGER}:")))
    assert both(4110)
    send(here, there, again(call.peer_response("200 OK", "BYE", cseq=71), (f"TCP {SERVER}:", f"TCP {STRANGER}:")))
    net.until(lambda: not net.expectations(), 6)
    for end in (ours, theirs, there, here):
        end.close()
    listener.close()
    time.sleep(40)


@test("fault C1", "with IPv6: a BYE from another host of the provider's, accepted, ends the call; refused, it does not")
def by_ipv6():
    ours, theirs, other = Udp("phone", PHONE6, 5060), Udp("provider", SERVER6, 5060), Udp("provider", RELAY6, 5060)
    call = Call("six", f"[{PHONE6}]:5060", f"[{ROUTER6}]:5060", f"[{SERVER6}]")
    ours.send(call.request("INVITE", sdp(PHONE6, 4120)), SERVER6)
    assert theirs.recv()
    theirs.send(call.response("200 OK", body=sdp(RELAY6, 6120)), ROUTER6)
    assert ours.recv()
    ours.send(call.request("ACK", to_tag=True), SERVER6)
    assert theirs.recv() and net.pinhole(ROUTER6, 4120)
    for cseq, status in ((80, "481 Gone"), (81, "200 OK")):
        change = (f"UDP [{SERVER6}]:", f"UDP [{RELAY6}]:")
        other.send(again(call.peer_request("BYE", f"[{ROUTER6}]:5060", cseq=cseq), change), ROUTER6)
        assert ours.recv()
        ours.send(again(call.peer_response(status, "BYE", cseq=cseq), change), RELAY6)
        assert other.recv()
        time.sleep(8)
        assert bool(net.pinhole(ROUTER6, 4120)) == (cseq == 80), status
    for sock in (ours, theirs, other):
        sock.close()


@test("fault C1", "media-source signalling follows the party that has moved")
def media_follows():
    router(f"{CTL} setting set media-source signalling")
    call = answered("follow", 4130)
    ask(call, "INVITE", 90, sdp(STRANGER, 7030))
    tell(call, "200 OK", "INVITE", 90, sdp(PHONE, 4130))
    ours, theirs = Udp("phone", PHONE, 4130), Udp("provider", STRANGER, 7030)
    assert passes(theirs, ours, ROUTER, 4130), net.expectations()
    ours.close()
    theirs.close()
    ask(call, "BYE", 91)
    tell(call, "200 OK", "BYE", 91)
    router(f"{CTL} setting reset")


@test("issue 26", "the same of one of signalling-peers, answered there and where the call came from")
def peers_media_follows():
    for number, at in enumerate((sbc, server)):
        router(f"{CTL} setting set media-source signalling signalling-peers {STRANGER}")
        port = 4700 + 4 * number
        call = answered(f"spk{port}", port)
        ask(call, "INVITE", 200, sdp(STRANGER, 7000))
        tell(call, "200 OK", "INVITE", 200, sdp(PHONE, port), at=at)
        ours, theirs = Udp("phone", PHONE, port), Udp("provider", STRANGER, 7000)
        assert passes(theirs, ours, ROUTER, port), (at.address, net.expectations("media"))
        ours.close()
        theirs.close()
        hang_up(call)
    router(f"{CTL} setting reset")


@test("D2", "a refresh of which only the request or only the answer passes puts the end off once")
def halves():
    def only_request(call):
        out(call.request("UPDATE", cseq=2, to_tag=True))

    def only_reinvite(call):
        out(call.request("INVITE", sdp(PHONE, int(call.name[4:])), cseq=2, to_tag=True))

    def only_answer(call):
        out(call.peer_response("200 OK", "UPDATE", cseq=60))

    def only_answer_to_reinvite(call):
        out(call.peer_response("200 OK", "INVITE", cseq=60, body=sdp(PHONE, int(call.name[4:]))))

    def refused_one(call):
        only_request(call)
        back(call.response("422 Session Interval Too Small", "UPDATE"))
    for number, (half, life) in enumerate(((only_request, 364), (only_reinvite, 364), (only_answer, 364),
                                           (only_answer_to_reinvite, 364), (refused_one, 332))):
        port = 4140 + 4 * number
        call = answered(f"half{port}", port, 300)
        start = time.monotonic()
        assert lively(port, 150)
        half(call)
        half(call)
        assert lively(port, start + life - 5 - time.monotonic()), half
        lively(port, 12)
        assert not calls(), half


@test("fault C1", "the 200 to a re-INVITE that went another way is translated, and what it names opens")
def unseen_request():
    call = answered("unseen", 4170)
    got = out(call.peer_response("200 OK", "INVITE", cseq=60, body=sdp(PHONE, 4172)))
    assert b"m=audio 4172 " in got
    ours, theirs = Udp("phone", PHONE, 4172), Udp("provider", RELAY, 6170)
    assert passes(theirs, ours, ROUTER, 4172)
    ours.close()
    theirs.close()
    hang_up(call)


@test("issue 26", "481 of the phone to one of signalling-peers ends the call: by BYE at once, else after session-margin")
def unknown_to_peer():
    router(f"{CTL} setting set signalling-peers {STRANGER}")
    for number, method in enumerate(("INVITE", "UPDATE", "INFO", "OPTIONS")):
        port = 4220 + 4 * number
        call = answered(f"off{number}", port)
        ask(call, method, 90)
        tell(call, "481 Call/Transaction Does Not Exist", method, 90)
        time.sleep(28)
        assert calls() and both(port), f"{method}: who is heard within the margin lives"
        time.sleep(8)
        assert not calls() and not net.expectations(), method
    call = answered("offbye", 4236)
    ask(call, "BYE", 90)
    tell(call, "481 Call/Transaction Does Not Exist", "BYE", 90)
    time.sleep(8)
    assert not net.expectations("media") and not both(4236)
    call = answered("still", 4240)
    for cseq, method in enumerate(("UPDATE", "INVITE", "INFO"), 90):
        ask(call, method, cseq)
        tell(call, "481 Call/Transaction Does Not Exist", method, cseq)
        assert lively(4240, 60, every=5), method
    out(call.request("UPDATE", cseq=3, to_tag=True))
    back(call.response("200 OK", "UPDATE"))
    # what is no word on the dialog, what is of a dialog that nobody has, a refusal
    ask(call, "NOTIFY", 95)
    tell(call, "481 Subscription Does Not Exist", "NOTIFY", 95)
    other = Call(call.name, f"{PHONE}:5060", f"{ROUTER}:5060", SERVER)
    other.tags = (call.tags[0], "another")
    for cseq, method in enumerate(("INFO", "BYE"), 96):
        ask(other, method, cseq)
        tell(other, "481 Call/Transaction Does Not Exist", method, cseq)
    ask(call, "BYE", 98)
    tell(call, "401 Unauthorized", "BYE", 98)
    time.sleep(60)
    assert calls() and both(4240)
    hang_up(call)
    router(f"{CTL} setting reset")


@test("fault C1", "481 of the phone to a stranger changes nothing, and session-margin does not begin (T-6)")
def unknown_to_stranger():
    call = answered("strange", 4244)
    for cseq, method in enumerate(("BYE", "UPDATE", "INFO"), 90):
        ask(call, method, cseq)
        tell(call, "481 Call/Transaction Does Not Exist", method, cseq)
        time.sleep(36)
        assert calls() and both(4244), method
    hang_up(call)


@test("fault C5", "481 to a request within the dialog ends the call after session-margin, unless a sign of life follows (D11)")
def unknown_call():
    for number, method in enumerate(("INVITE", "UPDATE", "INFO", "OPTIONS")):
        port = 4180 + 4 * number
        call = answered(f"gone{number}", port)
        out(call.request(method, sdp(PHONE, port) if method == "INVITE" else "", cseq=2, to_tag=True))
        back(call.response("481 Call/Transaction Does Not Exist", method))
        time.sleep(28)
        assert calls() and both(port), method
        time.sleep(8)
        assert not calls() and not net.expectations(), method
    call = answered("lives", 4200)
    out(call.request("INFO", cseq=2, to_tag=True))
    back(call.response("481 Call/Transaction Does Not Exist", "INFO"))
    assert lively(4200, 100, every=5), "who is heard has a call"
    out(call.request("UPDATE", cseq=3, to_tag=True))
    back(call.response("200 OK", "UPDATE"))
    time.sleep(60)
    assert calls(), "and who accepts something as well"
    for cseq, method in enumerate(("PRACK", "NOTIFY", "SUBSCRIBE"), 4):
        out(call.request(method, cseq=cseq, to_tag=True))
        back(call.response("481 Subscription Does Not Exist", method))
    time.sleep(60)
    assert calls(), "these do not speak of the dialog"
    call.cseq = 10
    hang_up(call)


run(after=net.nothing_left)
