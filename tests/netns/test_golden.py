#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""
The pairs of tests/golden, as they stand there. With --print: what comes out
for each of them, to be read before it becomes an .after.
"""
import glob
import os
import re
import sys

import topology as net
from ksft import run, same, test
from topology import PHONE, ROUTER, SERVER, Udp

net.build()
phone = Udp("phone", PHONE, 5060)
server = Udp("provider", SERVER, 5060)
PATHS = sorted(glob.glob("tests/golden/*.before"))


def read(path):
    """Title lines, and the message as it is on the wire."""
    with open(path, encoding="ascii") as file:
        lines = file.read().splitlines(keepends=True)
    titles = [line[1:].strip() for line in lines if line.startswith("#")]
    text = "".join(line for line in lines if not line.startswith("#")).replace("\n", "\r\n")
    return titles, re.sub(rb"\\x([0-9a-f]{2})", lambda found: bytes([int(found[1], 16)]),
                          text.encode())


def through(way, data):
    if way == "out":
        phone.send(data, SERVER)
        return server.recv()
    server.send(data, ROUTER)
    return phone.recv()


def shown(data):
    text = "".join(chr(byte) if 32 <= byte < 127 or byte in b"\r\n" else f"\\x{byte:02x}"
                   for byte in data)
    return text.replace("\r\n", "\n")


def golden(path):
    titles, data = read(path)
    row, way = titles[0].split()
    name = os.path.basename(path)[:-7]

    @test(row, f"{name} leaves as {name}.after")
    def pair():
        got = through(way, data)
        if "--print" in sys.argv:
            print(f"=== {name}.after\n{shown(got)}===")
        same(got, read(path.replace(".before", ".after"))[1])


assert PATHS
for before in PATHS:
    golden(before)
run()
