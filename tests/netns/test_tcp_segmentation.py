#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""SIP over TCP as no sender would like it: repeated in other cuts, out of turn, never completed."""
import json
import socket
import time

import topology as net
from segments import ACK, FIN, PSH, Segments, lose, silence
from sip import Call, again, sdp
from ksft import run, same, test
from topology import PHONE, ROUTER, SERVER, shell

net.build()
silence()
TOOL = "tools/sipalg-ctl/sipalg-ctl -n router"
PORTS = iter(range(41000, 42000))
MEDIA = iter(range(10000, 60000, 4))


class Line(Segments):
    """A connection of the phone, with messages to send on it."""

    def __init__(self, **options):
        super().__init__(next(PORTS), **options)
        self.count = 0

    def message(self, body=True, **extra):
        """What the phone sends, and what the provider is to get."""
        self.count += 1
        call = Call(f"g{self.port}n{self.count}", f"{PHONE}:5060", "", SERVER, "TCP")
        data = call.request("INVITE", sdp(PHONE, next(MEDIA))) if body else \
            call.request("OPTIONS", **extra)
        return data, again(data, (f"{PHONE}:5060", f"{ROUTER}:{self.port}"),
                           *([(PHONE, ROUTER)] if body else []))

    def gets(self, wanted):
        same(self.server.recv(len(wanted)), wanted)

    def gets_nothing(self):
        got = self.server.recv(1, 1)
        assert not got, got


def shown():
    return json.loads(shell(f"{TOOL} -j stats show"))


def unchanged(reason):
    return shown()["passed_unchanged"].get(reason, 0)


@test("fault T1", "the rest of a message does not come: what nobody was told of is forgotten after 64 s, and what was, not")
def never_completed():
    for cut in (10, 200, 450):
        for heard in (False, True):
            line = Line()
            data, wanted = line.message()
            lose(None if heard else "data")
            line.send(0, data[:cut])
            assert line.acked(0) == (cut if heard else 0)
            line.gets_nothing()
            assert shown()["memory_bytes"] > cut
            time.sleep(140)
            assert (shown()["memory_bytes"] > cut) == heard
            lose()
            line.send(cut if heard else 0, data[cut if heard else 0:])
            line.gets(wanted)
            line.close()
            shell(f"{TOOL} call end --all")
            net.until(lambda: not shown()["memory_bytes"], 100, 1)


@test("fault T1", "an outage of minutes: what was translated and not acknowledged comes again as it was, in any cut")
def never_acknowledged():
    for lost, away in (("acks", 70), ("data", 130), ("data", 600)):
        line = Line()
        (data, wanted), (more, more_wanted) = line.message(), line.message()
        lose(lost)
        line.send(0, data)
        if lost == "acks":
            line.gets(wanted)
        line.send(len(data), more)
        if lost == "acks":
            line.gets(more_wanted)
        time.sleep(away)
        assert shown()["memory_bytes"] > len(wanted)
        lose()
        line.send(0, data[:300])
        line.send(300, data[300:] + more[:100])
        line.send(len(data) + 100, more[100:])
        if lost == "data":
            line.gets(wanted + more_wanted)
        assert line.acked(len(data) + len(more) - 1) == len(data) + len(more)
        shell(f"{TOOL} call end --all")
        net.until(lambda: not shown()["memory_bytes"], 40, 1)
        line.close()


@test("fault T1", "an outage of minutes: what the sender knows by SACK to have arrived is not forgotten")
def told_by_sack():
    for gap_first in (False, True):     # it waits for its turn, or is the beginning of a message
        line = Line()
        (data, wanted), (more, more_wanted) = line.message(), line.message()
        stream = data + more
        line.send(300, stream[300:-100])
        if gap_first:
            line.send(0, stream[:300])
            line.gets(wanted)
        line.gets_nothing()
        time.sleep(200)
        if not gap_first:
            line.send(0, stream[:300])
            line.gets(wanted)
        line.send(len(stream) - 100, stream[-100:])
        line.gets(more_wanted)
        line.close()
        shell(f"{TOOL} call end --all")


@test("fault T1", "a sender that repeats a beginning every two minutes, as after an outage, is told that it has arrived")
def slow_repeats():
    for first in (20, 200, 450):
        line = Line()
        data, wanted = line.message()
        lose("data")
        line.send(0, data[:first])
        time.sleep(120)
        lose()
        line.send(0, data[:first])
        assert line.acked(0) == first
        line.send(first, data[first:])
        line.gets(wanted)
        line.close()
        shell(f"{TOOL} call end --all")


