#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""A phone behind the router calls out: messages, media, and the end of it."""
import time

import topology as net
from sip import Call, again, message, sdp
from call_helpers import back_as as back, new, out_as as out, phone, server
from ksft import run, same, test
from topology import PHONE, RELAY, ROUTER, SERVER, STRANGER, Udp


HIDE = ((f"{PHONE}:5060", f"{ROUTER}:5060"),)
SHOW = ((f"{ROUTER}:5060", f"{PHONE}:5060"),)


def answered(name, port, peer_port=8000):
    """A call with audio from a port of the phone to one of the relay."""
    call = new(name)
    out(call.request("INVITE", sdp(PHONE, port)), *HIDE, (PHONE, ROUTER))
    back(call.response("180 Ringing"), *SHOW)
    back(call.response("200 OK", body=sdp(RELAY, peer_port)), *SHOW)
    out(call.request("ACK", to_tag=True), *HIDE)
    return call


def hang_up(call):
    out(call.request("BYE", cseq=call.cseq + 1, to_tag=True), *HIDE)
    back(call.response("200 OK", "BYE"), *SHOW)


def flows(sender, receiver, address, port):
    """Does a packet get through?"""
    sender.send(b"media", address, port)
    return receiver.recv(1) == b"media"


@test("S3-59", "o=, c= and m= of an offer leave with the router's address")
def offer():
    call = new("s359")
    got = out(call.request("INVITE", sdp(PHONE, 4000)), *HIDE, (PHONE, ROUTER))
    assert f"c=IN IP4 {ROUTER}\r\n".encode() in got
    assert f"o=- 7 1 IN IP4 {ROUTER}\r\n".encode() in got
    back(call.response("486 Busy Here"), *SHOW)


@test("H-6", "Call-ID, user parts and digests that look like our address stay")
def look_alikes():
    call = new("h6")
    extra = (f'\nAuthorization: Digest username="{PHONE}", uri="sip:{PHONE}"'
             f"\nX-Address: {PHONE}\nSubject: 1{PHONE} {PHONE}0")
    data = again(call.request("OPTIONS", extra=extra), ("h6@call.example", f"h6@{PHONE}"))
    phone.send(data, SERVER)
    same(server.recv(), again(data, *HIDE))


@test("S3-42", "a Via and a Contact without a port come back without one")
def port_absent():
    call = Call("s342", PHONE, ROUTER, SERVER)
    via, contact = (f"UDP {PHONE};", f"UDP {ROUTER};"), (f"alice@{PHONE}>", f"alice@{ROUTER}>")
    out(call.request("OPTIONS"), via, contact)
    back(call.response("200 OK", "OPTIONS"), via[::-1])


@test("H-12", "received and rport come back as the phone's own address and port")
def received():
    call = new("h12")
    out(call.request("OPTIONS"), *HIDE)
    data = again(call.response("200 OK", "OPTIONS"),
                 (";rport", f";rport=5060;received={ROUTER}"))
    back(data, *SHOW, (f"received={ROUTER}", f"received={PHONE}"))


@test("H-13", "a message whose addresses are all public leaves byte-identical")
def stun_client():
    call = Call("h13", "198.51.100.7:5060", "198.51.100.7:5060", SERVER)
    out(call.request("OPTIONS"))
    back(call.response("200 OK", "OPTIONS"))
    call = Call("h13own", f"{ROUTER}:5060", f"{ROUTER}:5060", SERVER)
    out(again(call.request("OPTIONS"), ("Contact: ", "X: ")))


@test("S1-6", "RTP and RTCP pinholes stand side by side, to the phone, from anyone")
def pinholes():
    call = new("s16")
    out(call.request("INVITE", sdp(PHONE, 4010)), *HIDE, (PHONE, ROUTER))
    for port in (4010, 4011):
        line = net.pinhole(ROUTER, port)
        assert line and "src=0.0.0.0 " in line and "sport=0 " in line, line
    back(call.response("486 Busy Here"), *SHOW)


