#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""What README.md, doc/ and the manual pages show: is it what happens?

The screens there come from the story told here. To have them anew:
scripts/um-run --time-travel /usr/bin/python3 tests/netns/test_readme.py --print
"""
import os
import re
import subprocess
import sys
import time

import topology as net
from pages import pages, plain, read, typed_by
from screen import Terminal
from sip import Call, again, sdp
from call_helpers import phone, send_back as back, send_out as out
from events import Monitor
from ksft import run, test
from topology import PHONE, RELAY, ROUTER, SERVER, Udp, router, shell

TOOLS = os.path.abspath("tools/sipalg-ctl")
MANUAL = "tools/sipalg-ctl/sipalg-ctl.8"


def begin(name, port, *answers):
    call = Call(name, f"{PHONE}:5060", f"{ROUTER}:5060", SERVER)
    out(call.request("INVITE", sdp(PHONE, port)))
    time.sleep(0.2)
    for status in answers:
        body = sdp(RELAY, 8000) if status == "200 OK" else ""
        extra = "\nSession-Expires: 1800;refresher=uac" if body else ""
        back(call.response(status, body=body, extra=extra))
        time.sleep(1.5)
    if "200 OK" in answers:
        out(call.request("ACK", to_tag=True))
    return call


def registers():
    call = Call("register", f"{PHONE}:5060", f"{ROUTER}:5060", SERVER)
    out(call.request("REGISTER", extra="\nExpires: 600"))
    answer = call.response("200 OK", "REGISTER", extra="\nExpires: 600")
    back(again(answer, (f"bob@{SERVER}:5060", f"alice@{ROUTER}:5060")))


def talks(port, packets):
    ours, theirs = Udp("phone", PHONE, port), Udp("provider", RELAY, 8000)
    for _ in range(packets):
        theirs.send(b"x" * 172, ROUTER, port)
        assert ours.recv()
    ours.close()
    theirs.close()


def story():
    """Sixteen calls that are over, three that are not, and two odd messages."""
    router("sysctl -qw net.netfilter.nf_conntrack_acct=1")
    shell("sysctl -qw net.netfilter.nf_conntrack_expect_max=4096")
    shell("sysctl -qw net.netfilter.nf_conntrack_max=65536")
    # a module, as distributions have it
    shell("cd /sys/module; mount -t tmpfs tmpfs nf_conntrack; mkdir nf_conntrack/parameters;"
          "echo 256 >nf_conntrack/parameters/expect_hashsize; echo live >nf_conntrack/initstate")
    registers()
    for i in range(16):
        call = begin(f"c{i}", 5000 + 2 * i, "200 OK")
        out(call.request("BYE", cseq=2, to_tag=True))
        back(call.response("200 OK", "BYE"))
    time.sleep(40)
    call = begin("7d1f2c", 4000, "100 Trying", "180 Ringing", "200 OK")
    talks(4000, 500)
    nowhere = sdp(PHONE, 4000).replace(f"c=IN IP4 {PHONE}", "")
    phone.send(call.request("INVITE", nowhere, cseq=2, to_tag=True), SERVER)
    held = begin("b02e91", 4010, "200 OK")
    out(held.request("INVITE", sdp(PHONE, 4010, "a=sendonly"), cseq=2, to_tag=True))
    back(held.response("200 OK", body=sdp(RELAY, 8000, "a=recvonly")))
    out(held.request("ACK", to_tag=True))
    monitor = Monitor("")
    begin("44c0aa", 4020, "180 Ringing")
    told = monitor.lines()
    monitor.close()
    out(again(call.request("OPTIONS", cseq=3), ("CSeq: 3 OPTIONS", "CSeq: OPTIONS")))
    return "\n".join(told)


def tool(arguments, namespace="router"):
    """What the tool prints on a terminal of 80 columns and 24 lines."""
    if arguments == "monitor":
        return TOLD
    if arguments == "top":
        terminal = Terminal([TOOLS + "/sipalg-ctl", "-n", namespace, "top"])
        lines = terminal.screens(2)
        terminal.type(b"q")
        assert terminal.close() == 0
        return "\n".join(lines).rstrip()
    done = subprocess.run(f"{TOOLS}/sipalg-ctl -n {namespace} {arguments}", shell=True,
                          capture_output=True, text=True)
    assert done.returncode == 0, (arguments, done.stdout, done.stderr)
    assert all(len(line) <= 80 for line in done.stdout.splitlines()), done.stdout
    return done.stdout.rstrip()


def screens(text):
    """`$ sipalg-ctl ARGUMENTS` and the lines that follow it, all of them indented."""
    found = re.findall(r"(?m)^    \$ sipalg-ctl ?(.*)\n((?:(?:    (?!\$ ).*)?\n)*)", text)
    return [(arguments, re.sub(r"(?m)^    ", "", body).rstrip()) for arguments, body in found]


def shape(text):
    """What must stay: words, keys, their order; not how many, how long ago, which call first."""
    text = re.sub(r"\d+ m \d+ s|\d+ s\b", "# s", text)
    lines = [re.sub(r"[ -]+", " ", re.sub(r"\d+", "#", line)).strip() for line in text.splitlines()]
    return lines[:1] + sorted(lines[1:]) if re.search("CALLEE|OWNER", lines[0]) else lines


TOLD = story()
SCREENS = [screen for page in pages() for screen in screens(read(page))]
if "--print" in sys.argv:
    for shown, _ in SCREENS:
        print(f"$ sipalg-ctl {shown}\n{tool(shown)}\n")


@test("issue 5", "the screens in README.md and doc/ are those of the tool")
def shown_screens():
    for arguments, told in SCREENS:
        real = tool(arguments)
        assert shape(real) == shape(told), f"sipalg-ctl {arguments} prints\n{real}\nnot\n{told}"


@test("issue 5", "and there is one of each that people look at")
def all_screens():
    wanted = {"", "call list", "call show 17 --ladder", "registration list", "pinhole list", "top",
              "check", "stats show", "setting list", "monitor"}
    assert wanted <= {arguments for arguments, _ in SCREENS}, SCREENS


def typed(line):
    """A shell's exit status; what ends on request is asked to."""
    command = f"PATH={TOOLS}:$PATH; {line}"
    if re.match(r"sipalg-ctl top\b", line):
        tool("top")
        return 0
    if re.match(r"sipalg-ctl monitor\b", line):
        command = f"PATH={TOOLS}:$PATH; timeout --preserve-status -s INT 3 {line}"
    # ip netns exec would hide what is mounted below /sys
    done = subprocess.run(["nsenter", "--net=/run/netns/router", "sh", "-c", command],
                          capture_output=True, text=True)
    print(f"# {line}: {done.returncode} {done.stderr.strip()}")
    return done.returncode


