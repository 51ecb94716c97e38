#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""
What goes out comes back as it was, to the byte: several programs on one host
(H2), routes from outside (R3), the Contact's own transport (R4), a phone that
has learnt its public address (R5), To, From and Route (R6).
"""
import os

import topology as net
from sip import Call, again, message, sdp
from ksft import run, same, test
from topology import PHONE, RELAY, ROUTER, SERVER, STRANGER, Tcp, Udp, router
from transports import all_ways

net.build()
phone = Udp("phone", PHONE, 5060)
server = Udp("provider", SERVER, 5060)

CTL = os.path.abspath("tools/sipalg-ctl/sipalg-ctl")
LOCAL, SEEN = f"{PHONE}:5060", f"{ROUTER}:5060"
HIDE, SHOW = (LOCAL, SEEN), (SEEN, LOCAL)


def request(name, method="OPTIONS", vias=(f"{LOCAL};rport",), headers="", parties=None, cseq=1):
    """As a host of several programs writes it; each Via with a branch of its own."""
    via = "\n".join(f"Via: SIP/2.0/UDP {via};branch=z9hG4bK{name}{number}"
                    for number, via in enumerate(vias))
    parties = parties or (f"<sip:a@{SERVER}>;tag=from", f"<sip:b@{SERVER}>")
    return message(f"""{method} sip:b@{SERVER} SIP/2.0
        {via}
        From: {parties[0]}
        To: {parties[1]}
        Call-ID: {name}
        CSeq: {cseq} {method}{headers}""")


def answer(got, status="200 OK"):
    """What a server answers: everything comes back."""
    start, rest = got.split(b"\r\n", 1)
    assert start.endswith(b"SIP/2.0")
    return b"SIP/2.0 " + status.encode() + b"\r\n" + rest


def headers(data, name):
    return [line for line in data.decode().split("\r\n") if line.startswith(name + ":")]


def hello():
    """The phone's flow is there, by the port that SEEN says."""
    phone.send(request("hello", headers=f"\n        Contact: <sip:a@{LOCAL}>"), SERVER)
    got = server.recv()
    assert server.sender == (ROUTER, 5060), server.sender
    server.send(answer(got), ROUTER)
    assert phone.recv()


def back(data, name, sent):
    """The answer reaches a socket of the phone with that header as it was sent."""
    assert data, "nothing has arrived"
    same("\r\n".join(headers(data, name)).encode(), "\r\n".join(headers(sent, name)).encode())


# H2

@test("H-12", "FAULTS H2: two programs of one host, one Via above the other: both come back as sent")
def two_vias():
    sent = request("h2", vias=(LOCAL, f"{PHONE}:5080"))
    phone.send(sent, SERVER)
    got = server.recv()
    assert PHONE not in got.decode(), got
    server.send(answer(got), *server.sender)
    back(phone.recv(), "Via", sent)


@test("H-12", "FAULTS H2: three Vias, one without port, one in other letters; several transactions at once")
def three_vias():
    first = request("h2a", vias=(LOCAL, PHONE, f"{PHONE}:5090;x=y"))
    second = request("h2b", vias=(f"{PHONE}:5060", f"{PHONE}:5081", f"{PHONE}"))
    third = request("h2c", vias=(f"{PHONE}", f"{PHONE}:5081"))
    got = []
    for sent in (first, second, third):
        phone.send(sent, SERVER)
        got.append(server.recv())
    for number in (1, 0, 2, 0):
        server.send(answer(got[number]), *server.sender)
        back(phone.recv(), "Via", (first, second, third)[number])


@test("H-12", "FAULTS H2: without rport the answer goes to the port of its own Via, across transactions")
def right_port():
    other = Udp("phone", PHONE, 5080)
    one = request("h2p", vias=(LOCAL,))
    two = request("h2q", vias=(f"{PHONE}:5080",))
    got = []
    for sent in (one, two):
        phone.send(sent, SERVER)
        got.append(server.recv())
    server.send(answer(got[0]), *server.sender)
    back(phone.recv(), "Via", one)
    server.send(answer(got[1]), *server.sender)
    back(other.recv(), "Via", two)
    server.send(answer(got[0], "202 Accepted"), *server.sender)
    back(phone.recv(), "Via", one)
    other.close()