@test("S1-3", "a media-level c= goes before the session's")
def media_level():
    call = new("s13")
    # the session's address is somebody else's: it stays, and gets no pinhole
    body = sdp("198.51.100.9", 4014, f"c=IN IP4 {PHONE}")
    out(call.request("INVITE", body), *HIDE,
        (f"c=IN IP4 {PHONE}", f"c=IN IP4 {ROUTER}"))
    assert net.pinhole(ROUTER, 4014)
    assert not net.pinhole("198.51.100.9", 4014)
    back(call.response("486 Busy Here"), *SHOW)


@test("S3-40", "a port that is taken is replaced by another even-odd pair")
def even_odd():
    first, second = new("s340a"), new("s340b")
    out(first.request("INVITE", sdp(PHONE, 4020)), *HIDE, (PHONE, ROUTER))
    other = Udp("other", net.OTHER, 5060)
    data = Call("s340b", f"{net.OTHER}:5060", "", SERVER).request("INVITE", sdp(net.OTHER, 4020))
    other.send(data, SERVER)
    got = server.recv()
    port = int(got.split(b"m=audio ")[1].split()[0])
    assert port != 4020 and port % 2 == 0, port
    assert net.pinhole(ROUTER, port) and net.pinhole(ROUTER, port + 1)
    back(first.response("486 Busy Here"), *SHOW)
    server.send(again(second.response("486 Busy Here"), (f"{ROUTER}:5060", f"{ROUTER}:{server.sender[1]}")),
                ROUTER, server.sender[1])
    assert other.recv()
    other.close()


@test("S3-40", "an odd RTP port keeps its parity (RFC 3550 says only should)")
def odd():
    call = new("odd")
    out(call.request("INVITE", sdp(PHONE, 4031)), *HIDE, (PHONE, ROUTER))
    assert net.pinhole(ROUTER, 4031) and net.pinhole(ROUTER, 4032)
    back(call.response("486 Busy Here"), *SHOW)


@test("S3-41", "a repeated INVITE leaves byte-identical")
def repeated():
    call = new("s341")
    data = call.request("INVITE", sdp(PHONE, 4040))
    first = out(data, *HIDE, (PHONE, ROUTER))
    same(out(data, *HIDE, (PHONE, ROUTER)), first)
    assert len(net.expectations()) == 2
    back(call.response("486 Busy Here"), *SHOW)


@test("S1-2", "media passes both ways, RTP and RTCP, and from a third address")
def media():
    call = answered("s12", 4050, 8050)
    for offset in (0, 1):
        ours = Udp("phone", PHONE, 4050 + offset)
        theirs = Udp("provider", RELAY, 8050 + offset)
        third = Udp("provider", STRANGER, 9999)
        assert flows(theirs, ours, ROUTER, 4050 + offset), "in"
        assert flows(ours, theirs, RELAY, 8050 + offset), "out"
        assert theirs.sender == (ROUTER, 4050 + offset), theirs.sender
        assert flows(third, ours, ROUTER, 4050 + offset), "third"
        for sock in (ours, theirs, third):
            sock.close()
    hang_up(call)


@test("S3-11", "media that the phone begins leaves from the port it has advertised")
def symmetric():
    other = answered("s311", 4060, 8060)
    ours, theirs = Udp("phone", PHONE, 4060), Udp("provider", RELAY, 8060)
    assert flows(ours, theirs, RELAY, 8060)
    assert theirs.sender == (ROUTER, 4060), theirs.sender
    assert flows(theirs, ours, ROUTER, 4060)
    ours.close()
    theirs.close()
    hang_up(other)


@test("S1-13", "early media: the pinhole is there after the INVITE")
def early_media():
    call = new("s113")
    out(call.request("INVITE", sdp(PHONE, 4070)), *HIDE, (PHONE, ROUTER))
    ours, theirs = Udp("phone", PHONE, 4070), Udp("provider", RELAY, 8070)
    assert flows(theirs, ours, ROUTER, 4070)
    ours.close()
    theirs.close()
    out(call.request("CANCEL"), *HIDE)
    back(call.response("487 Request Terminated"), *SHOW)


