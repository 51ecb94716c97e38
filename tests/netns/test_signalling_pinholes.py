#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""Signalling that takes another way than the INVITE: to where Contact and routes lead."""
import socket
import time

import topology as net
from sip import Call, again, sdp
from ctl import forget_all
from ksft import run, same, test
from topology import (OTHER, PHONE, PHONE6, RELAY, RELAY6, ROUTER, ROUTER6, SERVER, SERVER6, STRANGER, Tcp,
                      Udp, router)

net.build()
phone = Udp("phone", PHONE, 5060)
server = Udp("provider", SERVER, 5060)
# the callee itself, whom the provider's server stands before
peer = Udp("provider", RELAY, 5070)
stranger = Udp("provider", STRANGER, 5060)

LOCAL, ALG = f"{PHONE}:5060", f"{ROUTER}:5060"
CTL = "tools/sipalg-ctl/sipalg-ctl"


def setting(*words):
    router(f"{CTL} setting set " + " ".join(words))


def reset():
    forget_all()
    assert not net.expectations("signalling"), net.expectations("signalling")


def signalling():
    return net.expectations("signalling")


def invite(name, port, extra="", body=True):
    call = Call(name, LOCAL, ALG, SERVER)
    data = call.request("INVITE", sdp(PHONE, port) if body else "", extra=extra)
    phone.send(data, SERVER)
    assert server.recv()
    return call


def answer(call, port, extra="", contact=f"{RELAY}:5070"):
    data = again(call.response("200 OK", body=sdp(RELAY, port), extra=extra),
                 (f"Contact: <sip:bob@{SERVER}:5060>", f"Contact: <sip:bob@{contact}>"))
    server.send(data, ROUTER)
    same(phone.recv(), again(data, (ALG, LOCAL)))


def answered(name, port, **options):
    """The callee's Contact is its own address: no proxy stays in the way."""
    call = invite(name, port)
    answer(call, port + 2000, **options)
    return call


def arrives(sender, data, wanted=None):
    """Does what comes from outside reach the phone, translated?"""
    sender.send(data, ROUTER)
    got = phone.recv(1)
    if got is None:
        # the router itself was spoken to; the next try is no reply to that
        router("conntrack -D -p udp -s " + sender.address[0])
        return False
    same(got, wanted or again(data, (ALG, LOCAL)))
    return True


@test("S3-16", "contact-pinhole: the callee itself sends its BYE, past the proxy, and ends the call")
def contact_in():
    call = answered("cin", 4000)
    assert arrives(peer, call.peer_request("BYE", ALG))
    phone.send(call.peer_response("200 OK", "BYE"), RELAY, 5070)
    same(peer.recv(), again(call.peer_response("200 OK", "BYE"), (LOCAL, ALG)))
    net.until(lambda: not net.expectations(), 6)
    reset()


@test("S3-16", "contact-pinhole: the caller's ACK goes straight to the callee, whatever its port")
def contact_out():
    call = answered("cout", 4010)
    data = call.request("ACK", to_tag=True)
    phone.send(data, RELAY, 5070)
    same(peer.recv(), again(data, (LOCAL, ALG)))
    assert peer.sender == (ROUTER, 5060), peer.sender
    reset()


@test("S3-16", "contact-pinhole off: neither of them passes")
def contact_off():
    setting("contact-pinhole off")
    call = answered("coff", 4020)
    assert not signalling()
    assert not arrives(peer, call.peer_request("BYE", ALG))
    phone.send(call.request("ACK", to_tag=True), RELAY, 5070)
    assert peer.recv(1) is None
    reset()


