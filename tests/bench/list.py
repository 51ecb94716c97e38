#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""What lists cost: the tool's CPU time and memory for 50,000 calls, where time is real."""
import os
import subprocess
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


def listed(arguments, memory, path="/dev/null"):
    """Seconds of CPU, the program's and the kernel's, within so much memory; None: it does not suffice."""
    with open(path, "w", encoding="ascii") as out:
        process = subprocess.Popen(["prlimit", f"--as={memory}", TOOL, "-n", "router", *arguments.split()],
                                   stdout=out, stderr=subprocess.DEVNULL)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = status
    return None if status else usage.ru_utime + usage.ru_stime


def enough(arguments):
    """The least memory, in steps of 128 KiB, that it needs now."""
    return next(memory for memory in range(1 << 20, 64 << 20, 128 << 10) if listed(arguments, memory) is not None)


def count(arguments, memory):
    """How many calls it lists."""
    listed(arguments, memory, "/tmp/list")
    with open("/tmp/list", encoding="ascii") as text:
        return text.read().count("@call.example" if "-j" in arguments else "alice")


def begin(first, last):
    for number in range(first, last):
        call = Call(f"c{number}", f"{PHONE}:5060", f"{ROUTER}:5060", SERVER)
        phone.send(call.request("INVITE"), SERVER)
        assert server.recv(), number


@test("issue 25", "50,000 calls are listed within a second of CPU, in the memory that 1,000 take")
def lists():
    shell(f"{TOOL} -n router setting set max-calls 65536 max-calls-per-source {CALLS + 1}")
    begin(0, FEW)
    few = {form: enough(form) for form in FORMS}
    begin(FEW, CALLS)
    for form in FORMS:
        # others disturb it: the least disturbed counts
        done = [listed(form, few[form]) for _ in range(5)]
        assert None not in done, f"{form}: {few[form]} bytes do not suffice"
        print(f"# {form}: {min(done):.2f} to {max(done):.2f} s in {few[form] >> 10} KiB as {FEW} calls",
              flush=True)
        assert min(done) < SECONDS, (form, done)
        if form.endswith("call list"):
            assert count(form, few[form]) == CALLS
    shell(f"{TOOL} -n router call end --all")


run()
