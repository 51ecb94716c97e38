# SPDX-License-Identifier: GPL-2.0
"""The smoke test's part inside the guest, in TAP.

The tests build on each other: each begins in the state that the one before it
left, as a user would go about it.
"""

import contextlib
import json
import os
import re
import socket
import subprocess
import sys
import traceback

import netns

HERE = os.path.dirname(os.path.abspath(__file__))
PHONE, ROUTER, PROVIDER, CALLEE = "192.168.1.10", "203.0.113.1", "203.0.113.10", "198.51.100.20"
PHONE6, PROVIDER6 = "2001:db8:1::10", "2001:db8:2::10"
# Of the kernel's taint flags, what any module that is not Debian's own sets.
OUT_OF_TREE, UNSIGNED = 1 << 12, 1 << 13
COMPLAINTS = re.compile(r"WARNING: |BUG: |Oops|general protection|Call Trace|refcount_t:|"
                        r"scheduling while atomic|soft lockup|detected stall")
TESTS = []


def test(description):
    def add(function):
        TESTS.append((description, function))
        return function
    return add


def equal(got, wanted, what):
    if got != wanted:
        raise AssertionError(f"{what}: {got!r}, not {wanted!r}")


def command(*words, stdin=None):
    return subprocess.run(words, input=stdin, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          text=True, check=False)


def do(*words, stdin=None):
    done = command(*words, stdin=stdin)
    if done.returncode:
        raise AssertionError(f"{' '.join(words)}: {done.stdout.strip()}")
    return done.stdout


def loaded(module):
    with open("/proc/modules") as modules:
        return any(line.split()[0] == module for line in modules)


def nft(rules):
    with netns.inside("router"):
        do("nft", "-f", "-", stdin=rules)


def helper_rules(family="inet", kind="sipalg"):
    with open(f"{HERE}/helper.nft") as file:
        rules = file.read()
    return rules.replace("table inet", f"table {family}").replace('"sipalg"', f'"{kind}"')


def forget(family="inet"):
    """Takes the helper's rules away and the connections that have it."""
    nft(f"delete table {family} sip")
    netns.run("router", "conntrack", "-F")


def unload():
    """Waits: the connections that had the helper end after the rules do."""
    netns.wait_until(lambda: command("rmmod", "sipalg").returncode == 0, 10, "rmmod sipalg")


@contextlib.contextmanager
def flow(protocol, source, destination):
    """A connection from the phone to port 5060 of the provider."""
    family = socket.AF_INET6 if ":" in source else socket.AF_INET
    kind = socket.SOCK_STREAM if protocol == "tcp" else socket.SOCK_DGRAM
    with contextlib.ExitStack() as stack:
        with netns.inside("provider"):
            server = stack.enter_context(socket.socket(family, kind))
        with netns.inside("phone"):
            client = stack.enter_context(socket.socket(family, kind))
        server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        server.bind((destination, 5060))
        for sock in server, client:
            sock.settimeout(5)
        if protocol == "tcp":
            server.listen()
            client.bind((source, 0))
            client.connect((destination, 5060))
            server = stack.enter_context(server.accept()[0])
            server.settimeout(5)
        else:
            client.bind((source, 5060))
            client.connect((destination, 5060))
        yield client, server


def check_attached(protocol, source, destination, name="sipalg"):
    with flow(protocol, source, destination) as (client, server):
        client.sendall(b"\r\n\r\n")
        server.recv(100)
        family = "ipv6" if ":" in source else "ipv4"
        lines = netns.run("router", "conntrack", "-L", "-f", family, "-p", protocol).splitlines()
    lines = [line for line in lines if f"src={source} " in line]
    if not any(f"helper={name}" in line for line in lines):
        raise AssertionError(f"no connection has helper={name}: {lines}")


# -- SIP -------------------------------------------------------------------