@test("S3-17", "only the other party may come by it, unless signalling-source is any; C15: while the call is")
def source():
    call = answered("src", 4030)
    # with a tag in To it claims to be of a call that is up
    ghost = Call("ghost", LOCAL, ALG, SERVER).peer_request("INVITE", ALG)
    assert not arrives(stranger, ghost)
    phone.send(call.request("BYE", cseq=2, to_tag=True), SERVER)
    assert server.recv()
    reset()
    setting("signalling-source any")
    call = answered("any", 4032)
    assert arrives(stranger, ghost)
    router("conntrack -D -p udp -s " + STRANGER)
    phone.send(call.request("BYE", cseq=2, to_tag=True), SERVER)
    assert server.recv()
    server.send(call.response("200 OK", "BYE"), ROUTER)
    assert phone.recv()
    # late repetitions of BYE still come that way
    assert signalling()
    net.until(lambda: not signalling(), 40)
    assert not arrives(stranger, ghost)
    reset()


@test("H-25", "an INVITE that nobody has answered opens no signalling pinhole (T-15)")
def unanswered():
    call = invite("lone", 4040)
    assert not signalling()
    server.send(call.response("100 Trying", tag=""), ROUTER)
    assert phone.recv()
    assert not signalling()
    server.send(call.response("180 Ringing"), ROUTER)
    assert phone.recv()
    assert signalling()
    server.send(call.response("486 Busy Here"), ROUTER)
    assert phone.recv()
    net.until(lambda: not signalling(), 40)
    reset()


@test("H-25", "ports below 1024, the router, multicast and names are no way to anybody (T-3, T-16)")
def nowhere():
    setting("route-pinhole on via-pinhole on")
    for number, contact in enumerate((f"{RELAY}:80", f"{ROUTER}:22", f"{ROUTER}:5090", "192.168.1.1:5060",
                                      "224.0.1.75:5060", "0.0.0.0:5060", "bob.example.net",
                                      "127.0.0.1:5060", f"{RELAY}:99999")):
        call = invite(f"no{number}", 4050)
        answer(call, 6050, contact=contact)
        ways = [line for line in signalling() if f"dst={ROUTER} " not in line]
        assert not ways, (contact, ways)
        reset()


@test("S3-16", "record-route-pinhole: the ACK goes to the proxy that has put itself in the way")
def record_route():
    call = answered("rr", 4060, extra=f"\nRecord-Route: <sip:{STRANGER}:5080;lr>")
    proxy = Udp("provider", STRANGER, 5080)
    data = call.request("ACK", to_tag=True, extra=f"\nRoute: <sip:{STRANGER}:5080;lr>")
    phone.send(data, STRANGER, 5080)
    same(proxy.recv(), again(data, (LOCAL, ALG)))
    reset()
    setting("record-route-pinhole off")
    call = answered("rroff", 4062, extra=f"\nRecord-Route: <sip:{STRANGER}:5080;lr>")
    phone.send(again(data, ("rr", "rroff")), STRANGER, 5080)
    assert proxy.recv(1) is None
    proxy.close()
    reset()


@test("S3-16", "route-pinhole, off by default: the caller may go round the first hop")
def route():
    proxy = Udp("provider", STRANGER, 5080)
    for switch in ("off", "on"):
        setting("route-pinhole " + switch)
        call = invite("route" + switch, 4070, extra=f"\nRoute: <sip:{SERVER}:5060;lr>,<sip:{STRANGER}:5080;lr>")
        answer(call, 6070)
        data = call.request("ACK", to_tag=True)
        phone.send(data, STRANGER, 5080)
        got = proxy.recv(1)
        same(got, again(data, (LOCAL, ALG)) if switch == "on" else None)
        reset()
    proxy.close()


@test("S3-16", "via-pinhole, off by default: the answer comes from another port, before any dialog")
def via():
    second = Udp("provider", SERVER, 5099)
    for switch in ("off", "on"):
        setting("contact-pinhole off via-pinhole " + switch)
        call = invite("via" + switch, 4080)
        assert arrives(second, call.response("180 Ringing")) == (switch == "on"), switch
        reset()
    second.close()


def moves_to(call, port, method, cseq):
    """The phone asks, or acknowledges, and names another port."""
    body = sdp(PHONE, int(call.name[3:])) if method == "INVITE" else ""
    data = again(call.request(method, body, cseq=cseq, to_tag=True), (f"alice@{LOCAL}", f"alice@{PHONE}:{port}"))
    phone.send(data, SERVER)
    assert f"Contact: <sip:alice@{ROUTER}:{port}>".encode() in server.recv()
    return data


