# SPDX-License-Identifier: GPL-2.0-only
"""What passes at a phone: when it got audio, and which SIP messages it sent and got."""
import re
import select
import socket
import struct
import threading
import time

import netns

ETH_P_ALL = 3
SO_TIMESTAMPNS = 35
MESSAGE = re.compile(rb"(?:([A-Z]+) sips?:\S+ SIP/2\.0|SIP/2\.0 (\d+))[^\r]*\r\n.*?\r\n"
                     rb"(?i:CSeq|cseq):\s*\d+\s+([A-Z]+)", re.DOTALL)


def name_of(payload):
    """`INVITE`, `180 INVITE`: a message's method, or its status and what it answers."""
    found = MESSAGE.match(payload)
    if not found:
        return None
    return (found[1] or found[2] + b" " + found[3]).decode()


def read(frame):
    """Whether it is UDP, and what it carries; of IPv4 and IPv6 without options."""
    packet = frame[14:]
    if frame[12:14] == b"\x08\x00":
        protocol, rest = packet[9], packet[(packet[0] & 15) * 4:int.from_bytes(packet[2:4], "big")]
    elif frame[12:14] == b"\x86\xdd":
        protocol, rest = packet[6], packet[40:40 + int.from_bytes(packet[4:6], "big")]
    else:
        return None, b""
    if protocol == 17:
        return True, rest[8:]
    if protocol == 6:
        return False, rest[(rest[12] >> 4) * 4:]
    return None, b""


class Ear(threading.Thread):
    """At a phone's interface."""

    def __init__(self, namespace, device="eth0"):
        super().__init__(daemon=True)
        with netns.inside(namespace):
            self._socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL))
            self._socket.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
            self._socket.bind((device, 0))
        self.namespace = namespace
        self.audio = []         # when RTP came
        self.messages = []      # (when, name, whether it was sent from here)
        self._waits_for = self._then = None
        self._ends = False
        self.start()

    def when(self, name, then):
        """Does something as soon as a message of this name has passed, once."""
        self._then, self._waits_for = then, name

    def forget(self):
        """It does not come any more."""
        self._waits_for = None

    def has_happened(self):
        return self._waits_for is None

    def run(self):
        while not self._ends:
            if not select.select([self._socket], [], [], 1)[0]:
                continue
            frame, (stamp,), _, where = self._socket.recvmsg(65536, socket.CMSG_SPACE(16))
            seconds, nanoseconds = struct.unpack("ll", stamp[2])
            # of what has passed while we were busy as well
            when = seconds + nanoseconds / 1e9 - time.time() + time.monotonic()
            self._take(frame, when, where[2] == socket.PACKET_OUTGOING)
        self._socket.close()

    def _take(self, frame, when, is_sent):
        is_udp, payload = read(frame)
        if is_udp and len(payload) > 12 and payload[0] >> 6 == 2:
            if not is_sent and payload[1] & 127 < 64:
                self.audio.append(when)
            return
        name = name_of(payload) if payload else None
        if not name:
            return
        self.messages.append((when, name, is_sent))
        if name == self._waits_for:
            self._waits_for = None
            self._then()

    def has_passed(self, name, begin, end):
        """A message of this name, between two moments."""
        return any(begin <= when <= end and name == passed for when, passed, _ in list(self.messages))

    def heard(self, begin):
        """Packets of audio since then."""
        return len([when for when in list(self.audio) if when > begin])

    def gap(self, begin, end):
        """The longest time without audio between two moments, in ms."""
        times = [begin, *(when for when in list(self.audio) if begin < when < end), end]
        return 1000 * max(after - before for before, after in zip(times, times[1:]))

    def end(self):
        self._ends = True
        self.join()