def request(method, target, number, contact=f"{PHONE}:5060", transport="UDP", call="smoke",
            to_tag="", body="", more=()):
    """A request as a phone inside writes it, with its own address everywhere."""
    lines = [f"{method} {target} SIP/2.0",
             f"Via: SIP/2.0/{transport} {contact};branch=z9hG4bK{call}{number}{method};rport",
             "Max-Forwards: 70",
             "From: <sip:alice@provider.example>;tag=a",
             f"To: <sip:bob@provider.example>{to_tag}",
             f"Call-ID: {call}@phone",
             f"CSeq: {number} {method}",
             f"Contact: <sip:alice@{contact}>", *more]
    return with_body(lines, body)


def answer(to, contact, body=""):
    """The 200 OK of the provider or the callee to a request."""
    lines = ["SIP/2.0 200 OK"]
    lines += [f"{name}: {header(to, name)}" for name in ("Via", "From", "Call-ID", "CSeq")]
    tag = "" if "tag=" in header(to, "To") else ";tag=b"
    lines += [f"To: {header(to, 'To')}{tag}", f"Contact: {contact}"]
    return with_body(lines, body)


def with_body(lines, body):
    kind = ["Content-Type: application/sdp"] if body else []
    return "\r\n".join([*lines, *kind, f"Content-Length: {len(body)}", "", body]).encode()


def sdp(address, port):
    return "\r\n".join(["v=0", f"o=- 1 1 IN IP4 {address}", "s=-", f"c=IN IP4 {address}", "t=0 0",
                        f"m=audio {port} RTP/AVP 0", "a=sendrecv", ""])


def header(message, name):
    found = re.search(rf"^{name}:\s*(.*?)\r?$", message.decode(), re.MULTILINE)
    if not found:
        raise AssertionError(f"no {name} in {message!r}")
    return found.group(1)


def sdp_line(message, kind):
    found = re.search(rf"^{kind}=(.*?)\r?$", message.decode(), re.MULTILINE)
    return found.group(1) if found else None


class Call:
    """One call by hand, with signalling to the provider and media to the callee."""

    def __init__(self):
        self.phone = netns.udp_socket("phone", PHONE, 5060)
        self.server = netns.udp_socket("provider", PROVIDER, 5060)
        self.near = [netns.udp_socket("phone", PHONE, port) for port in (4000, 4001)]
        self.far = [netns.udp_socket("callee", CALLEE, port) for port in (6000, 6001)]
        for sock in (self.phone, self.server, *self.near, *self.far):
            sock.settimeout(5)
        self.public_port = None
        self.source = None

    def out(self, message):
        """Sends from the phone; what the provider gets."""
        self.phone.sendto(message, (PROVIDER, 5060))
        data, self.source = self.server.recvfrom(65536)
        return data

    def back(self, message):
        self.server.sendto(message, self.source)
        return self.phone.recv(65536)

    def media_in(self, which, text):
        self.far[which].sendto(text, (ROUTER, self.public_port + which))

    def close(self):
        for sock in (self.phone, self.server, *self.near, *self.far):
            sock.close()


CALL = None


# -- the tests ----------------------------------------------------------------

@test("modprobe loads it; the kernel is tainted by nothing but an out-of-tree module")
def _():
    with open("/proc/sys/kernel/tainted") as file:
        equal(int(file.read()), 0, "taint before")
    do("modprobe", "sipalg")
    with open("/proc/sys/kernel/tainted") as file:
        equal(int(file.read()) & ~(OUT_OF_TREE | UNSIGNED), 0, "other taint after")


@test("a module that no rule uses unloads")
def _():
    unload()
    equal(loaded("sipalg"), False, "loaded")


@test('an nft rule of type "sipalg" loads it')
def _():
    do(f"{HERE}/topology.sh")
    nft(helper_rules())
    equal(loaded("sipalg"), True, "loaded")
    equal(loaded("nf_conntrack_sip"), False, "in-tree helper loaded")


