# SPDX-License-Identifier: GPL-2.0-only
"""A phone's end of a TCP connection, segment by segment as the test wants it."""
import select
import socket
import struct

import topology as net
from topology import PHONE, SERVER, Tcp, shell

FIN, SYN, PSH, ACK = 1, 2, 8, 16


def ones_sum(data):
    data += bytes(len(data) % 2)
    total = sum(struct.unpack(f">{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return total


def silence():
    """The phone's kernel knows nothing of these connections, and must not reset them."""
    shell("ip netns exec phone nft 'add table inet raw; add chain inet raw out "
          "{ type filter hook output priority 0; }; add rule inet raw out tcp flags rst drop'")


def lose(what=None):
    """What gets lost at the provider: its "acks", the "data" that it is sent, or nothing."""
    rule = {"acks": "add chain inet raw out { type filter hook output priority 0; }; "
                    "add rule inet raw out tcp sport 5060 drop",
            "data": "add chain inet raw in { type filter hook input priority 0; }; "
                    "add rule inet raw in tcp dport 5060 drop"}.get(what, "")
    shell(f"ip netns exec provider nft 'add table inet raw; delete table inet raw; "
          f"add table inet raw; {rule}'")


class Segments:
    """Bytes are counted from 0, the first behind the SYN."""

    def __init__(self, port, isn=0x7ffffff0):
        self.port, self.isn = port, isn
        net.enter("provider")
        listener = socket.socket()
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((SERVER, 5060))
        listener.listen()
        net.enter("phone")
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_TCP)
        self.socket.bind((PHONE, 0))
        self._send(-1, b"", SYN)
        self.peer_isn = self._answer()
        self.send(0, b"", ACK)
        accepted, _ = listener.accept()
        listener.close()
        self.server = Tcp(accepted)

    def _answer(self):
        while select.select([self.socket], [], [], 5)[0]:
            tcp = self.socket.recv(65536)[20:]
            sport, dport, seq, _, _, flags = struct.unpack(">HHIIBB", tcp[:14])
            if (sport, dport) == (5060, self.port) and flags == SYN | ACK:
                return seq + 1
        raise AssertionError("nobody answers the SYN")

    def _send(self, start, data, flags, ack=0):
        head = struct.pack(">HHIIBBHHH", self.port, 5060, (self.isn + 1 + start) & 0xffffffff, ack,
                           5 << 4, flags, 65535, 0, 0)
        pseudo = socket.inet_aton(PHONE) + socket.inet_aton(SERVER) + \
            struct.pack(">HH", socket.IPPROTO_TCP, len(head) + len(data))
        check = 0xffff - ones_sum(pseudo + head + data)
        self.socket.sendto(head[:16] + struct.pack(">H", check) + head[18:] + data, (SERVER, 0))

    def send(self, start, data, flags=PSH | ACK, heard=0):
        """`data` as one segment whose first byte is the stream's byte `start`, after so many of the provider's."""
        self._send(start, data, flags, self.peer_isn + heard)

    def acked(self, above):
        """How many bytes the provider has, as soon as it says it is more than `above`, or in a second."""
        while select.select([self.socket], [], [], 1)[0]:
            sport, dport, _, ack = struct.unpack(">HHII", self.socket.recv(65536)[20:32])
            count = (ack - self.isn - 1) & 0xffffffff
            if (sport, dport) == (5060, self.port) and above < count < 1 << 31:
                return count
        return above

    def close(self):
        self.socket.close()
        self.server.close()
        net.router("conntrack -D -p tcp 2>/dev/null || true")
