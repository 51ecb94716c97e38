#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""Where a party is called back: its target, and from when on another one is (RFC 3261 12.2.1.2)."""
import os

import topology as net
from call_helpers import passes, phone, server
from sip import Call, again, sdp
from ctl import forget_all
from ksft import run, test
from topology import OTHER, PHONE, RELAY, ROUTER, SERVER, STRANGER, Udp, router

peer = Udp("provider", RELAY, 5070)
stranger = Udp("provider", STRANGER, 5060)
LOCAL, ALG = f"{PHONE}:5060", f"{ROUTER}:5060"
CTL = os.path.abspath("tools/sipalg-ctl/sipalg-ctl")
CONTACT = f"Contact: <sip:bob@{SERVER}:5060>"


def names(data, where):
    """What the other side writes, with another Contact."""
    return again(data, (CONTACT, f"Contact: <sip:bob@{where}>"))


def to_phone(data, sender=server):
    sender.send(data, ROUTER)
    got = phone.recv()
    assert got, data
    return got


def to_server(data):
    phone.send(data, SERVER)
    got = server.recv()
    assert got, data
    return got


def answered(name, port, contact=f"{RELAY}:5070"):
    call = Call(name, LOCAL, ALG, SERVER)
    to_server(call.request("INVITE", sdp(PHONE, port)))
    answer = names(call.response("200 OK", body=sdp(RELAY, port + 2000)), contact)
    to_phone(answer)
    to_server(call.request("ACK", to_tag=True))
    return call, answer


def asks(call, method, cseq, port, body=""):
    """The phone asks, and names this port."""
    data = again(call.request(method, body, cseq=cseq, to_tag=True), (f"alice@{LOCAL}", f"alice@{PHONE}:{port}"))
    to_server(data)
    return data


def doors():
    """The ports at which the other side may call back now."""
    return [port for port in (5060, 5062, 5064, 5066) if net.pinhole(ROUTER, port, "signalling")]


def arrives(sender, data):
    sender.send(data, ROUTER)
    got = phone.recv(1)
    if got is None:
        router("conntrack -D -p udp -s " + sender.address[0])
    return got is not None


@test("issue 26", "a 200 that is repeated after a newer one does not close what the newer one has named")
def repeated_answer():
    forget_all()
    call, first = answered("rep4300", 4300)
    to_server(call.request("INVITE", sdp(PHONE, 4300), cseq=2, to_tag=True))
    to_phone(names(call.response("200 OK", body=sdp(RELAY, 6300)), f"{RELAY}:5074"))
    to_server(call.request("ACK", cseq=2, to_tag=True))
    assert net.pinhole(RELAY, 5074, "signalling")
    to_phone(first)
    assert net.pinhole(RELAY, 5074, "signalling"), "the target in force is closed"


@test("issue 26", "the phone's 200, repeated since the ACK was lost, does not close what its UPDATE has named since")
def repeated_own_answer():
    forget_all()
    call, _ = answered("own4304", 4304)
    to_phone(call.peer_request("INVITE", ALG, body=sdp(RELAY, 6304)))
    own = call.peer_response("200 OK", "INVITE", body=sdp(PHONE, 4304))
    to_server(own)
    asks(call, "UPDATE", 2, 5062)
    to_phone(call.response("200 OK", "UPDATE"))
    assert doors() == [5062], doors()
    to_server(own)
    assert 5062 in doors(), doors()


@test("issue 26", "a re-INVITE and its 200 that come late, both repeated, do not close what a newer one has named")
def repeated_request():
    forget_all()
    call, _ = answered("req4308", 4308)
    old = asks(call, "INVITE", 2, 5062, sdp(PHONE, 4308))
    old_answer = call.response("200 OK", body=sdp(RELAY, 6308))
    to_phone(old_answer)
    asks(call, "INVITE", 3, 5064, sdp(PHONE, 4308))
    to_phone(call.response("200 OK", body=sdp(RELAY, 6308)))
    assert doors() == [5064], doors()
    to_server(old)
    to_phone(old_answer)
    assert 5064 in doors(), doors()


@test("issue 26", "an UPDATE that is refused while the re-INVITE waits does not keep the former target open behind its 200")
def refused_meanwhile():
    forget_all()
    call, _ = answered("mean4312", 4312)
    asks(call, "INVITE", 2, 5062, sdp(PHONE, 4312))
    late = call.response("200 OK", body=sdp(RELAY, 6312))
    asks(call, "UPDATE", 3, 5062)
    to_phone(call.response("500 Server Internal Error", "UPDATE"))
    to_phone(late)
    assert doors() == [5062], doors()


@test("issue 26", "the other side's re-INVITE is refused: it still may call back from the Contact that is in force")
def refused_sender():
    forget_all()
    call, _ = answered("snd4316", 4316)
    assert net.expectations("signalling")
    to_phone(names(call.peer_request("INVITE", ALG, body=sdp(RELAY, 6316)), f"{STRANGER}:5060"))
    to_server(call.peer_response("488 Not Acceptable Here", "INVITE"))
    assert arrives(peer, call.peer_request("INFO", ALG, cseq=101)), net.expectations("signalling")


@test("S3-17", "the other side has moved by an UPDATE that was accepted: it may call back from there, as after a re-INVITE")
def moved_by_update():
    for method in ("INVITE", "UPDATE"):
        forget_all()
        call, _ = answered("upd4320", 4320)
        to_phone(names(call.peer_request(method, ALG, body=sdp(RELAY, 6320)), f"{STRANGER}:5060"))
        to_server(call.peer_response("200 OK", method, body=sdp(PHONE, 4320)))
        assert net.pinhole(STRANGER, 5060, "signalling"), method
        assert arrives(stranger, call.peer_request("INFO", ALG, cseq=101)), (method, net.expectations("signalling"))
    

