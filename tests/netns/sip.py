# SPDX-License-Identifier: GPL-2.0-only
"""Messages as text that a person can read, and the parts calls are made of."""
import re


def message(text, body=""):
    """CRLF ends, a Content-Length, and no blank lines at the edges."""
    def lines(part):
        return "".join(line.strip() + "\r\n" for line in part.strip().splitlines())
    content = lines(body) if body else ""
    return (lines(text) + f"Content-Length: {len(content)}\r\n\r\n{content}").encode()


def again(data, *changes):
    """A message with (old, new) replaced, each at least once, and a right length."""
    for old, new in changes:
        if old.encode() not in data:
            raise AssertionError(f"{old} is not in the message")
        data = data.replace(old.encode(), new.encode())
    head, _, body = data.partition(b"\r\n\r\n")
    head = re.sub(rb"Content-Length: \d+", b"Content-Length: %d" % len(body), head)
    return head + b"\r\n\r\n" + body


def sdp(address, port, media="", family=None):
    kind = family or ("IP6" if ":" in address else "IP4")
    return f"""v=0
        o=- 7 1 IN {kind} {address}
        s=-
        c=IN {kind} {address}
        t=0 0
        m=audio {port} RTP/AVP 0
        a=rtpmap:0 PCMU/8000
        {media}"""


class Call:
    """
    A call of a phone through the provider's proxy, message by message: what
    each party writes. `host` is the phone's address as it stands in messages,
    `seen` what the provider sees and answers with.
    """

    def __init__(self, name, host, seen, server, transport="UDP"):
        self.name, self.host, self.seen = name, host, seen
        self.server, self.transport = server, transport
        self.cseq = 1
        self.tags = ("phone-" + name, "peer-" + name)

    def request(self, method, body="", cseq=None, extra="", to_tag=False):
        self.cseq = cseq or self.cseq
        to = f";tag={self.tags[1]}" if to_tag else ""
        return message(f"""{method} sip:bob@{self.server} SIP/2.0
            Via: SIP/2.0/{self.transport} {self.host};branch=z9hG4bK{self.name}{self.cseq}{method};rport
            Max-Forwards: 70
            From: "alice" <sip:alice@{self.server}>;tag={self.tags[0]}
            To: <sip:bob@{self.server}>{to}
            Call-ID: {self.name}@call.example
            CSeq: {self.cseq} {method}
            Contact: <sip:alice@{self.host}>
            User-Agent: test{extra}""" + self._type(body), body)

    def response(self, status, method="INVITE", body="", tag=None, extra=""):
        tag = self.tags[1] if tag is None else tag
        to = f";tag={tag}" if tag else ""
        return message(f"""SIP/2.0 {status}
            Via: SIP/2.0/{self.transport} {self.seen};branch=z9hG4bK{self.name}{self.cseq}{method};rport
            From: "alice" <sip:alice@{self.server}>;tag={self.tags[0]}
            To: <sip:bob@{self.server}>{to}
            Call-ID: {self.name}@call.example
            CSeq: {self.cseq} {method}
            Contact: <sip:bob@{self.server}:5060>{extra}""" + self._type(body), body)

    def peer_request(self, method, uri, cseq=100, body="", tags=None):
        mine, theirs = tags or self.tags
        return message(f"""{method} sip:alice@{uri} SIP/2.0
            Via: SIP/2.0/{self.transport} {self.server}:5060;branch=z9hG4bKp{self.name}{cseq}{method}
            From: <sip:bob@{self.server}>;tag={theirs}
            To: "alice" <sip:alice@{self.server}>;tag={mine}
            Call-ID: {self.name}@call.example
            CSeq: {cseq} {method}
            Contact: <sip:bob@{self.server}:5060>""" + self._type(body), body)

    def peer_response(self, status, method, cseq=100, body=""):
        return message(f"""SIP/2.0 {status}
            Via: SIP/2.0/{self.transport} {self.server}:5060;branch=z9hG4bKp{self.name}{cseq}{method}
            From: <sip:bob@{self.server}>;tag={self.tags[1]}
            To: "alice" <sip:alice@{self.server}>;tag={self.tags[0]}
            Call-ID: {self.name}@call.example
            CSeq: {cseq} {method}
            Contact: <sip:alice@{self.host}>""" + self._type(body), body)

    @staticmethod
    def _type(body):
        return "\n            Content-Type: application/sdp" if body else ""