def doors():
    """The ports at which the other side may call back now."""
    return [port for port in (5060, 5062, 5064, 5066) if net.pinhole(ROUTER, port, "signalling")]


@test("S3-45", "a Contact that changes in a re-INVITE moves the pinhole along when that is answered; one in an ACK adds")
def moved():
    call = answered("mov4090", 4090)
    assert net.pinhole(RELAY, 5070, "signalling") and doors() == [5060]
    moves_to(call, 5062, "INVITE", 2)
    assert doors() == [5060, 5062]
    answer(call, 6090, contact=f"{RELAY}:5074")
    assert not net.pinhole(RELAY, 5070, "signalling") and net.pinhole(RELAY, 5074, "signalling")
    assert doors() == [5062]
    moves_to(call, 5066, "ACK", 2)
    assert doors() == [5062, 5066]
    for port in doors():
        # by what it has said in its INVITE, which is its target, and by what in its ACK
        listens = Udp("phone", PHONE, port)
        data = call.peer_request("INFO", f"{ROUTER}:{port}", cseq=port)
        peer.send(data, ROUTER, port)
        same(listens.recv(), again(data, (f"{ROUTER}:{port}", f"{PHONE}:{port}")))
        listens.close()
    reset()


@test("issue 26", "a Contact that the other side has refused is no target: it goes on at the former one")
def refused_target():
    for method, status in (("INVITE", "491 Request Pending"), ("INVITE", "488 Not Acceptable Here"),
                           ("UPDATE", "500 Server Internal Error")):
        call = answered("ref4092", 4092)
        moves_to(call, 5064, method, 2)
        server.send(call.response(status, method), ROUTER)
        assert phone.recv()
        assert doors() == [5060, 5064], (method, status, doors())
        assert arrives(peer, call.peer_request("INFO", ALG)), (method, status)
        moves_to(call, 5060, "UPDATE", 3)
        server.send(call.response("200 OK", "UPDATE"), ROUTER)
        assert phone.recv()
        assert doors() == [5060], (method, status, doors())
        reset()


@test("issue 26", "what is accepted in another transaction leaves the former target open")
def accepted_elsewhere():
    call = answered("oth4094", 4094)
    repeated = again(call.response("200 OK", body=sdp(RELAY, 6094)),
                     (f"Contact: <sip:bob@{SERVER}:5060>", f"Contact: <sip:bob@{RELAY}:5070>"))
    moves_to(call, 5062, "INVITE", 2)
    server.send(repeated, ROUTER)
    assert phone.recv()
    assert doors() == [5060, 5062], doors()
    server.send(call.response("488 Not Acceptable Here"), ROUTER)
    assert phone.recv()
    # the other side's own request of the same number
    assert arrives(peer, call.peer_request("UPDATE", ALG, cseq=2))
    phone.send(again(call.peer_response("200 OK", "UPDATE", cseq=2), (f"Contact: <sip:alice@{LOCAL}>", "X-None: 0")),
               RELAY, 5070)
    assert peer.recv()
    assert doors() == [5060, 5062], doors()
    assert arrives(peer, call.peer_request("INFO", ALG, cseq=3))
    moves_to(call, 5064, "UPDATE", 3)
    server.send(call.response("200 OK", "UPDATE"), ROUTER)
    assert phone.recv()
    assert doors() == [5064], doors()
    reset()


def other_moves_to(call, method, where, cseq=100, body=""):
    """The other side asks, and names another host."""
    data = again(call.peer_request(method, ALG, cseq=cseq, body=body), (f"sip:bob@{SERVER}:5060>", f"sip:bob@{where}>"))
    server.send(data, ROUTER)
    assert phone.recv()


def to_phone(data):
    server.send(data, ROUTER)
    assert phone.recv()


