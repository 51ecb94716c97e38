#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""
IPv6-only phones, tayga, NAT44, an IPv4-only provider: each row of the table in
doc/nat64.md, with the recipe's own files and a real translator between.
"""
import ipaddress
import json
import os
import re
import subprocess

import topology as net
from sip import Call, again, message, sdp
from ksft import run, same, test
from topology import (OTHER, OTHER6, PHONE6, RELAY, ROUTER, SERVER, STRANGER, Tcp, Udp,
                      router, shell)

CTL = os.path.abspath("tools/sipalg-ctl/sipalg-ctl")
RECIPE = os.path.abspath("recipes/nat64")
S, S2 = "10.64.0.10", "10.64.0.20"
PREFIX = "2001:db8:64::/96"
# one of each length of RFC 6052, none of them the router's own
PREFIXES = ("3fff:64::/32", "3fff:64:100::/40", "3fff:64:122::/48", "3fff:64:122:300::/56",
            "3fff:64:122:344::/64", "3fff:64:122:344::/96")


def ctl(arguments, status=0):
    done = subprocess.run(f"{CTL} -n router {arguments}", shell=True, capture_output=True, text=True)
    assert done.returncode == status, (arguments, done.returncode, done.stdout, done.stderr)
    return done.stdout + done.stderr


def embed(ip4, prefix=PREFIX):
    """RFC 6052 2.2, written without a look at the module's."""
    network = ipaddress.ip_network(prefix)
    octets = bytearray(network.network_address.packed)
    place = network.prefixlen // 8
    for byte in ipaddress.ip_address(ip4).packed:
        if place == 8:
            place += 1
        octets[place] = byte
        place += 1
    return str(ipaddress.ip_address(bytes(octets)))