@test("fault T1", "what both ends sent before they closed is kept until it is acknowledged")
def closed_and_away():
    line = Line()
    data, wanted = line.message()
    lose("data")
    line.send(0, data)
    line.send(len(data), b"", ACK | FIN)
    line.server.socket.shutdown(socket.SHUT_WR)
    time.sleep(1)
    line.send(len(data) + 1, b"", ACK, heard=1)
    assert "TIME_WAIT" in net.router("conntrack -L -p tcp")
    time.sleep(100)
    lose()
    line.send(0, data[:100], PSH | ACK)
    line.send(100, data[100:], PSH | ACK | FIN)
    line.gets(wanted)
    assert line.server.recv(1, 1) == b""
    line.close()
    shell(f"{TOOL} call end --all")


def lengthy(line, length, more=""):
    """A message that says it is so long."""
    data, _ = line.message(False, extra=more)
    return data.replace(b"Content-Length: 0", b"Content-Length: %d" % length)


def unfinished(line):
    """A message for whose description one waits."""
    return lengthy(line, 60000, "\nContent-Type: application/sdp") + b"x" * 40000


@test("S0-12", "no more than 4 MiB of one host's are held: a message for which there is no room passes as it is")
def much_held():
    lines = []
    while len(lines) < 64:
        line = Line()
        line.send(0, unfinished(line))
        lines.append(line)
        if shown()["memory_bytes"] > (4 << 20) - (64 << 10):
            break
    assert 4 << 20 > shown()["memory_bytes"] > (4 << 20) - (192 << 10)
    for line in lines[:3] + lines[-1:]:
        line.gets_nothing()
    before = unchanged("no_memory")
    line = Line()
    data = unfinished(line)
    line.send(0, data)
    line.gets(data)
    line.send(len(data), data)
    line.gets(data)
    assert unchanged("no_memory") == before + 1
    for line in lines:
        line.close()
    net.until(lambda: not shown()["memory_bytes"], 70, 1)


@test("fault T3", "segments ahead of one that is lost wait for it, however many")
def ahead():
    for count in (17, 255, 256, 400):
        line = Line()
        data, wanted = line.message()
        for i in range(count):
            line.send(100 + i, data[100 + i:])
        line.gets_nothing()
        line.send(0, data)
        line.gets(wanted)
        line.close()


@test("fault T3", "what waits for one that is lost comes when that comes, and is not sent again")
def ahead_at_once():
    line = Line()
    parts = [line.message() for _ in range(5)]
    stream = b"".join(part for part, _ in parts)
    for start in range(len(stream) - 500, 0, -500):
        line.send(start, stream[start:start + 500])
    line.gets_nothing()
    line.send(0, stream[:500])
    line.gets(b"".join(part for _, part in parts))
    assert line.acked(len(stream) - 1) == len(stream)
    line.close()


@test("fault T3", "the body of a message that passes as it is comes before its headers: all arrives, nothing sent again")
def body_ahead():
    for setting, kind in (("", "text/plain"), ("max-message 1500", "application/sdp")):
        if setting:
            shell(f"{TOOL} setting set {setting}")
        for late in ((), (1500,), (1500, 2500)):
            line = Line()
            data, wanted = line.message(False, extra=f"\nContent-Type: {kind}")
            after, after_wanted = line.message()
            if setting:
                wanted = data
            stream, wanted = (text.replace(b"Content-Length: 0", b"Content-Length: 4000") + bytes(range(200)) * 20
                              for text in (data, wanted))
            for start in range(len(stream) - len(stream) % 500, 0, -500):
                if start not in late:
                    line.send(start, stream[start:start + 500])
            line.gets_nothing()
            line.send(0, stream[:500])
            for start in late:
                line.send(start, stream[start:start + 500])
            line.gets(wanted)
            assert line.acked(len(stream) - 1) == len(stream)
            line.send(len(stream), after)
            line.gets(after_wanted)
            line.close()
        shell(f"{TOOL} setting reset")


@test("H-3", "a sender that closes amid a message: what there is of it passes as it is")
def closed():
    for first in (0, 150):
        line = Line()
        data, _ = line.message()
        if first:
            line.send(0, data[:first])
            line.gets_nothing()
        line.send(first, data[first:300], PSH | ACK | FIN)
        if first:
            line.send(0, data[:300], PSH | ACK | FIN)
        line.gets(data[:300])
        line.close()


@test("S3-35", "a message longer than max-message passes as it is, the next one is translated")
def too_long():
    shell(f"{TOOL} setting set max-message 1500")
    for cut in (0, 100):
        line, before = Line(), unchanged("too_long")
        data = lengthy(line, 4000)
        if cut:
            line.send(0, data[:cut])
            line.gets_nothing()
        line.send(cut, data[cut:])
        if cut:
            line.send(0, data[:cut])
        line.gets(data)
        at = len(data)
        for start in range(0, 4000, 1000):
            line.send(at + start, b"x" * 1000)
        line.gets(b"x" * 4000)
        assert unchanged("too_long") == before + 1
        after, wanted = line.message()
        line.send(at + 4000, after)
        line.gets(wanted)
        line.close()
    shell(f"{TOOL} setting reset")


