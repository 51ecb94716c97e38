#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""
A message comes through however equipment writes it: spellings, descriptions that
negotiate nothing, RTCP of another host, words behind an address, addresses of
the other family. What tests/user/grammar_test.c does for every production of
the grammar, without a kernel, is seen here on the wire for some of them.
"""
import time

import topology as net
from sip import Call, again, message, sdp
from ksft import run, same, test
from topology import PHONE, RELAY, ROUTER, SERVER, STRANGER, Udp
from transports import WayCall, all_ways

net.build()
phone = Udp("phone", PHONE, 5060)
server = Udp("provider", SERVER, 5060)

# another host of the phone's network, the media server's monitor
net.shell("ip -n phone addr add 192.168.1.3/24 dev eth0")
MONITOR = "192.168.1.3"

HIDE = (f"{PHONE}:5060", f"{ROUTER}:5060")
SHOW = HIDE[::-1]
WHOLE = (PHONE, ROUTER)


def new(name):
    return Call(name, f"{PHONE}:5060", f"{ROUTER}:5060", SERVER)


def out(data, *changes):
    phone.send(data, SERVER)
    got = server.recv()
    same(got, again(data, *changes))
    return got


def back(data, *changes):
    server.send(data, ROUTER)
    got = phone.recv()
    same(got, again(data, *changes))
    return got


def refuse(call, cseq=None):
    call.cseq = cseq or call.cseq
    back(call.response("488 Not Acceptable Here"), SHOW)


def holes():
    return sorted((line.split(" dst=")[1].split()[0], int(line.split(" dport=")[1].split()[0]))
                  for line in net.expectations() if f" dst={ROUTER} " in line)


def arrives(port, address, to):
    """Is a packet to the router's port let in, to this inside address?"""
    ours, theirs = Udp("phone", address, to), Udp("provider", STRANGER, 9000)
    theirs.send(b"media", ROUTER, port)
    got = ours.recv(0.5)
    ours.close()
    theirs.close()
    return got == b"media"


def over():
    net.router("tools/sipalg-ctl/sipalg-ctl call end --all")


SPELLINGS = {
    "two spaces": "SIP/2.0/UDP  ",
    "space and TAB": "SIP/2.0/UDP \t",
    "space and fold": "SIP/2.0/UDP \r\n  ",
    "TAB alone": "SIP/2.0/UDP\t",
    "spaces around the slashes": "SIP / 2.0\t/ UDP   ",
    "folds around the slashes": "SIP\r\n /\r\n\t2.0\r\n / udp\r\n ",
}


def spelling(title, protocol):
    @test("H-8", f"FAULTS H1: a Via with {title} is translated and comes back as it was")
    def check():
        call = new("lws" + title.replace(" ", ""))
        data = call.request("OPTIONS").replace(b"SIP/2.0/UDP ", protocol.encode())
        hidden = out(data, HIDE)
        answer = hidden.replace(b"OPTIONS sip:bob@203.0.113.50 SIP/2.0", b"SIP/2.0 200 OK")
        server.send(answer, ROUTER)
        same(phone.recv(), answer.replace(HIDE[1].encode(), HIDE[0].encode(), 1)
             .replace(f"<sip:alice@{HIDE[1]}>".encode(), f"<sip:alice@{HIDE[1]}>".encode()))


for a_title, a_protocol in SPELLINGS.items():
    spelling(a_title, a_protocol)


@test("H-4", "FAULTS H1: a boundary with an escaped character is the same boundary")
def boundary():
    call = new("escaped")
    part = "\r\n".join(line.strip() for line in sdp("{0}", 4002).splitlines())
    content = "--b1\r\nContent-Type: application/sdp\r\n\r\n" + part + "\r\n--b1--\r\n"
    head = call.request("INVITE", extra='\nContent-Type: multipart/mixed;boundary="\\b1"')

    def whole(text, address):
        body = content.replace("{0}", address).encode()
        return text.replace(b"Content-Length: 0\r\n\r\n",
                            b"Content-Length: %d\r\n\r\n" % len(body)) + body
    phone.send(whole(head, PHONE), SERVER)
    same(server.recv(), whole(again(head, HIDE), ROUTER))
    assert holes() == [(ROUTER, 4002), (ROUTER, 4003)], holes()
    refuse(call)


