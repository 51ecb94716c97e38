#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""Registrations, and the calls that come in because of them."""
import json
import time

import topology as net
from sip import Call, again, message, sdp
from ksft import run, same, test
from topology import OTHER, PHONE, RELAY, ROUTER, SERVER, STRANGER, Udp, router

net.build()
phone = Udp("phone", PHONE, 5060)
server = Udp("provider", SERVER, 5060)
stranger = Udp("provider", STRANGER, 5060)
CTL = "tools/sipalg-ctl/sipalg-ctl"


def register(name, host, seen, cseq=1, expires=600, contact=None):
    """The request of a phone and the answer of its registrar."""
    contact = contact or f"<sip:alice@{host}>;expires={expires}"
    request = message(f"""REGISTER sip:{SERVER} SIP/2.0
        Via: SIP/2.0/UDP {host};branch=z9hG4bK{name}{cseq};rport
        From: <sip:alice@{SERVER}>;tag={name}
        To: <sip:alice@{SERVER}>
        Call-ID: {name}
        CSeq: {cseq} REGISTER
        Contact: {contact}""")
    listed = f"\nContact: <sip:alice@{seen}>;expires={expires}" if expires else ""
    answer = message(f"""SIP/2.0 200 OK
        Via: SIP/2.0/UDP {seen};branch=z9hG4bK{name}{cseq};rport
        From: <sip:alice@{SERVER}>;tag={name}
        To: <sip:alice@{SERVER}>;tag=r
        Call-ID: {name}
        CSeq: {cseq} REGISTER{listed}""")
    return request, answer


def registered(name, **options):
    request, answer = register(name, PHONE, ROUTER, **options)
    phone.send(request, SERVER)
    same(server.recv(), again(request, (PHONE, ROUTER)))
    server.send(answer, ROUTER)
    same(phone.recv(), again(answer, (ROUTER, PHONE)))


def invite(name, port=8000):
    """From the provider to the registered phone; its Contact had no port."""
    call = Call(name, PHONE, ROUTER, SERVER)
    data = call.peer_request("INVITE", ROUTER, body=sdp(RELAY, port))
    return call, again(data, ('alice" <sip:alice@203.0.113.50>;tag=phone-' + name,
                              'alice" <sip:alice@203.0.113.50>'))


def rings(name, sender=server):
    """Does an INVITE reach the phone, with its own address in the URI?"""
    call, data = invite(name)
    sender.send(data, ROUTER)
    got = phone.recv(1)
    if got is None:
        # the router itself was called: c-timeout shuts that call, and keeps it (D4)
        router("conntrack -D -p udp")
        time.sleep(185)
        router(f"{CTL} call end {name}@call.example")
        return None
    same(got, again(data, (f"INVITE sip:alice@{ROUTER} ", f"INVITE sip:alice@{PHONE} ")))
    return call


def decline(call, caller=server):
    answer = call.peer_response("486 Busy Here", "INVITE")
    phone.send(answer, caller.address[0])
    same(caller.recv(), again(answer, (f"alice@{PHONE}>", f"alice@{ROUTER}>")))


def forget():
    """Nobody is registered and no flow is tracked."""
    registered("forget" + str(time.monotonic_ns()), expires=0)
    router("conntrack -D -p udp 2>/dev/null || true")


@test("S3-24", "REGISTER and its answers pass with Via and Contact translated")
def registration():
    registered("s324")
    assert len(net.expectations("signalling")) == 2, net.expectations("signalling")
    forget()
    assert not net.expectations("signalling")


@test("S3-24", "a challenge opens nothing, the answer to the second try does")
def challenge():
    request, answer = register("chal", PHONE, ROUTER)
    phone.send(request, SERVER)
    same(server.recv(), again(request, (PHONE, ROUTER)))
    refusal = again(answer, ("200 OK", "401 Unauthorized"))
    server.send(refusal, ROUTER)
    assert phone.recv().startswith(b"SIP/2.0 401")
    assert not net.expectations("signalling")
    registered("chal", cseq=2)
    assert net.expectations("signalling")
    forget()


@test("S3-43", "a call comes in to the learnt registration, and audio both ways")
def comes_in():
    registered("s343")
    call = rings("s343c")
    body = sdp(PHONE, 4300)
    answer = call.peer_response("200 OK", "INVITE", body=body)
    phone.send(answer, SERVER)
    same(server.recv(), again(answer, (PHONE, ROUTER)))
    ack = call.peer_request("ACK", ROUTER)
    server.send(ack, ROUTER)
    same(phone.recv(), again(ack, (f"ACK sip:alice@{ROUTER}", f"ACK sip:alice@{PHONE}")))
    ours, theirs = Udp("phone", PHONE, 4300), Udp("provider", RELAY, 8000)
    ours.send(b"out", RELAY, 8000)
    assert theirs.recv() == b"out" and theirs.sender == (ROUTER, 4300), theirs.sender
    theirs.send(b"in", ROUTER, 4300)
    assert ours.recv() == b"in"
    bye = call.peer_request("BYE", ROUTER, cseq=101)
    server.send(bye, ROUTER)
    assert phone.recv().startswith(f"BYE sip:alice@{PHONE} ".encode())
    phone.send(call.peer_response("200 OK", "BYE", cseq=101), SERVER)
    assert server.recv()
    net.until(lambda: not net.expectations(), 6)
    ours.close()
    theirs.close()
    forget()