class Translator:
    """tayga in the router's namespace, by the recipe; one at a time."""
    running = None

    @classmethod
    def start(cls, prefix=PREFIX):
        if cls.running:
            cls.running.kill()
            cls.running.wait()
            router(f"sh -c 'ip link del nat64; nft delete table inet sip64; "
                   f"ip -6 route del {cls.prefix} 2>/dev/null; {CTL} setting reset; "
                   f"{CTL} call end --all; conntrack -F 2>/dev/null || true'")
        cls.prefix = prefix
        with open(f"{RECIPE}/tayga.conf", encoding="ascii") as file:
            config = re.sub(r"(?m)^prefix .*", f"prefix {prefix}", file.read())
        with open("/tmp/tayga.conf", "w", encoding="ascii") as file:
            file.write(config)
        # the script as it is, but for a daemon that stays ours to end
        with open(f"{RECIPE}/start.sh", encoding="ascii") as file:
            script = file.read().replace('tayga --config "$CONFIG"\n', "")
        assert "tayga --mktun" in script
        with open("/tmp/start.sh", "w", encoding="ascii") as file:
            file.write(script)
        router(f"env PATH={os.path.dirname(CTL)}:$PATH CONFIG=/tmp/tayga.conf PREFIX={prefix} "
               f"sh -c 'cd {RECIPE} && sh /tmp/start.sh'")
        cls.running = subprocess.Popen(
            ["ip", "netns", "exec", "router", "tayga", "--nodetach", "--config", "/tmp/tayga.conf"],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        net.until(cls.carries, 20)
        router("conntrack -F 2>/dev/null || true")

    @classmethod
    def carries(cls):
        assert cls.running.poll() is None, "tayga has ended"
        phone.send(b"\r\n\r\n", embed(SERVER, cls.prefix))
        other.send(b"\r\n\r\n", embed(SERVER, cls.prefix))
        return server.recv(0.5) and server.recv(0.5)


class Siit(Translator):
    """Jool's SIIT in a namespace, by its recipe; its module is loaded (scripts/jool)."""

    # `ip netns exec` has mounts of its own: a namespace made there would end with it
    ENTER = "nsenter --net=/run/netns/router"

    @classmethod
    def start(cls, prefix=PREFIX):
        if cls.running:
            shell(f"{cls.ENTER} sh -c 'ip netns del siit; ip link del nat64 2>/dev/null; nft delete table inet sip64; "
                  f"{CTL} setting reset; {CTL} call end --all; conntrack -F 2>/dev/null || true'")
        Translator.prefix, cls.running = prefix, True
        with open(f"{RECIPE}/jool.sh", encoding="ascii") as file:
            script = file.read().replace("modprobe jool_siit\n", "")
        assert "jool_siit instance add" in script
        with open("/tmp/jool.sh", "w", encoding="ascii") as file:
            file.write(script)
        shell(f"{cls.ENTER} env PATH={os.path.dirname(CTL)}:$PATH PREFIX={prefix} "
              f"sh -c 'cd {RECIPE} && sh /tmp/jool.sh'")
        net.until(cls.carries, 20)
        router("conntrack -F 2>/dev/null || true")

    @classmethod
    def carries(cls):
        phone.send(b"\r\n\r\n", embed(SERVER, cls.prefix))
        other.send(b"\r\n\r\n", embed(SERVER, cls.prefix))
        return server.recv(0.5) and server.recv(0.5)


net.build(nat="")
router("nft flush ruleset")
shell("ip -n phone -4 addr flush dev eth0; ip -n provider -4 route del default; "
      "ip -n provider -6 addr flush dev eth0")
phone = Udp("phone", PHONE6, 5060)
other = Udp("other", OTHER6, 5060)
server = Udp("provider", SERVER, 5060)
start = Siit.start if "SIIT" in os.environ else Translator.start
start()


def six(ip4=SERVER):
    return embed(ip4, Translator.prefix)


def stats(reason):
    return json.loads(ctl("-j stats show"))["passed_unchanged"].get(reason, 0)


class Six(Call):
    """A call of the IPv6 phone: what it writes, and what the provider does."""

    def __init__(self, name, host=f"[{PHONE6}]:5060", seen=f"{ROUTER}:5060", transport="UDP"):
        super().__init__(name, host, seen, f"[{six()}]", transport)

    def at_server(self):
        call = Call(self.name, self.seen, self.seen, SERVER, self.transport)
        call.cseq = self.cseq
        return call


def hidden(data, *changes):
    """A message of the phone as the provider gets it."""
    for old, new in ((f"[{PHONE6}]", ROUTER), (f"[{six()}]", SERVER),
                     (f"IP6 {PHONE6}", f"IP4 {ROUTER}")) + changes:
        data = data.replace(old.encode(), new.encode())
    return again(data)


def out(data, *changes):
    phone.send(data, six())
    same(server.recv(), hidden(data, *changes))


# In answers From and To come back as the phone has written them.
ECHO = ((f"alice@{SERVER}>", "alice@[%s]>"), (f"bob@{SERVER}>", "bob@[%s]>"),
        (f"bob@{SERVER}:5060>", "bob@[%s]:5060>"))


def shown(data, *changes):
    """An answer of the provider as the phone gets it."""
    for old, new in ((f"UDP {ROUTER}", f"UDP [{PHONE6}]"),) + ECHO + changes:
        data = data.replace(old.encode(), (new.replace("%s", six())).encode())
    data = re.sub(rb"IN IP4 ([1-9][0-9.]+)\r",
                  lambda m: b"IN IP6 " + six(m[1].decode()).encode() + b"\r", data)
    return again(data)


def back(data, *changes):
    server.send(data, ROUTER)
    same(phone.recv(), shown(data, *changes))


def audio(ours, theirs, port, relay_port, outside_first=True):
    """RTP and RTCP, both ways; the first packet comes from outside."""
    for offset in (0, 1):
        inner = Udp("phone", ours, port + offset)
        outer = Udp("provider", theirs, relay_port + offset)
        if outside_first:
            outer.send(b"in", ROUTER, port + offset)
            assert inner.recv() == b"in", "media from outside"
        inner.send(b"out", six(theirs), relay_port + offset)
        assert outer.recv() == b"out" and outer.sender == (ROUTER, port + offset)
        inner.close()
        outer.close()


def call_through(name, port):
    call = Six(name)
    out(call.request("INVITE", sdp(PHONE6, port)))
    line = net.pinhole(ROUTER, port)
    assert line, net.expectations()
    back(call.at_server().response("200 OK", body=sdp(RELAY, port + 2000)))
    out(call.request("ACK", to_tag=True))
    audio(PHONE6, RELAY, port, port + 2000)
    return call


def hang_up(call):
    out(call.request("BYE", cseq=call.cseq + 1, to_tag=True))
    back(call.at_server().response("200 OK", "BYE"))


@test("issue 23", "the settings: both in one command, and what is refused by a sentence")
def settings():
    rows = {row["name"]: row for row in json.loads(ctl("-j setting list"))}
    assert rows["nat64-prefix"]["value"] == PREFIX and rows["nat64-prefix"]["default"] == "none"
    assert rows["nat64-pool"]["value"] == "10.64.0.0/16" and rows["nat64-pool"]["default"] == "none"
    text = ctl("setting list")
    assert PREFIX in text and max(map(len, text.splitlines())) <= 80, text
    for prefix, pool, sentence in (
            ("2001:db8:64::/95", "10.64.0.0/16", "/32, /40, /48, /56, /64 or /96"),
            ("2001:db8:64::/128", "10.64.0.0/16", "/32, /40, /48, /56, /64 or /96"),
            ("2001:d00::/24", "10.64.0.0/16", "/32, /40, /48, /56, /64 or /96"),
            ("::/0", "10.64.0.0/16", "/32, /40, /48, /56, /64 or /96"),
            ("2001:db8:64::1/96", "10.64.0.0/16", "behind its length"),
            ("2001:db8:64:0:ff00::/96", "10.64.0.0/16", "bits 64 to 71"),
            ("::ffff:0:0/96", "10.64.0.0/16", "routed"), ("fe80::/64", "10.64.0.0/16", "routed"),
            ("ff0e::/96", "10.64.0.0/16", "routed"),
            ("10.0.0.0/8", "10.64.0.0/16", "IPv6 prefix"), (PREFIX, "2001:db8::/32", "IPv4 prefix"),
            (PREFIX, "10.64.0.1/16", "behind its length"), (PREFIX, "10.64.0.0/33", "/8 to /32"),
            (PREFIX, "0.0.0.0/0", "/8 to /32"), (PREFIX, "127.0.0.0/8", "phone"),
            (PREFIX, "224.0.0.0/8", "phone"), (PREFIX, "192.168.2.0/24", "overlaps"),
            (PREFIX, "192.0.0.0/8", "overlaps"), (PREFIX, "203.0.113.128/25", "overlaps"),
            (PREFIX, "none", "both"), ("none", "10.64.0.0/16", "both")):
        text = ctl(f"setting set hold-timeout 60 nat64-prefix {prefix} nat64-pool {pool}", 2)
        assert sentence in text, (prefix, pool, text)
    for half in ("nat64-prefix 3fff::/32", "nat64-pool 10.65.0.0/16", "nat64-prefix none"):
        assert "both in one command" in ctl(f"setting set {half}", 2)
    for wrong in ("nat64-prefix x nat64-pool 10.64.0.0/16", "nat64-prefix 3fff:: nat64-pool none"):
        assert "/32, /40, /48, /56, /64 or /96" in ctl(f"setting set {wrong}", 1)
    assert {row["name"]: row for row in json.loads(ctl("-j setting list"))} == rows
    ctl("setting reset")
    assert "64::" not in ctl("setting list")
    for prefix in PREFIXES + ("64:ff9b::/96", PREFIX):
        ctl(f"setting set nat64-prefix {prefix} nat64-pool 10.64.0.0/16")
        assert prefix in ctl("setting list")
    ctl("setting set nat64-prefix none nat64-pool none")
    assert "64::" not in ctl("setting list")
    ctl(f"setting set nat64-prefix {PREFIX} nat64-pool 10.64.0.0/16")


@test("issue 23", "a phone that has only IPv6 calls out, and audio passes both ways, from outside first")
def call_out():
    call = call_through("out", 4000)
    hang_up(call)
    net.until(lambda: not net.expectations(), 20)


REGISTER = f"""REGISTER sip:%s SIP/2.0
    Via: SIP/2.0/UDP %s:5060;branch=z9hG4bKreg%s;rport
    From: <sip:alice@%s>;tag=r
    To: <sip:alice@%s>
    Call-ID: register-%s@call.example
    CSeq: 1 REGISTER
    Contact: <sip:alice@%s:5060>;expires=300
    Authorization: Digest username="alice", uri="sip:[2001:db8:64::cb00:7132]", response="0"
    X-Note: {PHONE6} is not an address here"""


def register(name, host=f"[{PHONE6}]", sock=None, seen=ROUTER):
    sock = sock or phone
    domain = f"[{six()}]"
    sock.send(message(REGISTER % (domain, host, name, domain, domain, name, host)), six())
    got = server.recv()
    same(got, message(REGISTER % (SERVER, seen, name, SERVER, SERVER, name, seen)))
    answer = f"""SIP/2.0 200 OK
        Via: SIP/2.0/UDP %s:5060;branch=z9hG4bKreg{name};rport=5060;received=%s
        From: <sip:alice@%s>;tag=r
        To: <sip:alice@%s>;tag=s
        Call-ID: register-{name}@call.example
        CSeq: 1 REGISTER
        Contact: <sip:alice@%s:5060>;expires=300, <sip:alice@%s:5062>;expires=200
        Service-Route: <sip:%s;lr>"""
    server.send(message(answer % (seen, seen, SERVER, SERVER, seen, STRANGER, RELAY)), ROUTER)
    same(sock.recv(), message(answer % (host, host.strip("[]"), domain, domain, host,
                                        f"[{six(STRANGER)}]", f"[{six(RELAY)}]")))


@test("S3-21", "a registered phone is called: the offer is IP6 for it, the answer IP4 for the peer")
def call_in():
    register("in")
    call = Six("in")
    invite = call.at_server().peer_request("INVITE", f"{ROUTER}:5060", body=sdp(RELAY, 8100))
    server.send(invite, ROUTER)
    same(phone.recv(), again(invite, (f"alice@{ROUTER}:5060 ", f"alice@[{PHONE6}]:5060 "),
                             (f"UDP {SERVER}", f"UDP [{six()}]"),
                             (f"bob@{SERVER}:5060>", f"bob@[{six()}]:5060>"),
                             (f"IN IP4 {RELAY}", f"IN IP6 {six(RELAY)}")))
    answer = message(f"""SIP/2.0 200 OK
        Via: SIP/2.0/UDP [{six()}]:5060;branch=z9hG4bKpin100INVITE;received={six()}
        From: <sip:bob@{SERVER}>;tag=peer-in
        To: "alice" <sip:alice@{SERVER}>;tag=phone-in
        Call-ID: in@call.example
        CSeq: 100 INVITE
        Contact: <sip:alice@[{PHONE6}]:5060>
        Content-Type: application/sdp""", sdp(PHONE6, 4100))
    phone.send(answer, six())
    same(server.recv(), again(answer, (f"UDP [{six()}]", f"UDP {SERVER}"),
                              (f"received={six()}", f"received={SERVER}"),
                              (f"[{PHONE6}]", ROUTER), (f"IP6 {PHONE6}", f"IP4 {ROUTER}")))
    ack = call.at_server().peer_request("ACK", f"{ROUTER}:5060")
    server.send(ack, ROUTER)
    assert phone.recv().startswith(f"ACK sip:alice@[{PHONE6}]:5060 SIP/2.0\r\n".encode())
    audio(PHONE6, RELAY, 4100, 8100)
    bye = call.at_server().peer_request("BYE", f"{ROUTER}:5060", cseq=101)
    server.send(bye, ROUTER)
    same(phone.recv(), again(bye, (f"alice@{ROUTER}:5060 ", f"alice@[{PHONE6}]:5060 "),
                             (f"UDP {SERVER}", f"UDP [{six()}]"),
                             (f"bob@{SERVER}:5060>", f"bob@[{six()}]:5060>")))


@test("issue 23", "hold and resume, and a transfer: the phone's Refer-To crosses, the peer's as well")
def hold_and_transfer():
    call = call_through("hold", 4200)
    held = sdp(PHONE6, 4200, "a=sendonly").replace("c=IN IP6 " + PHONE6, "c=IN IP6 ::")
    out(call.request("INVITE", held, cseq=2, to_tag=True))
    back(call.at_server().response("200 OK", body=sdp("0.0.0.0", 6200)))
    out(call.request("ACK", to_tag=True))
    out(call.request("INVITE", sdp(PHONE6, 4200), cseq=3, to_tag=True))
    back(call.at_server().response("200 OK", body=sdp(RELAY, 6200)))
    out(call.request("ACK", to_tag=True))
    audio(PHONE6, RELAY, 4200, 6200, False)
    refer = call.request("REFER", cseq=4, to_tag=True, extra=f"""
        Refer-To: <sip:carol@[{six(STRANGER)}]:5070?Replaces=1%40{PHONE6}>
        Referred-By: <sip:alice@[{PHONE6}]>""")
    out(refer, (f"[{six(STRANGER)}]", STRANGER))
    back(call.at_server().response("202 Accepted", "REFER"))
    hang_up(call)
    refer = again(call.at_server().peer_request("REFER", f"{ROUTER}:5060", cseq=200),
                  ("CSeq", f"Refer-To: <sip:dave@{STRANGER}>\r\nReferred-By: <sip:bob@{SERVER}>\r\nCSeq"))
    server.send(refer, ROUTER)
    got = phone.recv()
    assert f"Refer-To: <sip:dave@[{six(STRANGER)}]>\r\nReferred-By: <sip:bob@{SERVER}>".encode() in got, got


# header as the phone writes it; as the provider reads it. %s: an address of the prefix
OUTWARD = (
    ("Route: <sip:[%s]:5070;lr>,<sip:[%s];lr;maddr=[%s]>", "Route: <sip:{0}:5070;lr>,<sip:{0};lr;maddr={0}>"),
    (f"Route: <sip:[{PHONE6}]:5060;lr>", f"Route: <sip:{ROUTER}:5060;lr>"),
    ("Refer-To: <sip:x@[%s]>", "Refer-To: <sip:x@{0}>"),
    (f"Referred-By: <sip:x@[{PHONE6}]>", f"Referred-By: <sip:x@{ROUTER}>"),
    (f"Record-Route: <sip:[{PHONE6}]:5060;lr>", f"Record-Route: <sip:{ROUTER}:5060;lr>"),
    (f"Path: <sip:[{PHONE6}]:5060;lr>", f"Path: <sip:{ROUTER}:5060;lr>"),
    ("Via: SIP/2.0/UDP [%s]:5066;branch=z9hG4bKv;received=%s;maddr=[%s]",
     "Via: SIP/2.0/UDP {0}:5066;branch=z9hG4bKv;received={0};maddr={0}"),
    ("Via: SIP/2.0/UDP [%s];branch=z9hG4bKv;received=[%s]",
     "Via: SIP/2.0/UDP {0};branch=z9hG4bKv;received={0}"),
    (f"P-Preferred-Identity: <sip:a@[{PHONE6}]>", f"P-Preferred-Identity: <sip:a@{ROUTER}>"),
    ("Diversion: <sip:a@[%s]>", "Diversion: <sip:a@{0}>"),
    ("Route: <sip:[2001:db8:77::1];lr>", "Route: <sip:[2001:db8:77::1];lr>"),
    ("Subject: [%s]", "Subject: [%s]"), ("Alert-Info: <http://[%s]/x>", "Alert-Info: <http://[%s]/x>"),
)
# header as the provider writes it; as the phone reads it
INWARD = (
    (f"Record-Route: <sip:{STRANGER}:5070;lr>,<sip:{RELAY};lr>", "Record-Route: <sip:[%s]:5070;lr>,<sip:[%r];lr>"),
    (f"Via: SIP/2.0/UDP {STRANGER}:5066;branch=z9hG4bKv;received={RELAY};rport=1;maddr={STRANGER}",
     "Via: SIP/2.0/UDP [%s]:5066;branch=z9hG4bKv;received=%r;rport=1;maddr=[%s]"),
    (f"Route: <sip:{STRANGER};lr;maddr={RELAY}>", "Route: <sip:[%s];lr;maddr=[%r]>"),
    (f"Route: <sip:{ROUTER}:5060;lr>", f"Route: <sip:[{PHONE6}]:5060;lr>"),
    (f"Refer-To: <sip:x@{STRANGER}>", "Refer-To: <sip:x@[%s]>"),
    (f"Referred-By: <sip:x@{STRANGER}>", f"Referred-By: <sip:x@{STRANGER}>"),
    (f"P-Asserted-Identity: <sip:x@{STRANGER}>", f"P-Asserted-Identity: <sip:x@{STRANGER}>"),
    ("Via: SIP/2.0/UDP 239.1.2.3;branch=z9hG4bKv", "Via: SIP/2.0/UDP 239.1.2.3;branch=z9hG4bKv"),
    ("Via: SIP/2.0/UDP [2001:db8:77::1];branch=z9hG4bKv", "Via: SIP/2.0/UDP [2001:db8:77::1];branch=z9hG4bKv"),
    (f"Subject: {STRANGER}", f"Subject: {STRANGER}"),
)


def header_rows(name):
    call = Six(name)
    for i, (line, wanted) in enumerate(OUTWARD):
        data = call.request("NOTIFY", extra="\n" + line.replace("%s", six(STRANGER)), cseq=i + 1)
        phone.send(data, six())
        got = server.recv()
        line = wanted.replace("%s", six(STRANGER)).replace("{0}", STRANGER)
        assert f"\r\n{line}\r\n".encode() in got, (line, got)
    for i, (line, wanted) in enumerate(INWARD):
        data = again(call.at_server().peer_request("NOTIFY", f"{ROUTER}:5060", cseq=500 + i),
                     ("CSeq", line + "\r\nCSeq"))
        server.send(data, ROUTER)
        got = phone.recv()
        line = wanted.replace("%s", six(STRANGER)).replace("%r", six(RELAY))
        assert f"\r\n{line}\r\n".encode() in got, (line, got)


@test("issue 23", "every row of the table, in both directions")
def rows():
    header_rows("rows")


@test("issue 23", "what proxies have put into a request goes out again to the byte in its answer")
def round_trip():
    call = Six("echo")
    vias = f"""Via: SIP/2.0/UDP {SERVER};branch=z9hG4bKa;received={STRANGER};rport=7
        Via: SIP/2.0/TCP {RELAY}:5062 ;maddr={STRANGER};branch=z9hG4bKb
        Via: SIP/2.0/UDP 127.0.0.1;branch=z9hG4bKc;received=010.0.0.1
        Via: SIP/2.0/UDP host.example;received={RELAY};branch=z9hG4bKd
        Record-Route: <sip:p1@{SERVER}:5060;transport=udp;lr>, "x" <sip:{RELAY};lr;maddr={STRANGER}>
        Record-Route: <sips:{STRANGER};lr>"""
    text = f"""OPTIONS sip:alice@{ROUTER}:5060 SIP/2.0
        {vias}
        From: <sip:bob@{SERVER}>;tag=e
        To: "alice" <sip:alice@{SERVER}>
        Call-ID: echo@call.example
        CSeq: 7 OPTIONS"""
    server.send(message(text), ROUTER)
    asked = phone.recv()
    assert asked.startswith(f"OPTIONS sip:alice@[{PHONE6}]:5060".encode()), asked
    head = asked.split(b"\r\n", 1)[1].partition(b"Content-Length")[0]
    for address in (SERVER, RELAY):
        assert f"{address}".encode() not in head.replace(f"bob@{SERVER}".encode(), b"").replace(
            f"alice@{SERVER}".encode(), b""), head
    phone.send(b"SIP/2.0 200 OK\r\n" + head + b"Content-Length: 0\r\n\r\n", six())
    same(server.recv(), message(text.replace(f"OPTIONS sip:alice@{ROUTER}:5060 SIP/2.0", "SIP/2.0 200 OK")))
    del call


@test("issue 23", "the phone's own spellings come back to it: of itself, and of From and To")
def spelling():
    odd = "2001:0DB8:1::0010"
    mixed = ipaddress.ip_address(six()).exploded.upper()
    if Translator.prefix.endswith("/96"):
        mixed = mixed[:30].rstrip(":") + f":{SERVER}"
    call = Call("odd", f"[{odd}]:5060", f"{ROUTER}:5060", f"[{mixed}]")
    data = call.request("OPTIONS")
    phone.send(data, six())
    asked = server.recv()
    same(asked, again(data, (f"[{odd}]", ROUTER), (f"[{mixed}]", SERVER)))
    head = asked.split(b"\r\n", 1)[1].partition(b"Max-Forwards")
    rest = asked[asked.index(b"From:"):asked.index(b"Contact:")]
    server.send(b"SIP/2.0 200 OK\r\n" + head[0] + rest + b"Content-Length: 0\r\n\r\n", ROUTER)
    data_head = data.split(b"\r\n", 1)[1].partition(b"Max-Forwards")
    data_rest = data[data.index(b"From:"):data.index(b"Contact:")]
    same(phone.recv(), b"SIP/2.0 200 OK\r\n" + data_head[0] + data_rest + b"Content-Length: 0\r\n\r\n")


def described(body, name, port=4300):
    call = Six(name)
    phone.send(call.request("INVITE", body), six())
    got = server.recv()
    server.send(call.at_server().response("486 Busy"), ROUTER)
    assert phone.recv()
    phone.send(call.request("ACK", to_tag=True), six())
    assert server.recv()
    return got.partition(b"\r\n\r\n")[2].decode()


def refuse_in(call):
    busy = call.at_server().peer_response("486 Busy", "INVITE")
    phone.send(again(busy, (f"UDP {SERVER}", f"UDP [{six()}]")), six())
    same(server.recv(), busy)
    server.send(call.at_server().peer_request("ACK", f"{ROUTER}:5060"), ROUTER)
    assert phone.recv()


def body(*lines):
    return "\n".join(("v=0",) + lines)


@test("issue 23", "o=, c= and a=rtcp cross with their address types; candidates do not, nor :: or multicast")
def descriptions():
    got = described(body(f"o=- 7 1 IN IP6 {PHONE6}", "s=-", "t=0 0", "m=audio 4300 RTP/AVP 0",
                         f"c=IN IP6 {PHONE6}", f"a=rtcp:4301 IN IP6 {PHONE6}",
                         f"a=candidate:1 1 UDP 1 {PHONE6} 4300 typ host",
                         f"a=remote-candidates:1 {six(RELAY)} 6300",
                         "m=video 0 RTP/AVP 31", "c=IN  ip6   ::"), "d1")
    assert got.splitlines() == ["v=0", f"o=- 7 1 IN IP4 {ROUTER}", "s=-", "t=0 0", "m=audio 4300 RTP/AVP 0",
                                f"c=IN IP4 {ROUTER}", f"a=rtcp:4301 IN IP4 {ROUTER}",
                                f"a=candidate:1 1 UDP 1 {PHONE6} 4300 typ host",
                                f"a=remote-candidates:1 {six(RELAY)} 6300",
                                "m=video 0 RTP/AVP 31", "c=IN  ip6   ::"], got
    # somebody outside whom the phone speaks for; the shared c= of two streams
    got = described(body(f"o=- 7 1 IN IP6 {six(STRANGER)}", "s=-", f"c=IN IP6 {six(STRANGER)}", "t=0 0",
                         "m=audio 4310 RTP/AVP 0", f"a=rtcp:4311 IN IP6 {six(STRANGER)}",
                         "m=audio 4312 RTP/AVP 0"), "d2")
    assert got.splitlines()[1] == f"o=- 7 1 IN IP4 {STRANGER}" and f"c=IN IP4 {STRANGER}" in got, got
    assert f"a=rtcp:4311 IN IP4 {STRANGER}" in got and "IP6" not in got, got
    got = described(body("o=- 7 1 IN IP6 ff0e::1", "s=-", "c=IN IP6 ff0e::1/3", "t=0 0",
                         "m=audio 4314 RTP/AVP 0"), "d3")
    assert "o=- 7 1 IN IP6 ff0e::1\r\ns=-\r\nc=IN IP6 ff0e::1/3\r\n" in got, got
    # inward: the offer of a peer with ICE, and a c= for each stream
    call = Six("d4")
    offer = body(f"o=- 7 1 IN IP4 {RELAY}", "s=-", "t=0 0", "m=audio 8300 RTP/AVP 0", f"c=IN IP4 {RELAY}",
                 f"a=rtcp:8305 IN IP4 {RELAY}", f"a=candidate:1 1 UDP 1 {RELAY} 8300 typ host",
                 "m=video 8302 RTP/AVP 31", f"c=IN IP4 {STRANGER}/127", "m=audio 8304 RTP/AVP 0",
                 "c=IN IP4 239.1.2.3/127")
    server.send(call.at_server().peer_request("INVITE", f"{ROUTER}:5060", body=offer), ROUTER)
    got = phone.recv().partition(b"\r\n\r\n")[2].decode()
    assert got.splitlines() == ["v=0", f"o=- 7 1 IN IP6 {six(RELAY)}", "s=-", "t=0 0", "m=audio 8300 RTP/AVP 0",
                                f"c=IN IP6 {six(RELAY)}", f"a=rtcp:8305 IN IP6 {six(RELAY)}",
                                f"a=candidate:1 1 UDP 1 {RELAY} 8300 typ host", "m=video 8302 RTP/AVP 31",
                                f"c=IN IP6 {six(STRANGER)}/127", "m=audio 8304 RTP/AVP 0",
                                "c=IN IP4 239.1.2.3/127"], got
    refuse_in(call)


@test("issue 23", "what does not cross is counted: IPv6 outside of the prefix, the router, others of the pool")
def counted():
    before = [stats(r) for r in ("nat64_outside_prefix", "nat64_names_router", "nat64_names_pool")]
    got = described(sdp("2001:db8:77::5", 4400), "c1")
    assert "c=IN IP6 2001:db8:77::5\r\n" in got, got
    got = described(sdp(six(ROUTER), 4402), "c2")
    assert f"c=IN IP6 {six(ROUTER)}\r\n" in got, got
    got = described(sdp(six("192.168.2.1"), 4404), "c3")
    assert f"c=IN IP6 {six('192.168.2.1')}\r\n" in got, got
    got = described(sdp(six(S2), 4406), "c4")
    assert f"c=IN IP6 {six(S2)}\r\n" in got, got
    after = [stats(r) for r in ("nat64_outside_prefix", "nat64_names_router", "nat64_names_pool")]
    assert [b - a for a, b in zip(before, after)] == [1, 2, 1], (before, after)


@test("issue 23", "a phone of the pool opens only to itself: not to its neighbour, a LAN host or the router")
def only_itself():
    for i, victim in enumerate((six(S2), six(OTHER), six("192.168.2.1"), six(ROUTER), OTHER6)):
        call = Six(f"victim{i}")
        phone.send(call.request("INVITE", sdp(victim, 4500)), six())
        assert server.recv()
        server.send(call.at_server().response("200 OK", body=sdp(RELAY, 6500)), ROUTER)
        assert phone.recv()
        lines = [line for line in net.expectations() if " dport=450" in line]
        assert not lines, (victim, lines)
        refer = call.request("REFER", cseq=9, to_tag=True, extra=f"\nRefer-To: <sip:v@[{victim}]:5060>")
        phone.send(refer, six())
        assert server.recv()
        lines = [line for line in net.expectations("signalling") if OTHER in line or S2 in line]
        assert not lines, (victim, lines)
        phone.send(call.request("BYE", cseq=10, to_tag=True), six())
        assert server.recv()
        server.send(call.at_server().response("200 OK", "BYE"), ROUTER)
        assert phone.recv()


@test("issue 23", "464XLAT: a phone that writes IPv4 is told IPv4: its CLAT's address comes back, the peer's stay")
def clat():
    clat_ip = "192.0.0.4"
    call = Call("clat", f"{clat_ip}:5060", f"{ROUTER}:5061", SERVER)
    data = call.request("INVITE", sdp(clat_ip, 4600))
    other.send(data, six())
    got = server.recv()
    port = server.sender[1]
    same(got, again(data, (f"UDP {clat_ip}:5060", f"UDP {ROUTER}:{port}"),
                    (f"alice@{clat_ip}:5060", f"alice@{ROUTER}:{port}"), (f"IP4 {clat_ip}", f"IP4 {ROUTER}")))
    call.seen = f"{ROUTER}:{port}"
    assert net.pinhole(ROUTER, 4600), net.expectations()
    answer = again(call.response("200 OK", body=sdp(RELAY, 6600)), (";rport", f";rport={port};received={ROUTER}"))
    server.send(answer, ROUTER, port)
    same(other.recv(), again(answer, (f"UDP {ROUTER}:{port}", f"UDP {clat_ip}:5060"),
                             (f";rport={port};received={ROUTER}", f";rport=5060;received={clat_ip}")))
    other.send(call.request("ACK", to_tag=True), six())
    assert server.recv()
    inner, outer = Udp("other", OTHER6, 4600), Udp("provider", RELAY, 6600)
    outer.send(b"in", ROUTER, 4600)
    assert inner.recv() == b"in"
    inner.close()
    outer.close()
    bye = call.peer_request("BYE", call.seen, cseq=300)
    server.send(bye, ROUTER, port)
    same(other.recv(), again(bye, (f"alice@{ROUTER}:{port} ", f"alice@{clat_ip}:5060 ")))


@test("issue 23", "464XLAT: a phone that writes the pool's address itself is an ordinary one behind NAT44")
def pool_literal():
    call = Call("plain", f"{S2}:5060", f"{ROUTER}:5061", SERVER)
    data = call.request("INVITE", sdp(S2, 4610))
    other.send(data, six())
    got = server.recv()
    port = server.sender[1]
    same(got, again(data, (f"{S2}:5060", f"{ROUTER}:{port}"), (f"IP4 {S2}", f"IP4 {ROUTER}")))
    call.seen = f"{ROUTER}:{port}"
    answer = call.response("486 Busy", body=sdp(RELAY, 6610))
    server.send(answer, ROUTER, port)
    same(other.recv(), again(answer, (f"{ROUTER}:{port}", f"{S2}:5060")))


@test("issue 23", "the same over TCP, in pieces")
def tcp(port=40000):
    net.enter("provider")
    client, accepted = TcpSix.pair(port)
    call = Six("tcp", f"[{PHONE6}]:{port}", f"{ROUTER}:{port}", "TCP")
    data = call.request("INVITE", sdp(PHONE6, 4700))
    wanted = hidden(data)
    client.send(data[:300])
    client.send(data[300:])
    same(accepted.recv(len(wanted)), wanted)
    answer = again(call.at_server().response("200 OK", body=sdp(RELAY, 6700)),
                   ("Contact", f"Record-Route: <sip:{STRANGER};lr>\r\nContact"))
    wanted = shown(answer, (f"TCP {ROUTER}", f"TCP [{PHONE6}]"), (f"<sip:{STRANGER};lr>", f"<sip:[{six(STRANGER)}];lr>"))
    accepted.send(answer[:200])
    accepted.send(answer[200:])
    same(client.recv(len(wanted)), wanted)
    ack = again(call.request("ACK", to_tag=True), ("Max-Forwards", f"Route: <sip:[{six(STRANGER)}];lr>\r\nMax-Forwards"))
    wanted = hidden(ack, (f"[{six(STRANGER)}]", STRANGER))
    client.send(ack)
    same(accepted.recv(len(wanted)), wanted)
    audio(PHONE6, RELAY, 4700, 6700)
    bye = call.at_server().peer_request("BYE", f"{ROUTER}:{port}", cseq=300)
    wanted = again(bye, (f"alice@{ROUTER}:{port} ", f"alice@[{PHONE6}]:{port} "), (f"TCP {SERVER}", f"TCP [{six()}]"),
                   (f"bob@{SERVER}:5060>", f"bob@[{six()}]:5060>"))
    accepted.send(bye)
    same(client.recv(len(wanted)), wanted)
    client.close()
    accepted.close()


class TcpSix(Tcp):
    @staticmethod
    def pair(port):
        import socket
        listener = socket.socket()
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((SERVER, 5060))
        listener.listen()
        net.enter("phone")
        client = socket.socket(socket.AF_INET6)
        client.bind((PHONE6, port))
        client.connect((six(), 5060))
        accepted, _ = listener.accept()
        listener.close()
        return Tcp(client), Tcp(accepted)


@test("H-21b", "messages that grow over the MTU arrive, whole, at either side")
def growth():
    register("grow")
    call = Six("grow")
    room = 1472 - len(call.at_server().peer_request("NOTIFY", f"{ROUTER}:5060", cseq=10000)) - 40
    for i, size in enumerate(range(room - 60, room, 12)):
        data = again(call.at_server().peer_request("NOTIFY", f"{ROUTER}:5060", cseq=10000 + i),
                     ("CSeq", f"Record-Route: <sip:{STRANGER}>\r\nX: " + "x" * size + "\r\nCSeq"))
        server.send(data, ROUTER)
        got = phone.recv()
        same(got, again(data, (f"alice@{ROUTER}:5060 ", f"alice@[{PHONE6}]:5060 "), (f"UDP {SERVER}", f"UDP [{six()}]"),
                        (f"bob@{SERVER}:5060>", f"bob@[{six()}]:5060>"), (f"<sip:{STRANGER}>", f"<sip:[{six(STRANGER)}]>")))
    assert len(data) <= 1472 < len(got), (len(data), len(got))
    big = call.request("NOTIFY", extra="\nX: " + "x" * 20000, cseq=99)
    out(big)


@test("issue 23", "a phone with no NAT44 behind the translator crosses too, both ways")
def routed():
    router("nft flush chain inet sip64 post")
    router("conntrack -F 2>/dev/null || true")
    shell(f"ip -n provider route replace 10.64.0.0/16 via {ROUTER}")
    call = Call("routed", f"[{OTHER6}]:5060", f"{S2}:5060", f"[{six()}]")
    data = call.request("INVITE", sdp(OTHER6, 4800))
    other.send(data, six())
    same(server.recv(), again(data, (f"[{OTHER6}]", S2), (f"[{six()}]", SERVER), (f"IP6 {OTHER6}", f"IP4 {S2}")))
    there = Call("routed", call.seen, call.seen, SERVER)
    answer = there.response("200 OK", body=sdp(RELAY, 6800))
    server.send(answer, S2)
    same(other.recv(), again(answer, (f"UDP {S2}", f"UDP [{OTHER6}]"), (f"alice@{SERVER}>", f"alice@[{six()}]>"),
                             (f"bob@{SERVER}>", f"bob@[{six()}]>"), (f"bob@{SERVER}:5060>", f"bob@[{six()}]:5060>"),
                             (f"IN IP4 {RELAY}", f"IN IP6 {six(RELAY)}")))
    bye = there.peer_request("BYE", f"{S2}:5060", cseq=300)
    server.send(bye, S2)
    assert other.recv().startswith(f"BYE sip:alice@[{OTHER6}]:5060 ".encode())
    shell("ip -n provider route del 10.64.0.0/16")
    router("nft add rule inet sip64 post oifname wan ip saddr 10.64.0.0/16 masquerade")
    router("conntrack -F 2>/dev/null || true")


@test("issue 23", "off, or in the modes that change nothing, no byte of the phone's messages is another")
def off():
    for command in ("setting set nat64-prefix none nat64-pool none", "setting set mode pinholes",
                    "setting set mode observe"):
        ctl(command)
        call = Six("off" + command[-4:])
        data = call.request("NOTIFY", sdp(PHONE6, 4900))
        phone.send(data, six())
        same(server.recv(), data)
        ctl("setting reset")
        ctl(f"setting set nat64-prefix {PREFIX} nat64-pool 10.64.0.0/16")


def length(index, prefix):
    @test("S3-20", f"all of it with {prefix}: every row of the table in both directions, UDP and TCP")
    def check():
        start(prefix)
        for row in (call_out, call_in, hold_and_transfer, rows, round_trip, spelling, descriptions, counted,
                    only_itself, clat, pool_literal):
            row()
        tcp(40100 + index)
        growth()
        start()


for an_index, a_prefix in enumerate(PREFIXES):
    length(an_index, a_prefix)


@test("H-26", "two phones behind the translator hear each other by the router's address: tayga leads from none to the other")
def neighbours():
    call = Six("near")
    out(call.request("INVITE", sdp(PHONE6, 4980)))
    theirs = Call("next", f"[{OTHER6}]:5060", f"{ROUTER}:5061", f"[{six()}]")
    other.send(theirs.request("INVITE", sdp(OTHER6, 4970)), six())
    assert server.recv() and net.pinhole(ROUTER, 4970)
    back(call.at_server().response("200 OK", body=sdp(ROUTER, 4970)))
    out(call.request("ACK", to_tag=True))
    one, two = Udp("phone", PHONE6, 4980), Udp("other", OTHER6, 4970)
    one.send(b"to the neighbour", six(ROUTER), 4970)
    assert two.recv() == b"to the neighbour"
    two.send(b"and back", six(ROUTER), 4980)
    assert one.recv() == b"and back"
    one.close()
    two.close()
    hang_up(call)
    ctl("call end --all")
    router("conntrack -F 2>/dev/null || true")


@test("issue 23", "call show, its JSON and each form of the ladder show both forms of the phone's address, out and in")
def shows_both():
    def shown_of(number, side):
        screen = ctl(f"call show {number}")
        assert re.search(rf"(?m)^{'caller' if side == 'source' else 'callee'} .*{S}:5060, writes itself "
                         rf"\[{PHONE6}\]$", screen), screen
        assert max(map(len, screen.splitlines())) <= 80, screen
        data = json.loads(ctl(f"-j call show {number}"))
        assert data[f"{side}_written"] == f"[{PHONE6}]" and data[side] == f"{S}:5060", data
        other_side = "destination" if side == "source" else "source"
        assert f"{other_side}_written" not in data and data[other_side].startswith(SERVER), data
        assert f"{S}:5060 writes itself [{PHONE6}]\n" in ctl(f"call show {number} --ladder")
        assert f"{S}:5060 = [{PHONE6}]\n" in ctl(f"call show {number} --ladder --mermaid")
        assert f">[{PHONE6}]</text>" in ctl(f"call show {number} --ladder --svg")
    ctl("call end --all")
    call = call_through("shown", 4950)
    shown_of(json.loads(ctl("-j call list"))[0]["id"], "source")
    hang_up(call)
    ctl("call end --all")
    call = Six("shown2")
    server.send(call.at_server().peer_request("INVITE", f"{ROUTER}:5060", body=sdp(RELAY, 8950)), ROUTER)
    assert phone.recv()
    shown_of(json.loads(ctl("-j call list"))[0]["id"], "destination")
    refuse_in(call)
    # who writes the pool's address itself has one form
    plain = Call("shown3", f"{S2}:5060", f"{ROUTER}:5061", SERVER)
    other.send(plain.request("INVITE", sdp(S2, 4960)), six())
    assert server.recv()
    data = json.loads(ctl("-j call list"))
    assert not [one for one in data if "source_written" in one and one["source"].startswith(S2)], data
    ctl("call end --all")


ROUTES = "nat64-prefix and nat64-pool lead to the translator"
RUNS = "the translator of nat64-prefix runs"
FOUR = "phones behind the translator have the helper, as IPv4"
SIX = "their IPv6 flows to the translator have none"
SUMS = "media without UDP checksums passes the translator"


def verdicts(what="state"):
    done = subprocess.run(f"{CTL} -n router -j check", shell=True, capture_output=True, text=True)
    return {row["name"]: row[what] for row in json.loads(done.stdout)}


@test("issue 23", "check: the translator, the routes to it, and the helper on one side of it")
def checked():
    found = verdicts()
    assert {ROUTES, RUNS, FOUR, SIX, SUMS} <= set(found), found
    assert [found[q] for q in (ROUTES, RUNS, FOUR, SIX, SUMS)] == ["ok", "ok", "ok", "ok", "note"], found
    assert "fault" not in found.values(), found
    router(f"ip -6 route del {PREFIX}")
    assert verdicts()[ROUTES] == "fault"
    router(f"ip -6 route add {PREFIX} dev nat64")
    router("nft add rule inet sip64 pre ip6 daddr 2001:db8:64::/96 udp dport 5060 ct helper set sip-udp")
    assert verdicts()[SIX] == "note"
    router("nft flush chain inet sip64 pre")
    assert verdicts()[FOUR] == "fault"
    Translator.running.kill()
    Translator.running.wait()
    assert verdicts()[RUNS] == "fault"
    assert verdicts("fix")[RUNS] == "Type: systemctl start tayga"
    net.shell("echo ID=openwrt >/tmp/os-release; mount --bind /tmp/os-release $(readlink -f /etc/os-release)")
    assert verdicts("fix")[RUNS].startswith("Type: ifup ")
    net.shell("umount $(readlink -f /etc/os-release)")
    ctl("setting set nat64-prefix none nat64-pool none")
    assert not set(verdicts()) & {ROUTES, RUNS, FOUR, SIX, SUMS}
    start()


run(after=net.nothing_left)
