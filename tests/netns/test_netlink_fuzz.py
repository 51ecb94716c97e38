#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""
The netlink family is asked what nobody should ask:

    scripts/um-run --time-travel env SEED=N /usr/bin/python3 tests/netns/test_netlink_fuzz.py
"""
import errno
import os
import random
import struct
import time

import genl
import topology as net
from genl import DUMP, NESTED, WORDS, attr
from sip import Call, sdp
from ksft import run, test
from topology import PHONE, RELAY, ROUTER, SERVER, Udp

SEED = int(os.environ.get("SEED") or random.randrange(1 << 32))
REQUESTS = 4000
NOBODY = 65534

net.build()
phone = Udp("phone", PHONE, 5060)
server = Udp("provider", SERVER, 5060)
netlink = genl.Netlink()


def begin(name, port):
    call = Call(name, f"{PHONE}:5060", f"{ROUTER}:5060", SERVER)
    phone.send(call.request("INVITE", sdp(PHONE, port)), SERVER)
    assert server.recv()
    server.send(call.response("200 OK", body=sdp(RELAY, 8000)), ROUTER)
    assert phone.recv()


def a(name, value):
    return attr(WORDS[f"SIPALG_A_{name}"], value)


def setting(*parts):
    return attr(WORDS["SIPALG_A_SETTING"] | NESTED, b"".join(parts))


def settings():
    """Every setting's value and range, by name."""
    err, answers = netlink.command("SETTING_GET", flags=DUMP)
    assert err == 0, err
    found = {}
    for answer in answers:
        nest = dict(genl.attrs_of(dict(genl.attrs_of(answer[4:]))[WORDS["SIPALG_A_SETTING"]]))
        found[nest[1].rstrip(b"\0").decode()] = {
            kind: struct.unpack("=I", value)[0]
            for kind, value in nest.items() if kind != 9 and len(value) == 4}
    return found


@test("contract", "bad input: each wrong request has its error, and nothing is changed")
def refused():
    before, wrong = settings(), []
    for name, attrs, flags, wanted in (
            ("SETTING_SET", b"", 0, errno.EINVAL),
            ("SETTING_SET", setting(), 0, errno.EINVAL),
            ("SETTING_SET", setting(attr(1, "no-such"), attr(2, 1)), 0, errno.ENOENT),
            ("SETTING_SET", setting(attr(1, "mode")), 0, errno.EINVAL),
            ("SETTING_SET", setting(attr(1, "mode"), attr(2, 4)), 0, errno.ERANGE),
            ("SETTING_SET", setting(attr(1, b"mode"), attr(2, 1)), 0, errno.EINVAL),
            ("SETTING_SET", setting(attr(1, "mode"), attr(2, b"\0\0")), 0, errno.EINVAL),
            ("SETTING_SET", setting(attr(1, "hold-timeout"), attr(2, 5)) +
             setting(attr(1, "mode"), attr(2, 9)), 0, errno.ERANGE),
            ("SETTING_SET", setting(attr(1, "media-ports"), attr(2, 0xffffffff)), 0, errno.ERANGE),
            ("SETTING_SET", setting(attr(1, "media-ports"), attr(2, 5000 << 16 | 4000)), 0,
             errno.ERANGE),
            ("SETTING_SET", setting(attr(1, "screen-exempt"), attr(10, b"\1\2\3")), 0, errno.EINVAL),
            ("SETTING_SET", setting(attr(1, "screen-exempt"), attr(10, bytes(2))), 0, errno.ERANGE),
            ("SETTING_SET", setting(attr(1, "screen-exempt"), attr(10, bytes(34))), 0, errno.ERANGE),
            ("CALL_GET", b"", 0, errno.EINVAL),
            ("CALL_GET", a("ID", 77777), 0, errno.ENOENT),
            ("CALL_GET", a("CALL_ID", bytes(513)), 0, errno.ERANGE),
            ("CALL_GET", a("ADDRESS", bytes(5)), DUMP, errno.EINVAL),
            ("CALL_GET", a("ADDRESS", bytes(17)), DUMP, errno.ERANGE),
            ("CALL_GET", a("ADDRESS", bytes(4)) + a("PREFIX", 33), DUMP, errno.ERANGE),
            ("CALL_GET", a("ADDRESS", bytes(16)) + a("PREFIX", 129), DUMP, errno.ERANGE),
            ("CALL_GET", a("PORT", 65536), DUMP, errno.ERANGE),
            ("CALL_GET", a("STATE", b"held"), DUMP, errno.EINVAL),
            ("CALL_END", b"", 0, errno.EINVAL),
            ("CALL_END", a("ID", 77777), 0, errno.ENOENT),
            ("SETTING_GET", b"", 0, errno.EOPNOTSUPP),
            ("CALL_NTF", b"", 0, errno.EOPNOTSUPP),
            ("PINHOLE_NTF", b"", DUMP, errno.EOPNOTSUPP)):
        got, _ = netlink.command(name, attrs, genl.ACK | flags)
        if got != wanted:
            wrong.append((name, attrs, got, wanted))
    assert not wrong, wrong
    assert settings() == before