def account(name, registrar, user="alice", **options):
    """One of several accounts of a phone: its request and the registrar's answer."""
    ours = f"<sip:alice@{SERVER}>", f"<sip:{user}@{registrar.address[0]}>"
    return [again(data, ours) for data in register(name, PHONE, ROUTER, **options)]


def ask(registrar, request):
    phone.send(request, registrar.address[0])
    same(registrar.recv(), again(request, (PHONE, ROUTER)))


def confirm(registrar, answer):
    registrar.send(answer, ROUTER)
    same(phone.recv(), again(answer, (ROUTER, PHONE)))


def account_registered(name, registrar, **options):
    request, answer = account(name, registrar, **options)
    ask(registrar, request)
    confirm(registrar, answer)


@test("S3-24", "a PBX registers with two providers at once: each calls it while its registration lasts")
def two_providers():
    a, b = account("boota", server), account("bootb", stranger)
    ask(server, a[0])
    ask(stranger, b[0])
    confirm(server, a[1])
    confirm(stranger, b[1])
    time.sleep(590)
    decline(rings("boota1"))
    decline(rings("bootb1", stranger), stranger)
    account_registered("boota", server, cseq=2, expires=0)
    account_registered("bootb", stranger, cseq=2, expires=0)
    router("conntrack -D -p udp")
    assert not net.expectations("signalling")


@test("S3-24", "of two providers the one whose registration has lapsed takes nothing from the other's")
def shorter_one():
    account_registered("long", server)
    account_registered("short", stranger, expires=90)
    time.sleep(300)
    router("conntrack -D -p udp")
    decline(rings("long1"))
    assert not rings("short1", stranger)
    forget()
    assert not net.expectations("signalling")


@test("S3-24", "two lines of a phone at one registrar: one unregisters, the other is called")
def two_lines():
    account_registered("line2", server, user="carol")
    account_registered("line1", server)
    assert len(net.expectations("signalling")) == 2, net.expectations("signalling")
    account_registered("line2", server, user="carol", cseq=2, expires=0)
    time.sleep(60)
    router("conntrack -D -p udp")
    decline(rings("line1a"))
    forget()
    assert not net.expectations("signalling")


@test("S3-24", "two lines with one Call-ID are two registrations")
def one_call_id():
    a, b = account("one", server), account("one", server, user="carol", cseq=2)
    ask(server, a[0])
    ask(server, b[0])
    confirm(server, a[1])
    confirm(server, b[1])
    rows = json.loads(router(f"{CTL} -j registration list"))
    assert len(rows) == 2, rows
    account_registered("one", server, user="carol", cseq=3, expires=0)
    assert len(net.expectations("signalling")) == 2, net.expectations("signalling")
    forget()


@test("S0-12", "more accounts of a phone than 16 are kept, each for its time (FAULTS R1)")
def many_lines():
    for i in range(17):
        account_registered(f"many{i}", server, user=f"line{i}", expires=600 + (i != 5))
    rows = json.loads(router(f"{CTL} -j registration list"))
    assert sorted(row["expires_in_seconds"] for row in rows) == [600] + 16 * [601], rows
    assert len(net.expectations("signalling")) == 2, net.expectations("signalling")
    time.sleep(680)
    stats = json.loads(router(f"{CTL} -j stats show"))
    assert not stats["registrations"] and not stats["memory_bytes"], stats
    assert not net.expectations("signalling")


@test("H-11", "a call comes in ten seconds before Expires, conntrack's entry long gone")
def before_expiry():
    registered("h11", expires=600)
    router("conntrack -D -p udp")
    time.sleep(590)
    call = rings("h11c")
    assert call, "the phone has not rung"
    decline(call)
    forget()


@test("H-11", "the flow itself is kept to Expires, keepalives or not")
def kept():
    registered("h11k", expires=600)
    time.sleep(250)
    phone.send(b"\r\n\r\n", SERVER)
    assert server.recv() == b"\r\n\r\n"
    time.sleep(340)
    entries = net.connections(PHONE, 5060)
    assert entries, "conntrack has lost it"
    forget()


