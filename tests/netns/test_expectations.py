#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""How many expectations a call holds, what each is for, and who is let through without."""
import time

import topology as net
from call_helpers import answered, audio, both, hang_up, new, out, passes, phone, reinvite, server
from ctl import ctl
from ksft import run, test
from sip import Call, sdp
from topology import OTHER, PHONE, RELAY, ROUTER, SERVER, STRANGER, Udp, router


def held():
    """Its expectations for media; one for signalling is shared by all calls of the phone."""
    shared = net.expectations("signalling")
    assert len(shared) <= 1, shared
    return len(net.expectations())


def thin(wanted=2):
    net.until(lambda: held() <= wanted, 5, 0.5)
    assert held() == wanted, net.expectations()


def flowing(name, port, rtcp=False):
    """An answered call with audio both ways; the ends of it."""
    call, (ours, theirs) = answered(name, port), audio(port)
    assert held() == 4, net.expectations()
    assert passes(theirs, ours, ROUTER, port) and passes(ours, theirs, RELAY, port + 2000)
    if rtcp:
        control = audio(port + 1)
        assert passes(*control, RELAY, port + 2001)
        assert passes(*control[::-1], ROUTER, port + 1)
        for end in control:
            end.close()
    return call, ours, theirs


def end(call, *sockets):
    call.cseq = 50
    hang_up(call)
    for sock in sockets:
        sock.close()
    net.until(lambda: not held(), 6)


@test("issue 21", "a call whose media flows holds two expectations, and is open to media from elsewhere")
def two():
    for number, rtcp in enumerate((False, True)):
        port = 4000 + 10 * number
        call, ours, theirs = flowing(f"two{number}", port, rtcp)
        thin()
        assert both(port), net.expectations()
        for address in (STRANGER, SERVER):
            elsewhere = Udp("provider", address, 7000)
            assert passes(elsewhere, ours, ROUTER, port), address
            assert passes(ours, elsewhere, address, 7000), address
            elsewhere.close()
        assert passes(theirs, ours, ROUTER, port) and passes(ours, theirs, RELAY, port + 2000)
        end(call, ours, theirs)


@test("issue 21", "what flows one way, or not at all, keeps the pinholes of the other")
def one_way():
    call, (ours, theirs) = answered("oneway", 4100), audio(4100)
    assert passes(theirs, ours, ROUTER, 4100)
    time.sleep(10)
    assert held() == 4, net.expectations()
    assert passes(ours, theirs, RELAY, 6100)
    end(call, ours, theirs)


@test("issue 21", "the phone speaks first after conntrack -F: it is heard at once, from the port that was told")
def flushed():
    # another phone has the port, so that this one is given a different one
    ctl("setting set contact-pinhole off")
    other = Udp("other", OTHER, 5062)
    taken = Call("taken", f"{OTHER}:5062", f"{ROUTER}:5062", SERVER)
    other.send(taken.request("INVITE", sdp(OTHER, 4200)), SERVER)
    assert server.recv()
    call = new("flushed")
    phone.send(call.request("INVITE", sdp(PHONE, 4200)), SERVER)
    port = int(server.recv().split(b"m=audio ")[1].split()[0])
    assert port != 4200
    server.send(call.response("200 OK", body=sdp(RELAY, 6200)), ROUTER)
    assert phone.recv()
    out(call.request("ACK", to_tag=True))
    ours, theirs = audio(4200)
    assert passes(theirs, ours, ROUTER, port) and passes(ours, theirs, RELAY, 6200)
    net.until(lambda: held() <= 4, 5, 0.5)      # the other phone's are two
    for _ in range(3):
        router("conntrack -F 2>/dev/null")
        assert passes(ours, theirs, RELAY, 6200) and theirs.sender == (ROUTER, port), theirs.sender
        assert passes(theirs, ours, ROUTER, port)
    control = Udp("phone", PHONE, 4201), Udp("provider", RELAY, 6201)
    assert passes(*control, RELAY, 6201) and control[1].sender == (ROUTER, port + 1)
    for sock in control:
        sock.close()
    ctl("call end --all")
    ctl("setting reset")
    assert not passes(ours, theirs, RELAY, 6200), "the way out of a call that has ended"
    for sock in (ours, theirs, other):
        sock.close()


