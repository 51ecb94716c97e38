#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""m= sections that are not the sender's audio and nothing else."""
import json
import socket
import time

import topology as net
from sip import Call, again, sdp
from ctl import ctl
from ksft import run, same, test
from topology import OTHER, PHONE, RELAY, ROUTER, SERVER, STRANGER, Udp, enter, shell
from transports import WayCall, all_ways

net.build()
phone = Udp("phone", PHONE, 5060)
server = Udp("provider", SERVER, 5060)
HIDE = (f"{PHONE}:5060", f"{ROUTER}:5060")
SHOW = HIDE[::-1]
WHOLE = (PHONE, ROUTER)


def offered(name, body, *changes):
    """The provider gets the phone's offer with these changes, and no others."""
    call = Call(name, *HIDE, SERVER)
    data = call.request("INVITE", body)
    phone.send(data, SERVER)
    same(server.recv(), again(data, HIDE, *changes))
    return call


def answer(call, body):
    data = call.response("200 OK", body=body)
    server.send(data, ROUTER)
    same(phone.recv(), again(data, SHOW))


def refuse(call):
    data = call.response("488 Not Acceptable Here")
    server.send(data, ROUTER)
    assert phone.recv()


def is_open(*ports):
    got = sorted(int(line.split(" dport=")[1].split()[0])
                 for line in net.expectations() if f" dst={ROUTER} " in line)
    assert got == sorted(ports), got


def over():
    ctl("call end --all")


def arrives(port, host=PHONE, to=None):
    """Is a packet from outside let in by this port, to the host's own one?"""
    ours = Udp("phone" if host == PHONE else "other", host, to or port)
    theirs = Udp("provider", STRANGER, 9000)
    theirs.send(b"media", ROUTER, port)
    got = ours.recv(0.5)
    ours.close()
    theirs.close()
    return got == b"media"


# a PBX (in place of the phone), whose phones and media server are other hosts

def sdp_of_other(port, media=""):
    return sdp(OTHER, port, media)


@test("S3-47", "a forwarded call: the phone that is to talk is another inside host")
def forwarded_inside():
    call = Call("fwd", *HIDE, SERVER)
    data = call.request("OPTIONS")
    phone.send(data, SERVER)
    assert server.recv()
    server.send(call.peer_request("INVITE", HIDE[1], body=sdp(RELAY, 6000), tags=("", call.tags[1])), ROUTER)
    assert phone.recv()
    data = call.peer_response("200 OK", "INVITE", body=sdp_of_other(4000))
    phone.send(data, SERVER)
    same(server.recv(), again(data, HIDE, (OTHER, ROUTER)))
    is_open(4000, 4001)
    ours, theirs = Udp("other", OTHER, 4000), Udp("provider", RELAY, 6000)
    ours.send(b"out", RELAY, 6000)
    assert theirs.recv(0.5) == b"out" and theirs.sender == (ROUTER, 4000), theirs.sender
    theirs.send(b"in", ROUTER, 4000)
    assert ours.recv(0.5) == b"in"
    ours.close()
    theirs.close()
    server.send(call.peer_request("BYE", HIDE[1], cseq=101), ROUTER)
    assert phone.recv()


@test("S3-48", "no direct media: an inside voice server keeps its ports through re-INVITEs")
def voice_server():
    call = offered("vs", sdp_of_other(4010), (OTHER, ROUTER))
    answer(call, sdp(RELAY, 6010))
    for cseq in (2, 3):
        data = call.request("INVITE", sdp_of_other(4010), cseq=cseq, to_tag=True)
        phone.send(data, SERVER)
        same(server.recv(), again(data, HIDE, (OTHER, ROUTER)))
        answer(call, sdp(RELAY, 6010))
        is_open(4010, 4011)
        assert arrives(4010, OTHER)
    data = call.request("INVITE", sdp(PHONE, 4012), cseq=4, to_tag=True)
    phone.send(data, SERVER)
    same(server.recv(), again(data, HIDE, WHOLE))
    answer(call, sdp(RELAY, 6010))
    is_open(4012, 4013)
    phone.send(call.request("BYE", cseq=5, to_tag=True), SERVER)
    assert server.recv()