@test("it cannot be unloaded under a rule that uses it")
def _():
    equal(command("rmmod", "sipalg").returncode, 1, "exit status of rmmod")
    equal(loaded("sipalg"), True, "loaded")


def add_ipv6():
    for where, address, interface in (("phone", PHONE6, "eth0"), ("router", "2001:db8:1::1", "lan"),
                                      ("router", "2001:db8:2::1", "wan"),
                                      ("provider", PROVIDER6, "uplink")):
        do("ip", "-n", where, "address", "add", f"{address}/64", "dev", interface, "nodad")
    do("ip", "-n", "phone", "route", "add", "default", "via", "2001:db8:1::1")
    do("ip", "-n", "provider", "route", "add", "2001:db8:1::/64", "via", "2001:db8:2::1")
    with netns.inside("router"), open("/proc/sys/net/ipv6/conf/all/forwarding", "w") as file:
        file.write("1")
    nft("add rule inet firewall postrouting meta nfproto ipv6 accept")


def attach_test(family, protocol, source, destination):
    @test(f"a rule of a table {family} attaches it to {protocol} port 5060")
    def _():
        nft(helper_rules(family))
        check_attached(protocol, source, destination)
        forget(family)


@test("it unloads once the rules are gone")
def _():
    forget()
    unload()
    add_ipv6()


for _protocol in "udp", "tcp":
    attach_test("ip", _protocol, PHONE, PROVIDER)
    attach_test("ip6", _protocol, PHONE6, PROVIDER6)


@test("iptables -j CT --helper sipalg attaches it")
def _():
    rule = ["-t", "raw", "-A", "PREROUTING", "-p", "udp", "--dport", "5060",
            "-j", "CT", "--helper", "sipalg"]
    netns.run("router", "iptables", *rule)
    netns.run("router", "ip6tables", *rule)
    check_attached("udp", PHONE, PROVIDER)
    check_attached("udp", PHONE6, PROVIDER6)
    for tool in "iptables", "ip6tables":
        netns.run("router", tool, "-t", "raw", "-F")
    netns.run("router", "conntrack", "-F")


@test("a REGISTER's Contact and Via name the router outside, its answer the phone inside")
def _():
    global CALL
    nft(helper_rules())
    CALL = Call()
    seen = CALL.out(request("REGISTER", "sip:provider.example", 1, more=["Expires: 600"]))
    public = f"{ROUTER}:{CALL.source[1]}"
    equal(header(seen, "Contact"), f"<sip:alice@{public}>", "Contact outside")
    equal(header(seen, "Via").split()[1].split(";")[0], public, "Via outside")
    got = CALL.back(answer(seen, f"{header(seen, 'Contact')};expires=600"))
    equal(header(got, "Contact"), f"<sip:alice@{PHONE}:5060>;expires=600", "Contact inside")


@test("an INVITE's c= and m= name the router, with a pair of ports, even and odd")
def _():
    seen = CALL.out(request("INVITE", "sip:bob@provider.example", 2, body=sdp(PHONE, 4000)))
    CALL.invite = seen
    body = seen.split(b"\r\n\r\n", 1)[1]
    equal(header(seen, "Contact"), f"<sip:alice@{ROUTER}:{CALL.source[1]}>", "Contact")
    equal(header(seen, "Content-Length"), str(len(body)), "Content-Length")
    equal(sdp_line(seen, "c"), f"IN IP4 {ROUTER}", "c=")
    CALL.public_port = int(sdp_line(seen, "m").split()[1])
    equal(CALL.public_port % 2, 0, "m= port odd")
    holes = netns.run("router", "conntrack", "-L", "expect")
    for port in CALL.public_port, CALL.public_port + 1:
        equal(f"dport={port} " in holes, True, f"pinhole for port {port} in {holes}")


@test("media and RTCP come in through the pinholes, from another host than the provider's")
def _():
    for which, text in enumerate((b"early rtp", b"early rtcp")):
        CALL.media_in(which, text)
        equal(CALL.near[which].recv(100), text, "packet at the phone")


