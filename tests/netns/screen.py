# SPDX-License-Identifier: GPL-2.0-only
"""A terminal of a size of its own, with `sipalg-ctl top` in it."""
import fcntl
import os
import select
import struct
import subprocess
import termios


class Terminal:
    """Runs a command and reads what it draws."""

    def __init__(self, command, rows=24, columns=80, env=None):
        self.ours, self.theirs = os.openpty()
        self.resize(rows, columns)
        self.before = termios.tcgetattr(self.theirs)
        # keys that are signals are those of the terminal that rules the session
        self.process = subprocess.Popen(
            command, stdin=self.theirs, stdout=self.theirs, start_new_session=True, env=env,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0))

    def resize(self, rows, columns):
        fcntl.ioctl(self.theirs, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def screens(self, count=1, seconds=20):
        """The lines of the last of so many screens that are drawn from now on."""
        text = ""
        while text.count("\x1b[H") < count or not text.endswith("\x1b[J"):
            if not select.select([self.ours], [], [], seconds)[0]:
                raise AssertionError(f"no more than {text!r} is drawn")
            text += os.read(self.ours, 65536).decode()
        return text.split("\x1b[H")[-1].replace("\x1b[K", "").replace("\x1b[J", "").splitlines()

    def type(self, keys):
        os.write(self.ours, keys)

    def mode(self):
        return termios.tcgetattr(self.theirs)

    def rest(self, seconds=10):
        """All that is written up to the end of the command."""
        text = b""
        self.process.wait(seconds)
        while select.select([self.ours], [], [], 0)[0]:
            text += os.read(self.ours, 65536)
        return text.decode()

    def close(self, seconds=10):
        """The exit status, once the terminal is what it was."""
        status = self.process.wait(seconds)
        after = termios.tcgetattr(self.theirs)
        os.close(self.ours)
        os.close(self.theirs)
        if after != self.before:
            raise AssertionError(f"the terminal is left as {after}, was {self.before}")
        return status