@test("H-12", "FAULTS H2: an INVITE that rings for two minutes among other requests, its CANCEL and ACK")
def ringing():
    sent = request("h2r", "INVITE", vias=(LOCAL, f"{PHONE}:5083"),
                   headers=f"\n        Contact: <sip:a@{LOCAL}>")
    phone.send(sent, SERVER)
    got = server.recv()
    for number in range(12):
        other = request(f"h2o{number}")
        phone.send(other, SERVER)
        server.send(answer(server.recv()), *server.sender)
        back(phone.recv(), "Via", other)
        net.shell("sleep 10")
    server.send(answer(got, "486 Busy"), *server.sender)
    back(phone.recv(), "Via", sent)


# R3

FOREIGN = f"{PHONE}:6050"


def invite_in(name, extra):
    return message(f"""INVITE sip:a@{SEEN} SIP/2.0
        Via: SIP/2.0/UDP {SERVER}:5060;branch=z9hG4bK{name}
        Via: SIP/2.0/UDP {FOREIGN};branch=z9hG4bK{name}x
        From: <sip:b@{SERVER}>;tag=2
        To: <sip:a@{SERVER}>
        Call-ID: {name}
        CSeq: 1 INVITE
        Contact: <sip:b@{SERVER}:5060>{extra}
        Content-Type: application/sdp""", sdp(RELAY, 8000))


def no_way_to(port):
    lines = router("cat /proc/net/nf_conntrack_expect")
    assert f"dport={port} " not in lines, lines


@test("H-18", "FAULTS R3: Record-Route and Via from outside that name the phone's private address")
def foreign_record_route():
    router(f"{CTL} setting set route-pinhole on via-pinhole on")
    hello()
    for number, route in enumerate((f"<sip:{FOREIGN};lr>", f"<sip:{FOREIGN};lr>, <sip:{LOCAL};lr>",
                                    f"<sip:p@{PHONE};lr>")):
        name = f"r3{number}"
        data = invite_in(name, f"\n        Record-Route: <sip:{SERVER};lr>, {route}")
        server.send(data, ROUTER)
        got = phone.recv()
        back(got, "Record-Route", data)
        reply = message(f"""SIP/2.0 200 OK
            Via: SIP/2.0/UDP {SERVER}:5060;branch=z9hG4bK{name}
            Via: SIP/2.0/UDP {FOREIGN};branch=z9hG4bK{name}x
            Record-Route: <sip:{SERVER};lr>, {route}
            From: <sip:b@{SERVER}>;tag=2
            To: <sip:a@{SERVER}>;tag=1
            Call-ID: {name}
            CSeq: 1 INVITE
            Contact: <sip:a@{LOCAL}>
            Content-Type: application/sdp""", sdp(PHONE, 4000))
        phone.send(reply, SERVER)
        got = server.recv()
        back(got, "Record-Route", data)
        back(got, "Via", data)
        same("".join(headers(got, "Contact")).encode(), f"Contact: <sip:a@{SEEN}>".encode())
        no_way_to(6050)
        bye = message(f"""BYE sip:b@{SERVER}:5060 SIP/2.0
            Via: SIP/2.0/UDP {LOCAL};branch=z9hG4bKbye{name};rport
            Route: <sip:{SERVER};lr>, {route}
            From: <sip:a@{SERVER}>;tag=1
            To: <sip:b@{SERVER}>;tag=2
            Call-ID: {name}
            CSeq: 2 BYE""")
        phone.send(bye, SERVER)
        got = server.recv()
        back(got, "Route", bye)
        no_way_to(6050)
        server.send(answer(got), *server.sender)
        assert phone.recv()
    router(f"{CTL} setting reset")
    net.shell("sleep 60")