@test("issue 8", "each reason that the module knows is explained to who looks for a fault")
def reasons():
    known = re.findall(r'(?m)^(?:MESSAGE|END)_REASON\(\w+, "(\w+)"', read("src/core/reasons.def"))
    page = read("doc/troubleshooting.md").split("## Reasons")[1].split("## Counters")[0]
    told = re.findall(r"(?m)^\| `(\w+)` \|", page)
    assert len(known) > 20 and sorted(told) == sorted(known), (known, told)


@test("issue 5", "each command in README.md, doc/ and the manual pages runs as it is written")
def commands():
    lines = typed_by("tests/netns/test_readme.py")
    assert len(lines) > 25, lines
    for line in lines:
        status = typed(line)
        # 130: it has no end but Ctrl-C
        assert status == (130 if "monitor" in line else 0), (line, status)
        if "nat64-pool" in line:
            # no translator runs here, and check says so to who reads on
            assert typed("sipalg-ctl check") == 3
            assert typed("sipalg-ctl setting set nat64-prefix none nat64-pool none") == 0


@test("issue 5", "the rules in README.md and sipalg(4) load and attach the helper")
def rules():
    blocks = re.findall(r"(?ms)^    (table inet sip \{.*?^    \})", read("README.md"))
    blocks += re.findall(r"(?ms)^(table inet sip \{.*?^\})", read("dist/sipalg.4"))
    assert len(blocks) == 2, blocks
    router("iptables -t raw -F")
    for block in blocks:
        net.detach()
        router("conntrack -D -p udp 2>/dev/null || true")
        net.attach(block)
        out(b"\r\n")
        assert "helper=sipalg" in router("conntrack -L -p udp 2>/dev/null")


@test("issue 5", "every command that the help tells is in the manual page, and the other way round")
def manual():
    helped = set(re.findall(r"(?m)^  (\w+(?: (?:list|show|set|reset|end))?)(?: |$)",
                            tool("--help")))
    assert len(helped) == 15, helped
    page = plain(read(MANUAL)).split(".SH COMMANDS\n")[1].split(".SH")[0]
    told = set(re.findall(r"(?m)^(\w+(?: (?:list|show|set|reset|end))?)(?: |$)", page))
    assert helped <= told, helped - told
    for option in re.findall(r"--?[a-z]+", tool("--help")):
        assert option in plain(read(MANUAL)) + "-h --help", option
    for filters in ("call-id", "address", "port", "state", "older", "idle", "from", "to", "account"):
        assert filters in tool("call --help") and filters in page, filters


run()