@test("answered, media and RTCP go out from the same ports, and back")
def _():
    got = CALL.back(answer(CALL.invite, f"<sip:bob@{CALLEE}:5060>", sdp(CALLEE, 6000)))
    equal(sdp_line(got, "c"), f"IN IP4 {CALLEE}", "c= of the answer")
    equal(sdp_line(got, "m"), "audio 6000 RTP/AVP 0", "m= of the answer")
    CALL.out(request("ACK", f"sip:bob@{CALLEE}", 2, to_tag=";tag=b"))
    for which in 0, 1:
        CALL.near[which].sendto(b"out", (CALLEE, 6000 + which))
        data, source = CALL.far[which].recvfrom(100)
        equal((data, source), (b"out", (ROUTER, CALL.public_port + which)), "packet at the callee")
        CALL.media_in(which, b"in")
        equal(CALL.near[which].recv(100), b"in", "packet at the phone")


def ctl(*words, status=0):
    """What sipalg-ctl prints about the router; its data, if asked for by -j."""
    done = command(f"{HERE}/../../tools/sipalg-ctl/sipalg-ctl", "-n", "router", *words)
    equal(done.returncode, status, f"exit status of sipalg-ctl {' '.join(words)}: {done.stdout}")
    return json.loads(done.stdout) if words[0] == "-j" and not status else done.stdout


@test("sipalg-ctl lists, filters and shows the call, sets all or nothing, and is refused in words")
def _():
    call, = ctl("-j", "call", "list")
    equal((call["call_id"], call["state"]), ("smoke@phone", "confirmed"), "the call")
    for found, *words in ((1, "address", "192.168.1.0/24", "state", "confirmed"),
                          (1, "call-id", "smoke@phone"), (0, "port", "1"), (0, "idle", "3600")):
        equal(len(ctl("-j", "call", "list", *words)), found, f"calls with {words}")
    equal(ctl("-j", "call", "show", str(call["id"]))["media"][0]["private"], f"{PHONE}:4000",
          "media")
    equal("no such call" in ctl("call", "show", "4000000", status=2), True, "what is refused")
    ctl("setting", "set", "hold-timeout", "60", "screen-exempt", "401,486")
    ctl("setting", "set", "hold-timeout", "90", "media-ports", "40001-40001", status=2)
    now = {row["name"]: row["value"] for row in ctl("-j", "setting", "list")}
    equal((now["hold-timeout"], now["screen-exempt"]), (60, "401,486"), "settings")
    ctl("setting", "reset")
    equal(ctl("-j", "stats", "show")["calls"]["active"], 1, "calls counted")
    equal(len(ctl("-j", "registration", "list")), 1, "registrations")


@test("another helper's module unloaded amid the call harms neither media nor what follows")
def _():
    do("modprobe", "nf_conntrack_ftp")
    do("rmmod", "nf_conntrack_ftp")
    CALL.media_in(0, b"still")
    equal(CALL.near[0].recv(100), b"still", "packet at the phone")


@test("hanging up closes the pinholes and the media")
def _():
    seen = CALL.out(request("BYE", f"sip:bob@{CALLEE}", 3, to_tag=";tag=b"))
    got = CALL.back(answer(seen, f"<sip:bob@{CALLEE}:5060>"))
    equal(got.startswith(b"SIP/2.0 200 "), True, "answer to BYE")
    ports = [f"dport={CALL.public_port + i} " for i in (0, 1)]

    def gone():
        lines = netns.table("router", "nf_conntrack_expect") + netns.table("router", "nf_conntrack")
        return not any(port in line for line in lines for port in ports)
    netns.wait_until(gone, 12, "pinholes and media to be gone")
    CALL.media_in(0, b"late")
    CALL.near[0].settimeout(0.5)
    try:
        raise AssertionError(f"the phone got {CALL.near[0].recv(100)!r} after the call")
    except TimeoutError:
        pass
    CALL.close()