@test("C15", "after Expires, and after unregistering, no call comes in")
def expired():
    registered("c15", expires=120)
    router("conntrack -D -p udp")
    time.sleep(125)
    assert not net.expectations("signalling")
    assert not rings("c15a")
    registered("c15", cseq=2)
    registered("c15", cseq=3, expires=0)
    router("conntrack -D -p udp")
    assert not rings("c15b")


@test("S3-24", "Contact: * unregisters")
def star():
    registered("star")
    request, answer = register("star", PHONE, ROUTER, cseq=2, contact="*")
    request = again(request, ("Contact: *", "Contact: *\r\nExpires: 0"))
    answer = again(answer, (f"Contact: <sip:alice@{ROUTER}>;expires=600\r\n", ""))
    phone.send(request, SERVER)
    same(server.recv(), again(request, (PHONE, ROUTER)))
    assert net.expectations("signalling"), "until the registrar agrees"
    server.send(answer, ROUTER)
    same(phone.recv(), again(answer, (ROUTER, PHONE)))
    assert not net.expectations("signalling")


@test("S3-24", "what the header Expires says counts where the Contact says nothing")
def header_expires():
    def dated(data):
        return again(data, (";expires=60", ""), ("CSeq:", "Expires: 60\r\nCSeq:"))
    request, answer = (dated(data) for data in register("hdr", PHONE, ROUTER, expires=60))
    phone.send(request, SERVER)
    same(server.recv(), again(request, (PHONE, ROUTER)))
    server.send(answer, ROUTER)
    same(phone.recv(), again(answer, (ROUTER, PHONE)))
    time.sleep(55)
    assert net.expectations("signalling")
    time.sleep(10)
    assert not net.expectations("signalling")
    router("conntrack -D -p udp 2>/dev/null || true")


@test("S3-24", "a sips: Contact without port is registered at port 5061, and called there")
def secure():
    def spelled(data, host):
        return again(data, (f"UDP {host};", f"UDP {host}:5061;"),
                     (f"Contact: <sip:alice@{host}>", f"Contact: <sips:alice@{host}>"))
    secured = Udp("phone", PHONE, 5061)
    request, answer = register("sips", PHONE, ROUTER, expires=60)
    request, answer = spelled(request, PHONE), spelled(answer, ROUTER)
    secured.send(request, SERVER)
    same(server.recv(), again(request, (PHONE, ROUTER)))
    server.send(answer, ROUTER, 5061)
    same(secured.recv(), again(answer, (ROUTER, PHONE)))
    router("conntrack -D -p udp")
    data = Call("sipsc", PHONE, ROUTER, SERVER).peer_request("OPTIONS", ROUTER)
    data = again(data, (f"OPTIONS sip:alice@{ROUTER} ", f"OPTIONS sips:alice@{ROUTER} "))
    server.send(data, ROUTER, 5061)
    same(secured.recv(), again(data, (f"sips:alice@{ROUTER} ", f"sips:alice@{PHONE} ")))
    time.sleep(65)
    secured.close()
    assert not net.expectations("signalling")
    router("conntrack -D -p udp 2>/dev/null || true")


@test("S3-17", "only the registrar may call, a stranger's INVITE does not ring (T-15)")
def ghost():
    registered("s317")
    call = rings("s317a")
    decline(call)
    assert not rings("s317b", stranger)
    call = rings("s317c")
    decline(call)
    forget()


@test("S3-17", "registered with another registrar, the phone is called by that one, and no longer by the first")
def other_registrar():
    registered("two")
    decline(rings("firstrings"))
    request, answer = register("two", PHONE, ROUTER, cseq=2)
    phone.send(request, STRANGER)
    assert stranger.recv()
    stranger.send(answer, ROUTER)
    assert phone.recv()
    router("conntrack -D -p udp")
    decline(rings("secondrings", stranger), stranger)
    router("conntrack -D -p udp")
    assert rings("firstagain") is None
    request, answer = register("two", PHONE, ROUTER, cseq=3, expires=0)
    phone.send(request, STRANGER)
    assert stranger.recv()
    stranger.send(answer, ROUTER)
    assert phone.recv()


@test("S3-17", "signalling-source any: whoever calls the registered phone rings, but not beyond its Expires")
def anyone():
    router(f"{CTL} setting set signalling-source any")
    registered("anyone", expires=300)
    router("conntrack -D -p udp")
    decline(rings("anyone1", stranger), stranger)
    decline(rings("anyone2"))
    router("conntrack -D -p udp")
    time.sleep(310)
    assert not rings("anyone3", stranger)
    router(f"{CTL} setting reset")
    forget()


@test("S3-16", "contact-pinhole off: nobody is let in to a registered phone once conntrack has forgotten it")
def no_pinhole():
    router(f"{CTL} setting set contact-pinhole off")
    registered("nopin")
    assert not net.expectations("signalling")
    decline(rings("nopin1"))
    router("conntrack -D -p udp")
    assert not rings("nopin2")
    router(f"{CTL} setting reset")
    forget()