@test("H-14", "hosts beyond the router, of public addresses, or the router itself are nobody's to name (T-4, T-20)")
def not_ours():
    shell("ip -n router route add 10.9.9.0/24 dev wan")     # private, and yet outside
    for number, address in enumerate((RELAY, "198.51.100.20", "10.9.9.9", "10.8.8.8",
                                      "192.168.1.1", "192.168.2.1", ROUTER)):
        offered(f"not{number}", sdp(address, 4020))
        assert not [line for line in net.expectations() if f" dst={ROUTER} " in line
                    or " dst=192.168." in line], address
        over()


@test("H-25", "with a narrower media-source a phone speaks for itself alone (T-5)")
def policy():
    for source in ("answer", "signalling"):
        ctl(f"setting set media-source {source}")
        offered(f"pol{source}", sdp_of_other(4024))
        is_open()
        over()
    ctl("setting reset")
    offered("low", sdp_of_other(1000), (OTHER, ROUTER))
    is_open()
    over()


# what RFCs 3605, 4566, 4145 and 8839 let a section say

@test("S3-14", "port/n: so many pairs side by side, under NAT as well")
def pairs():
    body = sdp(PHONE, 4030).replace("m=audio 4030 ", "m=audio 4030/3 ")
    offered("pairs", body, WHOLE)
    is_open(*range(4030, 4036))
    for port in range(4030, 4036):
        assert arrives(port), port
    over()


@test("S3-14", "port/n where one port of them is taken: all of them move together")
def pairs_moved():
    offered("pairs1", sdp(PHONE, 4044), WHOLE)
    other = Udp("other", OTHER, 5060)
    body = sdp(OTHER, 4040).replace("m=audio 4040 ", "m=audio 4040/3 ")
    other.send(Call("pairs2", f"{OTHER}:5060", "", SERVER).request("INVITE", body), SERVER)
    got = server.recv().decode()
    port = int(got.split("m=audio ")[1].split("/")[0])
    assert port != 4040 and f"m=audio {port}/3 " in got, got
    is_open(4044, 4045, *range(port, port + 6))
    for i in range(6):
        assert arrives(port + i, OTHER, 4040 + i), i
    over()
    other.close()


@test("S3-14", "port/n whose last port for RTCP would be 65536: nothing is opened for it")
def pairs_beyond():
    offered("beyond", sdp(PHONE, 65533).replace("m=audio 65533 ", "m=audio 65533/2 "), WHOLE)
    is_open()
    over()


@test("S3-60", "port/n of more streams than max-media-per-call passes unchanged and is counted")
def too_many_pairs():
    body = sdp(PHONE, 4050).replace("m=audio 4050 ", "m=audio 4050/33 ")
    call = Call("many", *HIDE, SERVER)
    data = call.request("INVITE", body)
    phone.send(data, SERVER)
    same(server.recv(), data)
    is_open()
    over()


@test("H-16", "a=rtcp with somebody else's address stays, and opens nothing for it")
def rtcp_elsewhere():
    body = sdp(PHONE, 4060, f"a=rtcp:4061 IN IP4 {RELAY}")
    offered("rtcp", body, WHOLE)
    is_open(4060)
    over()


@test("S3-7", "TCP media: who is passive has a way in, for TCP only; it is seen to flow")
def tcp_media():
    for number, setup in enumerate(("a=setup:passive", "a=setup:actpass", "")):
        port = 4070 + 2 * number
        body = sdp(PHONE, port, setup).replace("RTP/AVP", "TCP/RTP/AVP")
        offered(f"tcp{number}", body, WHOLE)
        is_open(port)
        assert " proto=6 " in net.pinhole(ROUTER, port)
        enter("phone")
        listener = socket.socket()
        listener.bind((PHONE, port))
        listener.listen()
        enter("provider")
        client = socket.create_connection((ROUTER, port), 5, (RELAY, 0))
        accepted, _ = listener.accept()
        for pause in (5, 7):
            client.sendall(b"media")
            assert accepted.recv(5) == b"media"
            time.sleep(pause)
        media = json.loads(ctl("-j call list"))[0]["media"][0]
        assert media["state"] == "flowing" and media["idle_seconds"] == 7, media
        for sock in (listener, client, accepted):
            sock.close()
        over()


