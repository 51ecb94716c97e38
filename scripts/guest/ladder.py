# SPDX-License-Identifier: GPL-2.0
"""Draws a call as it was seen on both sides of a router.

Two captures of the same messages give a picture of three columns: what the phone
sent or got, what the provider got or sent, and what the router made of it.
"""

import re
from dataclasses import dataclass, field

LEFT, MIDDLE, RIGHT = 2, 29, 56     # where the three lines stand
NOTE = MIDDLE + 2                   # where the changes are told
LONGEST = 18                        # of an arrow's label


@dataclass
class Message:
    """A message with its copies on either side; None where it was not seen."""
    time: float
    outward: bool                   # from the phone to the provider
    label: str
    inner: str | None = None
    outer: str | None = None
    copies: dict = field(default_factory=lambda: {"inner": 0, "outer": 0})


@dataclass
class Media:
    """RTP of one direction, as the line of a ladder."""
    time: float
    outward: bool
    inner: int
    outer: int


def _header(text, name, short=""):
    found = re.search(rf"^(?:{name}{'|' + short if short else ''})\s*:\s*(.*?)\s*$", text,
                      re.IGNORECASE | re.MULTILINE)
    return found.group(1) if found else ""


def _label(text):
    first, cseq = text.split("\r\n", 1)[0], _header(text, "CSeq")
    if not first.startswith("SIP/2.0 "):
        return first.split(" ", 1)[0]
    code, reason = (first.split(" ", 2) + [""])[1:3]
    method = cseq.split()[-1] if cseq else ""
    label = f"{code} {reason.split(' --')[0].capitalize() if code == '100' else reason}"
    label += "" if method == "INVITE" else f" ({method})"
    return label if len(label) <= LONGEST else label[:LONGEST - 1] + "~"


def pair(inner, outer, phone, provider, begin, end):
    """Messages between two times, in order, each once.

    `inner` and `outer` are the packets on the two sides of the router, `phone`
    and `provider` the addresses there.
    """
    messages = {}
    for side, packets in ("inner", inner), ("outer", outer):
        for packet in packets:
            if packet.kind != "SIP" or not begin <= packet.time <= end:
                continue
            text = packet.data.decode("utf-8", "replace")
            if side == "inner":
                outward = packet.source.startswith(phone + ":")
            else:
                outward = packet.destination.startswith(provider + ":")
            key = (outward, _label(text), _header(text, "Call-ID", "i"), _header(text, "CSeq"))
            message = messages.setdefault(key, Message(packet.time, outward, _label(text)))
            message.time = min(message.time, packet.time)
            message.copies[side] += 1
            if getattr(message, side) is None:
                setattr(message, side, text)
    return sorted(messages.values(), key=lambda m: m.time)


def changes(old, new):
    """What differs between two copies of a message: (where, old, new)."""
    found = []
    old_lines, new_lines = old.split("\r\n"), new.split("\r\n")
    if len(old_lines) != len(new_lines):
        return [("message", f"{len(old_lines)} lines", f"{len(new_lines)} lines")]
    for number, (before, after) in enumerate(zip(old_lines, new_lines)):
        if before != after:
            where, before, after = _parts(number, before, after)
            found += [(f"{where} {name}".rstrip(), a, b) for name, a, b in _tokens(before, after)]
    return found


def _parts(number, before, after):
    """Splits a line into the name of what it is and the rest."""
    if number == 0:
        return "URI", before, after
    sdp = re.match(r"(m=\w+|[a-z]=)", before)
    if sdp:
        return sdp.group(1), before[2:], after[2:]
    name = before.split(":", 1)[0]
    return name, before[len(name) + 1:].strip(), after[len(name) + 1:].strip()


def _tokens(before, after):
    split = r'([\s;,<>@"=]+|\bsips?:|\brtcp:)'
    a, b = re.split(split, before), re.split(split, after)
    if len(a) != len(b):
        return [("", before, after)]
    # What stands before an equals sign says what the value is: received=...
    return [(a[i - 2] if i > 1 and a[i - 1] == "=" else "", a[i], b[i])
            for i in range(len(a)) if a[i] != b[i]]


def _row(left, right, text=""):
    """A line of the picture: the three bars and what stands between them."""
    row = (" " * LEFT + "|" + left.ljust(MIDDLE - LEFT - 1) + "|" +
           right.ljust(RIGHT - MIDDLE - 1) + "|" + text)
    return row.rstrip()


def _arrow(outward, label, width, line="-", arrived=True):
    body = f" {label} " if label else ""
    tip = (">" if outward else "<") if arrived else "x"
    if outward:
        return " " + (line * 2 + body).ljust(width - 3, line) + tip + " "
    return " " + tip + (line * 2 + body).ljust(width - 3, line) + " "


def _arrows(outward, label, inner, outer, line="-"):
    widths = MIDDLE - LEFT - 1, RIGHT - MIDDLE - 1
    near, far = (inner, outer) if outward else (outer, inner)
    cells = []
    for width, here, name in (widths[0], inner, label), (widths[1], outer, ""):
        cells.append(_arrow(outward, name or ("" if inner else label), width, line) if here else "")
    text = "" if far or not near else "  dropped"
    return _row(*cells, text)


def _note(where, before, after):
    note = f"{where:<9} {before} -> {after}"
    start = min(NOTE, max(LEFT + 2, 80 - len(note)))
    bar = " " * LEFT + "|"
    return (bar.ljust(MIDDLE) + "|" if start >= NOTE else bar).ljust(start) + note


def _heads(*texts):
    """Texts over the three lines, the second and third in their middle."""
    row = ""
    for text, line in zip(texts, (0, MIDDLE, RIGHT)):
        row = row.ljust(max(0, line - len(text) // 2)) + text
    return row


def draw(messages, phone, router, provider):
    lines = [_heads("phone", "router", "provider"), _heads(phone, router, provider), _row("", "")]
    for message in messages:
        if isinstance(message, Media):
            lines.append(_arrows(message.outward, f"{max(message.inner, message.outer)} RTP packets",
                                 message.inner, message.outer, "="))
            continue
        lines.append(_arrows(message.outward, message.label, message.inner, message.outer))
        if message.inner and message.outer:
            old, new = message.inner, message.outer
            if not message.outward:
                old, new = new, old
            lines += [_note(*change) for change in changes(old, new)]
    return lines
