# SPDX-License-Identifier: GPL-2.0-only
"""SIP messages and SDP as these parties write and read them: plainly, one header value a line."""
import re

URI = re.compile(r"sip:(?:([^@>;]*)@)?(\[[0-9a-f:]+\]|[^:;>\s]+)(?::(\d+))?([^>\s]*)")


def written(address, port=None):
    host = f"[{address}]" if ":" in address else address
    return f"{host}:{port}" if port else host


class Uri:
    def __init__(self, text):
        found = URI.search(text)
        self.text, self.user, self.host = found[0], found[1], found[2].strip("[]")
        self.port, self.parameters = int(found[3] or 5060), found[4]
        self.transport = "tcp" if "transport=tcp" in self.parameters else "udp"


class Message:
    def __init__(self, start, headers, body=""):
        self.start, self.headers, self.body = start, headers, body

    @classmethod
    def parse(cls, data):
        head, _, body = data.decode("latin-1").partition("\r\n\r\n")
        start, *lines = head.split("\r\n")
        return cls(start, [line.split(": ", 1) for line in lines if ": " in line], body)

    def bytes(self):
        lines = [self.start, *(f"{name}: {value}" for name, value in self.headers if name != "Content-Length"),
                 f"Content-Length: {len(self.body)}"]
        return ("\r\n".join(lines) + "\r\n\r\n" + self.body).encode("latin-1")

    def copy(self):
        return Message(self.start, [list(pair) for pair in self.headers], self.body)

    def all(self, name):
        return [value for header, value in self.headers if header == name]

    def get(self, name):
        return next(iter(self.all(name)), "")

    def put(self, name, value):
        """In place of the first such header, or as the first of all."""
        for pair in self.headers:
            if pair[0] == name:
                pair[1] = value
                return
        self.headers.insert(0, [name, value])

    def push(self, name, value):
        self.headers.insert(0, [name, value])

    def pop(self, name):
        at = next(i for i, pair in enumerate(self.headers) if pair[0] == name)
        return self.headers.pop(at)[1]

    @property
    def is_request(self):
        return not self.start.startswith("SIP/2.0 ")

    @property
    def method(self):
        return self.get("CSeq").split(" ")[1]

    @property
    def status(self):
        return 0 if self.is_request else int(self.start.split(" ")[1])

    @property
    def uri(self):
        return self.start.split(" ")[1]

    @property
    def branch(self):
        return re.search(r"branch=([^;]+)", self.get("Via"))[1]

    @property
    def key(self):
        return self.branch, "INVITE" if self.method == "ACK" else self.method

    @property
    def server_key(self):
        """RFC 3261 17.2.3: the same branch of another sent-by is another transaction."""
        return (*self.key, self.get("Via").split(";")[0])

    def describe(self):
        return f"{self.start} ({self.get('CSeq')}, {self.get('Call-ID')})"


def tag(field):
    found = re.search(r";tag=([^;]+)", field)
    return found[1] if found else ""


DIRECTIONS = ("sendrecv", "sendonly", "recvonly", "inactive")
MIRROR = {"sendrecv": "sendrecv", "sendonly": "recvonly", "recvonly": "sendonly", "inactive": "inactive"}


class Stream:
    def __init__(self, kind, address, port, direction, rtcp=None):
        self.kind, self.address, self.port, self.direction = kind, address, port, direction
        self.rtcp = rtcp or port + 1


class Sdp:
    """A description: one address for all, or each stream its own."""

    @staticmethod
    def write(version, address, streams, hold_address=False):
        kind = "IP6" if ":" in address else "IP4"
        named = ("::" if kind == "IP6" else "0.0.0.0") if hold_address else address
        lines = ["v=0", f"o=- 7 {version} IN {kind} {address}", "s=-", f"c=IN {kind} {named}", "t=0 0"]
        for stream in streams:
            lines += [f"m={stream.kind} {stream.port} RTP/AVP {96 if stream.kind == 'video' else 0}"]
            if stream.kind == "video":
                lines += ["a=rtpmap:96 H264/90000"]
            if stream.port and stream.rtcp != stream.port + 1:
                lines += [f"a=rtcp:{stream.rtcp}"]
            if stream.direction != "sendrecv":
                lines += [f"a={stream.direction}"]
        return "".join(line + "\r\n" for line in lines)

    @staticmethod
    def read(text):
        streams, address = [], None
        for line in text.split("\r\n"):
            if line.startswith("c="):
                where = line.split(" ")[2]
                if streams:
                    streams[-1].address = where
                else:
                    address = where
            elif line.startswith("m="):
                kind, port = line[2:].split(" ")[:2]
                streams.append(Stream(kind, address, int(port), "sendrecv"))
            elif line.startswith("a=rtcp:"):
                streams[-1].rtcp = int(line[7:].split(" ")[0])
            elif line[2:] in DIRECTIONS:
                streams[-1].direction = line[2:]
        return streams