@test("S3-7", "TCP media: who is active needs none, and port 9 is no port")
def tcp_active():
    for port in (9, 4080):
        body = sdp(PHONE, port, "a=setup:active").replace("RTP/AVP", "TCP/RTP/AVP")
        offered(f"active{port}", body, WHOLE)
        is_open()
        over()


def candidate(port, kind="host", address=PHONE):
    return f"a=candidate:1 1 UDP 2130706431 {address} {port} typ {kind}"


# D7: that the phone knows more than its own addresses
STUN = candidate(4444, "srflx", "198.51.100.9")


@test("H-15", "D7: candidates that are all of the inside, and nothing public: translated, they alone stay")
def ice_inside_only():
    net.shell("ip -n phone addr add 192.168.1.4/24 dev eth0")
    for number, lines in enumerate((
            (candidate(4080),),
            (candidate(4080), candidate(4081).replace("1 1 UDP", "1 2 UDP"), candidate(9, address="192.168.1.4")),
            (candidate(4080), candidate(4080, address="fe80::1"), candidate(4080, address="fd00::7"),
             candidate(4080, address="7c1e0ba4-1f9a.local")))):
        body = sdp(PHONE, 4080, "\n".join(lines))
        call = offered(f"d7{number}", body, (f"o=- 7 1 IN IP4 {PHONE}", f"o=- 7 1 IN IP4 {ROUTER}"),
                       (f"c=IN IP4 {PHONE}", f"c=IN IP4 {ROUTER}"))
        assert call
        is_open(4080, 4081)
        assert arrives(4080), "media pinhole"
        over()


@test("H-15", "D7: the phone's answer by UDP and TCP, IPv4 and IPv6, and offers with BUNDLE, ICE-TCP or trickle: translated")
def ice_inside_others():
    for number, way in enumerate(all_ways(phone, server)):
        one = WayCall(way, f"d7way{number}", 4076)
        one.out(one.call.request("OPTIONS"))
        one.back(one.call.peer_request("INVITE", way.alg, body=sdp(one.peer, 6076)))
        lines = candidate(4076, address=one.phone)
        got = one.out(one.call.peer_response("200 OK", "INVITE", body=sdp(one.phone, 4076, lines)))
        assert lines.encode() in got and one.talks(), got
        over()
    ufrag = "a=ice-ufrag:abcd\na=ice-pwd:abcdefghijklmnopqrstuv\na=ice-options:trickle\n"
    for number, (lines, ports) in enumerate((
            (candidate(4080) + "\nm=video 4080 RTP/AVP 96\n" + candidate(4080), (4080, 4081)),
            (candidate(4080) + "\n" + candidate(9).replace("UDP", "TCP") + " tcptype active", (4080, 4081)),
            (ufrag + candidate(4080) + "\na=end-of-candidates", (4080, 4081)),
            ("m=video 4082 RTP/AVP 96\n" + candidate(4082), (4080, 4081, 4082, 4083)))):
        body = sdp(PHONE, 4080, lines)
        offered(f"d7o{number}", body, (f"o=- 7 1 IN IP4 {PHONE}", f"o=- 7 1 IN IP4 {ROUTER}"),
                (f"c=IN IP4 {PHONE}", f"c=IN IP4 {ROUTER}"))
        is_open(*ports)
        over()


@test("H-15", "D7: one candidate, c= or o= of another address shows that the phone knows more: all stays")
def ice_knows_more():
    for number, line in enumerate((STUN, candidate(4080, "relay", "198.51.100.9"),
                                   candidate(4080, address="2001:db8:1::10"),
                                   f"a=rtcp:4081 IN IP4 {ROUTER}")):
        offered(f"d7m{number}", sdp(PHONE, 4080, candidate(4080) + "\n" + line))
        is_open(4080, *(() if "rtcp" in line else (4081,)))
        over()


@test("H-15", "c= of the session that an ICE section shares stays for both; its own c= changes alone")
def ice_shares():
    ice = sdp(PHONE, 4090, candidate(4090) + "\n" + STUN)
    offered("share", ice + "\nm=image 4092 udptl t38")
    is_open(4090, 4091, 4092)
    over()
    own = f"m=image 4092 udptl t38\nc=IN IP4 {PHONE}"
    call = Call("own", *HIDE, SERVER)
    data = call.request("INVITE", ice + "\n" + own)
    phone.send(data, SERVER)
    head, tail = data.split(b"m=image")
    wanted = again(head + b"m=image" + tail.replace(PHONE.encode(), ROUTER.encode()), HIDE,
                   (f"o=- 7 1 IN IP4 {PHONE}", f"o=- 7 1 IN IP4 {ROUTER}"))
    same(server.recv(), wanted)
    is_open(4090, 4091, 4092)
    over()