@test("H-18", "FAULTS R3: a Record-Route of the 200 and a Service-Route, used in later requests")
def foreign_in_answers():
    call = Call("r3uac", LOCAL, SEEN, SERVER)
    phone.send(call.request("INVITE", sdp(PHONE, 4010)), SERVER)
    assert server.recv()
    data = call.response("200 OK", body=sdp(RELAY, 8010),
                         extra=f"\n            Record-Route: <sip:{FOREIGN};lr>")
    server.send(data, ROUTER)
    back(phone.recv(), "Record-Route", data)
    bye = call.request("BYE", cseq=2, to_tag=True, extra=f"\n            Route: <sip:{FOREIGN};lr>")
    phone.send(bye, SERVER)
    back(server.recv(), "Route", bye)
    no_way_to(6050)
    data = request("r3reg", "REGISTER", headers=f"\n        Contact: <sip:a@{LOCAL}>;expires=600")
    phone.send(data, SERVER)
    reply = answer(server.recv()).replace(b"Call-ID:", f"Service-Route: <sip:{FOREIGN};lr>\r\nCall-ID:".encode())
    server.send(reply, ROUTER)
    back(phone.recv(), "Service-Route", reply)
    later = request("r3later", headers=f"\n        Route: <sip:{FOREIGN};lr>")
    phone.send(later, SERVER)
    back(server.recv(), "Route", later)
    net.shell("sleep 700")


@test("H-18", "FAULTS R3: a subscription's Record-Route and Route, a NOTIFY's, and an INVITE by TCP")
def foreign_elsewhere():
    hello()
    watch = f"\n        Event: dialog\n        Expires: 300\n        Contact: <sip:a@{LOCAL}>"
    phone.send(request("r3sub", "SUBSCRIBE", headers=watch), SERVER)
    route = f"Record-Route: <sip:{FOREIGN};lr>"
    reply = answer(server.recv()).replace(b"Call-ID:", f"{route}\r\nCall-ID:".encode())
    server.send(reply, ROUTER)
    back(phone.recv(), "Record-Route", reply)
    later = request("r3sub", "SUBSCRIBE", headers=f"{watch}\n        Route: <sip:{FOREIGN};lr>", cseq=2)
    phone.send(later, SERVER)
    got = server.recv()
    back(got, "Route", later)
    same("".join(headers(got, "Contact")).encode(), f"Contact: <sip:a@{SEEN}>".encode())
    notify = again(invite_in("r3sub", f"\n        {route}"), ("INVITE", "NOTIFY"))
    server.send(notify, ROUTER)
    assert phone.recv()
    reply = again(answer(notify), (f"Contact: <sip:b@{SERVER}:5060>", f"Contact: <sip:a@{LOCAL}>"))
    phone.send(reply, SERVER)
    back(server.recv(), "Record-Route", notify)
    ours, theirs = Tcp.pair("phone", PHONE, 40200)
    data = request("r3tcphello", vias=(f"{PHONE}:40200",)).replace(b"SIP/2.0/UDP", b"SIP/2.0/TCP")
    ours.send(data)
    assert theirs.recv(4000, 0.3)
    data = invite_in("r3tcp", f"\n        Record-Route: <sip:{SERVER};lr>, <sip:{FOREIGN};transport=tcp;lr>")
    data = again(data, (f"sip:a@{SEEN} ", f"sip:a@{ROUTER}:40200 "), ("SIP/2.0/UDP", "SIP/2.0/TCP"))
    theirs.send(data)
    got = ours.recv(4000, 0.3)
    back(got, "Record-Route", data)
    reply = again(answer(got), (f"Contact: <sip:b@{SERVER}:5060>", f"Contact: <sip:a@{PHONE}:40200;transport=tcp>"),
                  (f"To: <sip:a@{SERVER}>", f"To: <sip:a@{SERVER}>;tag=1"))
    ours.send(reply)
    got = theirs.recv(4000, 0.3)
    back(got, "Record-Route", data)
    same("".join(headers(got, "Contact")).encode(), f"Contact: <sip:a@{ROUTER}:40200;transport=tcp>".encode())
    no_way_to(6050)
    ours.close()
    theirs.close()
    router(f"{CTL} call end --all")
    net.shell("sleep 400")


@test("H-18", "FAULTS R3: the phone's own Record-Route above the foreign one is still translated")
def own_above_foreign():
    hello()
    name = "r3own"
    data = invite_in(name, f"\n        Record-Route: <sip:{FOREIGN};lr>")
    server.send(data, ROUTER)
    assert phone.recv()
    reply = message(f"""SIP/2.0 180 Ringing
        Via: SIP/2.0/UDP {SERVER}:5060;branch=z9hG4bK{name}
        Via: SIP/2.0/UDP {FOREIGN};branch=z9hG4bK{name}x
        Record-Route: <sip:{LOCAL};lr>
        Record-Route: <sip:{FOREIGN};lr>
        From: <sip:b@{SERVER}>;tag=2
        To: <sip:a@{SERVER}>;tag=1
        Call-ID: {name}
        CSeq: 1 INVITE
        Contact: <sip:a@{LOCAL}>""")
    phone.send(reply, SERVER)
    same("\n".join(headers(server.recv(), "Record-Route")).encode(),
         f"Record-Route: <sip:{SEEN};lr>\nRecord-Route: <sip:{FOREIGN};lr>".encode())
    net.shell("sleep 200")