def to_server(data):
    phone.send(data, SERVER)
    assert server.recv()


@test("issue 26", "a 200 that is repeated after a newer one does not close what the newer one has named")
def repeated_answer():
    call = invite("rep4300", 4300)
    first = again(call.response("200 OK", body=sdp(RELAY, 6300)), (f"bob@{SERVER}:5060>", f"bob@{RELAY}:5070>"))
    to_phone(first)
    to_server(call.request("ACK", to_tag=True))
    to_server(call.request("INVITE", sdp(PHONE, 4300), cseq=2, to_tag=True))
    answer(call, 6300, contact=f"{RELAY}:5074")
    to_server(call.request("ACK", cseq=2, to_tag=True))
    assert net.pinhole(RELAY, 5074, "signalling")
    to_phone(first)
    assert net.pinhole(RELAY, 5074, "signalling"), "the target in force is closed"
    reset()


@test("issue 26", "the phone's 200, repeated since the ACK was lost, does not close what its UPDATE has named since")
def repeated_own_answer():
    call = answered("own4304", 4304)
    to_phone(call.peer_request("INVITE", ALG, body=sdp(RELAY, 6304)))
    own = call.peer_response("200 OK", "INVITE", body=sdp(PHONE, 4304))
    to_server(own)
    moves_to(call, 5062, "UPDATE", 2)
    to_phone(call.response("200 OK", "UPDATE"))
    assert doors() == [5062], doors()
    to_server(own)
    assert 5062 in doors(), doors()
    reset()


@test("issue 26", "a re-INVITE and its 200 that come late, both repeated, do not close what a newer one has named")
def repeated_request():
    call = answered("req4308", 4308)
    old = moves_to(call, 5062, "INVITE", 2)
    old_answer = call.response("200 OK", body=sdp(RELAY, 6308))
    to_phone(old_answer)
    moves_to(call, 5064, "INVITE", 3)
    to_phone(call.response("200 OK", body=sdp(RELAY, 6308)))
    assert doors() == [5064], doors()
    to_server(old)
    to_phone(old_answer)
    assert 5064 in doors(), doors()
    reset()


@test("issue 26", "an UPDATE that is refused while the re-INVITE waits does not keep the former target open behind its 200")
def refused_meanwhile():
    call = answered("men4312", 4312)
    moves_to(call, 5062, "INVITE", 2)
    late = call.response("200 OK", body=sdp(RELAY, 6312))
    moves_to(call, 5062, "UPDATE", 3)
    to_phone(call.response("500 Server Internal Error", "UPDATE"))
    to_phone(late)
    assert doors() == [5062], doors()
    reset()


@test("issue 26", "the other side's re-INVITE is refused: it still may call back from the Contact that is in force")
def refused_sender():
    call = answered("snd4316", 4316)
    assert net.expectations("signalling")
    other_moves_to(call, "INVITE", f"{STRANGER}:5060", body=sdp(RELAY, 6316))
    to_server(call.peer_response("488 Not Acceptable Here", "INVITE"))
    assert arrives(peer, call.peer_request("INFO", ALG, cseq=101)), net.expectations("signalling")
    reset()


@test("S3-17", "the other side has moved by an UPDATE that was accepted: it may call back from there, as after a re-INVITE")
def moved_by_update():
    for method in ("INVITE", "UPDATE"):
        call = answered("upd4320", 4320)
        other_moves_to(call, method, f"{STRANGER}:5060", body=sdp(RELAY, 6320))
        to_server(call.peer_response("200 OK", method, body=sdp(PHONE, 4320)))
        assert net.pinhole(STRANGER, 5060, "signalling"), method
        assert arrives(stranger, call.peer_request("INFO", ALG, cseq=101)), (method, net.expectations("signalling"))
        reset()


