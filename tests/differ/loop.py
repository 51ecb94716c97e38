# SPDX-License-Identifier: GPL-2.0-only
"""Sockets and timers in one thread. Who is served first depends on nothing but who came first."""
import heapq
import itertools
import select
import time


LATE = 0.05     # seconds that a message which did not come at once has been on its way at least


class Loop:
    """
    Time is counted by what is due, and not by when the kernel has woken us, which is up to a
    millisecond later: otherwise two runs of one scenario would drift apart.
    """

    def __init__(self):
        self.start, self.time = time.monotonic(), 0.0
        self.timers, self.count = [], itertools.count()
        self.readers = {}

    def now(self):
        return self.time

    def after(self, seconds, function):
        """Calls `function` then; its entry, whose last member may be set to None to forget it."""
        timer = [self.now() + seconds, next(self.count), function]
        heapq.heappush(self.timers, timer)
        return timer

    def add(self, sock, function):
        self.readers[sock] = function

    def remove(self, sock):
        self.readers.pop(sock, None)

    def run(self, seconds):
        self.until(lambda: False, seconds)

    def until(self, condition, seconds):
        """Serves until the condition holds, for so long at most; says if it held."""
        end = self.now() + seconds
        while not condition():
            if self.now() >= end:
                return False
            self._serve(end)
        return True

    def _serve(self, end):
        due = min(end, self.timers[0][0]) if self.timers else end
        readable, _, _ = select.select(list(self.readers), [], [], max(self.start + due - time.monotonic(), 0))
        self.time = max(self.time, time.monotonic() - self.start - LATE) if readable else due
        for sock in readable:
            if sock in self.readers:
                self.readers[sock]()
        while self.timers and self.timers[0][0] <= self.now():
            function = heapq.heappop(self.timers)[2]
            if function:
                function()