# D8. What tells of a description without an offer or an answer.

def tells(title, data, outbound=True):
    """Both the headers and the description are translated; nothing is opened."""
    @test("S3-26", f"FAULTS H3: {title} with SDP: headers and description are translated, nothing opens (D8)")
    def check():
        out(data(), HIDE, WHOLE)
        assert not net.expectations(), net.expectations()


def asked(name, method):
    """The peer has asked; the phone's answer follows."""
    call = new(name)
    request = call.peer_request(method, f"{ROUTER}:5060", body="")
    server.send(request, ROUTER)
    assert phone.recv()
    return call


for a_method in ("OPTIONS", "NOTIFY", "MESSAGE", "INFO", "PUBLISH", "SUBSCRIBE", "REFER", "REGISTER"):
    tells(a_method, lambda m=a_method: new("h3" + m).request(m, sdp(PHONE, 4200)))
tells("a 200 to OPTIONS",
      lambda: asked("h3q", "OPTIONS").peer_response("200 OK", "OPTIONS", body=sdp(PHONE, 4200)))
tells("a 200 to MESSAGE",
      lambda: asked("h3m", "MESSAGE").peer_response("200 OK", "MESSAGE", body=sdp(PHONE, 4200)))
tells("a 488 to OPTIONS",
      lambda: asked("h3n", "OPTIONS").peer_response("488 No", "OPTIONS", body=sdp(PHONE, 4200)))


@test("S3-26", "FAULTS H3: by UDP and TCP, IPv4 and IPv6, within a call or without: SDP of other requests and answers is translated (D8)")
def told_by_all_ways():
    for number, way in enumerate(all_ways(phone, server)):
        one = WayCall(way, f"h3way{number}", 4230)
        call, other = one.call, sdp(one.phone, 4238)
        one.out(call.request("OPTIONS", other))
        one.back(call.peer_request("OPTIONS", way.alg))
        one.out(call.peer_response("200 OK", "OPTIONS", body=other))
        one.rings().picks_up()
        for cseq, method in enumerate(("OPTIONS", "INFO", "MESSAGE", "NOTIFY"), 200):
            one.back(call.peer_request(method, way.alg, cseq=cseq))
            got = one.out(call.peer_response("200 OK", method, cseq=cseq, body=sdp(one.phone, 4230)))
            assert b"m=audio 4230 " in got, got
        for cseq, status in enumerate(("401 Unauthorized", "415 Unsupported Media Type", "500 Server Error"), 300):
            one.back(call.peer_request("INVITE", way.alg, cseq=cseq, body=sdp(one.peer, 6230)))
            one.out(call.peer_response(status, "INVITE", cseq=cseq, body=other))
        one.back(call.peer_request("BYE", way.alg, cseq=400))
        one.out(call.peer_response("200 OK", "BYE", cseq=400, body=other))
        assert not net.pinhole(one.router, 4238), net.expectations()
        over()


@test("S3-26", "FAULTS H3: a 488 and a 606 to INVITE with SDP are translated and open nothing (D8)")
def refusals():
    for number, status in enumerate(("488 Not Acceptable Here", "606 Not Acceptable",
                                     "300 Multiple Choices")):
        call = new(f"refusal{number}")
        server.send(call.peer_request("INVITE", f"{ROUTER}:5060", body=sdp(RELAY, 8000)), ROUTER)
        assert phone.recv()
        out(call.peer_response(status, "INVITE", body=sdp(PHONE, 4210)), HIDE, WHOLE)
        assert not [line for line in net.expectations() if f" dst={ROUTER} " in line]


@test("S3-26", "FAULTS H3: 488 to UPDATE within a call tells the ports that the call has")
def refused_update():
    call = new("h3u")
    out(call.request("INVITE", sdp(PHONE, 4220)), HIDE, WHOLE)
    back(call.response("200 OK", body=sdp(RELAY, 8220)), SHOW)
    out(call.request("ACK", to_tag=True), HIDE)
    server.send(call.peer_request("UPDATE", f"{ROUTER}:5060", body=sdp(RELAY, 8222)), ROUTER)
    assert phone.recv()
    before = holes()
    out(call.peer_response("488 No", "UPDATE", body=sdp(PHONE, 4220)), HIDE, WHOLE)
    assert holes() == before == [(ROUTER, 4220), (ROUTER, 4221)], holes()
    out(call.request("BYE", cseq=3, to_tag=True), HIDE)
    back(call.response("200 OK", "BYE"), SHOW)
    time.sleep(40)