@test("H-27", "183 and 200 of the peer, and a second offer, keep the mapping")
def same_mapping():
    call = new("h27")
    offer_data = call.request("INVITE", sdp(PHONE, 4080))
    first = out(offer_data, *HIDE, (PHONE, ROUTER))
    back(call.response("183 Session Progress", body=sdp(RELAY, 8080)), *SHOW)
    back(call.response("200 OK", body=sdp(RELAY, 8080)), *SHOW)
    again_offer = call.request("INVITE", sdp(PHONE, 4080), cseq=2, to_tag=True)
    got = out(again_offer, *HIDE, (PHONE, ROUTER))
    assert got.split(b"m=audio ")[1] == first.split(b"m=audio ")[1]
    back(call.response("200 OK", body=sdp(RELAY, 8080)), *SHOW)
    hang_up(call)


@test("S1-9", "BYE ends pinholes and flowing media after teardown-delay, not before")
def bye():
    call = answered("s19", 4090, 8090)
    ours, theirs = Udp("phone", PHONE, 4090), Udp("provider", RELAY, 8090)
    assert flows(theirs, ours, ROUTER, 4090) and flows(ours, theirs, RELAY, 8090)
    hang_up(call)
    time.sleep(4)
    assert flows(theirs, ours, ROUTER, 4090), "S3-52: 4 s after BYE"
    waited = net.until(lambda: not net.expectations(), 3)
    assert waited < 2.5, waited
    assert not net.connections(RELAY, 8090), net.connections(RELAY, 8090)
    assert not flows(theirs, ours, ROUTER, 4090)
    ours.close()
    theirs.close()


@test("S0-15", "CANCEL closes the pinholes after five seconds, whatever is answered")
def cancel():
    call = new("s015")
    out(call.request("INVITE", sdp(PHONE, 4100)), *HIDE, (PHONE, ROUTER))
    back(call.response("180 Ringing"), *SHOW)
    out(call.request("CANCEL"), *HIDE)
    back(call.response("200 OK", "CANCEL"), *SHOW)
    assert net.pinhole(ROUTER, 4100)
    time.sleep(6)
    assert not net.expectations()


@test("C3", "a 200 that crosses the CANCEL keeps the call")
def crossing():
    call = new("c3")
    out(call.request("INVITE", sdp(PHONE, 4110)), *HIDE, (PHONE, ROUTER))
    out(call.request("CANCEL"), *HIDE)
    back(call.response("200 OK", body=sdp(RELAY, 8110)), *SHOW)
    time.sleep(10)
    assert net.pinhole(ROUTER, 4110)
    hang_up(call)


@test("S3-54", "a BYE with a wrong tag, or from elsewhere, ends nothing (T-6)")
def forged():
    call = answered("s354", 4120, 8120)
    server.send(call.peer_request("BYE", f"{ROUTER}:5060", tags=("phone-s354", "wrong")), ROUTER)
    assert phone.recv()
    server.send(call.peer_request("BYE", f"{ROUTER}:5060", tags=("wrong", "peer-s354")), ROUTER)
    assert phone.recv()
    time.sleep(10)
    assert net.pinhole(ROUTER, 4120)
    hang_up(call)


@test("C10", "a BYE that is challenged does not end the call")
def challenged():
    call = answered("c10", 4130, 8130)
    out(call.request("BYE", cseq=2, to_tag=True), *HIDE)
    back(call.response("407 Proxy Authentication Required", "BYE"), *SHOW)
    time.sleep(10)
    assert net.pinhole(ROUTER, 4130)
    hang_up(call)


@test("S0-3", "a re-INVITE with another port opens that and closes the old one")
def moved():
    call = answered("s03", 4140, 8140)
    out(call.request("INVITE", sdp(PHONE, 4150), cseq=2, to_tag=True), *HIDE, (PHONE, ROUTER))
    assert net.pinhole(ROUTER, 4140) and net.pinhole(ROUTER, 4150)
    back(call.response("200 OK", body=sdp(RELAY, 8140)), *SHOW)
    assert net.pinhole(ROUTER, 4150) and not net.pinhole(ROUTER, 4140)
    hang_up(call)


