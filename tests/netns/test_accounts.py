#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""As many accounts as a PBX has, on one socket; and every way to end one (FAULTS R1, R2)."""
import json
import os

import topology as net
from sip import again, message
from ksft import run, test
from topology import PHONE, RELAY, ROUTER, SERVER, Tcp, Udp, router

net.build()
phone = Udp("phone", PHONE, 5060)
server = Udp("provider", SERVER, 5060)
relay = Udp("provider", RELAY, 5060)

CTL = os.path.abspath("tools/sipalg-ctl/sipalg-ctl")
LOCAL, SEEN = f"{PHONE}:5060", f"{ROUTER}:5060"


def registered():
    return json.loads(router(f"{CTL} -j registration list"))


def ways_in(source=None):
    """Signalling pinholes that lead to the phone."""
    lines = router("cat /proc/net/nf_conntrack_expect").splitlines()
    return [line for line in lines if f" dst={ROUTER} " in line and "sip" in line and
            (not source or f"src={source} " in line)]


class Account:
    """One account, as the phone and its registrar write it."""

    def __init__(self, name, contact=LOCAL, registrar=server, call_id=None, via=LOCAL,
                 transport="UDP"):
        self.name, self.contact, self.registrar = name, contact, registrar
        self.call_id = call_id or name
        self.via, self.transport = via, transport
        self.cseq = 0
        self.where = SERVER if registrar is server else RELAY

    def request(self, contact=None, expires=600, extra=""):
        """What the phone sends; contact: None, the own one with expires=."""
        self.cseq += 1
        contact = contact or f"<sip:{self.name}@{self.contact}>;expires={expires}"
        return message(f"""REGISTER sip:{self.where} SIP/2.0
            Via: SIP/2.0/{self.transport} {self.via};branch=z9hG4bK{self.name}{self.cseq};rport
            From: <sip:{self.name}@{self.where}>;tag=1
            To: <sip:{self.name}@{self.where}>
            Call-ID: {self.call_id}
            CSeq: {self.cseq} REGISTER
            Contact: {contact}{extra}""")

    def ask(self, sock=phone, **words):
        """REGISTER as the registrar gets it."""
        sock.send(self.request(**words), self.where)
        return self.registrar.recv()

    def answer(self, got, contacts=True):
        """200 as RFC 3261 10.3 has it: with what is left, or nothing."""
        data = again(got, (f"REGISTER sip:{self.where} SIP/2.0", "SIP/2.0 200 OK"))
        if not contacts:
            data = b"\r\n".join(line for line in data.split(b"\r\n")
                                if not line.startswith((b"Contact:", b"Expires:")))
        return data

    def register(self, **words):
        got = self.ask(**words)
        self.registrar.send(self.answer(got), *self.registrar.sender)
        assert phone.recv()
        return got

    def unregister(self, **words):
        got = self.ask(expires=0, **words)
        self.registrar.send(self.answer(got, contacts=False), *self.registrar.sender)
        assert phone.recv()


def call_comes(account, source=server):
    """The flow has been forgotten; the registrar calls the account."""
    router("conntrack -D -p udp --orig-port-dst 5060 2>/dev/null || true")
    data = message(f"""INVITE sip:{account.name}@{SEEN} SIP/2.0
        Via: SIP/2.0/UDP {account.where}:5060;branch=z9hG4bKc{account.name}{account.cseq}
        From: <sip:x@{account.where}>;tag=2
        To: <sip:{account.name}@{account.where}>
        Call-ID: call-{account.name}-{account.cseq}
        CSeq: 1 INVITE
        Contact: <sip:x@{account.where}:5060>""")
    source.send(data, ROUTER)
    return phone.recv(0.5)


