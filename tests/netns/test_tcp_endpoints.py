#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""SIP over TCP between real TCP endpoints, as if the router were not there."""
import json
import resource
import select
import socket
import struct
import time

import topology as net
from endpoints import MEDIA, PLAIN, PORTS, Line, gets, listen
from ksft import run, same, test
from sip import Call, again, sdp
from topology import PHONE, PHONE6, ROUTER, ROUTER6, SERVER, SERVER6, enter, router, shell

net.build()
resource.setrlimit(resource.RLIMIT_NOFILE, (9000, 9000))
TOOL = "tools/sipalg-ctl/sipalg-ctl -n router"
# of <linux/tcp.h> and <linux/socket.h>
TCP_FASTOPEN, MSG_FASTOPEN = 23, 0x20000000


def shown():
    return json.loads(shell(f"{TOOL} -j stats show"))


def set_tlp(on):
    for space in ("phone", "provider"):
        shell(f"ip netns exec {space} sysctl -qw net.ipv4.tcp_early_retrans={3 if on else 0}")


@test("fault T2", "a sender under Nagle without tail-loss probes gets a message in two pieces through translated")
def nagle():
    set_tlp(False)
    for cut in (1, 5, 9, 30, 200, 400, -200, -1):
        line = Line()
        data, wanted = line.message("INVITE", sdp(PHONE, next(MEDIA)))
        for piece in (data[:cut], data[cut:]):
            line.phone.send(piece)
        assert gets(line.server, wanted, 5) < 2
        data, wanted = line.message()
        line.phone.send(data)
        gets(line.server, wanted)
        # and the other way, where the message grows
        data, wanted = line.answer()
        for piece in (data[:cut], data[cut:]):
            line.server.send(piece)
        assert gets(line.phone, wanted, 5) < 2
        line.close()
    set_tlp(True)


@test("fault T2", "a sender under Nagle that writes line by line")
def line_by_line():
    for tlp in (True, False):
        set_tlp(tlp)
        line = Line()
        for _ in range(3):
            data, wanted = line.message("INVITE", sdp(PHONE, next(MEDIA)))
            for piece in data.splitlines(True):
                line.phone.send(piece)
            assert gets(line.server, wanted, 5) < 2
        line.close()
    set_tlp(True)


def long_sdp(length, host=PHONE):
    """A description of so many bytes."""
    body = sdp(host, next(MEDIA))
    lines = "".join(line.strip() + "\r\n" for line in body.strip().splitlines())
    missing = length - len(lines)
    attributes = []
    while missing:
        size = missing if missing <= 500 else min(400, missing - 100)
        attributes.append("a=x:" + "y" * (size - 6))
        missing -= size
    return body.strip() + "\n" + "\n".join(attributes)


def in_time(line, data, wanted):
    """What the phone sends arrives translated, as soon as TCP can."""
    line.phone.setblocking(False)
    sent = line.phone.send(data[:100])
    got = b""
    start = time.monotonic()
    while len(got) < len(wanted) and time.monotonic() - start < 20:
        readable, writable, _ = select.select([line.server], [line.phone] if sent < len(data) else [], [], 5)
        if readable:
            got += line.server.recv(1 << 16)
        if writable:
            sent += line.phone.send(data[sent:])
    same(got, wanted)
    assert time.monotonic() - start < 3, time.monotonic() - start
    line.phone.setblocking(True)


@test("fault H6", "a long answer of the phone's to a call in, and a long offer with IPv6, first on a fresh connection")
def long_others():
    for length in (16000, 60000):
        line = Line()
        data, wanted = line.message()
        line.phone.send(data)
        gets(line.server, wanted)
        seen = f"{ROUTER}:{line.port}"
        call = Call(f"long{line.port}", f"{PHONE}:5060", seen, SERVER, "TCP")
        line.server.send(call.peer_request("INVITE", seen, body=sdp(SERVER, 6000)))
        assert line.phone.recv(4000)
        data = call.peer_response("200 OK", "INVITE", body=long_sdp(length))
        in_time(line, data, again(data, (f"alice@{PHONE}:5060", f"alice@{seen}"), (PHONE, ROUTER)))
        line.close()
        line = Line(host=PHONE6)
        call = Call(f"six{line.port}", f"[{PHONE6}]:{line.port}", "", f"[{SERVER6}]", "TCP")
        data = call.request("INVITE", long_sdp(length, PHONE6))
        in_time(line, data, again(data, (PHONE6, ROUTER6)))
        assert not shown()["passed_unchanged"]["split_message"]
        line.close()


