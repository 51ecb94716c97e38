# SPDX-License-Identifier: GPL-2.0-only
"""A phone that calls through the provider: flows of messages, and their audio."""
import time

import topology as net
from sip import Call, again, sdp
from ksft import same
from topology import PHONE, RELAY, ROUTER, SERVER, Udp, router

net.build()
phone = Udp("phone", PHONE, 5060)
server = Udp("provider", SERVER, 5060)

HIDE = (f"{PHONE}:5060", f"{ROUTER}:5060")
SHOW = HIDE[::-1]


def out(data):
    """The phone sends, the provider gets it with the router's address."""
    wanted = again(data, HIDE)
    if b"c=IN IP4 " + PHONE.encode() in data or b"o=- 7 1 IN IP4 " + PHONE.encode() in data:
        wanted = again(wanted, (PHONE, ROUTER))
    phone.send(data, SERVER)
    got = server.recv()
    same(got, wanted)
    return got


def back(data):
    server.send(data, ROUTER)
    same(phone.recv(), again(data, SHOW))


def send_out(data):
    """The phone sends; what the provider gets of it."""
    phone.send(data, SERVER)
    got = server.recv()
    assert got, data[:200]
    return got


def send_back(data):
    """The provider sends; what the phone gets of it."""
    server.send(data, ROUTER)
    got = phone.recv()
    assert got, data[:200]
    return got


def out_as(data, *changes):
    """The phone sends, the provider gets it with these changes and no other."""
    got = send_out(data)
    same(got, again(data, *changes) if changes else data)
    return got


def back_as(data, *changes):
    """The provider sends, the phone gets it with these changes and no other."""
    got = send_back(data)
    same(got, again(data, *changes) if changes else data)
    return got


def new(name):
    return Call(name, f"{PHONE}:5060", f"{ROUTER}:5060", SERVER)


def answered(name, port, interval=None):
    call = new(name)
    out(call.request("INVITE", sdp(PHONE, port)))
    back(call.response("200 OK", body=sdp(RELAY, port + 2000), extra=expires(interval)))
    out(call.request("ACK", to_tag=True))
    return call


def expires(interval):
    return f"\nSession-Expires: {interval};refresher=uac" if interval is not None else ""


def reinvite(call, body, answer, extra=""):
    """An offer within the call and its answer; "" for none."""
    out(call.request("INVITE", body, cseq=call.cseq + 1, to_tag=True))
    back(call.response("200 OK", body=answer, extra=extra))
    out(call.request("ACK", to_tag=True))


def hang_up(call):
    out(call.request("BYE", cseq=call.cseq + 1, to_tag=True))
    back(call.response("200 OK", "BYE"))


def audio(port):
    """The two ends of a call's audio."""
    return Udp("phone", PHONE, port), Udp("provider", RELAY, port + 2000)


def passes(sender, receiver, address, port):
    sender.send(b"media", address, port)
    return receiver.recv(0.5) == b"media"


def both(port):
    return bool(net.pinhole(ROUTER, port) and net.pinhole(ROUTER, port + 1))


def identity(port):
    """The connection that carries the audio: a new one has another number."""
    lines = router("conntrack -L -p udp -o id 2>/dev/null").splitlines()
    return [line.rsplit("id=", 1)[1] for line in lines if f"dport={port} " in line]


def lively(port, seconds, every=50, ends=None):
    """The call goes on for so long, with audio; says if it was there to the end."""
    ours, theirs = ends or audio(port)
    end = time.monotonic() + seconds
    alive = True
    while alive and time.monotonic() < end:
        time.sleep(min(every, end - time.monotonic()))
        alive = passes(theirs, ours, ROUTER, port)
    if not ends:
        ours.close()
        theirs.close()
    return alive


def talks(port):
    """Audio passes both ways, and begins outside."""
    ours, theirs = audio(port)
    passed = passes(theirs, ours, ROUTER, port) and passes(ours, theirs, RELAY, port + 2000)
    ours.close()
    theirs.close()
    return passed


def accepted(call, cseq=1, body=""):
    """The 200 to an INVITE of the phone's, and its ACK."""
    call.cseq = cseq
    back(call.response("200 OK", body=body))
    out(call.request("ACK", cseq=cseq, to_tag=True))


def peer_asks(call, method, status, body="", answer=""):
    """A transaction of the peer's, that ends at once."""
    data = call.peer_request(method, f"{ROUTER}:5060", cseq=100, body=body)
    server.send(data, ROUTER)
    same(phone.recv(), again(data, (f"alice@{ROUTER}:5060 ", f"alice@{PHONE}:5060 ")))
    data = call.peer_response(status, method, cseq=100, body=answer)
    phone.send(data, SERVER)
    same(server.recv(), again(data, HIDE, *[(PHONE, ROUTER)] * bool(answer)))


def finish(call, *ports):
    """Audio passes at all these ports; then the phone hangs up."""
    for port in ports:
        assert both(port) and talks(port), port
    call.cseq = 50
    hang_up(call)
    net.until(lambda: not net.expectations(), 6)