# RFC 3605: RTCP may go to another host than RTP.

@test("H-16", "FAULTS H4: a=rtcp of another inside host is translated, and open to that host")
def rtcp_elsewhere():
    call = new("h4")
    body = sdp(PHONE, 4300, f"a=rtcp:30167 IN IP4 {MONITOR}")
    phone.send(call.request("INVITE", body), SERVER)
    got = server.recv().decode()
    line = next(text for text in got.splitlines() if text.startswith("a=rtcp:"))
    port, *rest = line.removeprefix("a=rtcp:").split()
    assert rest == ["IN", "IP4", ROUTER], line
    assert "m=audio 4300 " in got and MONITOR not in got, got
    assert arrives(4300, PHONE, 4300) and arrives(int(port), MONITOR, 30167)
    assert not arrives(4301, PHONE, 4301)
    # the same again: the same ports
    phone.send(call.request("INVITE", body, cseq=2), SERVER)
    assert line in server.recv().decode()
    refuse(call)


@test("H-16", "FAULTS H4: in the phone's answer, by TCP, of two streams: each is translated, and open to that host")
def rtcp_elsewhere_answered():
    for number, way in enumerate(way for way in all_ways(phone, server) if ":" not in way.host):
        one = WayCall(way, f"h4way{number}", 4340)
        one.out(one.call.request("OPTIONS"))
        offer = "m=video 6342 RTP/AVP 96"
        one.back(one.call.peer_request("INVITE", way.alg, body=sdp(one.peer, 6340, offer)))
        body = sdp(PHONE, 4340, f"a=rtcp:30167 IN IP4 {MONITOR}\nm=video 4342 RTP/AVP 96\na=rtcp:30169 IN IP4 {MONITOR}")
        got = one.out(one.call.peer_response("200 OK", "INVITE", body=body)).decode()
        ports = [int(line.split(":")[1].split()[0]) for line in got.splitlines() if line.startswith("a=rtcp:")]
        assert MONITOR not in got and got.count(f"IN IP4 {ROUTER}") == 4 and len(ports) == 2, got
        assert arrives(ports[0], MONITOR, 30167) and arrives(ports[1], MONITOR, 30169)
        one.back(one.call.peer_request("BYE", way.alg, cseq=400))
        one.out(one.call.peer_response("200 OK", "BYE", cseq=400))
        over()


@test("H-16", "FAULTS H4: a=rtcp of a public host, of the other family or of a name stays as it is")
def rtcp_foreign():
    for number, where in enumerate(("IN IP4 198.51.100.9", "IN IP6 2001:db8::5",
                                    "IN IP4 monitor.example.net")):
        call = new(f"h4{number}")
        out(call.request("INVITE", sdp(PHONE, 4310, f"a=rtcp:30167 {where}")), HIDE,
            (f"o=- 7 1 IN IP4 {PHONE}", f"o=- 7 1 IN IP4 {ROUTER}"),
            (f"c=IN IP4 {PHONE}", f"c=IN IP4 {ROUTER}"))
        assert holes() == [(ROUTER, 4310)], holes()
        refuse(call)
        time.sleep(8)


@test("H-16", "FAULTS H4: the phone's RTCP goes to the host that the peer's a=rtcp names")
def rtcp_of_peer():
    call = new("h4peer")
    out(call.request("INVITE", sdp(PHONE, 4320)), HIDE, WHOLE)
    back(call.response("200 OK", body=sdp(RELAY, 8320, f"a=rtcp:8400 IN IP4 {STRANGER}")), SHOW)
    out(call.request("ACK", to_tag=True), HIDE)
    ours, theirs = Udp("phone", PHONE, 4321), Udp("provider", STRANGER, 8400)
    ours.send(b"report", STRANGER, 8400)
    assert theirs.recv() == b"report" and theirs.sender == (ROUTER, 4321), theirs.sender
    ours.close()
    theirs.close()
    out(call.request("BYE", cseq=3, to_tag=True), HIDE)
    back(call.response("200 OK", "BYE"), SHOW)