@test("contract", "no command and no event for a user without CAP_NET_ADMIN (T-22)")
def nobody():
    child = os.fork()
    if not child:
        os.setgroups([])
        os.setresuid(NOBODY, NOBODY, NOBODY)
        ours = genl.Netlink(None)
        errors = [ours.command(name, flags=genl.ACK | flags)[0] for name, flags in (
            ("SETTING_GET", DUMP), ("SETTING_SET", 0), ("SETTING_RESET", 0), ("CALL_GET", 0),
            ("CALL_GET", DUMP), ("CALL_END", 0), ("REGISTRATION_GET", DUMP),
            ("STATS_GET", DUMP), ("STATS_RESET", 0))]
        os._exit(0 if set(errors) == {errno.EPERM} else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


@test("H-34", f"{REQUESTS} random and truncated requests: all are survived (seed {SEED})")
def wild():
    rng = random.Random(SEED)
    answered = 0
    for number in range(REQUESTS):
        if number % 200 == 0:
            begin(f"wild{number}", 4000 + number % 400)
        netlink.send(genl.wild_request(rng, netlink.family))
        while netlink.read(0):
            answered += 1
    while netlink.read(0.5):
        pass
    assert answered > REQUESTS / 2, answered
    for name, row in settings().items():
        value, low, high, zero = (row.get(kind, 0) for kind in (2, 4, 5, 6))
        if name == "media-ports":
            assert low <= value >> 16 < value & 0xffff <= high, row
        elif name != "screen-exempt":
            assert low <= value <= high or not value, (name, row)
        assert zero == 0
    assert netlink.command("SETTING_RESET")[0] == 0
    assert netlink.command("CALL_END", a("ALL", b""))[0] == 0
    begin("after", 4500)
    assert net.pinhole(ROUTER, 4500)


def listed(link):
    """The numbers of the calls in what is left of a list, and whether it says that it was interrupted."""
    numbers, interrupted = [], False
    while True:
        data = link.socket.recv(1 << 17)
        while len(data) >= 16:
            length, kind, flags = struct.unpack_from("=IHH", data)
            interrupted |= bool(flags & genl.DUMP_INTR)
            if kind == genl.NLMSG_DONE:
                return numbers, interrupted
            call = dict(genl.attrs_of(dict(genl.attrs_of(data[20:length]))[WORDS["SIPALG_A_CALL"]]))
            numbers += struct.unpack("=I", call[WORDS["SIPALG_A_CALL_NUMBER"]])
            data = data[(length + 3) & ~3:]


@test("contract", "a list whose table grows while it is read says that it was interrupted")
def grows():
    for number in range(400):
        begin(f"early{number}", 10000 + 2 * number)
    time.sleep(2)
    ours = genl.Netlink()
    ours.send(genl.message(ours.family, WORDS["SIPALG_CMD_CALL_GET"], flags=DUMP))
    for number in range(400, 1000):
        begin(f"late{number}", 10000 + 2 * number)
    time.sleep(1)
    numbers, interrupted = listed(ours)
    ours.close()
    assert len(numbers) > len(set(numbers)), "the list has not begun again: nothing was tried"
    assert interrupted
    err, answers = netlink.command("CALL_END", a("ALL", b""))
    assert err == 0, err
    count = dict(genl.attrs_of(answers[0][4:]))[WORDS["SIPALG_A_COUNT"]]
    assert struct.unpack("=I", count)[0] >= 1000, count
    err, answers = netlink.command("CALL_GET", flags=DUMP)
    assert err == 0 and not answers, (err, len(answers))


@test("H-34", "lists that nobody reads to the end hold nothing")
def abandoned():
    for number in range(200):
        begin(f"many{number}", 10000 + 2 * number)
    for number in range(50):
        ours = genl.Netlink()
        ours.send(genl.message(ours.family, WORDS["SIPALG_CMD_CALL_GET"], flags=DUMP))
        if number % 2:
            assert ours.read()
        ours.close()
    err, _ = netlink.command("CALL_END", a("ALL", b""))
    assert err == 0, err
    err, answers = netlink.command("CALL_GET", flags=DUMP)
    assert err == 0 and not answers, (err, len(answers))


run()
