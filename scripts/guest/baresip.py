# SPDX-License-Identifier: GPL-2.0
"""A baresip without sound card, steered over its control socket."""

import json
import math
import os
import socket
import struct
import subprocess
import time
import wave

import netns

CONFIG = """\
sip_listen {host}:5060
sip_trans_def {transport}
rtp_ports {rtp}
rtcp_mux no
audio_source aufile,{folder}/tone.wav
audio_player aubridge,player
audio_alert aubridge,alert
audio_srate 8000
audio_channels 1
module_path /usr/lib/baresip/modules
module g711.so
module aufile.so
module aubridge.so
module_app menu.so
module_app ctrl_tcp.so
{modules}video_source fakevideo,none
video_display fakevideo,none
video_size 176x144
video_fps 5
ctrl_tcp_listen 127.0.0.1:4444
"""


def write_tone(path, seconds, hertz):
    """A WAV file of the only format that needs no conversion for G.711."""
    samples = (int(9000 * math.sin(2 * math.pi * hertz * i / 8000)) for i in range(8000))
    second = struct.pack("<8000h", *samples)
    with wave.open(path, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(8000)
        file.writeframes(second * seconds)


class Phone:
    def __init__(self, namespace, address, user, folder, rtp, transport="udp", modules=(), tone=30):
        """`rtp`: the range of its ports for media, as "4000-4019"; `tone`: seconds, of which
        it talks, then it hangs up."""
        self.namespace, self.address, self.user = namespace, address, user
        self.folder, self.transport = folder, transport
        self.events = []
        self._bytes = b""
        self._socket = None
        os.makedirs(folder, exist_ok=True)
        write_tone(f"{folder}/tone.wav", tone, 440)
        with open(f"{folder}/config", "w") as file:
            file.write(CONFIG.format(
                host=netns.host(address), folder=folder, rtp=rtp, transport=transport,
                modules="".join(f"module {name}.so\n" for name in modules)))
        for name in "accounts", "contacts":
            open(f"{folder}/{name}", "w").close()
        self._process = netns.start(namespace, "baresip", "-6" if ":" in address else "-4", "-f", folder,
                                    log=f"{folder}/log")

    def connect(self):
        """Waits for the program to listen to us."""
        def connected():
            if self._process.poll() is not None:
                raise RuntimeError(f"baresip ended; its words are in {self.folder}/log")
            with netns.inside(self.namespace):
                self._socket = socket.socket()
            if self._socket.connect_ex(("127.0.0.1", 4444)) == 0:
                return True
            self._socket.close()
            return False
        netns.wait_until(connected, 20, f"baresip of {self.user}")

    def command(self, name, params=""):
        text = json.dumps({"command": name, "params": params}).encode()
        self._socket.sendall(b"%d:%s," % (len(text), text))
        answer = self._next(lambda m: m.get("response"), 10, f"an answer to '{name}'")
        if not answer["ok"]:
            raise RuntimeError(f"baresip of {self.user} refused '{name}': {answer.get('data')}")
        return answer.get("data", "")

    def wait(self, kind, seconds):
        """Waits for an event, such as CALL_ESTABLISHED."""
        return self._next(lambda m: m.get("type") == kind, seconds, kind)

    def uri(self, server, user=None):
        """Of a user at this server, by this phone's transport."""
        way = "" if self.transport == "udp" else f";transport={self.transport}"
        return f"sip:{user or self.user}@{netns.host(server)}{way}"

    def register(self, server, more="", seconds=600):
        """`more`: parameters of the account, as ";medianat=stun"; `seconds`: until it does
        so again."""
        self.command("uanew", f"<{self.uri(server)}>;regint={seconds};answermode=manual{more}")
        self.wait("REGISTER_OK", 20)

    def drain(self):
        """Forgets what has happened until now."""
        self._receive(0.01)
        self.events.clear()

    def end(self):
        """Asks it to unregister and go; what then waits for an answer goes by force."""
        self._process.terminate()
        try:
            self._process.wait(5)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._socket.close()

    def _next(self, wanted, seconds, what):
        deadline = time.monotonic() + seconds
        while True:
            for i, message in enumerate(self.events):
                if wanted(message):
                    return self.events.pop(i)
            left = deadline - time.monotonic()
            if left <= 0:
                raise TimeoutError(f"{self.user}: no {what} within {seconds} s")
            self._receive(left)

    def _receive(self, seconds):
        self._socket.settimeout(seconds)
        try:
            data = self._socket.recv(65536)
        except TimeoutError:
            return
        if not data:
            raise RuntimeError(f"baresip of {self.user} ended; its words are in {self.folder}/log")
        self._bytes += data
        while b":" in self._bytes:
            length, rest = self._bytes.split(b":", 1)
            length = int(length)
            if len(rest) < length + 1:
                return
            self.events.append(json.loads(rest[:length]))
            self._bytes = rest[length + 1:]