@test("H-15", "an ICE section is left, and its ports are open: checks reach the phone from anywhere")
def ice_open():
    offered("open", sdp(PHONE, 4094, candidate(4094) + "\n" + STUN))
    is_open(4094, 4095)
    assert arrives(4094), "media pinhole"
    over()


@test("H-15", "what STUN has told the phone is as good as its own address, and stays as well")
def ice_reflexive():
    lines = "\n".join((candidate(4096), candidate(4096, "srflx", ROUTER)))
    offered("reflexive", sdp(ROUTER, 4096, lines))
    is_open(4096, 4097)
    assert arrives(4096), "media pinhole"
    over()


@test("H-15", "where STUN has told the phone of its port for RTCP as well, that one is open, too")
def ice_reflexive_rtcp():
    lines = "\n".join((f"a=rtcp:4097 IN IP4 {ROUTER}", candidate(4096),
                       candidate(4097).replace("1 1 UDP", "1 2 UDP"),
                       candidate(4096, "srflx", ROUTER),
                       candidate(4097, "srflx", ROUTER).replace("1 1 UDP", "1 2 UDP")))
    offered("reflexive-rtcp", sdp(ROUTER, 4096, lines))
    is_open(4096, 4097)
    assert arrives(4097), "RTCP pinhole"
    over()


@test("H-15", "two ICE phones with one port: neither message is held up for it")
def ice_taken():
    offered("first", sdp(PHONE, 4098, candidate(4098) + "\n" + STUN))
    other = Udp("other", OTHER, 5060)
    body = sdp(OTHER, 4098, candidate(4098, address=OTHER) + "\n" + STUN)
    data = Call("second", f"{OTHER}:5060", "", SERVER).request("INVITE", body)
    other.send(data, SERVER)
    got = server.recv()
    assert got and got.split(b"\r\n\r\n")[1] == data.split(b"\r\n\r\n")[1], got
    is_open(4098, 4099)
    over()
    other.close()


@test("H-15", "ice rewrite: candidates of the phone itself lead to where c= and m= do")
def ice_rewrite():
    ctl("setting set ice rewrite")
    lines = "\n".join((candidate(4100), candidate(4101).replace("1 1 UDP", "1 2 UDP"),
                       candidate(4444, "srflx", "198.51.100.9"), candidate(4100, "host", "10.9.9.9")))
    offered("rewrite", sdp(PHONE, 4100, lines), WHOLE)
    is_open(4100, 4101)
    over()
    offered("taken", sdp(PHONE, 4104), WHOLE)
    other = Udp("other", OTHER, 5060)
    body = sdp(OTHER, 4104, candidate(4104, address=OTHER))
    other.send(Call("moved", f"{OTHER}:5060", "", SERVER).request("INVITE", body), SERVER)
    got = server.recv().decode()
    port = got.split("m=audio ")[1].split()[0]
    assert port != "4104" and f" {ROUTER} {port} typ host" in got, got
    over()
    other.close()
    ctl("setting reset")


@test("H-30", "488 to a T.38 re-INVITE keeps the audio's pinholes and takes the fax's away")
def fax_refused():
    call = offered("fax", sdp(PHONE, 4110), WHOLE)
    answer(call, sdp(RELAY, 6110))
    body = sdp(PHONE, 4114).replace("audio 4114 RTP/AVP 0", "image 4114 udptl t38")
    data = call.request("INVITE", body, cseq=2, to_tag=True)
    phone.send(data, SERVER)
    same(server.recv(), again(data, HIDE, WHOLE))
    is_open(4110, 4111, 4114)
    refuse(call)
    is_open(4110, 4111)
    assert arrives(4110)
    phone.send(call.request("BYE", cseq=3, to_tag=True), SERVER)
    assert server.recv()


run(after=net.nothing_left)