@test("issue 26", "an UPDATE of one early dialog names another Contact: who is told the INVITE's only, and answers, still reaches that")
def forked():
    forget_all()
    call = Call("frk4324", LOCAL, ALG, SERVER)
    to_server(call.request("INVITE", sdp(PHONE, 4324)))
    picks_up = call.response("200 OK", body=sdp(RELAY, 6326), tag="second")
    call.tags = (call.tags[0], "first")
    to_phone(call.response("183 Session Progress", body=sdp(RELAY, 6324)))
    assert doors() == [5060], doors()
    asks(call, "UPDATE", 2, 5062, sdp(PHONE, 4324))
    to_phone(call.response("200 OK", "UPDATE", body=sdp(RELAY, 6324)))
    to_phone(names(picks_up, f"{RELAY}:5070"))
    call.tags = (call.tags[0], "second")
    assert 5060 in doors(), doors()
    assert arrives(peer, call.peer_request("INFO", ALG))


@test("S3-45", "via-pinhole: another Via takes the place of the former one, whatever the request and its answer")
def other_via():
    forget_all()
    router(f"{CTL} setting set via-pinhole on")
    call, _ = answered("via4328", 4328)
    for cseq, port in enumerate((5062, 5064, 5066), 2):
        sender = Udp("phone", PHONE, port)
        data = again(call.request("INFO", cseq=cseq, to_tag=True), (f"UDP {LOCAL};", f"UDP {PHONE}:{port};"))
        sender.send(data, SERVER)
        assert server.recv()
        server.send(again(call.response("200 OK", "INFO"), (f"UDP {ALG};", f"UDP {ROUTER}:{port};")), ROUTER, port)
        assert sender.recv()
        sender.close()
        # the Contact's, and the newest Via's
        assert doors() == [5060, port], doors()


@test("S3-28", "a REFER that was declined does not leave the neighbour's door open behind the next one, which names another")
def other_refer():
    forget_all()
    call, _ = answered("rfr4332", 4332)
    for cseq, (port, status) in enumerate(((5062, "603 Declined"), (5064, "202 Accepted")), 2):
        neighbour = Udp("other", OTHER, port)
        neighbour.send(Call(f"opt{port}", f"{OTHER}:{port}", f"{ROUTER}:{port}", SERVER).request("OPTIONS"), SERVER)
        assert server.recv()
        neighbour.close()
        got = to_server(call.request("REFER", cseq=cseq, to_tag=True, extra=f"\nRefer-To: <sip:carol@{OTHER}:{port}>"))
        assert f"Refer-To: <sip:carol@{ROUTER}:{port}>".encode() in got, got
        to_phone(call.response(status, "REFER"))
        assert net.pinhole(ROUTER, port, "signalling"), port
    assert not net.pinhole(ROUTER, 5062, "signalling"), net.expectations("signalling")


@test("issue 26", "in a call whose places are full of routes a Contact that was refused does not take the place of the one in force")
def no_place():
    forget_all()
    call = Call("ful4336", LOCAL, ALG, SERVER)
    to_server(call.request("INVITE", sdp(PHONE, 4336)))
    routes = "\nRecord-Route: " + ", ".join(f"<sip:{STRANGER}:{5080 + i};lr>" for i in range(7))
    to_phone(names(call.response("200 OK", body=sdp(RELAY, 6336), extra=routes), f"{RELAY}:5070"))
    to_server(call.request("ACK", to_tag=True))
    assert net.pinhole(RELAY, 5070, "signalling")
    for cseq, port in enumerate((5072, 5074), 100):
        to_phone(names(call.peer_request("UPDATE", ALG, cseq=cseq), f"{RELAY}:{port}"))
        to_server(call.peer_response("500 Server Internal Error", "UPDATE", cseq=cseq))
        assert net.pinhole(RELAY, 5070, "signalling"), (port, net.expectations("signalling"))


@test("issue 26", "media-source signalling: one of signalling-peers whose refresh is answered elsewhere sends media, as one answered there")
def speaker():
    forget_all()
    router("nft insert rule inet sip forward iifname wan meta l4proto { tcp, udp } th dport 5060 accept")
    router("nft add chain inet nat pre '{ type nat hook prerouting priority dstnat; }'")
    router(f"nft add rule inet nat pre iifname wan udp dport 5060 dnat ip to {PHONE}")
    for number, at in enumerate((stranger, server)):
        router(f"{CTL} setting set media-source signalling signalling-peers {STRANGER}")
        port = 4700 + 4 * number
        call, _ = answered(f"spk{port}", port, f"{SERVER}:5060")
        data = again(call.peer_request("INVITE", ALG, cseq=200, body=sdp(STRANGER, 7000)),
                     (f"SIP/2.0/UDP {SERVER}:", f"SIP/2.0/UDP {STRANGER}:"), (f"bob@{SERVER}:5060>", f"bob@{STRANGER}:5060>"))
        to_phone(data, stranger)
        answer = again(call.peer_response("200 OK", "INVITE", cseq=200, body=sdp(PHONE, port)),
                       (f"SIP/2.0/UDP {SERVER}:", f"SIP/2.0/UDP {STRANGER}:"))
        phone.send(answer, at.address[0])
        assert at.recv()
        ours, theirs = Udp("phone", PHONE, port), Udp("provider", STRANGER, 7000)
        assert passes(theirs, ours, ROUTER, port), (at.address, net.expectations("media"))
        ours.close()
        theirs.close()
        forget_all()
    router(f"{CTL} setting reset")


run()
