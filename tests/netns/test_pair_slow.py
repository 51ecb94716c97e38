#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""The daemon is there and does not read: what is to be told at once waits like all else."""
import socket
import time

from call_helpers import answered, new, out, phone, server
from ctl import forget_all
from ksft import run, test
from pair import ACTIVE, Router
from sip import message, sdp
from topology import PHONE, SERVER, Tcp


def slow():
    """Whose socket is full after a few records."""
    ear = Router("router")
    ear.ears.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2304)
    return ear


@test("issue 22", "who is told and does not read does not make each message cost a whole batch")
def slow_reader():
    forget_all()
    told = slow()
    assert told.set(ACTIVE, 1, listen=True) == 0
    ups = [answered(f"slow{4400 + 4 * i}", 4400 + 4 * i) for i in range(60)]
    for _ in range(2):      # the first fills the socket, the second stays here
        told.mark()
        time.sleep(1)
    assert told.status()["dirty"] >= 60

    def cost(method):
        before = told.status()["sequence"]
        for _ in range(200):
            phone.send(ups[0].request(method, cseq=50 if method == "BYE" else 10, to_tag=True), SERVER)
            assert server.recv()
            time.sleep(0.001)
        return told.status()["sequence"] - before

    info, bye = cost("INFO"), cost("BYE")
    print(f"# records written and thrown away: INFO {info}, BYE {bye}")
    assert bye < 2 * info + 500, (info, bye)


@test("issue 22", "a keepalive by TCP costs whom nobody reads no batch either")
def slow_reader_tcp():
    forget_all()
    ear = slow()
    for i in range(60):
        out(new(f"slow{4600 + 4 * i}").request("INVITE", sdp(PHONE, 4600 + 4 * i)))
    ours, theirs = Tcp.pair("phone", PHONE, 5062)
    first = message(f"""OPTIONS sip:{SERVER} SIP/2.0
        Via: SIP/2.0/TCP {PHONE}:5062;branch=z9hG4bKopt
        From: <sip:a@{SERVER}>;tag=a
        To: <sip:b@{SERVER}>
        Call-ID: opt
        CSeq: 1 OPTIONS""")
    ours.send(first)
    assert theirs.recv(len(first))
    assert ear.set(ACTIVE, 1, listen=True) == 0
    for _ in range(2):
        ear.mark()
        time.sleep(1)
    before = ear.status()["sequence"]
    time.sleep(0.2)
    idle = ear.status()["sequence"] - before
    for _ in range(200):
        ours.send(b"\r\n\r\n")
        assert theirs.recv(4) == b"\r\n\r\n"
        time.sleep(0.001)
    busy = ear.status()["sequence"] - before - idle
    print(f"# records written and thrown away in 0.2 s: idle {idle}, 200 keepalives {busy}")
    assert busy < 2 * idle + 500, (idle, busy)


run()