@test("S4-6", "a re-INVITE that is refused leaves the media as it was")
def refused():
    call = answered("s46", 4160, 8160)
    out(call.request("INVITE", sdp(PHONE, 4170), cseq=2, to_tag=True), *HIDE, (PHONE, ROUTER))
    back(call.response("488 Not Acceptable Here"), *SHOW)
    assert net.pinhole(ROUTER, 4160) and not net.pinhole(ROUTER, 4170)
    hang_up(call)


@test("S3-25", "a delayed offer: 200 offers, ACK answers")
def delayed():
    call = new("s325")
    out(call.request("INVITE"), *HIDE)
    back(call.response("200 OK", body=sdp(RELAY, 8180)), *SHOW)
    out(call.request("ACK", sdp(PHONE, 4180), to_tag=True), *HIDE, (PHONE, ROUTER))
    ours, theirs = Udp("phone", PHONE, 4180), Udp("provider", RELAY, 8180)
    assert flows(theirs, ours, ROUTER, 4180) and flows(ours, theirs, RELAY, 8180)
    ours.close()
    theirs.close()
    hang_up(call)


@test("S3-34", "hold by inactive closes the pinholes, resume opens the same")
def hold():
    call = answered("s334", 4190, 8190)
    out(call.request("INVITE", sdp(PHONE, 4190, "a=inactive"), cseq=2, to_tag=True),
        *HIDE, (PHONE, ROUTER))
    back(call.response("200 OK", body=sdp(RELAY, 8190, "a=inactive")), *SHOW)
    assert not net.pinhole(ROUTER, 4190)
    out(call.request("INVITE", sdp(PHONE, 4190), cseq=3, to_tag=True), *HIDE, (PHONE, ROUTER))
    back(call.response("200 OK", body=sdp(RELAY, 8190)), *SHOW)
    assert net.pinhole(ROUTER, 4190)
    hang_up(call)


@test("S1-4", "a stream without c= at either level is dropped, and with port 0 it passes")
def no_connection():
    call = new("s14")
    body = sdp(PHONE, 4200).replace(f"c=IN IP4 {PHONE}\n", "")
    phone.send(call.request("INVITE", body), SERVER)
    out(new("s14b").request("OPTIONS"), *HIDE)
    call = new("s14c")
    out(call.request("INVITE", body.replace("audio 4200", "audio 0")), *HIDE, (PHONE, ROUTER))
    back(call.response("488 Not Acceptable Here"), *SHOW)


@test("S1-8", "after minutes of silence media from outside still comes in")
def silence():
    call = answered("s18", 4210, 8210)
    ours, theirs = Udp("phone", PHONE, 4210), Udp("provider", RELAY, 8210)
    assert flows(theirs, ours, ROUTER, 4210)
    time.sleep(110)
    assert not net.connections(RELAY, 8210), "conntrack has forgotten it"
    assert flows(theirs, ours, ROUTER, 4210)
    ours.close()
    theirs.close()
    hang_up(call)


@test("S2-4", "120 s without RTP and RTCP close the media; a re-INVITE opens it (S2-5)")
def inactive():
    call = answered("s24", 4220, 8220)
    rtcp, theirs = Udp("phone", PHONE, 4221), Udp("provider", RELAY, 8221)
    for _ in range(4):
        time.sleep(100)
        assert flows(theirs, rtcp, ROUTER, 4221), "S2-3: RTCP alone keeps the group"
    time.sleep(115)
    assert net.pinhole(ROUTER, 4220) and net.pinhole(ROUTER, 4221)
    time.sleep(10)
    assert not net.pinhole(ROUTER, 4220) and not net.pinhole(ROUTER, 4221)
    out(call.request("INVITE", sdp(PHONE, 4220), cseq=2, to_tag=True), *HIDE, (PHONE, ROUTER))
    back(call.response("200 OK", body=sdp(RELAY, 8220)), *SHOW)
    assert flows(theirs, rtcp, ROUTER, 4221)
    rtcp.close()
    theirs.close()
    hang_up(call)


