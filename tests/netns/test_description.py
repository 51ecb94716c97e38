#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""Session descriptions as phones really write them."""
import time

import topology as net
from sip import Call, again, message, sdp
from call_helpers import HIDE, back, new, out_as, phone, server
from ksft import run, same, test
from topology import PHONE, RELAY, ROUTER, SERVER, STRANGER, Udp


def out(data, *changes):
    return out_as(data, HIDE, *changes)


def refuse(call):
    back(call.response("488 Not Acceptable Here"))


def offered(name, body, *changes):
    """The provider gets the phone's offer with these changes, and no others."""
    call = new(name)
    out(call.request("INVITE", body), *changes)
    return call


def open_ports(address=ROUTER):
    """The ports of all pinholes to an address."""
    return sorted(int(line.split(" dport=")[1].split()[0])
                  for line in net.expectations() if f" dst={address} " in line)


def is_open(got):
    assert open_ports() == got, open_ports()


def arrives(port, to=None):
    """Is a packet from outside let in by this port, to the phone's own one?"""
    ours, theirs = Udp("phone", PHONE, to or port), Udp("provider", STRANGER, 9000)
    theirs.send(b"media", ROUTER, port)
    got = ours.recv(0.5)
    ours.close()
    theirs.close()
    return got == b"media"


WHOLE = (PHONE, ROUTER)


@test("H-16", "a=rtcp with a port of its own: outside a pair (S3-40) that leads there")
def rtcp():
    call = offered("rtcp", sdp(PHONE, 4000, "a=rtcp:4007"), WHOLE, ("a=rtcp:4007", "a=rtcp:4001"))
    is_open([4000, 4001])
    assert arrives(4000) and arrives(4001, to=4007)
    assert not arrives(4001) and not arrives(4007)
    refuse(call)


@test("H-16", "a=rtcp with an address is translated together with the m= line")
def rtcp_address():
    call = offered("rtcpa", sdp(PHONE, 4010, f"a=rtcp:4011 IN IP4 {PHONE}"), WHOLE)
    is_open([4010, 4011])
    refuse(call)


@test("H-16", "a=rtcp follows when the port has to be another one")
def rtcp_moved():
    first = offered("moved1", sdp(PHONE, 4020), WHOLE)
    other = Udp("other", net.OTHER, 5060)
    body = sdp(net.OTHER, 4020, "a=rtcp:4021")
    other.send(Call("moved2", f"{net.OTHER}:5060", "", SERVER).request("INVITE", body), SERVER)
    got = server.recv().decode()
    port = int(got.split("m=audio ")[1].split()[0])
    assert port != 4020 and f"a=rtcp:{port + 1}\r\n" in got, got
    refuse(first)
    other.close()
    time.sleep(185)


@test("H-16", "rtcp-mux: both ports are open until the answer, then RTP's alone")
def mux():
    call = offered("mux", sdp(PHONE, 4030, "a=rtcp-mux"), WHOLE)
    is_open([4030, 4031])
    back(call.response("200 OK", body=sdp(RELAY, 8030, "a=rtcp-mux")))
    is_open([4030])
    assert arrives(4030)
    assert not net.pinhole(RELAY, 8031)
    out(call.request("ACK", to_tag=True))
    out(call.request("INVITE", sdp(PHONE, 4030), cseq=2, to_tag=True), WHOLE)
    is_open([4030])
    back(call.response("200 OK", body=sdp(RELAY, 8030)))
    is_open([4030, 4031])
    assert net.pinhole(RELAY, 8031)
    out(call.request("BYE", cseq=3, to_tag=True))
    back(call.response("200 OK", "BYE"))


@test("H-16", "rtcp-mux that the answer does not take up: both ports stay open")
def mux_refused():
    call = offered("demux", sdp(PHONE, 4034, "a=rtcp-mux"), WHOLE)
    back(call.response("200 OK", body=sdp(RELAY, 8034)))
    is_open([4034, 4035])
    out(call.request("BYE", cseq=2, to_tag=True))
    back(call.response("200 OK", "BYE"))


@test("H-15", "a section with ICE candidates is not edited")
def ice():
    body = sdp(PHONE, 4040, f"""a=candidate:1 1 UDP 2130706431 {PHONE} 4040 typ host
        a=candidate:2 1 UDP 1694498815 198.51.100.9 4040 typ srflx raddr {PHONE} rport 4040""")
    call = offered("ice", body)
    refuse(call)


@test("H-17", "three m= lines of one port are one mapping (BUNDLE)")
def bundle():
    lines = "m=video 4050 RTP/AVP 96\nm=application 4050 UDP/DTLS/SCTP webrtc-datachannel"
    call = offered("bundle", sdp(PHONE, 4050, lines), WHOLE)
    is_open([4050, 4051])
    refuse(call)


@test("H-17", "two m= lines of one taken port leave with the same other port")
def bundle_moved():
    first = offered("taken", sdp(PHONE, 4060), WHOLE)
    other = Udp("other", net.OTHER, 5060)
    body = sdp(net.OTHER, 4060, "m=video 4060 RTP/AVP 96")
    other.send(Call("bundle2", f"{net.OTHER}:5060", "", SERVER).request("INVITE", body), SERVER)
    got = server.recv().decode()
    port = got.split("m=audio ")[1].split()[0]
    assert port != "4060" and f"m=video {port} " in got, got
    refuse(first)
    other.close()
    time.sleep(185)


@test("H-30", "T.38: image over udptl gets one port and no RTCP")
def fax():
    call = offered("fax", sdp(PHONE, 4070).replace("audio 4070 RTP/AVP 0", "image 4070 udptl t38"),
                   WHOLE)
    is_open([4070])
    assert arrives(4070)
    refuse(call)