# The address of c= and o= is a field of its own place.

FIELDS = {
    "a word behind c=": ("c=IN IP4 {0} x", "o=- 7 1 IN IP4 {0}"),
    "a word behind o=": ("c=IN IP4 {0}", "o=- 7 1 IN IP4 {0} extra 1"),
    "TTL and words behind c=": ("c=IN IP4 {0}/127 a/b", "o=- 7 1 IN IP4 {0}"),
    "an address behind the address": ("c=IN IP4 {0} 10.1.2.3", "o=- 7 1 IN IP4 {0} 10.1.2.3"),
    "two spaces, TABs and small letters": ("c=in  IP4\t{0}", "o=- 7 1 IN\tIP4  {0}"),
    "a space behind c= and one at the end": ("c= IN IP4 {0} ", "o=- 7 1 IN IP4 {0} "),
    "a user name of several words": ("c=IN IP4 {0}", "o=Acme SBC 7 1 IN IP4 {0}"),
}


def fields(number, title, connection, origin):
    @test("H-9", f"FAULTS H5: {title}")
    def check():
        def body(address):
            return (sdp("0.0.0.0", 4400).replace("o=- 7 1 IN IP4 0.0.0.0", origin.format(address))
                    .replace("c=IN IP4 0.0.0.0", connection.format(address)))
        call = new(f"h5{number}")
        data = call.request("INVITE", body(PHONE))
        phone.send(data, SERVER)
        same(server.recv(), again(call.request("INVITE", body(ROUTER)), HIDE))
        assert holes() == [(ROUTER, 4400), (ROUTER, 4401)], holes()
        refuse(call)
        time.sleep(8)


for a_number, (a_title, (a_connection, an_origin)) in enumerate(FIELDS.items()):
    fields(a_number, a_title, a_connection, an_origin)


@test("H-9", "FAULTS H5: words behind the addresses in the phone's answer, in c= of a section, with IPv6 and by TCP")
def fields_of_answer():
    for number, way in enumerate(all_ways(phone, server)):
        one = WayCall(way, f"h5way{number}", 4406)
        kind = "IP6" if ":" in way.host else "IP4"
        line = f"c=IN {kind} {one.phone}"
        one.out(one.call.request("OPTIONS"))
        one.back(one.call.peer_request("INVITE", way.alg, body=sdp(one.peer, 6406)))
        body = sdp(one.phone, 4406, f"{line} b c").replace(line, f"{line} x")
        got = one.out(one.call.peer_response("200 OK", "INVITE", body=body))
        assert one.phone.encode() not in got and b" x b c\r\n" in got and one.talks(), got
        one.back(one.call.peer_request("BYE", way.alg, cseq=400))
        one.out(one.call.peer_response("200 OK", "BYE", cseq=400))
        over()


@test("H-9", "FAULTS H5: all of several c= lines of a section are translated")
def several():
    call = new("h5several")
    body = sdp(PHONE, 4410, f"c=IN IP4 {PHONE}\nc=IN IP4 {PHONE} second")
    out(call.request("INVITE", body), HIDE, WHOLE)
    refuse(call)


# An address of the other family is not one of this flow's.

# begins with the bytes of 203.0.113.70
FAKE = "cb00:7146::"
BAIT = f"[{FAKE}]:5060"


def signalling_holes():
    return [line for line in net.expectations("sip") + net.expectations("signalling")
            if STRANGER in line or " dst=" + STRANGER in line]