# R4

def holes(proto, port):
    number = {"UDP": 17, "TCP": 6}[proto]
    return [line for line in router("cat /proc/net/nf_conntrack_expect").splitlines()
            if f"proto={number} " in line and f" dst={ROUTER} " in line and f"dport={port} " in line]


@test("S3-16", "FAULTS R4: a Contact without transport over TCP: the UDP address that the phone is known by")
def udp_contact_over_tcp():
    hello()
    registers = request("r4", "REGISTER", headers=f"\n        Contact: <sip:a@{LOCAL}>;expires=900")
    phone.send(registers, SERVER)
    server.send(answer(server.recv()), *server.sender)
    assert phone.recv()
    ours, theirs = Tcp.pair("phone", PHONE, 40100)
    for number, (contact, seen) in enumerate((
            (f"sip:a@{LOCAL}", f"sip:a@{SEEN}"),
            (f"sip:a@{LOCAL};transport=udp", f"sip:a@{SEEN};transport=udp"),
            (f"sip:a@{PHONE}:40100;transport=tcp", f"sip:a@{ROUTER}:40100;transport=TCP".replace("TCP", "tcp")))):
        call = Call(f"r4{number}", f"{PHONE}:40100", f"{ROUTER}:40100", SERVER, "TCP")
        data = again(call.request("INVITE", sdp(PHONE, 4020 + 2 * number)),
                     (f"<sip:alice@{PHONE}:40100>", f"<{contact}>"))
        ours.send(data)
        got = theirs.recv(len(data) + 40, 0.5)
        same("".join(headers(got, "Contact")).encode(), f"Contact: <{seen}>".encode())
        reply = call.response("200 OK", body=sdp(RELAY, 8020))
        theirs.send(reply)
        assert ours.recv(len(reply) + 40, 0.5)
        if number < 2:
            assert holes("UDP", 5060), router("cat /proc/net/nf_conntrack_expect")
            bye = call.peer_request("BYE", SEEN)
            server.send(bye, ROUTER)
            same(phone.recv(), again(bye, (f"sip:alice@{SEEN} SIP", f"sip:alice@{LOCAL} SIP")))
    ours.close()
    theirs.close()
    net.shell("sleep 1000")
    router(f"{CTL} call end --all")     # an answered call keeps its way out (D3)


@test("S3-16", "FAULTS R4: REGISTER over TCP with a Contact of UDP, of TCP, in other letters: each its own mapping, and back as it was")
def register_over_tcp():
    hello()
    ours, theirs = Tcp.pair("phone", PHONE, 40110)
    for number, (contact, seen) in enumerate((
            (f"sip:a@{LOCAL};transport=UDP", f"sip:a@{SEEN};transport=UDP"),
            (f"sip:a@{LOCAL};Transport=Udp", f"sip:a@{SEEN};Transport=Udp"),
            (f"sip:a@{PHONE}:40110;transport=TCP", f"sip:a@{ROUTER}:40110;transport=TCP"))):
        data = request(f"r4reg{number}", "REGISTER", vias=(f"{PHONE}:40110",),
                       headers=f"\n        Contact: <{contact}>;expires=60").replace(b"2.0/UDP", b"2.0/TCP")
        ours.send(data)
        got = theirs.recv(4000, 0.3)
        same("".join(headers(got, "Contact")).encode(), f"Contact: <{seen}>;expires=60".encode())
        theirs.send(answer(got))
        back(ours.recv(4000, 0.3), "Contact", data)
        if number < 2:
            call = invite_in(f"r4in{number}", "")
            server.send(call, ROUTER)
            assert phone.recv(), "called by UDP, as the Contact says"
    ours.close()
    theirs.close()
    router(f"{CTL} call end --all")
    net.shell("sleep 120")