@test("fault H6", "messages with long descriptions, first on a fresh connection, are translated")
def long_messages():
    for length in (15000, 16000, 40000, 65000):
        for tlp in (True, False):
            set_tlp(tlp)
            line = Line()
            data, wanted = line.message("INVITE", long_sdp(length))
            in_time(line, data, wanted)
            data, wanted = line.message()
            line.phone.send(data)
            gets(line.server, wanted)
            assert not shown()["passed_unchanged"]["split_message"]
            line.close()
    set_tlp(True)


LOST = 0x20


def lose_marked():
    """Of what comes from the phone, what has this mark is lost before the router: a repeat has it no more."""
    net.attach("table inet lose { chain pre { type filter hook prerouting priority -400; "
               f"iifname lan ip dscp {LOST >> 2} drop; }}; }}")


def delay(milliseconds):
    for name in ("lan", "wan"):
        if milliseconds:
            router(f"tc qdisc add dev {name} root netem delay {milliseconds}ms")
        else:
            router(f"tc qdisc del dev {name} root")


def burst_with_loss(port, lost):
    line = Line(port)
    line.phone.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    for _ in range(5):
        data, wanted = line.message()
        line.phone.send(data)
        gets(line.server, wanted if port == 5060 else data)
    both = [line.message() for _ in range(9)]
    for number, (data, _) in enumerate(both):
        line.phone.setsockopt(socket.IPPROTO_IP, socket.IP_TOS, LOST if number == lost else 0)
        line.phone.send(data)
    took = gets(line.server, b"".join(part[port == 5060] for part in both))
    line.close()
    return took


@test("fault T3", "one segment lost before the router: fast retransmit works, 1.2 times the latency without helper at most")
def fast_retransmit():
    delay(10)
    lose_marked()
    net.attach("table inet plain { chain forward { type filter hook forward priority -10; "
               f"tcp dport {PLAIN} accept; }}; }}")
    router(f"nft insert rule inet sip forward tcp dport {PLAIN} accept")
    for lost in (0, 3, 5):
        without = burst_with_loss(PLAIN, lost)
        with_helper = burst_with_loss(5060, lost)
        print(f"# segment {lost} lost: {without * 1000:.0f} ms without, {with_helper * 1000:.0f} ms with helper")
        assert with_helper <= 1.2 * without + 0.002, (lost, without, with_helper)
    router("nft delete table inet lose")
    delay(0)


@test("fault T4", "half messages of ten hosts: others' messages are translated, whole ones and split ones")
def half_messages():
    hogs, lines = [], []
    for host in range(100, 110):
        shell(f"ip -n phone addr add 192.168.1.{host}/24 dev eth0")
    # more than all of them may have, and then short ones for what is left
    for size, count in ((40000, 600), (0, 300)):
        for number in range(count):
            line = Line(host=f"192.168.1.{100 + number % 10}")
            data, _ = line.message(extra="\nContent-Type: application/sdp")
            data = data.replace(b"Content-Length: 0", b"Content-Length: 60000")
            line.phone.send(data + b"x" * size)
            hogs.append(line)
    time.sleep(1)
    line = Line()
    for method in ("OPTIONS", "INVITE"):
        def body():
            return sdp(PHONE, next(MEDIA)) if method == "INVITE" else ""
        data, wanted = line.message(method, body())
        line.phone.send(data)
        gets(line.server, wanted)
        data, wanted = line.message(method, body())
        line.phone.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for piece in (data[:150], data[150:]):
            line.phone.send(piece)
        gets(line.server, wanted)
    lines.append(line)
    for line in hogs + lines:
        line.phone.close()
        line.server.close()
    router("conntrack -D -p tcp >/dev/null 2>&1")
    shell(f"{TOOL} call end --all")
    net.until(lambda: not shown()["memory_bytes"], 200, 1)
    for host in range(100, 110):
        shell(f"ip -n phone addr del 192.168.1.{host}/24 dev eth0")


@test("fault T7", "the urgent pointer is shifted with the bytes that it points to")
def urgent():
    for host in (f"{PHONE}:5060", PHONE):
        line = Line()
        for _ in range(3):
            data, wanted = line.message(host=host)
            line.phone.send(data)
            gets(line.server, wanted)
            line.phone.send(b"\n\n\r", socket.MSG_OOB)
            gets(line.server, b"\n\n")
            assert line.server.recv(1, socket.MSG_OOB) == b"\r"
            # and in the segment of a message whose length changes
            data, wanted = line.message(host=host)
            line.phone.send(data, socket.MSG_MORE)
            line.phone.send(b"\n\n\r", socket.MSG_OOB)
            gets(line.server, wanted + b"\n\n")
            assert line.server.recv(1, socket.MSG_OOB) == b"\r"
        line.close()


