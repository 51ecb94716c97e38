# SPDX-License-Identifier: GPL-2.0-only
"""sipalg-ctl monitor, as tests listen to it."""
import json
import os
import select
import subprocess

import topology as net

TOOL = os.path.abspath("tools/sipalg-ctl/sipalg-ctl")


class Monitor:
    """A monitor that has joined."""

    def __init__(self, options="-j"):
        self.process = subprocess.Popen([TOOL, "-n", "router", *options.split(), "monitor"],
                                        stdout=subprocess.PIPE)
        self.rest = b""
        net.until(self._joined, 10)

    def _joined(self):
        lines = net.router("cat /proc/net/netlink").splitlines()[1:]
        return any(line.split()[2] == str(self.process.pid) and int(line.split()[3], 16)
                   for line in lines)

    def lines(self, seconds=0.2):
        """What has been told until nothing more comes for so long."""
        while select.select([self.process.stdout], [], [], seconds)[0]:
            data = os.read(self.process.stdout.fileno(), 1 << 20)
            if not data:
                break
            self.rest += data
        *whole, self.rest = self.rest.split(b"\n")
        return [line.decode() for line in whole]

    def events(self, *kinds, seconds=0.2):
        """The events about these objects, or all."""
        found = [json.loads(line) for line in self.lines(seconds)]
        return [event for event in found if not kinds or event["object"] in kinds]

    def close(self):
        self.process.terminate()
        self.process.wait(10)
