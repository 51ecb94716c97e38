#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""What lists cost: the tool's CPU time and memory for 50,000 calls, where time is real."""
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../netns"))
import topology as net                                      # noqa: E402
from ksft import run, test                                  # noqa: E402
from sip import Call                                        # noqa: E402
from topology import PHONE, ROUTER, SERVER, Udp, shell      # noqa: E402

CALLS, FEW, SECONDS = 50000, 1000, 1.0
TOOL = os.path.abspath("tools/sipalg-ctl/sipalg-ctl")
FORMS = ("call list", "-j call list", "call list account nobody", "stats show")
net.build()
phone, server = Udp("phone", PHONE, 5060), Udp("provider", SERVER, 5060)


def measured(arguments):
    """(seconds of CPU, user and kernel; KiB of memory; lines) of one run."""
    with open("/tmp/list", "w", encoding="ascii") as out:
        process = os.posix_spawn(TOOL, [TOOL, "-n", "router", *arguments.split()], os.environ,
                                 file_actions=[(os.POSIX_SPAWN_DUP2, out.fileno(), 1)])
        _, status, usage = os.wait4(process, 0)
    assert status == 0, (arguments, status)
    with open("/tmp/list", encoding="ascii") as text:
        lines = text.read().count('"id"' if "-j" in arguments else "\n")
    return usage.ru_utime + usage.ru_stime, usage.ru_maxrss, lines


def begin(first, last):
    for number in range(first, last):
        call = Call(f"c{number}", f"{PHONE}:5060", f"{ROUTER}:5060", SERVER)
        phone.send(call.request("INVITE"), SERVER)
        assert server.recv(), number


@test("issue 25", "50,000 calls are listed within a second of CPU, in the memory that 1,000 take")
def lists():
    shell(f"{TOOL} -n router setting set max-calls 65536 max-calls-per-source {CALLS + 1}")
    begin(0, FEW)
    few = {form: measured(form) for form in FORMS}
    begin(FEW, CALLS)
    for form in FORMS:
        seconds, memory, lines = measured(form)
        print(f"# {form}: {seconds:.2f} s, {memory} KiB ({few[form][1]} for {FEW}), {lines} lines")
        assert seconds < SECONDS, (form, seconds)
        assert memory < few[form][1] + 512, (form, memory, few[form])
        if form.endswith("call list"):
            assert lines in (CALLS, CALLS + 1), lines
    shell(f"{TOOL} -n router call end --all")


run()