@test("S3-43", "two phones that both speak from 5060 are each called at their own")
def both_phones():
    registered("both1")
    other = Udp("other", OTHER, 5060)
    request, answer = register("both2", OTHER, ROUTER)
    other.send(request, SERVER)
    assert server.recv()
    port = server.sender[1]
    assert port != 5060
    server.send(again(answer, (ROUTER, f"{ROUTER}:{port}")), ROUTER, port)
    same(other.recv(), again(answer, (ROUTER, OTHER)))
    router("conntrack -D -p udp")
    decline(rings("both1c"))
    call, data = invite("both2c")
    data = again(data, (f"alice@{ROUTER} ", f"alice@{ROUTER}:{port} "))
    server.send(data, ROUTER, port)
    same(other.recv(), again(data, (f"alice@{ROUTER}:{port} ", f"alice@{OTHER} ")))
    call.host = OTHER
    refusal = call.peer_response("486 Busy Here", "INVITE")
    other.send(refusal, SERVER)
    same(server.recv(), again(refusal, (f"alice@{OTHER}>", f"alice@{ROUTER}:{port}>")))
    request, answer = register("both2", OTHER, f"{ROUTER}:{port}", cseq=2, expires=0)
    other.send(request, SERVER)
    assert server.recv()
    server.send(answer, ROUTER, port)
    assert other.recv()
    other.close()
    forget()


@test("H-12", "with its flow gone the phone still speaks from its registered port")
def same_port():
    blocker = Udp("other", OTHER, 5060)
    blocker.send(message(f"""OPTIONS sip:{SERVER} SIP/2.0
        Via: SIP/2.0/UDP {OTHER}:5060;branch=z9hG4bKblock
        From: <sip:x@{SERVER}>;tag=x
        To: <sip:{SERVER}>
        Call-ID: blocker
        CSeq: 1 OPTIONS"""), SERVER)
    assert server.recv() and server.sender == (ROUTER, 5060)
    # the other phone has taken 5060 outside: ours is given another port
    request, answer = register("h12", PHONE, ROUTER)
    phone.send(request, SERVER)
    assert server.recv()
    port = server.sender[1]
    assert port != 5060
    server.send(again(answer, (ROUTER, f"{ROUTER}:{port}")), ROUTER, port)
    same(phone.recv(), again(answer, (ROUTER, PHONE)))
    router("conntrack -D -p udp")
    phone.send(message(f"""OPTIONS sip:{SERVER} SIP/2.0
        Via: SIP/2.0/UDP {PHONE};branch=z9hG4bKagain
        From: <sip:x@{SERVER}>;tag=x
        To: <sip:{SERVER}>
        Call-ID: h12o
        CSeq: 1 OPTIONS"""), SERVER)
    assert server.recv()
    assert server.sender == (ROUTER, port), (server.sender, port)
    blocker.close()
    request, answer = register("h12", PHONE, f"{ROUTER}:{port}", cseq=2, expires=0)
    phone.send(request, SERVER)
    assert server.recv()
    server.send(answer, ROUTER, port)
    assert phone.recv()
    router("conntrack -D -p udp")


@test("S3-26", "OPTIONS keepalives pass and begin no call")
def keepalive():
    call = Call("s326", f"{PHONE}:5060", f"{ROUTER}:5060", SERVER)
    data = call.request("OPTIONS")
    phone.send(data, SERVER)
    same(server.recv(), again(data, (f"{PHONE}:5060", f"{ROUTER}:5060")))
    assert not net.expectations()


@test("S3-43", "a call that the administrator's DNAT forwards is mapped as well")
def forwarded():
    router("nft add chain inet nat pre '{ type nat hook prerouting priority dstnat; }'")
    router(f"nft add rule inet nat pre iifname wan udp dport 5060 dnat ip to {PHONE}:5060")
    router("nft add rule inet sip forward iifname wan udp dport 5060 accept")
    call, data = invite("dnat")
    stranger.send(data, ROUTER)
    same(phone.recv(), again(data, (f"INVITE sip:alice@{ROUTER} ", f"INVITE sip:alice@{PHONE} ")))
    answer = call.peer_response("200 OK", "INVITE", body=sdp(PHONE, 4400))
    phone.send(answer, STRANGER)
    same(stranger.recv(), again(answer, (PHONE, ROUTER)))
    ours, theirs = Udp("phone", PHONE, 4400), Udp("provider", RELAY, 8000)
    theirs.send(b"in", ROUTER, 4400)
    assert ours.recv() == b"in"
    stranger.send(call.peer_request("BYE", ROUTER, cseq=101), ROUTER)
    assert phone.recv()
    ours.close()
    theirs.close()


run(after=net.nothing_left)
