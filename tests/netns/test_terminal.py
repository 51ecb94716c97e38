#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""sipalg-ctl where a person sits: keys, colours, what top shows first, what the shell completes."""
import os
import subprocess

import topology as net
from ksft import run, test
from screen import Terminal
from sip import Call, again, sdp
from topology import OTHER, PHONE, RELAY, ROUTER, SERVER, Udp, shell

net.build()
TOOL = os.path.abspath("tools/sipalg-ctl/sipalg-ctl")
COLOUR = "\x1b["
phone, server = Udp("phone", PHONE, 5060), Udp("provider", SERVER, 5060)


def ctl(arguments):
    return shell(f"{TOOL} -n router {arguments}")


def begin(name, port, caller="alice", callee="bob", sock=None, host=PHONE):
    call = Call(name, f"{host}:5060", f"{ROUTER}:5060", SERVER)
    request = again(call.request("INVITE", sdp(host, port)), ("sip:alice@", f"sip:{caller}@"),
                    ("sip:bob@", f"sip:{callee}@"))
    (sock or phone).send(request, SERVER)
    assert server.recv()
    server.send(call.response("200 OK", body=sdp(RELAY, port)), *server.sender)
    assert (sock or phone).recv()


def stream(port):
    return Udp("phone", PHONE, port), Udp("provider", RELAY, port)


def packets(sockets, count):
    ours, theirs = sockets
    for _ in range(count):
        ours.send(b"x" * 160, RELAY, theirs.address[1])
        assert theirs.recv()


def top():
    return Terminal([TOOL, "-n", "router", "top"])


@test("fault U2", "top: Ctrl-Z gives the shell its terminal as it was; back again top has its own")
def stopped():
    terminal = top()
    terminal.screens(2)
    raw = terminal.mode()
    assert raw != terminal.before
    for _ in range(2):
        terminal.type(b"\x1a")
        _, status = os.waitpid(terminal.process.pid, os.WUNTRACED)
        assert os.WIFSTOPPED(status), status
        assert terminal.mode() == terminal.before, "the terminal is left raw"
        os.kill(terminal.process.pid, 18)
        terminal.screens(2)
        assert terminal.mode() == raw
    terminal.type(b"q")
    assert terminal.close() == 0


@test("fault U2", "top: Ctrl-C, a hangup and the end of input leave the terminal as it was")
def ended():
    for key in (b"\x03", b"\x1c", b"\x04", b"q"):
        terminal = top()
        terminal.screens()
        # the end of input is a key of a terminal that collects lines; here it is one like others
        terminal.type(key)
        if key == b"\x04":
            terminal.screens(1)
            terminal.type(b"q")
        assert terminal.close() == 0, key


def written(arguments, **environment):
    """What the tool writes on a terminal with these variables."""
    variables = {name: value for name, value in os.environ.items() if name not in ("NO_COLOR", "TERM")}
    terminal = Terminal([TOOL, "-n", "router", *arguments.split()], env={**variables, **environment})
    text = terminal.rest()
    terminal.close()
    return text


@test("fault U2", "colour: on a terminal only, not with NO_COLOR of any text, nor on one that has none")
def colour():
    call = Call("colour", f"{PHONE}:5060", f"{ROUTER}:5060", SERVER)
    begin("colour", 4880)
    phone.send(call.request("INVITE", sdp(PHONE, 4880).replace(f"c=IN IP4 {PHONE}", ""), cseq=2,
                            to_tag=True), SERVER)
    assert server.recv(0.5) is None
    for arguments in ("check", "call show call-id colour@call.example --ladder"):
        assert COLOUR in written(arguments, TERM="xterm"), arguments
        assert COLOUR in written(arguments, TERM="xterm", NO_COLOR=""), "an empty one says nothing"
        for variables in ({"TERM": "xterm", "NO_COLOR": "1"}, {"TERM": "xterm", "NO_COLOR": "0"},
                          {"TERM": "dumb"}):
            text = written(arguments, **variables)
            assert COLOUR not in text and len(text) > 200, (arguments, variables, text)
        piped = subprocess.run(f"TERM=xterm {TOOL} -n router {arguments}", shell=True,
                               capture_output=True, text=True)
        assert COLOUR not in piped.stdout and len(piped.stdout) > 200, piped
    ctl("call end --all")


@test("issue 25", "top: the calls with the most packets and the sources with the most calls come first")
def busiest():
    shell("nsenter -t 1 -n sysctl -qw net.netfilter.nf_conntrack_acct=1")
    net.router("sysctl -qw net.netfilter.nf_conntrack_acct=1")
    other = Udp("other", OTHER, 5060)
    begin("calm", 4890, callee="calm")
    begin("busy", 4892, callee="busy")
    begin("quiet", 4894, callee="quiet")
    begin("foreign", 4896, sock=other, host=OTHER)
    calm, busy = stream(4890), stream(4892)
    packets(calm, 2)
    packets(busy, 2)
    terminal = top()
    terminal.screens(1)
    packets(calm, 10)
    packets(busy, 40)
    for _ in range(5):
        lines = terminal.screens(1)
        if "busiest calls" in lines:
            break
    at = lines.index("busiest calls")
    first, second, blank = lines[at + 1:at + 4]
    assert "alice -> busy" in first and first.endswith(" 40 packets"), lines
    assert "alice -> calm" in second and second.endswith(" 10 packets"), lines
    assert blank == "", "a call of which nothing is heard is not busy"
    at = lines.index("busiest sources")
    assert lines[at + 1].split() == [PHONE, "3", "calls"], lines
    assert lines[at + 2].split() == [OTHER, "1", "calls"], lines
    terminal.type(b"q")
    assert terminal.close() == 0
    for sock in (*calm, *busy, other):
        sock.close()


@test("fault U2", "the shell completes values: numbers of calls, users, Call-IDs, words of settings")
def completion():
    def completed(*words):
        script = ("source tools/sipalg-ctl/completion.bash; COMP_WORDS=(sipalg-ctl \"$@\");"
                  "COMP_CWORD=$#; _sipalg_ctl; printf '%s\\n' \"${COMPREPLY[@]}\"")
        done = subprocess.run(["ip", "netns", "exec", "router", "bash", "-c", script, "-", *words],
                              env={**os.environ, "PATH": f"{os.path.dirname(TOOL)}:{os.environ['PATH']}"},
                              capture_output=True, text=True, check=True)
        return set(done.stdout.split())
    numbers = {line.split()[0] for line in ctl("call list").splitlines()[1:]}
    assert len(numbers) == 4
    assert completed("call", "show", "") == numbers, (numbers, completed("call", "show", ""))
    assert completed("call", "end", "") == numbers | {"--all"}
    assert completed("pinhole", "list", "call", "") == numbers
    assert completed("call", "list", "to", "") == {"busy", "calm", "quiet", "bob"}
    assert completed("call", "list", "from", "al") == {"alice"}
    assert completed("call", "list", "call-id", "qu") == {"quiet@call.example"}
    assert completed("call", "list", "from", "alice", "s") == {"state"}
    assert completed("setting", "set", "signalling-source", "") == {"registrar", "any"}
    assert completed("setting", "set", "signalling-peers", "") == {"none"}
    assert completed("setting", "set", "mode", "off", "ice", "r") == {"rewrite"}
    assert completed("setting", "set", "deny-methods", "SUB") == {"SUBSCRIBE"}
    assert completed("setting", "set", "max-calls", "") == set()
    assert completed("-n", "") >= {"router", "phone"}
    ctl("call end --all")


run()