@test("issue 26", "an UPDATE of one early dialog names another Contact: who is told the INVITE's only, and answers, still reaches that")
def forked():
    call = invite("frk4324", 4324)
    picks_up = call.response("200 OK", body=sdp(RELAY, 6326), tag="second")
    call.tags = (call.tags[0], "first")
    to_phone(call.response("183 Session Progress", body=sdp(RELAY, 6324)))
    assert doors() == [5060], doors()
    to_server(again(call.request("UPDATE", sdp(PHONE, 4324), cseq=2, to_tag=True),
                    (f"alice@{LOCAL}", f"alice@{PHONE}:5062")))
    to_phone(call.response("200 OK", "UPDATE", body=sdp(RELAY, 6324)))
    to_phone(again(picks_up, (f"bob@{SERVER}:5060>", f"bob@{RELAY}:5070>")))
    call.tags = (call.tags[0], "second")
    assert 5060 in doors(), doors()
    assert arrives(peer, call.peer_request("INFO", ALG))
    reset()


@test("S3-45", "via-pinhole: another Via takes the place of the former one, whatever the request and its answer")
def other_via():
    setting("contact-pinhole on via-pinhole on")
    call = answered("via4328", 4328)
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
    setting("via-pinhole off")
    reset()


@test("S3-28", "a REFER that was declined does not leave the neighbour's door open behind the next one, which names another")
def other_refer():
    call = answered("rfr4332", 4332)
    for cseq, (port, status) in enumerate(((5062, "603 Declined"), (5064, "202 Accepted")), 2):
        neighbour = Udp("other", OTHER, port)
        neighbour.send(Call(f"opt{port}", f"{OTHER}:{port}", f"{ROUTER}:{port}", SERVER).request("OPTIONS"), SERVER)
        assert server.recv()
        neighbour.close()
        phone.send(call.request("REFER", cseq=cseq, to_tag=True, extra=f"\nRefer-To: <sip:carol@{OTHER}:{port}>"), SERVER)
        got = server.recv()
        assert f"Refer-To: <sip:carol@{ROUTER}:{port}>".encode() in got, got
        to_phone(call.response(status, "REFER"))
        assert net.pinhole(ROUTER, port, "signalling"), port
    assert not net.pinhole(ROUTER, 5062, "signalling"), net.expectations("signalling")
    reset()


@test("issue 26", "in a call whose places are full of routes a Contact that was refused does not take the place of the one in force")
def no_place():
    routes = "\nRecord-Route: " + ", ".join(f"<sip:{STRANGER}:{5080 + i};lr>" for i in range(7))
    call = answered("ful4336", 4336, extra=routes)
    assert net.pinhole(RELAY, 5070, "signalling")
    for cseq, port in enumerate((5072, 5074), 100):
        other_moves_to(call, "UPDATE", f"{RELAY}:{port}", cseq)
        to_server(call.peer_response("500 Server Internal Error", "UPDATE", cseq=cseq))
        assert net.pinhole(RELAY, 5070, "signalling"), (port, net.expectations("signalling"))
    reset()


@test("issue 26", "ten more Contacts, none accepted: the newest is open, the one in force as well, not more than eight")
def many_refused():
    call = answered("too4096", 4096)
    for number in range(10):
        moves_to(call, 5100 + number, "UPDATE", 2 + number)
        server.send(call.response("500 Server Internal Error", "UPDATE"), ROUTER)
        assert phone.recv()
    ports = [port for port in range(5060, 5120) if net.pinhole(ROUTER, port, "signalling")]
    assert len(ports) <= 8 and {5060, 5109} <= set(ports), ports
    reset()