@test("issue 21", "the phone speaks first after a long silence, and sends RTCP late: both are heard")
def late():
    ctl("setting set inactive-media-timeout 0")
    call, ours, theirs = flowing("late", 4300)
    thin()
    for silence in (100, 400, 2000):
        time.sleep(silence)
        assert passes(ours, theirs, RELAY, 6300) and theirs.sender == (ROUTER, 4300), silence
        assert passes(theirs, ours, ROUTER, 4300)
    control = audio(4301)
    assert passes(*control, RELAY, 6301) and control[1].sender == (ROUTER, 4301)
    end(call, ours, theirs, *control)
    ctl("setting reset")


@test("issue 21", "closed for inactivity the way out stays, and the phone's packet opens the way in (D3)")
def inactive():
    call, ours, theirs = flowing("inactive", 4400)
    thin()
    time.sleep(400)
    assert not both(4400)
    assert passes(ours, theirs, RELAY, 6400) and theirs.sender == (ROUTER, 4400)
    assert both(4400) and passes(theirs, ours, ROUTER, 4400)
    end(call, ours, theirs)


@test("issue 21", "nobody else gets out by the way of a phone, and none is left behind")
def others():
    call, ours, theirs = flowing("others", 4500)
    thin()
    neighbour = Udp("other", OTHER, 4500)
    assert not passes(neighbour, theirs, RELAY, 6500)
    wrong = Udp("provider", RELAY, 6502)
    assert not passes(ours, wrong, RELAY, 6502)
    end(call, ours)
    router("conntrack -F 2>/dev/null")
    ours = Udp("phone", PHONE, 4500)
    assert not passes(ours, theirs, RELAY, 6500)
    for sock in (ours, theirs, neighbour, wrong):
        sock.close()


@test("issue 21", "a re-INVITE that moves the peer's media, or puts it on hold, has its own ways out")
def moved():
    call, ours, theirs = flowing("moved", 4600)
    thin()
    reinvite(call, sdp(PHONE, 4600), sdp(RELAY, 6610))
    assert net.pinhole(RELAY, 6610) and held() == 4, net.expectations()
    there = Udp("provider", RELAY, 6610)
    assert passes(ours, there, RELAY, 6610) and there.sender == (ROUTER, 4600)
    assert passes(there, ours, ROUTER, 4600)
    thin()
    # back to where it was, and away
    reinvite(call, sdp(PHONE, 4600, "a=inactive"), sdp(RELAY, 6610, "a=inactive"))
    assert held() == 0, net.expectations()
    router("conntrack -F 2>/dev/null")
    assert not passes(ours, there, RELAY, 6610), "on hold"
    reinvite(call, sdp(PHONE, 4600), sdp(RELAY, 6610))
    assert passes(ours, there, RELAY, 6610) and there.sender == (ROUTER, 4600)
    end(call, ours, theirs, there)


@test("H-16", "with rtcp-mux a call whose media flows holds one")
def muxed():
    call = new("muxed")
    out(call.request("INVITE", sdp(PHONE, 4700, "a=rtcp-mux")))
    server.send(call.response("200 OK", body=sdp(RELAY, 6700, "a=rtcp-mux")), ROUTER)
    assert phone.recv()
    out(call.request("ACK", to_tag=True))
    assert held() == 2, net.expectations()
    ours, theirs = audio(4700)
    assert passes(theirs, ours, ROUTER, 4700) and passes(ours, theirs, RELAY, 6700)
    thin(1)
    end(call, ours, theirs)


@test("issue 21", "two calls of a phone to one address of media: each goes on when the other has ended")
def shared_peer():
    first, second = new("first"), new("second")
    for call, port in ((first, 4800), (second, 4810)):
        out(call.request("INVITE", sdp(PHONE, port)))
        server.send(call.response("200 OK", body=sdp(RELAY, 6800)), ROUTER)
        assert phone.recv()
        out(call.request("ACK", to_tag=True))
    theirs = Udp("provider", RELAY, 6800)
    ends = [Udp("phone", PHONE, port) for port in (4800, 4810)]
    for ours in ends:
        assert passes(theirs, ours, ROUTER, ours.address[1])
        assert passes(ours, theirs, RELAY, 6800)
    time.sleep(3)
    router("conntrack -F 2>/dev/null")
    for ours in ends:
        assert passes(ours, theirs, RELAY, 6800), ours.address
    first.cseq = 50
    hang_up(first)
    time.sleep(16)      # media ends 5 s later, and the second call asks again each 8 s
    router("conntrack -F 2>/dev/null")
    assert passes(ends[1], theirs, RELAY, 6800) and theirs.sender == (ROUTER, 4810), theirs.sender
    end(second, theirs, *ends)


run()
