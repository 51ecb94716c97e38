#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""The mode changes while messages pass: with two CPUs at any place of the code."""
import os
import signal
import time

import genl
import topology as net
from genl import NESTED, WORDS, attr
from sip import Call, again
from ksft import run, test
from topology import PHONE, ROUTER, SERVER, TIME_IS_REAL, Tcp

net.build()
PORT, MESSAGES = 40000, 300
PINHOLES, FULL = 2, 3


def change(link):
    for value in (PINHOLES, FULL):
        mode = attr(1, "mode") + attr(2, value)
        err, _ = link.command("SETTING_SET", attr(WORDS["SIPALG_A_SETTING"] | NESTED, mode))
        assert err == 0, err
        if not TIME_IS_REAL:
            time.sleep(0.0013)


def changing():
    """A process that changes the mode to and fro, without a pause where time is real."""
    child = os.fork()
    if not child:
        link = genl.Netlink()
        while True:
            change(link)
    return child


@test("H-22", "mode full and back while messages pass in pieces: each arrives as it is or translated")
def to_and_fro():
    phone, server = Tcp.pair("phone", PHONE, PORT)
    child = changing()
    seen = [0, 0]
    for number in range(MESSAGES):
        call = Call(f"n{number}", f"{PHONE}:5060", "", SERVER, "TCP")
        data = call.request("OPTIONS", extra="\nX: " + "x" * 4000)
        forms = data, again(data, (f"{PHONE}:5060", f"{ROUTER}:{PORT}"))
        phone.send(data[:-20])
        time.sleep(0.001)
        phone.send(data[-20:])
        got = server.recv(len(data))
        if got != data:
            got += server.recv(len(forms[1]) - len(data))
        assert got in forms, (number, got[-200:])
        seen[forms.index(got)] += 1
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    assert all(seen), seen
    for end in (phone, server):
        end.close()


run()