@test("S3-24", "FAULTS R1: 1,000 accounts on one socket, and one of another registrar: all are kept")
def thousand():
    other = Account("other", registrar=relay)
    other.register()
    accounts = [Account(f"n{number}") for number in range(1000)]
    for account in accounts:
        account.register()
    assert len(registered()) == 1001, len(registered())
    assert ways_in(SERVER) and ways_in(RELAY), ways_in()
    for account in accounts[:16] + accounts[500:900] + accounts[990:]:
        account.unregister()
    assert len(registered()) == 1001 - 426, len(registered())
    assert ways_in(SERVER) and ways_in(RELAY), ways_in()
    assert call_comes(accounts[20]) and call_comes(accounts[950])
    assert call_comes(other, relay)
    for account in accounts[16:500] + accounts[900:990]:
        account.unregister()
    assert len(registered()) == 1 and not ways_in(SERVER) and ways_in(RELAY), registered()
    other.unregister()
    assert not registered() and not ways_in()


@test("S3-24", "FAULTS R1: unregistering the last 16 of 30, the first, or every other: the rest is called")
def of_thirty():
    for number, gone in enumerate((range(14, 30), range(0, 1), range(0, 30, 2), range(29, 0, -1))):
        accounts = [Account(f"t{number}x{i}") for i in range(30)]
        for account in accounts:
            account.register()
        for i in gone:
            accounts[i].unregister()
        rest = [account for i, account in enumerate(accounts) if i not in gone]
        assert len(registered()) == len(rest), (len(registered()), len(rest))
        assert call_comes(rest[0]) and call_comes(rest[-1])
        for account in rest:
            account.unregister()
        assert not registered() and not ways_in()


@test("S3-24", "FAULTS R1: beyond what memory allows a host nobody loses what it has, and it is counted")
def too_many():
    def counted():
        return json.loads(router(f"{CTL} -j stats show"))["passed_unchanged"].get(
            "too_many_registrations", 0)

    first = Account("first", registrar=relay)
    first.register()
    before, number = counted(), 0
    while counted() == before:
        assert number < 10000
        for _ in range(500):
            Account(f"m{number}").register()
            number += 1
    assert len(registered()) > 2000
    assert ways_in(RELAY) and ways_in(SERVER)
    assert call_comes(first, relay)
    # who is known already is still refreshed, and room that is made is used
    first.register()
    first.unregister()
    assert not ways_in(RELAY)
    again_first = Account("first", registrar=relay)
    again_first.register()
    assert ways_in(RELAY)
    router(f"{CTL} setting reset")
    net.shell("sleep 700")
    assert not registered() and not ways_in()


# R2. From the socket at 5060 a phone registers where it listens, at 5070.

ELSEWHERE = f"{PHONE}:5070"
FORMS = {
    "expires=0": {"expires": 0},
    "an Expires: 0 header": {"contact": f"<sip:r2@{ELSEWHERE}>", "extra": "\nExpires: 0"},
    "*": {"contact": "*", "extra": "\nExpires: 0"},
    "a host name": {"contact": "<sip:r2@phone.example.net>;expires=0"},
}


def form(title, words):
    @test("S3-24", f"FAULTS R2: unregistered by {title}, the Contact's port not being the source's")
    def check():
        account = Account("r2", contact=ELSEWHERE)
        account.register()
        assert len(registered()) == 1 and ways_in(SERVER)
        got = account.ask(**words)
        server.send(account.answer(got, contacts=False), ROUTER)
        assert phone.recv()
        assert not registered() and not ways_in(), (registered(), ways_in())


for a_title, some_words in FORMS.items():
    form(a_title, some_words)


@test("S3-24", "FAULTS R2: a Contact without port, from another socket than 5060")
def without_port():
    sock = Udp("phone", PHONE, 5062)
    account = Account("noport", contact=PHONE, via=f"{PHONE}:5062")
    for expires, left in ((600, 1), (0, 0)):
        got = account.ask(sock, expires=expires)
        server.send(account.answer(got, contacts=expires), *server.sender)
        assert sock.recv()
        assert len(registered()) == left, registered()
    assert not ways_in()
    sock.close()