@test("H-9", "a Content-Length beyond what sequence numbers can tell: the connection is left alone")
def far_too_long():
    for length in (0x80000000, 0xffffffff, 0xffffffffff):
        line = Line()
        data = lengthy(line, length)
        after, _ = line.message()
        line.send(0, data + after)
        line.gets(data + after)
        line.close()


@test("H-3", "headers longer than max-message that come in pieces pass as they are")
def endless_headers():
    shell(f"{TOOL} setting set max-message 1500")
    line = Line()
    data, _ = line.message(False, extra="".join(f"\nX-{i}: {'x' * 100}" for i in range(20)))
    line.send(0, data[:1000])
    line.gets_nothing()
    line.send(1000, data[1000:2000])
    line.send(0, data[:1000])
    line.send(2000, data[2000:])
    line.gets(data)
    line.close()
    shell(f"{TOOL} setting reset")


class Repeater(Line):
    """
    A phone that repeats what it has sent: a keepalive, a message that becomes shorter, one that
    becomes longer, and again one that becomes shorter.
    """

    def __init__(self, **options):
        super().__init__(**options)
        self.parts = [(b"\r\n\r\n", b"\r\n\r\n"), self.message(), self.growing(), self.message()]
        self.stream = b"".join(part for part, _ in self.parts)
        self.wanted = b"".join(part for _, part in self.parts)

    def growing(self):
        data, _ = self.message(False)
        data = data.replace(f"{PHONE}:5060".encode(), PHONE.encode())
        return data, data.replace(PHONE.encode(), f"{ROUTER}:{self.port}".encode())

    def part(self, number):
        """Where a part begins."""
        return sum(len(part) for part, _ in self.parts[:number])

    def sends(self, *ranges, last=0):
        """`last` is a flag that the stream's last byte has."""
        for start, end in ranges:
            self.send(start, self.stream[start:end], PSH | ACK | (last if end == len(self.stream) else 0))

    def finish(self, last):
        """Repeats what is not acknowledged, until all is, as any sender does; none does it for ever."""
        acked = 0
        for _ in range(12):
            if acked >= len(self.stream):
                return
            self.sends((acked, len(self.stream)), last=last)
            acked = self.acked(acked)
        raise AssertionError(f"{acked} of {len(self.stream)} bytes are acknowledged after 12 repetitions")


# What the phone repeats; the places are where its messages begin, and the end of all.
CUTS = {
    "all of it": lambda one, two, three, end: [(0, end)],
    "all but its first byte": lambda one, two, three, end: [(one + 1, two)],
    "two messages at once": lambda one, two, three, end: [(one, three), (two, end)],
    "what is before it, and half of it": lambda one, two, three, end: [(0, one + 100)],
    "its middle": lambda one, two, three, end: [(one + 100, two - 100)],
    "its last byte, and the next one": lambda one, two, three, end: [(two - 1, three)],
    "its end, and the next one": lambda one, two, three, end: [(one + 10, three)],
    "byte by byte": lambda one, two, three, end: [(one + i, one + i + 1) for i in range(8)],
    "half, and half": lambda one, two, three, end: [(one, one + 300), (one + 300, two)],
}


def repeat(what, lost, number, more=0, last=0):
    """`number` parts and some bytes `more` are sent, some of it is lost, and then what is repeated."""
    line = Repeater()
    places = [line.part(i) for i in (1, 2, 3, 4)]
    sent = line.part(number)
    lose(lost)
    line.sends((0, sent), last=last)
    if not lost:
        assert line.acked(sent - 1) == sent
    if more:
        line.sends((sent, sent + more))
    if lost == "data":
        lose()
    line.sends(*CUTS[what](*places), last=last)
    lose()
    try:
        line.finish(last)
        line.gets(line.wanted)
        line.gets_nothing()
    except AssertionError as error:
        raise AssertionError(f"{what}, {lost} lost, behind part {number} and {more} bytes: {error}") from error
    line.close()


@test("H-3", "what was translated and is repeated in any other cut arrives as it did, once")
def other_cuts():
    for what in CUTS:
        for lost in ("acks", "data"):
            for number in (2, 3, 4):
                repeat(what, lost, number)


@test("H-3", "what has been acknowledged and is repeated with what has not arrives once")
def acknowledged():
    for what in CUTS:
        for number in (2, 3):
            for more in (0, 50):
                repeat(what, None, number, more)


@test("H-3", "the last segment of a connection, repeated with what was before it")
def finished():
    for what in CUTS:
        for lost in ("acks", "data"):
            repeat(what, lost, 4, last=FIN)


run()