@test("fault T7", "data in the SYN (TCP fast open) is translated, whole and split")
def fast_open():
    for space in ("phone", "provider"):
        shell(f"ip netns exec {space} sysctl -qw net.ipv4.tcp_fastopen=0x207")
    for cut in (None, 100, 300):
        for server_takes in (True, False):
            port = next(PORTS)
            listener = listen()
            if server_takes:
                listener.setsockopt(socket.IPPROTO_TCP, TCP_FASTOPEN, 5)
            enter("phone")
            phone = socket.socket()
            phone.bind((PHONE, port))
            call = Call(f"tfo{port}", f"{PHONE}:5060", "", SERVER, "TCP")
            data = call.request("INVITE", sdp(PHONE, next(MEDIA)))
            wanted = again(data, (f"{PHONE}:5060", f"{ROUTER}:{port}"), (PHONE, ROUTER))
            phone.sendto(data[:cut], MSG_FASTOPEN, (SERVER, 5060))
            if cut:
                phone.send(data[cut:])
            server, _ = listener.accept()
            gets(server, wanted)
            phone.send(data)
            gets(server, wanted)
            for sock in (listener, phone, server):
                sock.close()
            router("conntrack -D -p tcp 2>/dev/null || true")


@test("H-3", "a message and the end of the stream at once, and an answer behind it")
def half_closed():
    for cut in (None, 150, 300):
        line = Line()
        data, wanted = line.message("INVITE", sdp(PHONE, next(MEDIA)))
        line.phone.send(data[:cut])
        if cut:
            line.phone.send(data[cut:])
        line.phone.shutdown(socket.SHUT_WR)
        gets(line.server, wanted)
        assert line.server.recv(1) == b""
        data, wanted = line.answer()
        line.server.send(data)
        gets(line.phone, wanted)
        line.close()


@test("H-3", "a sender that closes amid a message, seconds after its beginning: all that there is of it arrives")
def closed_amid():
    for wait in (0, 3):
        line = Line()
        data, _ = line.message()
        line.phone.send(data[:200])
        time.sleep(wait)
        line.phone.shutdown(socket.SHUT_WR)
        gets(line.server, data[:200])
        assert line.server.recv(1) == b""
        line.close()


@test("H-3", "keepalive probes are answered, also amid a message, whatever has changed its length before")
def keepalive():
    for held in (0, 5, 200):
        line = Line()
        for sock in (line.phone, line.server):
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
            for option in (socket.TCP_KEEPIDLE, socket.TCP_KEEPINTVL, socket.TCP_KEEPCNT):
                sock.setsockopt(socket.IPPROTO_TCP, option, 3)
        data, wanted = line.message(host=PHONE)
        line.phone.send(data)
        gets(line.server, wanted)
        data, wanted = line.message("INVITE", sdp(PHONE, next(MEDIA)))
        line.phone.send(data[:held])
        time.sleep(60)
        line.phone.send(data[held:])
        gets(line.server, wanted)
        line.close()


@test("H-3", "a receiver that does not read for half a minute gets everything then")
def zero_window():
    line = Line(SO_RCVBUF=8192)
    both = [line.message(host=PHONE if i % 2 else None, extra="\nX: " + "x" * 700) for i in range(300)]
    stream = b"".join(data for data, _ in both)
    wanted = b"".join(part for _, part in both)
    line.phone.setblocking(False)
    sent, got, start = 0, b"", time.monotonic()
    while len(got) < len(wanted) and time.monotonic() - start < 1000:
        waiting = time.monotonic() - start < 30
        readable, writable, _ = select.select([] if waiting else [line.server],
                                              [line.phone] if sent < len(stream) else [], [], 1)
        if readable:
            got += line.server.recv(5000)
        if writable:
            sent += line.phone.send(stream[sent:])
    same(got, wanted)
    line.close()


@test("H-3", "a reset ends the connection at the other end, also amid a message")
def reset():
    for held in (0, 200):
        line = Line()
        data, wanted = line.message(host=PHONE)
        line.phone.send(data)
        gets(line.server, wanted)
        line.phone.send(data[:held])
        line.phone.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        line.phone.close()
        try:
            assert select.select([line.server], [], [], 5)[0]
            line.server.recv(1)
            raise AssertionError("no reset has arrived")
        except ConnectionResetError:
            pass
        line.server.close()
        router("conntrack -D -p tcp 2>/dev/null || true")


run()