@test("S3-60", "twelve streams, each with its own c=, get their 24 pinholes")
def twelve():
    body = sdp("198.51.100.9", 4100, f"c=IN IP4 {PHONE}")
    for port in range(4102, 4124, 2):
        body += f"\nm=video {port} RTP/AVP 96\nc=IN IP4 {PHONE}"
    call = offered("twelve", body, (f"c=IN IP4 {PHONE}", f"c=IN IP4 {ROUTER}"))
    is_open(list(range(4100, 4124)))
    for port in (4100, 4111, 4123):
        assert arrives(port), port
    refuse(call)


@test("S3-14", "SRTP, SAVPF and AVPF, text and unknown media have pinholes as well")
def profiles():
    lines = """m=video 4132 RTP/SAVPF 96
        a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:192.168.1.10/4132
        m=text 4134 RTP/AVPF 98
        m=hologram 4136 UDP/TLS/RTP/SAVPF 99"""
    call = offered("profiles", sdp(PHONE, 4130, lines),
                   (f"o=- 7 1 IN IP4 {PHONE}", f"o=- 7 1 IN IP4 {ROUTER}"),
                   (f"c=IN IP4 {PHONE}", f"c=IN IP4 {ROUTER}"))
    is_open(list(range(4130, 4138)))
    refuse(call)


@test("H-9", "o= that differs from c=, a name, or another family stays and stops nothing")
def origins():
    for number, origin in enumerate(("IN IP4 198.51.100.7", "IN IP4 phone.example.net",
                                     "IN IP6 2001:db8::1", "IN IP4 0.0.0.0")):
        body = sdp(PHONE, 4140).replace(f"o=- 7 1 IN IP4 {PHONE}", f"o=- 7 1 {origin}")
        call = offered(f"o{number}", body, (f"c=IN IP4 {PHONE}", f"c=IN IP4 {ROUTER}"))
        is_open([4140, 4141])
        refuse(call)
        time.sleep(6)


@test("H-9", "c= with a name or of another family passes as it is and opens nothing")
def foreign_connections():
    for number, where in enumerate(("IN IP4 media.example.net", "IN IP6 2001:db8:7::9")):
        body = sdp(PHONE, 4150).replace(f"c=IN IP4 {PHONE}", f"c={where}")
        call = offered(f"c{number}", body, (f"o=- 7 1 IN IP4 {PHONE}", f"o=- 7 1 IN IP4 {ROUTER}"))
        assert not net.expectations()
        refuse(call)


@test("S3-46", "a description that is somebody else's is not rewritten")
def forwarded():
    call = offered("fwd", sdp("198.51.100.20", 4160))
    assert not arrives(4160)
    refuse(call)


@test("H-4", "in a multipart body only the description changes, binary parts stay")
def multipart():
    def body(address):
        description = "\r\n".join(line.strip() for line in sdp(address, 4170).splitlines())
        return (b"--b1\r\nContent-Type: application/isup\r\n\r\n\0\1\2" + PHONE.encode() +
                b"\r\n\xff\r\n--b1\r\nContent-Type: application/sdp\r\n\r\n" +
                description.encode() + b"\r\n--b1--\r\n")

    def whole(data, content):
        head = data.replace(b"Content-Length: 0\r\n\r\n", b"Content-Length: %d\r\n\r\n")
        return head % len(content) + content
    call = new("multi")
    head = call.request("INVITE", extra="\nContent-Type: multipart/mixed;boundary=b1")
    phone.send(whole(head, body(PHONE)), SERVER)
    same(server.recv(), whole(again(head, HIDE), body(ROUTER)))
    is_open([4170, 4171])
    refuse(call)


@test("H-5", "Content-Length absent stays absent; bytes behind the body stay behind it")
def lengths():
    call = new("h5a")
    data = call.request("INVITE", sdp(PHONE, 4180))
    head, body = data.split(b"\r\n\r\n")
    bare = head[:head.index(b"Content-Length")] + b"\r\n" + body
    phone.send(bare, SERVER)
    same(server.recv(), bare.replace(HIDE[0].encode(), HIDE[1].encode())
         .replace(PHONE.encode(), ROUTER.encode()))
    is_open([4180, 4181])
    refuse(call)
    time.sleep(6)
    call = new("h5b")
    data = call.request("INVITE", sdp(PHONE, 4182))
    phone.send(data + b"c=IN IP4 192.168.1.10\r\n", SERVER)
    same(server.recv(), again(data, HIDE, WHOLE) + b"c=IN IP4 192.168.1.10\r\n")
    refuse(call)


@test("S3-12", "line ends of one byte are understood and kept")
def bare_lines():
    call = new("lf")
    data = call.request("INVITE", sdp(PHONE, 4190))
    head, body = data.split(b"\r\n\r\n")
    body = body.replace(b"\r\n", b"\n")
    data = again(head + b"\r\n\r\n" + body)
    phone.send(data, SERVER)
    same(server.recv(), again(data, HIDE, WHOLE))
    is_open([4190, 4191])
    refuse(call)


@test("S3-27", "INFO and MESSAGE with other bodies pass with their bodies untouched")
def other_bodies():
    call = new("info")
    for method in ("INFO", "MESSAGE", "NOTIFY", "PUBLISH"):
        data = message(call.request(method).decode().split("Content-Length")[0] +
                       "Content-Type: text/plain", f"my address is {PHONE}:5060")
        head, body = data.split(b"\r\n\r\n")
        phone.send(data, SERVER)
        same(server.recv(), again(head + b"\r\n\r\n", HIDE).replace(
            b"Content-Length: 0", b"Content-Length: %d" % len(body)) + body)
    assert not net.expectations()


run(after=net.nothing_left)
