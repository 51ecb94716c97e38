# SPDX-License-Identifier: GPL-2.0-only
"""Generic netlink by hand: requests as wrong as a test wants them."""
import os
import re
import select
import socket
import struct

import topology as net

NETLINK_GENERIC, GENL_ID_CTRL, CTRL_GETFAMILY = 16, 16, 3
NLMSG_ERROR, NLMSG_DONE = 2, 3
REQUEST, ACK, DUMP_INTR, DUMP, NESTED = 1, 4, 0x10, 0x300, 0x8000
SOL_NETLINK, EXT_ACK = 270, 11
HEADER = os.path.join(os.path.dirname(os.path.abspath(__file__)),
                      "../../include/uapi/linux/sipalg.h")


def _words():
    """Names and values of the header's enums."""
    with open(HEADER, encoding="ascii") as file:
        text = re.sub(r"/\*.*?\*/", "", file.read(), flags=re.DOTALL)
    words = {}
    for body in re.findall(r"enum\s*\w*\s*{(.*?)}", text, re.DOTALL):
        value = -1
        for entry in filter(None, (part.strip() for part in body.split(","))):
            name, given, number = (part.strip() for part in entry.partition("="))
            value = int(number) if given and number.isdigit() else value + 1
            if not name.startswith("__") and "(" not in number:
                words[name] = value
    return words


WORDS = _words()
COMMANDS = {name: value for name, value in WORDS.items() if name.startswith("SIPALG_CMD_")}


def attr(kind, data):
    """One attribute; a number becomes a u32, text gets its NUL."""
    if isinstance(data, int):
        data = struct.pack("=I", data)
    elif isinstance(data, str):
        data = data.encode() + b"\0"
    length = 4 + len(data)
    return struct.pack("=HH", length, kind) + data + bytes(-length % 4)


def message(family, command, attrs=b"", flags=ACK, seq=1):
    body = struct.pack("=BBH", command, 1, 0) + attrs
    return struct.pack("=IHHII", 16 + len(body), family, REQUEST | flags, seq, 0) + body


def parse(data):
    """Type and payload of each netlink message in a datagram."""
    while len(data) >= 16:
        length, kind = struct.unpack_from("=IH", data)
        assert 16 <= length <= len(data), "the kernel has sent half a message"
        yield kind, data[16:length]
        data = data[(length + 3) & ~3:]


def attrs_of(data):
    """Type and value of each attribute."""
    while len(data) >= 4:
        length, kind = struct.unpack_from("=HH", data)
        assert 4 <= length <= len(data), "the kernel has sent half an attribute"
        yield kind & 0x3fff, data[4:length]
        data = data[(length + 3) & ~3:]


def sentence_of(answer):
    """What an answer says in words (NLMSGERR_ATTR_MSG), or None; an error has the whole request before it."""
    error, length = struct.unpack_from("=iI", answer)
    words = dict(attrs_of(answer[4 + (length + 3 & ~3 if error else 16):])).get(1)
    return words.rstrip(b"\0").decode() if words else None


class Netlink:
    """A socket in a namespace, and the family's number there; `sentence` is what it last said in words."""

    def __init__(self, namespace="router"):
        if namespace:
            net.enter(namespace)
        self.socket = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, NETLINK_GENERIC)
        self.socket.bind((0, 0))
        self.socket.setsockopt(SOL_NETLINK, EXT_ACK, 1)
        self.family, self.patience, self.sentence = None, 2, None
        _, answers = self.ask(message(GENL_ID_CTRL, CTRL_GETFAMILY, attr(2, "sipalg")))
        for answer in answers:
            self.family = dict(attrs_of(answer[4:])).get(1, self.family)
        if self.family:
            self.family = struct.unpack("=H", self.family)[0]

    def send(self, data):
        self.socket.sendto(data, (0, 0))

    def read(self, seconds=2):
        """The next messages, or None when none come."""
        if not select.select([self.socket], [], [], seconds)[0]:
            return None
        return list(parse(self.socket.recv(1 << 17)))

    def ask(self, data):
        """The errno of the answer (0: none, None: no answer) and what came with it."""
        answers = []
        self.send(data)
        while True:
            messages = self.read(self.patience)
            if messages is None:
                return None, answers
            for kind, payload in messages:
                if kind == NLMSG_ERROR:
                    self.sentence = sentence_of(payload)
                if kind in (NLMSG_ERROR, NLMSG_DONE):
                    return -struct.unpack_from("=i", payload)[0], answers
                answers.append(payload)

    def command(self, name, attrs=b"", flags=ACK):
        return self.ask(message(self.family, WORDS[f"SIPALG_CMD_{name}"], attrs, flags))

    def close(self):
        self.socket.close()