@test("S2-9", "ringing for two minutes is fine, three without an answer are not")
def ringing():
    call = new("s29")
    out(call.request("INVITE", sdp(PHONE, 4230)), *HIDE, (PHONE, ROUTER))
    back(call.response("180 Ringing"), *SHOW)
    time.sleep(175)
    assert net.pinhole(ROUTER, 4230)
    time.sleep(10)
    assert not net.expectations()


def plays(name, port, minutes):
    """A call that a queue with music has been ringing for so long."""
    call = new(name)
    out(call.request("INVITE", sdp(PHONE, port)), *HIDE, (PHONE, ROUTER))
    back(call.response("183 Session Progress", body=sdp(RELAY, port + 4000)), *SHOW)
    theirs, ours = Udp("provider", RELAY, port + 4000), Udp("phone", PHONE, port)
    for _ in range(minutes):
        time.sleep(60)
        assert flows(theirs, ours, ROUTER, port)
    return call, theirs, ours


@test("S2-9", "while early media flows nobody is cut off, however long a queue rings; once it is quiet, it ends")
def queue():
    call, theirs, ours = plays("s29q", 4234, 10)
    back(call.response("200 OK", body=sdp(RELAY, 8234)), *SHOW)
    out(call.request("ACK", to_tag=True), *HIDE)
    assert flows(theirs, ours, ROUTER, 4234)
    hang_up(call)
    theirs.close()
    ours.close()
    call, theirs, ours = plays("s29r", 4236, 4)
    net.until(lambda: not net.expectations(), 130)
    theirs.close()
    ours.close()


@test("S4-10", "no refresh: the session ends a margin after Session-Expires of the 2xx")
def session():
    call = new("s410")
    offer_data = call.request("INVITE", sdp(PHONE, 4240), extra="\nSession-Expires: 90")
    out(offer_data, *HIDE, (PHONE, ROUTER))
    back(call.response("200 OK", body=sdp(RELAY, 8240),
                       extra="\nSession-Expires: 300;refresher=uac"), *SHOW)
    theirs, ours = Udp("provider", RELAY, 8240), Udp("phone", PHONE, 4240)
    for _ in range(3):
        time.sleep(100)
        assert flows(theirs, ours, ROUTER, 4240), "S4-3: the request's 90 s do not count"
    time.sleep(25)
    assert net.pinhole(ROUTER, 4240), "S4-9: the margin"
    time.sleep(15)
    assert not net.expectations()
    theirs.close()
    ours.close()


@test("S2-6", "720 minutes are the longest call, however lively")
def longest():
    call = answered("s26", 4250, 8250)
    theirs, ours = Udp("provider", RELAY, 8250), Udp("phone", PHONE, 4250)
    for _ in range(431):
        time.sleep(100)
        theirs.send(b"media", ROUTER, 4250)
        assert ours.recv(1)
    time.sleep(95)
    assert net.pinhole(ROUTER, 4250)
    time.sleep(10)
    assert not net.expectations()
    theirs.close()
    ours.close()
    assert call


@test("S3-22", "a method nobody knows is translated like any other")
def unknown():
    call = new("s322")
    out(call.request("FROBNICATE"), *HIDE)
    back(call.response("200 OK", "FROBNICATE"), *SHOW)


@test("H-24", "what cannot be understood passes byte-identical")
def malformed():
    data = message(f"""OPTIONS sip:bob@{SERVER} SIP/2.0
        Via: SIP/2.0/UDP {PHONE}:5060;branch=z9hG4bKh24
        From: <sip:alice@{PHONE}>;tag=1
        To: <sip:bob@{SERVER}>
        CSeq: one OPTIONS
        Call-ID: h24""")
    out(data)
    for keepalive in (b"\r\n\r\n", b"\0\0\0\0", b"\x16\x03\x01\x02"):
        out(keepalive)


run(after=net.nothing_left)
