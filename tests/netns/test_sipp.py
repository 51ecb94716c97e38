#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""Flows of a real SIP implementation, sipp on both sides of the router."""
import csv
import glob
import os
import subprocess
import tempfile
import time

import topology as net
from ctl import stats
from ksft import run, test
from topology import PHONE, SERVER

net.build()
SCENARIOS = os.path.abspath("tests/sipp")
CALLS = 200


def sipp(namespace, address, *arguments):
    """Starts one; what it counts goes to a folder of its own."""
    folder = tempfile.mkdtemp()
    command = ["ip", "netns", "exec", namespace, "sipp", "-i", address, "-mi", address,
               "-nostdin", "-trace_stat", "-fd", "1", "-m", str(CALLS), *arguments]
    process = subprocess.Popen(command, cwd=folder, stdin=subprocess.DEVNULL,
                               stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    return process, folder


def succeeded(folder):
    path, = glob.glob(f"{folder}/*_.csv")
    with open(path, encoding="ascii") as file:
        last = list(csv.DictReader(file, delimiter=";"))[-1]
    return int(last["SuccessfulCall(C)"]), int(last["FailedCall(C)"])


def flows(uac, uas, transport="u1"):
    """All calls of a scenario come to their end at the caller; what we counted."""
    before = stats()
    server, _ = sipp("provider", SERVER, *uas, "-t", transport)
    time.sleep(1)
    client, folder = sipp("phone", PHONE, SERVER, *uac, "-t", transport, "-r", "20",
                          "-timeout", "120")
    error = client.communicate()[1]
    server.terminate()
    server.communicate()
    assert client.returncode == 0, (client.returncode, error)
    assert succeeded(folder) == (CALLS, 0), succeeded(folder)
    assert stats()["calls"]["total"] - before["calls"]["total"] == CALLS
    time.sleep(6)
    assert not net.expectations()
    time.sleep(35)
    after = stats()
    assert not after["calls"]["active"] and not after["pinholes"]["open"], after
    assert not sum(after["dropped"].values()), after["dropped"]
    return {reason: number - before["calls"]["ended"][reason]
            for reason, number in after["calls"]["ended"].items()}


@test("S0-1", "sipp's own caller and callee, UDP: INVITE, ringing, answer, BYE")
def plain():
    assert flows(["-sn", "uac"], ["-sn", "uas"])["bye"] == CALLS


@test("S0-1", "the same by TCP, all calls on one connection")
def stream():
    assert flows(["-sn", "uac"], ["-sn", "uas"], "t1")["bye"] == CALLS


@test("S0-15", "callers who cancel while it rings")
def cancelled():
    ended = flows(["-sf", f"{SCENARIOS}/uac_cancel.xml"], ["-sf", f"{SCENARIOS}/uas_cancel.xml"])
    assert ended["cancelled"] == CALLS, ended


@test("S3-32", "calls that are put on hold")
def held():
    ended = flows(["-sf", f"{SCENARIOS}/uac_hold.xml"], ["-sf", f"{SCENARIOS}/uas_hold.xml"])
    assert ended["bye"] == CALLS, ended


run()