@test("S3-5", "a phone that listens elsewhere is called back there, however long it rang and the call is")
def elsewhere():
    contact = (f"Contact: <sip:alice@{LOCAL}>", f"Contact: <sip:alice@{PHONE}:5062>")
    call = Call("else", LOCAL, ALG, SERVER)
    invite_data = again(call.request("INVITE", sdp(PHONE, 4094)), contact,
                        (f'"alice" <sip:alice@{SERVER}>', f'"alice" <sip:alice@{PHONE}>'))
    phone.send(invite_data, SERVER)
    assert f"Contact: <sip:alice@{ROUTER}:5062>".encode() in server.recv()
    for status in ("180 Ringing", "180 Ringing", "200 OK"):
        time.sleep(100)
        data = again(call.response(status), (f"alice@{SERVER}", f"alice@{ROUTER}"))
        server.send(data, ROUTER)
        same(phone.recv(), again(data, (ALG, LOCAL), (f"alice@{ROUTER}", f"alice@{PHONE}")))
    phone.send(call.request("ACK", to_tag=True), SERVER)
    assert server.recv()
    for moment in range(4):
        time.sleep(100)
        data = again(call.peer_request("INFO", f"{ROUTER}:5062", cseq=200 + moment),
                     (f"<sip:alice@{SERVER}>", f"<sip:alice@{ROUTER}>"))
        server.send(data, ROUTER)
        same(phone.recv(), again(data, (f"alice@{ROUTER}", f"alice@{PHONE}")))
    reset()


@test("H-1", "calls share a pinhole, and the last of them closes it")
def shared():
    calls = [answered(f"sh{number}", 4100 + 2 * number) for number in range(5)]
    alone = len(signalling())
    assert alone <= 4, signalling()
    for number, call in enumerate(calls):
        assert len(signalling()) == alone, number
        router(f"{CTL} call end {call.name}@call.example")
    assert not signalling()
    reset()


@test("S3-40", "a public port at which signalling is taken is nobody's media port")
def media_port():
    answered("sig", 4090)
    call = Call("rtp", LOCAL, ALG, SERVER)
    phone.send(call.request("INVITE", sdp(PHONE, 5060)), SERVER)
    got = server.recv()
    assert got, "the INVITE of who wishes that port is dropped"
    port = int(got.split(b"m=audio ")[1].split()[0])
    assert port != 5060 and not port % 2 and net.pinhole(ROUTER, port)
    reset()


@test("S0-12", "a message with fifty routes opens no more than a few (T-18)")
def many():
    routes = ", ".join(f"<sip:198.51.100.{number}:5060;lr>" for number in range(1, 51))
    answered("fifty", 4120, extra=f"\nRecord-Route: {routes}")
    assert len(signalling()) <= 16, len(signalling())
    reset()


@test("S3-18", "a pinhole tells protocol, source, destination and lifetime (S3-61: one port)")
def record():
    answered("rec", 4130)
    lines = router("conntrack -L expect 2>/dev/null").splitlines()
    ours = [line for line in lines if f"dst={RELAY} " in line and "dport=5070" in line]
    assert len(ours) == 1, lines
    words = ours[0].split()
    assert int(words[0]) > 0 and words[1] == "proto=17", ours
    assert f"src={PHONE}" in words and "sport=0" in words, ours
    assert not net.pinhole(RELAY, 5071, "signalling")
    reset()


@test("S3-16", "TCP: the callee opens a connection of its own to the caller's Contact")
def stream():
    net.enter("phone")
    listener = socket.create_server((PHONE, 5060))
    client, accepted = Tcp.pair("phone", PHONE, 40000)
    call = Call("tcp", LOCAL, f"{ROUTER}:40000", SERVER, "TCP")
    data = call.request("INVITE", sdp(PHONE, 4140))
    client.send(data)
    assert accepted.recv(len(data) - 10)
    data = again(call.response("200 OK", body=sdp(RELAY, 6140)),
                 (f"Contact: <sip:bob@{SERVER}:5060>", f"Contact: <sip:bob@{RELAY}:5070>"))
    accepted.send(data)
    assert client.recv(len(data) - 10).startswith(b"SIP/2.0 200")
    net.enter("provider")
    caller = socket.create_connection((ROUTER, 40000), 5, (RELAY, 0))
    sock, _ = listener.accept()
    data = call.peer_request("BYE", f"{ROUTER}:40000")
    caller.sendall(data)
    wanted = again(data, (f"{ROUTER}:40000", LOCAL))
    same(Tcp(sock).recv(len(wanted)), wanted)
    for end in (client, accepted, caller, sock, listener):
        end.close()
    net.until(lambda: not net.expectations(), 6)
    reset()


