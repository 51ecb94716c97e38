#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""In the user-mode kernel: YNL, a client that knows only the specification, sees a call."""
import shlex
import subprocess
import sys

sys.path.insert(0, sys.argv[2] + "/tests/netns")

import topology as net
from sip import Call, sdp
from topology import PHONE, SERVER, Udp

YNL = ["ip", "netns", "exec", "router", "/usr/bin/python3", "-B",
       sys.argv[1] + "/tools/net/ynl/pyynl/cli.py",
       "--spec", sys.argv[2] + "/spec/sipalg.yaml", "--no-schema"]


def ask(arguments, *words, status=0):
    done = subprocess.run(YNL + shlex.split(arguments), text=True, check=False,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    print(arguments, done.stdout, sep="\n", flush=True)
    if bool(done.returncode) != bool(status) or not all(word in done.stdout for word in words):
        sys.exit(f"{arguments}: not {words}")


net.build()
phone, server = Udp("phone", PHONE, 5060), Udp("provider", SERVER, 5060)
call = Call("ynl", f"{PHONE}:5060", "", SERVER)
phone.send(call.request("INVITE", sdp(PHONE, 4900)), SERVER)
if not server.recv():
    sys.exit("the INVITE did not arrive")

ask("--dump setting-get", "inactive-media-timeout", "'kind': 'number'")
ask("--dump stats-get", "memory_bytes")
ask("--dump registration-get", "[]")
ask("--dump call-get", "'state': 'early'", f"'ip': '{PHONE}'", "'kind': 'audio'")
ask("""--dump call-get --json '{"state": "confirmed"}'""", "[]")
ask("""--do call-get --json '{"id": 1}'""", "'word': 'INVITE'",
    "'invite-cseq': 1", "'name': 'unanswered'", "'field': 'contact'")
ask("""--do call-get --json '{"id": 9}'""", "there is no such call", status=1)
ask("""--do setting-set --json '{"setting": [{"name": "t4-interval", "value": 60}]}'""",
    "t4-interval: 5..10 s", status=1)
ask("""--do call-end --json '{"all": true}'""", "'count': 1")
ask("--do setting-reset --json '{}'")
