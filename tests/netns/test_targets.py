#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""One invitation, several targets: forks, the next gateway, redirections (RFC 3261 16.7, 8.1.3.4)."""
import time

import topology as net
from sip import Call, again, sdp
from ksft import run, same, test
from topology import PHONE, RELAY, ROUTER, SERVER, STRANGER, Udp

net.build()
proxy = Udp("phone", PHONE, 5060)
gates = {address: Udp("provider", address, 5060) for address in (SERVER, RELAY)}
HIDE = (f"{PHONE}:5060", f"{ROUTER}:5060")


class Branch(Call):
    """What a proxy behind the router and one of its targets say to each other."""

    def __init__(self, name, target):
        super().__init__(name, *HIDE, target)
        self.target = target
        self.tags = (self.tags[0], "peer-" + target)

    def _named(self, data):
        """The same callee at each target, by a branch of its own."""
        return again(data, (f"branch=z9hG4bK{self.name}", f"branch=z9hG4bK{self.target}{self.name}"),
                     (f"sip:bob@{self.target}>", "sip:bob@there.example>"),
                     (f"sip:alice@{self.target}>", "sip:alice@here.example>"))

    def out(self, method, body="", **options):
        data = self._named(self.request(method, body, **options))
        proxy.send(data, self.target)
        wanted = again(data, HIDE)
        same(gates[self.target].recv(), again(wanted, (PHONE, ROUTER)) if body else wanted)

    def back(self, status, *arguments, **options):
        data = self._named(self.response(status, *arguments, **options))
        gates[self.target].send(data, ROUTER)
        same(proxy.recv(), again(data, HIDE[::-1]))

    def refused(self, status):
        self.back(status)
        self.out("ACK", to_tag=True)


def goes_on(port, seconds, peer=STRANGER):
    """For so long the caller hears the callee, once in ten seconds."""
    ours, theirs = Udp("phone", PHONE, port), Udp("provider", peer, port + 2000)
    end = time.monotonic() + seconds
    good = True
    while good and time.monotonic() < end:
        theirs.send(b"media", ROUTER, port)
        good = ours.recv(1) == b"media"
        time.sleep(10)
    ours.close()
    theirs.close()
    return good


def hang_up(branch):
    branch.out("BYE", cseq=branch.cseq + 1, to_tag=True)
    branch.back("200 OK", "BYE")
    net.until(lambda: not net.expectations(), 6)


def answered(branch, port):
    """After a while, for five minutes."""
    time.sleep(20)
    branch.back("200 OK", body=sdp(STRANGER, port + 2000))
    branch.out("ACK", to_tag=True)
    assert goes_on(port, 300)
    hang_up(branch)


@test("S3-56", "a proxy that goes on to its next gateway with the same CSeq: the call is its call")
def next_gateway():
    first, second = Branch("failover", SERVER), Branch("failover", RELAY)
    first.out("INVITE", sdp(PHONE, 4000))
    first.refused("503 Service Unavailable")
    second.out("INVITE", sdp(PHONE, 4000))
    second.back("180 Ringing")
    answered(second, 4000)


@test("S3-56", "two gateways ring: one says no, the other answers later")
def one_refuses():
    first, second = Branch("fork", SERVER), Branch("fork", RELAY)
    first.out("INVITE", sdp(PHONE, 4010))
    second.out("INVITE", sdp(PHONE, 4010))
    second.back("180 Ringing")
    first.refused("486 Busy Here")
    answered(second, 4010)


@test("S3-56", "two gateways ring: one is cancelled because nobody is there, the other answers")
def one_cancelled():
    first, second = Branch("hunt", SERVER), Branch("hunt", RELAY)
    first.out("INVITE", sdp(PHONE, 4020))
    first.back("180 Ringing")
    second.out("INVITE", sdp(PHONE, 4020))
    second.back("180 Ringing")
    first.out("CANCEL")
    first.back("200 OK", "CANCEL")
    first.refused("487 Request Terminated")
    answered(second, 4020)


@test("S3-56", "all targets have refused, or been cancelled: the call is over as ever")
def all_refuse():
    for number, end in enumerate(("486 Busy Here", "487 Request Terminated")):
        branches = [Branch(f"all{number}", target) for target in gates]
        for branch in branches:
            branch.out("INVITE", sdp(PHONE, 4030))
            branch.back("180 Ringing")
        for branch in branches:
            assert net.pinhole(ROUTER, 4030)
            if number:
                branch.out("CANCEL")
                branch.back("200 OK", "CANCEL")
            branch.refused(end)
        net.until(lambda: not net.expectations(), 6)


@test("S3-56", "a phone that follows a redirection to another server is heard for the whole call")
def redirected():
    first, second = Branch("moved", SERVER), Branch("moved", RELAY)
    first.out("INVITE", sdp(PHONE, 4040))
    first.refused("302 Moved Temporarily")
    second.out("INVITE", sdp(PHONE, 4040), cseq=2)
    second.back("180 Ringing")
    answered(second, 4040)


@test("S3-56", "the answer of a gateway that was asked in the call's dialog is the other party's")
def asked_elsewhere():
    first, second = Branch("moves", SERVER), Branch("moves", RELAY)
    second.tags = first.tags
    first.out("INVITE", sdp(PHONE, 4050))
    first.back("200 OK", body=sdp(STRANGER, 6050), extra="\nSession-Expires: 120;refresher=uac")
    first.out("ACK", to_tag=True)
    # by its name in Record-Route the phone has found the provider's other address
    for cseq in (2, 3, 4, 5):
        assert goes_on(4050, 60)
        second.out("INVITE", sdp(PHONE, 4050), cseq=cseq, to_tag=True)
        second.back("200 OK", body=sdp(STRANGER, 6050), extra="\nSession-Expires: 120;refresher=uac")
        second.out("ACK", to_tag=True)
    hang_up(second)


@test("S3-56", "what is still said to a gateway that has lost opens no way in, and no other closes")
def said_to_the_loser():
    first, second = Branch("loser", SERVER), Branch("loser", RELAY)
    first.out("INVITE", sdp(PHONE, 4070))
    second.out("INVITE", sdp(PHONE, 4070))
    second.back("200 OK", body=sdp(STRANGER, 6070))
    second.out("ACK", to_tag=True)
    first.out("CANCEL")
    first.back("200 OK", "CANCEL")
    before = sorted(map(str, net.expectations("signalling")))
    first.back("487 Request Terminated")
    data = first._named(first.request("ACK", to_tag=True))
    proxy.send(again(data, ("1ACK;", "1INVITE;"), (f"alice@{PHONE}:5060", f"alice@{PHONE}:5099")), SERVER)
    assert f"alice@{ROUTER}:5099" in gates[SERVER].recv().decode()
    assert sorted(map(str, net.expectations("signalling"))) == before
    hang_up(second)


@test("S3-54", "an answer from where nobody was asked is nobody's")
def not_asked():
    first, second = Branch("forged", SERVER), Branch("forged", RELAY)
    first.out("INVITE", sdp(PHONE, 4060))
    first.back("180 Ringing")
    second.tags = first.tags
    data = again(second._named(second.response("486 Busy Here")), (RELAY, SERVER))
    gates[RELAY].send(data, ROUTER)
    time.sleep(20)
    assert net.pinhole(ROUTER, 4060), "a stranger has ended the call"
    first.refused("486 Busy Here")


run(after=net.nothing_left)