@test("S3-19", "IPv6 and NAT66: the same, from the callee's own address")
def six():
    ours, proxy = Udp("phone", PHONE6, 5060), Udp("provider", SERVER6, 5060)
    callee = Udp("provider", RELAY6, 5070)
    call = Call("six", f"[{PHONE6}]:5060", f"[{ROUTER6}]:5060", f"[{SERVER6}]")
    ours.send(call.request("INVITE", sdp(PHONE6, 4150)), SERVER6)
    assert proxy.recv()
    proxy.send(again(call.response("200 OK", body=sdp(RELAY6, 6150)),
                     (f"bob@[{SERVER6}]:5060>", f"bob@[{RELAY6}]:5070>")), ROUTER6)
    assert ours.recv()
    bye = call.peer_request("BYE", call.seen)
    callee.send(bye, ROUTER6)
    same(ours.recv(), again(bye, (call.seen, call.host)))
    for sock in (ours, proxy, callee):
        sock.close()
    net.until(lambda: not net.expectations(), 6)
    reset()


@test("S3-23", "a redirection's Contacts are others: they are no way to its sender")
def redirected():
    call = invite("redir", 4160)
    server.send(call.response("180 Ringing"), ROUTER)
    assert phone.recv()
    data = again(call.response("302 Moved"), (f"Contact: <sip:bob@{SERVER}:5060>", f"Contact: <sip:c@{RELAY}:5070>"))
    server.send(data, ROUTER)
    assert phone.recv()
    assert not net.pinhole(RELAY, 5070, "signalling")
    reset()


@test("H-25", "hops of others are open to the other party alone, and those before a phone to nobody")
def hops():
    setting("signalling-source any via-pinhole on")
    call = invite("hops", 4170, extra="\nRecord-Route: <sip:192.168.1.77:5060;lr>")
    answer(call, 6170, extra=f"\nRecord-Route: <sip:{STRANGER}:5080;lr>")
    assert f"src={PHONE} " in net.pinhole(STRANGER, 5080, "signalling")
    assert "src=0.0.0.0 " in net.pinhole(ROUTER, 5060, "signalling")
    assert not net.pinhole("192.168.1.77", 5060, "signalling")
    # the Via of a proxy before the callee is between those two
    data = again(call.peer_request("INFO", ALG), ("Via: ", f"Via: SIP/2.0/UDP {SERVER}:5060;branch=z9hG4bKt\r\nVia: "),
                 (f"UDP {SERVER}:5060;branch=z9hG4bKp", "UDP 198.51.100.7:5060;branch=z9hG4bKp"))
    server.send(data, ROUTER)
    assert phone.recv()
    assert not net.pinhole("198.51.100.7", 5060, "signalling")
    reset()


@test("H-12", "straight to the callee a phone is seen by the port that it is known by")
def face():
    phone.send(Call("face0", LOCAL, ALG, SERVER).request("OPTIONS"), SERVER)
    assert server.recv() and server.sender == (ROUTER, 5060)
    other = Udp("other", OTHER, 5060)
    call = Call("face", f"{OTHER}:5060", "", SERVER)
    other.send(call.request("INVITE", sdp(OTHER, 4180)), SERVER)
    assert server.recv()
    port = server.sender[1]
    assert port != 5060
    call.seen = f"{ROUTER}:{port}"
    server.send(again(call.response("200 OK", body=sdp(RELAY, 6180)),
                      (f"bob@{SERVER}:5060>", f"bob@{RELAY}:5070>")), ROUTER, port)
    assert other.recv()
    data = call.request("ACK", to_tag=True)
    other.send(data, RELAY, 5070)
    same(peer.recv(), again(data, (f"{OTHER}:5060", f"{ROUTER}:{port}")))
    assert peer.sender == (ROUTER, port), peer.sender
    other.close()
    reset()


run(after=net.nothing_left)