# Values that a reader of lengths and numbers may stumble over.
NUMBERS = (0, 1, 2, 15, 31, 32, 33, 127, 128, 129, 255, 256, 1023, 1024, 65535, 65536,
           0x7fffffff, 0x80000000, 0xffffffff)
NAMES = ("mode", "media-ports", "screen-exempt", "deny-methods", "max-calls", "rate-limit",
         "screen-invites", "inactive-media-timeout", "no-such", "")
STATES = ("early", "confirmed", "held", "ending", "nonsense", "")


def _value(rng, depth):
    kind = rng.randrange(7 if depth else 6)
    if kind == 0:
        return struct.pack("=I", rng.choice(NUMBERS))
    if kind == 1:
        return rng.choice(NAMES + STATES).encode() + b"\0" * rng.randrange(3)
    if kind == 2:
        return rng.randbytes(rng.randrange(0, 24))
    if kind == 3:
        return rng.randbytes(rng.choice((64, 512, 513, 2000, 16000)))
    if kind == 4:
        return b""
    if kind == 5:
        return rng.choice((bytes(4), bytes(16), bytes([192, 168, 1, 10]), bytes([192, 168, 1])))
    return wild_attrs(rng, depth - 1)


def wild_attrs(rng, depth=2):
    """Attributes of any type and any value, now and then of a wrong length."""
    data = b""
    for _ in range(rng.randrange(5)):
        kind = rng.choice((rng.randrange(24), rng.randrange(24), rng.randrange(1 << 16)))
        if rng.random() < 0.3:
            kind |= NESTED
        one = attr(kind, _value(rng, depth))
        if rng.random() < 0.1:
            one = struct.pack("=H", rng.choice((0, 1, 3, 4, 5, 40, 0xffff))) + one[2:]
        data += one
    return data


def likely_attrs(rng, command):
    """Attributes that the command reads, of the type that it reads."""
    def some(*choices):
        return b"".join(choice for choice in choices if rng.random() < 0.5)

    if command == WORDS["SIPALG_CMD_SETTING_SET"]:
        return b"".join(attr(WORDS["SIPALG_A_SETTING"] | NESTED, some(
            attr(1, rng.choice(NAMES)), attr(2, rng.choice(NUMBERS)),
            attr(10, rng.randbytes(rng.choice((0, 2, 3, 32, 33))))))
            for _ in range(rng.randrange(1, 40)))
    return some(
        attr(WORDS["SIPALG_A_ID"], rng.choice(NUMBERS)),
        attr(WORDS["SIPALG_A_CALL_ID"], rng.randbytes(rng.choice((0, 1, 30, 512)))),
        attr(WORDS["SIPALG_A_ALL"], b""),
        attr(WORDS["SIPALG_A_ADDRESS"], bytes(rng.choice((4, 16, 0, 5)))),
        attr(WORDS["SIPALG_A_PREFIX"], rng.choice((0, 1, 24, 31, 32, 33, 128, 129))),
        attr(WORDS["SIPALG_A_PORT"], rng.choice(NUMBERS)),
        attr(WORDS["SIPALG_A_STATE"], rng.choice(STATES)),
        attr(WORDS["SIPALG_A_OLDER"], rng.choice(NUMBERS)),
        attr(WORDS["SIPALG_A_IDLE"], rng.choice(NUMBERS)))


def wild_request(rng, family):
    """A request to the family as nobody should send it."""
    command = rng.choice((rng.choice(sorted(COMMANDS.values())), rng.randrange(256)))
    attrs = rng.choice((wild_attrs, wild_attrs, lambda r: likely_attrs(r, command),
                        lambda r: likely_attrs(r, command),
                        lambda r: r.randbytes(r.randrange(200))))(rng)
    flags = ACK | rng.choice((0, DUMP, DUMP, 0x100, 0x200))
    data = message(family, command, attrs, flags, rng.randrange(1 << 32))
    if rng.random() < 0.2:
        data = data[:rng.randrange(16, len(data) + 1)]
        if rng.random() < 0.7:
            data = struct.pack("=I", len(data)) + data[4:]
    if rng.random() < 0.1:
        place = rng.randrange(16, len(data) + 1)
        data = data[:place] + rng.randbytes(rng.randrange(1, 9)) + data[place:]
    return data