@test("S3-24", "FAULTS R2: registered by UDP, unregistered by TCP, by *, by expires=0 and from another socket")
def by_tcp():
    for number, words in enumerate(({"contact": "*", "extra": "\nExpires: 0"}, {"expires": 0},
                                    {"contact": f"<sip:tcp@{ELSEWHERE}>", "extra": "\nExpires: 0"})):
        account = Account("tcp", contact=ELSEWHERE)
        account.register()
        assert len(registered()) == 1
        ours, theirs = Tcp.pair("phone", PHONE, 40000 + number)
        account.transport, account.via = "TCP", f"{PHONE}:{40000 + number}"
        data = account.request(**words)
        ours.send(data)
        got = theirs.recv(len(data) + 64, 0.5)
        answer = account.answer(got, contacts=False)
        theirs.send(answer)
        assert ours.recv(len(answer), 1)
        assert not registered(), (words, registered())
        ours.close()
        theirs.close()
    account = Account("socket", contact=ELSEWHERE)
    account.register()
    sock = Udp("phone", PHONE, 5064)
    account.via = f"{PHONE}:5064"
    got = account.ask(sock, contact="*", extra="\nExpires: 0")
    server.send(account.answer(got, contacts=False), *server.sender)
    assert sock.recv() and not registered()
    sock.close()


ODD_FORMS = (f"<sip:r2@{ELSEWHERE}>;EXPIRES=0", f"<sip:r2@{ELSEWHERE}> ; expires = 0",
             f"sip:r2@{ELSEWHERE};expires=0", f"<sip:r2@{ELSEWHERE};transport=udp>;q=0.5;expires=0",
             f"<sip:x@phone.example>;expires=0, <sip:r2@{ELSEWHERE}>;expires=0",
             f'"R, two" <sip:R2@{ELSEWHERE}>;expires="0"', f"<sip:r2@{PHONE}:05070>;expires=0000")


@test("S3-24", "FAULTS R2: unregistered however a phone writes it, after a reboot, and by another host of the registrar's")
def other_forms():
    account = Account("r2", contact=ELSEWHERE)
    for contact in ODD_FORMS:
        account.register()
        assert len(registered()) == 1, contact
        got = account.ask(contact=contact)
        server.send(account.answer(got, contacts=False), ROUTER)
        assert phone.recv() and not registered() and not ways_in(), contact
    for number, (words, where) in enumerate((({"contact": "*", "extra": "\nExpires: 0"}, server),
                                             ({"contact": "*", "extra": "\nExpires: 0"}, relay), ({"expires": 0}, relay))):
        account.register()
        later = Account("r2", contact=ELSEWHERE, call_id="r2" if number == 1 else f"reboot{number}")
        later.registrar, later.cseq = where, 1000 + number
        data = later.request(**words)
        phone.send(data, SERVER if where is server else RELAY)
        where.send(later.answer(where.recv(), contacts=False), ROUTER)
        assert phone.recv() and not registered() and not ways_in(), (number, registered())


@test("S3-24", "FAULTS R1: a PBX with two providers: who unregisters at one stays at the other, with the same accounts")
def two_of_each():
    accounts = [Account(f"two{i}", registrar=where, call_id=f"two{i}{number}")
                for number, where in enumerate((server, relay)) for i in range(20)]
    for account in accounts:
        account.register()
    assert len(registered()) == 40 and ways_in(SERVER) and ways_in(RELAY)
    for account in accounts[:20]:
        account.unregister()
    assert len(registered()) == 20 and not ways_in(SERVER) and ways_in(RELAY), ways_in()
    assert call_comes(accounts[20], relay) and call_comes(accounts[39], relay)
    for account in accounts[20:]:
        account.unregister()
    assert not registered() and not ways_in()


@test("S3-24", "FAULTS R2: what the registrar still lists after a * stays, and what it refuses")
def still_listed():
    account = Account("stays")
    got = account.register()
    asked = account.ask(contact="*", extra="\nExpires: 0")
    server.send(again(asked, (f"REGISTER sip:{SERVER} SIP/2.0", "SIP/2.0 401 Unauthorized")), ROUTER)
    assert phone.recv() and len(registered()) == 1
    asked = account.ask(contact="*", extra="\nExpires: 0")
    listed = next(line for line in got.decode().split("\r\n") if line.startswith("Contact:"))
    answer = again(account.answer(asked), ("Contact: *\r\nExpires: 0", listed))
    server.send(answer, ROUTER)
    assert phone.recv() and len(registered()) == 1
    account.unregister()
    assert not registered() and not ways_in()


run(after=net.nothing_left)