@test("S3-16", "FAULTS C12: Contact and Record-Route of the other family open nothing")
def other_family():
    for number, header in enumerate((f"Contact: <sip:b@{BAIT}>",
                                     f"Contact: <sip:b@{SERVER}:5060>\r\nRecord-Route: <sip:{BAIT};lr>",
                                     f"Contact: <sip:b@{BAIT};transport=tcp>")):
        for setting in ("route-pinhole", "via-pinhole"):
            net.router(f"tools/sipalg-ctl/sipalg-ctl setting set {setting} on")
        call = new(f"c12{number}")
        out(call.request("INVITE", sdp(PHONE, 4500)), HIDE, WHOLE)
        answer = call.response("200 OK", body=sdp(RELAY, 8500))
        answer = answer.replace(f"Contact: <sip:bob@{SERVER}:5060>".encode(), header.encode())
        back(answer, SHOW)
        out(call.request("ACK", to_tag=True), HIDE)
        stranger = Udp("provider", STRANGER, 5060)
        stranger.send(b"OPTIONS sip:x SIP/2.0\r\n\r\n", ROUTER)
        assert not phone.recv(0.3), "the stranger is let in"
        stranger.close()
        lines = net.router("cat /proc/net/nf_conntrack_expect")
        assert f"src={STRANGER}" not in lines and f"dst={STRANGER}" not in lines, lines
        out(call.request("BYE", cseq=3, to_tag=True), HIDE)
        back(call.response("200 OK", "BYE"), SHOW)
        time.sleep(40)


@test("S3-16", "FAULTS C12: Route and Refer-To of the other family, addresses mapped into it, and IPv4 ones in a call with IPv6 open nothing")
def other_family_elsewhere():
    for setting in ("route-pinhole", "via-pinhole"):
        net.router(f"tools/sipalg-ctl/sipalg-ctl setting set {setting} on")
    call = new("c12f")
    out(call.request("INVITE", sdp(PHONE, 4510), extra=f"\nRoute: <sip:{BAIT};lr>"), HIDE, WHOLE)
    back(call.response("200 OK", body=sdp(RELAY, 8510), extra=f"\nRecord-Route: <sip:[::ffff:{STRANGER}]:5064;lr>"), SHOW)
    out(call.request("ACK", to_tag=True), HIDE)
    out(call.request("REFER", cseq=2, to_tag=True, extra=f"\nRefer-To: <sip:x@{BAIT}>"), HIDE)
    back(call.response("202 Accepted", "REFER"), SHOW)
    lines = net.router("cat /proc/net/nf_conntrack_expect")
    assert f"src={STRANGER}" not in lines and f"dst={STRANGER}" not in lines, lines
    out(call.request("BYE", cseq=3, to_tag=True), HIDE)
    back(call.response("200 OK", "BYE"), SHOW)
    six = WayCall(all_ways(phone, server)[1], "c12six", 4512).rings()
    extra = f"\nRecord-Route: <sip:{STRANGER}:5062;lr>"
    answer = six.call.response("200 OK", body=sdp(six.peer, 6512), extra=extra)
    six.back(again(answer, (f"<sip:bob@{six.way.server}:5060>", f"<sip:b@{STRANGER}:5060>")))
    six.out(six.call.request("ACK", to_tag=True))
    # its bytes as those of an IPv6 address
    lines = net.router("cat /proc/net/nf_conntrack_expect")
    assert "cb00:7146:" not in lines and STRANGER not in lines, lines
    six.hangs_up()
    net.router("tools/sipalg-ctl/sipalg-ctl setting reset")
    time.sleep(40)


@test("S3-24", "FAULTS C12: a REGISTER whose Contact is of the other family registers nobody here")
def other_family_registers():
    data = message(f"""REGISTER sip:{SERVER} SIP/2.0
        Via: SIP/2.0/UDP {PHONE}:5060;branch=z9hG4bKc12r;rport
        From: <sip:a@{SERVER}>;tag=1
        To: <sip:a@{SERVER}>
        Call-ID: c12r
        CSeq: 1 REGISTER
        Contact: <sip:a@[c0a8:10a::]:5060>
        Expires: 600""")
    out(data, HIDE)
    answer = again(data, (f"REGISTER sip:{SERVER} SIP/2.0", "SIP/2.0 200 OK"), HIDE,
                   ("Contact: <sip:a@[c0a8:10a::]:5060>", "Contact: <sip:a@[c0a8:10a::]:5060>;expires=600"))
    back(answer, SHOW)
    assert "a@" not in net.router("tools/sipalg-ctl/sipalg-ctl registration list")
    assert net.router("tools/sipalg-ctl/sipalg-ctl -j registration list").strip() == "[]"


run(after=net.nothing_left)