@test("S3-16", "FAULTS R4: a Contact of TCP over UDP gets a TCP pinhole, and the peer's Contact likewise")
def tcp_contact_over_udp():
    hello()
    call = Call("r4t", LOCAL, SEEN, SERVER)
    data = again(call.request("INVITE", sdp(PHONE, 4030)),
                 (f"<sip:alice@{LOCAL}>", f"<sip:alice@{PHONE}:5066;transport=tcp>"))
    phone.send(data, SERVER)
    got = server.recv()
    same("".join(headers(got, "Contact")).encode(),
         f"Contact: <sip:alice@{ROUTER}:5066;transport=tcp>".encode())
    reply = again(call.response("200 OK", body=sdp(RELAY, 8030)),
                  (f"<sip:bob@{SERVER}:5060>", f"<sip:bob@{STRANGER}:5070;transport=tcp>"))
    server.send(reply, ROUTER)
    assert phone.recv()
    phone.send(again(call.request("ACK", to_tag=True),
                     (f"<sip:alice@{LOCAL}>", f"<sip:alice@{PHONE}:5066;transport=tcp>")), SERVER)
    assert server.recv()
    lines = router("cat /proc/net/nf_conntrack_expect")
    assert holes("TCP", 5066) and not holes("UDP", 5066), lines
    lines = router("cat /proc/net/nf_conntrack_expect").splitlines()
    assert [line for line in lines if f"dst={STRANGER} " in line and "proto=6 " in line], lines
    assert not [line for line in lines if f"dst={STRANGER} " in line and "proto=17 " in line], lines
    phone.send(call.request("BYE", cseq=2, to_tag=True), SERVER)
    server.send(answer(server.recv()), ROUTER)
    assert phone.recv()
    net.shell("sleep 60")


# R5

@test("H-13", "FAULTS R5: registered by the private address, then by the public one it was told: as it wrote it")
def learnt():
    hello()
    for number, via in enumerate((f"{LOCAL};rport", f"{SEEN};rport")):
        name = f"r5{number}"
        first = request(name, "REGISTER", headers=f"\n        Contact: <sip:a@{LOCAL}>;expires=600")
        phone.send(first, SERVER)
        server.send(answer(server.recv(), "401 Unauthorized"), *server.sender)
        back(phone.recv(), "Contact", first)
        second = request(name, "REGISTER", vias=(via,), cseq=2,
                         headers=f"\n        Contact: <sip:a@{SEEN}>;expires=600")
        phone.send(second, SERVER)
        got = server.recv()
        server.send(answer(got).replace(b";rport", f";rport=5060;received={ROUTER}".encode(), 1),
                    *server.sender)
        reply = phone.recv()
        back(reply, "Contact", second)
        assert headers(reply, "Via")[0].split(";")[0] == headers(second, "Via")[0].split(";")[0]
        if number:
            assert f"received={ROUTER}" in headers(reply, "Via")[0], reply
        call = invite_in(name + "in", "")
        server.send(call, ROUTER)
        assert phone.recv().startswith(f"INVITE sip:a@{SEEN} ".encode())
        # and back again
        third = request(name, "REGISTER", cseq=3, headers=f"\n        Contact: <sip:a@{LOCAL}>;expires=600")
        phone.send(third, SERVER)
        server.send(answer(server.recv()), *server.sender)
        back(phone.recv(), "Contact", third)
        call = invite_in(name + "in2", "")
        server.send(call, ROUTER)
        assert phone.recv().startswith(f"INVITE sip:a@{LOCAL} ".encode())
    net.shell("sleep 900")


@test("H-13", "FAULTS R5: the learnt address registered and the private one unregistered in one REGISTER; an INVITE that names it")
def learnt_at_once():
    hello()
    first = request("r5one", "REGISTER", headers=f"\n        Contact: <sip:a@{LOCAL}>;expires=600")
    phone.send(first, SERVER)
    server.send(answer(server.recv()), ROUTER)
    assert phone.recv()
    second = request("r5one", "REGISTER", vias=(f"{SEEN};rport",), cseq=2,
                     headers=f"\n        Contact: <sip:a@{SEEN}>;expires=600, <sip:a@{LOCAL}>;expires=0")
    phone.send(second, SERVER)
    server.send(answer(server.recv()), ROUTER)
    back(phone.recv(), "Contact", second)
    for method in ("INVITE", "SUBSCRIBE", "OPTIONS"):
        data = request("r5" + method, method, vias=(f"{SEEN};rport",), headers=f"\n        Contact: <sip:a@{SEEN}>",
                       parties=(f"<sip:a@{ROUTER}>;tag=1", f"<sip:b@{SERVER}>"))
        phone.send(data, SERVER)
        same(server.recv(), data)
        server.send(answer(data), ROUTER)
        same(phone.recv(), answer(data))
    router(f"{CTL} call end --all")
    net.shell("sleep 900")