@test("the tracepoints tell what is done")
def _():
    tracing = "/sys/kernel/tracing"
    if not os.path.exists(f"{tracing}/trace"):
        do("mount", "-t", "tracefs", "tracefs", tracing)
    with open(f"{tracing}/events/sipalg/enable", "w") as file:
        file.write("1")
    with flow("udp", PHONE, PROVIDER) as (client, server):
        client.sendall(request("OPTIONS", "sip:provider.example", 1, call="traced"))
        server.recv(65536)
    with open(f"{tracing}/events/sipalg/enable", "w") as file:
        file.write("0")
    with open(f"{tracing}/trace") as file:
        lines = [line.strip() for line in file if "sipalg_" in line]
    equal(len(lines), 2, f"events in {lines}")
    equal(f" udp {PHONE}:5060 -> {PROVIDER}:5060 len=" in lines[0] and
          "sipalg_parse: " in lines[0] and lines[0].endswith("method=OPTIONS status=0 cseq=1"),
          True, lines[0])
    equal("sipalg_plan: " in lines[1] and " pass edits=" in lines[1], True, lines[1])


@test("over TCP a REGISTER's Contact names the router, its answer the phone")
def _():
    with flow("tcp", PHONE, PROVIDER) as (client, server):
        port = client.getsockname()[1]
        client.sendall(request("REGISTER", "sip:provider.example", 1, f"{PHONE}:{port}", "TCP",
                               "tcp", more=["Expires: 600"]))
        seen = server.recv(65536)
        public = f"{ROUTER}:{server.getpeername()[1]}"
        equal(header(seen, "Contact"), f"<sip:alice@{public}>", "Contact outside")
        server.sendall(answer(seen, f"{header(seen, 'Contact')};expires=600"))
        got = client.recv(65536)
        equal(header(got, "Contact"), f"<sip:alice@{PHONE}:{port}>;expires=600", "Contact inside")


@test("the rules gone, it unloads with its registrations, and loads again")
def _():
    forget()
    unload()
    do("modprobe", "sipalg")
    unload()


@test('helper_name=sip serves rules of type "sip" in the place of the in-tree helper')
def _():
    do("modprobe", "sipalg", "helper_name=sip")
    nft(helper_rules(kind="sip"))
    equal(loaded("nf_conntrack_sip"), False, "in-tree helper loaded")
    check_attached("udp", PHONE, PROVIDER, "sip")
    forget()
    unload()


@test("a name that the in-tree helper has taken is an error with a reason, and no more")
def _():
    do("modprobe", "nf_conntrack_sip")
    equal(command("modprobe", "sipalg", "helper_name=sip").returncode, 1, "exit status of modprobe")
    lines = [line for line in do("dmesg").splitlines() if "sipalg: " in line]
    equal(any("nf_conntrack_sip" in line or "helper_name" in line for line in lines[-3:]), True,
          f"a reason in the kernel log {lines[-3:]}")
    equal(loaded("sipalg"), False, "loaded")
    do("rmmod", "nf_conntrack_sip")


@test("both helpers can be loaded side by side under their own names")
def _():
    do("modprobe", "nf_conntrack_sip")
    do("modprobe", "sipalg")
    unload()


@test("the kernel had nothing to complain of")
def _():
    equal([line for line in do("dmesg").splitlines() if COMPLAINTS.search(line)], [], "complaints")


def main():
    failed = 0
    print(f"1..{len(TESTS)}", flush=True)
    for number, (description, function) in enumerate(TESTS, 1):
        try:
            function()
            print(f"ok {number} - {description}", flush=True)
        except Exception:
            failed += 1
            print(f"not ok {number} - {description}")
            print("".join(f"# {line}\n" for line in traceback.format_exc().splitlines()), end="",
                  flush=True)
    return 1 if failed else 0


sys.exit(main())
