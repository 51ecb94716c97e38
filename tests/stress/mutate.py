# SPDX-License-Identifier: GPL-2.0-only
"""Messages as nobody should send them: spoilt where it hurts, or anywhere."""
import re

import corpus

ADDRESSES = (b"192.168.1.10", b"192.168.2.20", b"192.168.1.1", b"203.0.113.1", b"203.0.113.50",
             b"0.0.0.0", b"127.0.0.1", b"255.255.255.255", b"224.0.0.1", b"999.1.1.1",
             b"2001:db8:1::10", b"[2001:db8:1::10]", b"[2001:db8:ffff::1]", b"[::]", b"::",
             b"[::ffff:192.168.1.10]", b"phone.example", b"")
NUMBERS = (b"0", b"-1", b"1", b"1023", b"1024", b"5060", b"65535", b"65536", b"2147483647",
           b"2147483648", b"4294967295", b"4294967296", b"18446744073709551616",
           b"9" * 40, b"007", b"0x10", b"")
METHODS = (b"INVITE", b"ACK", b"BYE", b"CANCEL", b"REGISTER", b"OPTIONS", b"PRACK", b"UPDATE",
           b"SUBSCRIBE", b"NOTIFY", b"REFER", b"INFO", b"MESSAGE", b"PUBLISH", b"NEW")
HEADERS = (b"Via: SIP/2.0/UDP 192.168.1.10;branch=z9hG4bKx;rport",
           b"v: SIP/2.0/TCP 192.168.1.10:5060;branch=z9hG4bKy;received=203.0.113.1",
           b"Record-Route: <sip:192.168.1.10;lr>, <sip:203.0.113.50:5060;lr;transport=tcp>",
           b"Route: <sip:203.0.113.60:5060;lr>", b"Contact: *",
           b"Contact: <sip:a@192.168.1.10:7000>", b"Expires: 30",
           b"Session-Expires: 90;refresher=uas", b"Min-SE: 90", b"Supported: timer, 100rel",
           b"RSeq: 1", b"RAck: 1 1 INVITE", b"Content-Length: 0", b"Content-Encoding: gzip",
           b"Refer-To: <sip:b@192.168.1.10>", b"Subject: a\r\n b\r\n\tc",
           b"Replaces: a;to-tag=b;from-tag=c", b"P-Asserted-Identity: <sip:a@192.168.1.10>")
SDP_LINES = (b"c=IN IP4 192.168.1.10", b"c=IN IP4 0.0.0.0", b"c=IN IP6 2001:db8:1::10",
             b"m=audio 4000 RTP/AVP 0", b"m=audio 0 RTP/AVP 0", b"m=video 65535/4 RTP/AVP 31",
             b"m=audio 65536 RTP/AVP 0", b"a=rtcp:4009", b"a=rtcp:1 IN IP4 192.168.2.20",
             b"a=rtcp-mux", b"a=inactive", b"a=sendonly", b"a=group:BUNDLE 0 1",
             b"a=candidate:1 1 UDP 1 192.168.1.10 4000 typ host",
             b"o=- 1 1 IN IP4 192.168.1.10", b"b=RR:0", b"v=0")
PADDING = (b"a", b";p", b",<sip:a@192.168.1.10>", b" ", b"\\", b'"', b"%00")
HURTS = b"\0\n\r \",;<>@"
ADDRESS = re.compile(rb"\[[0-9a-fA-F:.]+\]|\d+\.\d+\.\d+\.\d+|2001:db8:[0-9a-f:]+")
NUMBER = re.compile(rb"\d+")
MOST = 60000

MESSAGES = [data for _, data in corpus.messages()]


def drop_line(rng, lines):
    del lines[rng.randrange(len(lines))]


def double_line(rng, lines):
    place = rng.randrange(len(lines))
    lines[place:place] = [lines[place]] * rng.choice((1, 1, 2, 20))


def swap_lines(rng, lines):
    i, j = rng.randrange(len(lines)), rng.randrange(len(lines))
    lines[i], lines[j] = lines[j], lines[i]


def add_line(rng, lines):
    head = lines.index(b"") if b"" in lines else len(lines)
    if rng.random() < 0.5 and head + 1 < len(lines):
        lines.insert(rng.randrange(head + 1, len(lines)), rng.choice(SDP_LINES))
    else:
        lines.insert(rng.randrange(head + 1), rng.choice(HEADERS))


def many_lines(rng, lines):
    """A bomb of headers or of media sections."""
    if rng.random() < 0.5:
        lines[1:1] = [rng.choice(HEADERS)] * rng.randrange(10, 600)
    else:
        lines += [rng.choice(SDP_LINES)] * rng.randrange(10, 300)


def long_line(rng, lines):
    lines[rng.randrange(len(lines))] += rng.choice(PADDING) * rng.choice((100, 513, 3000))


def in_lines(change):
    def spoilt(rng, data):
        lines = data.split(b"\r\n")
        change(rng, lines)
        return b"\r\n".join(lines)
    return spoilt


def other(pattern, values):
    """One match of the pattern becomes one of the values."""
    def spoilt(rng, data):
        found = list(pattern.finditer(data))
        if not found:
            return data
        one = rng.choice(found)
        return data[:one.start()] + rng.choice(values) + data[one.end():]
    return spoilt


def other_method(rng, data):
    return data.replace(rng.choice(METHODS), rng.choice(METHODS), rng.choice((1, -1)))


def fold(rng, data):
    place = data.find(b" ", rng.randrange(len(data)))
    return data[:place] + b"\r\n " + data[place:] if place > 0 else data


def bare_ends(rng, data):
    return data.replace(b"\r\n", rng.choice((b"\n", b"\r", b"\r\r\n")), rng.choice((1, 3, -1)))


def cut(rng, data):
    return data[:rng.randrange(len(data))]


def splice(rng, data):
    more = rng.choice(MESSAGES)
    return data[:rng.randrange(len(data))] + more[rng.randrange(len(more)):]


def flip(rng, data):
    data = bytearray(data)
    for _ in range(rng.choice((1, 1, 2, 5, 30))):
        data[rng.randrange(len(data))] = rng.choice((rng.randrange(256), rng.choice(HURTS)))
    return bytes(data)


def insert(rng, data):
    place = rng.randrange(len(data))
    return data[:place] + rng.randbytes(rng.randrange(1, 40)) + data[place:]


def wrong_length(rng, data):
    return re.sub(rb"Content-Length: \d+", b"Content-Length: " + rng.choice(NUMBERS), data)


WAYS = (*map(in_lines, (drop_line, double_line, swap_lines, add_line, add_line, many_lines,
                        long_line)),
        *[other(ADDRESS, ADDRESSES), other(NUMBER, NUMBERS)] * 2,
        other_method, fold, bare_ends, cut, splice, flip, flip, insert, wrong_length)


def spoil(rng, data):
    """The message with one fault or a few."""
    for _ in range(rng.choice((1, 1, 1, 2, 3, 6))):
        if data:
            data = rng.choice(WAYS)(rng, data)
    return data[:MOST]


def any_message(rng):
    """One of the corpus, at times as if one of our hosts had written it."""
    data = rng.choice(MESSAGES)
    if rng.random() < 0.5:
        ours = rng.choice(ADDRESSES[:4])
        data = ADDRESS.sub(lambda match: ours, data)
    return data[:MOST]