@test("H-13", "FAULTS R5: From and Via of two transactions at once, one private and one public")
def learnt_per_transaction():
    hello()
    one = request("r5p", vias=(LOCAL,), parties=(f"<sip:a@{PHONE}>;tag=f", f"<sip:b@{SERVER}>"))
    two = request("r5q", vias=(SEEN,), parties=(f"<sip:a@{ROUTER}>;tag=f", f"<sip:b@{SERVER}>"))
    got = []
    for sent in (one, two):
        phone.send(sent, SERVER)
        got.append(server.recv())
    for number in (1, 0, 1):
        server.send(answer(got[number]), *server.sender)
        reply = phone.recv()
        back(reply, "From", (one, two)[number])
        back(reply, "Via", (one, two)[number])
    net.shell("sleep 300")


# R6

@test("C4", "FAULTS R6: To of an answer goes back as the peer wrote it: private, with another port, bracketed")
def to_of_peer():
    hello()
    for number, to in enumerate((PHONE, LOCAL, ROUTER, SEEN, f"{ROUTER}:5062", f"{PHONE}:5062")):
        data = message(f"""OPTIONS sip:a@{SEEN} SIP/2.0
            Via: SIP/2.0/UDP {SERVER}:5060;branch=z9hG4bKr6{number}
            From: <sip:b@{SERVER}>;tag=2
            To: "x" <sip:a@{to}>
            Call-ID: r6{number}
            CSeq: 1 OPTIONS""")
        server.send(data, ROUTER)
        got = phone.recv()
        phone.send(answer(got), SERVER)
        reply = server.recv()
        back(reply, "To", data)
        back(reply, "From", data)


@test("C4", "FAULTS R6: To in short form with parameters, by UDP and TCP, IPv4 and IPv6: as the peer wrote it")
def to_by_all_ways():
    for number, way in enumerate(all_ways(phone, server)):
        sent = request(f"r6hello{number}", vias=(f"{way.local};rport",)).replace(b"2.0/UDP", f"2.0/{way.transport}".encode())
        assert way.across(sent, True)
        for index, to in enumerate((way.host, way.local, way.alg, way.alg.rsplit(":", 1)[0], f"{way.host}:5070")):
            data = message(f"""MESSAGE sip:a@{way.alg} SIP/2.0
                v: SIP/2.0/{way.transport} {way.server}:5060;branch=z9hG4bKr6w{number}{index}
                f: <sip:b@{way.server}>;tag=2
                t: "A, B" <sip:a@{to};user=phone>;x=y
                i: r6way{number}{index}
                CSeq: 1 MESSAGE""")
            got = way.across(data, False)
            reply = way.across(answer(got).replace(b";x=y", b";x=y;tag=77"), True)
            same(headers(reply, "t")[0].encode(), f'{headers(data, "t")[0]};tag=77'.encode())


@test("C4", "FAULTS R6: Route, Record-Route and Path without a port come back without one, and with one with it")
def route_without_port():
    sock = Udp("phone", PHONE, 5064)
    for number, address in enumerate((PHONE, f"{PHONE}:5064", PHONE)):
        sent = request(f"r6r{number}", vias=(f"{PHONE}:5064;rport",), headers=f"""
            Route: <sip:{SERVER};lr>, <sip:{address};lr>
            Record-Route: <sip:{address};lr>
            Path: <sip:{address};lr>""")
        sock.send(sent, SERVER)
        got = server.recv()
        assert PHONE not in got.decode()
        server.send(answer(got), *server.sender)
        reply = sock.recv()
        for name in ("Route", "Record-Route", "Path"):
            back(reply, name, sent)
    sock.close()


run(after=net.nothing_left)
