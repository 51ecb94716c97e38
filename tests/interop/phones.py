# SPDX-License-Identifier: GPL-2.0-only
"""
The phones of make interop: programs of different origin behind one set of
words, so that a row is written once for all of them.
"""
import os
import re
import select
import signal
import subprocess
import time

import baresip
import netns
import network

# seconds for a message to come
WAIT = 8
# and for somebody to answer; who asks a STUN server meanwhile cannot at once
RINGING = 1
RTP = {"alice": "4000-4019", "carol": "5000-5019", "bob": "6000-6019", "dave": "7000-7019",
       "erin": "8000-8019"}


class Renews:
    """Who can hold a call can tell its addresses anew within it."""
    # knows its public address by a STUN server, and asks that again before an offer
    told = asks_again = False

    def renews(self):
        return True

    def renew(self):
        self.hold()
        time.sleep(1)
        self.resume()
        time.sleep(1)


class Baresip(Renews, baresip.Phone):
    """`account`: more parameters of its account, as ";medianat=stun"."""
    # asks for its registrar's name each time
    moves = True

    def __init__(self, user, way, account="", modules=(), tone=30):
        self.account = account
        self.told = "stunserver=" in account
        super().__init__(user, network.address(way, user), user,
                         f"/tmp/{user}-{time.monotonic_ns()}", RTP[user],
                         transport=network.transport(way), modules=modules, tone=tone)

    def register_at(self, server, seconds=600):
        self.register(server, self.account, seconds)

    def rest(self):
        """Nothing is to come for a while."""

    def register_again(self, former):
        """It has done so meanwhile."""
        self.wait("REGISTER_OK", 1)

    def call(self, uri):
        self.command("dial", uri)

    def answer(self):
        self.wait("CALL_INCOMING", WAIT)
        time.sleep(RINGING)
        self.command("accept")

    def established(self):
        self.wait("CALL_ESTABLISHED", WAIT)

    def hold(self):
        self.command("hold")

    def resume(self):
        self.command("resume")

    def show(self, direction):
        """Of its video, as descriptions have it: inactive, sendrecv."""
        self.command("video_dir", direction)

    def transfer(self, uri):
        self.command("transfer", uri)

    def quiet(self):
        for _ in range(2):
            try:
                self.command("hangup")
            except RuntimeError:
                break


LINPHONE = """\
[sip]
sip_port={udp}
sip_tcp_port={tcp}
sip_tls_port=-1
default_proxy=0
ipv6={six}
[rtp]
audio_rtp_port={rtp}
[proxy_0]
reg_proxy=<sip:{server};transport={transport}>
reg_identity=sip:{user}@{server}
reg_expires={seconds}
reg_sendregister=1
publish=0
[video]
enabled=0
automatically_initiate=0
automatically_accept=0
[misc]
add_missing_audio_codecs=0
add_missing_video_codecs=0
[audio_codec_0]
mime=PCMU
rate=8000
channels=1
enabled=1
"""


class Linphone(Renews):
    """linphonec without a sound card, steered by what it reads and prints; with ICE, if
    there is a STUN server for it; with a password, if it is asked for one."""
    moves = False
    asks_again = True

    def __init__(self, user, way, stun=None, password=None):
        self.told = bool(stun)
        self.user = self.namespace = user
        self.address = network.address(way, user)
        self.transport = network.transport(way)
        self.folder = f"/tmp/{user}-{time.monotonic_ns()}"
        self._stun = f"[net]\nstun_server={stun}\nfirewall_policy=ice\n" if stun else ""
        self._password = f"[auth_info_0]\nusername={user}\npasswd={password}\n" if password else ""
        self._process = None
        self._said = ""
        self._held = None

    def connect(self):
        """It registers as soon as it runs: register_at() starts it."""

    def register_at(self, server, seconds=600):
        # It makes its data base in a folder, but not the folder.
        for folder in (".local/share/linphone", ".config/linphone"):
            os.makedirs(f"{self.folder}/{folder}")
        with open(f"{self.folder}/config", "w", encoding="ascii") as file:
            file.write(LINPHONE.format(
                udp=5060 if self.transport == "udp" else -1,
                tcp=5060 if self.transport == "tcp" else -1, six=int(":" in server),
                rtp=RTP[self.user].split("-", maxsplit=1)[0], user=self.user, seconds=seconds,
                server=netns.host(server), transport=self.transport) + self._stun + self._password)
        with netns.inside(self.namespace), open(f"{self.folder}/log", "wb") as log:
            self._process = subprocess.Popen(
                ["linphonec", "-c", f"{self.folder}/config"], stdin=subprocess.PIPE,
                stdout=subprocess.PIPE, stderr=log, env=dict(os.environ, HOME=self.folder))
        self._write("soundcard use files")
        self._write("play /usr/share/sounds/linphone/toy-mono.wav")

        def registered():
            self._write("status register")
            return self._heard(r"registered, identity=.* duration=\d", 0.5)
        netns.wait_until(registered, 20, f"linphone of {self.user} to register")

    def rest(self):
        """Nothing is to come for a while."""

    def register_again(self, former):
        """It has done so meanwhile."""

    def uri(self, server, user=None):
        """Of a user at this server; the account's proxy says by which transport."""
        return f"sip:{user or self.user}@{netns.host(server)}"

    def call(self, uri):
        self._write(f"call {uri}")

    def answer(self):
        self._wait("Receiving new incoming call", WAIT)
        time.sleep(RINGING)
        self._write("answer")

    def established(self):
        self._wait("Media streams established", WAIT)

    def hold(self):
        self._write("pause")
        self._held = self._wait(r"Call (\d+) with .* is now paused", WAIT)[1]

    def resume(self):
        self._write(f"resume {self._held}")
        self._wait("Media streams established", WAIT)

    def transfer(self, uri):
        self._write(f"transfer {uri}")

    def consult(self, uri):
        """A second call; the first waits."""
        self.hold()
        self._write(f"call {uri}")

    def join(self):
        """The parties of the first two calls talk to each other from now on."""
        self._write("transfer 1 --to-call 2")

    def quiet(self):
        self._write("terminate all")

    def drain(self):
        """Forgets what has happened until now."""
        self._read(0.01)
        self._said = ""

    def end(self):
        self._write("quit")
        try:
            self._process.wait(5)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process.stdin.close()
        self._process.stdout.close()

    def _write(self, line):
        self._process.stdin.write(line.encode() + b"\n")
        self._process.stdin.flush()

    def _read(self, seconds):
        if select.select([self._process.stdout], [], [], seconds)[0]:
            said = os.read(self._process.stdout.fileno(), 65536)
            if not said:
                raise RuntimeError(f"linphone of {self.user} ended")
            self._said += said.decode(errors="replace")

    def _heard(self, pattern, seconds):
        """The first match in what it printed, which is then forgotten up to there."""
        deadline = time.monotonic() + seconds
        while True:
            found = re.search(pattern, self._said)
            if found:
                self._said = self._said[found.end():]
                return found
            left = deadline - time.monotonic()
            if left <= 0:
                return None
            self._read(left)

    def _wait(self, pattern, seconds):
        found = self._heard(pattern, seconds)
        if not found:
            raise TimeoutError(f"{self.user}: not '{pattern}' within {seconds} s")
        return found


SCENARIOS = f"{os.path.dirname(os.path.abspath(__file__))}/sipp"


class Sipp:
    """sipp as a phone: a process to register, one that waits for a call, one to call. It
    registers where a 302 sends it."""
    moves = True
    told = False

    def __init__(self, user, way):
        self.user = self.namespace = user
        self.address = network.address(way, user)
        self.transport = network.transport(way)
        self.folder = f"/tmp/{user}-{time.monotonic_ns()}"
        self._port = 5060
        self._server = self._scenario = None
        self._process = None

    def connect(self):
        os.makedirs(self.folder)
        # a minute of silence as G.711 has it
        with open(f"{self.folder}/audio", "wb") as file:
            file.write(b"\xff" * 480000)

    def register_at(self, server, seconds=3600):
        self._server = server
        self._register(server)

    def rest(self):
        """Nothing is to come for a while, and it need not look for that."""
        self._stop()

    def register_again(self, former):
        """At its server, or at a former one, who sends it elsewhere."""
        self._register(former or self._server)

    def renews(self):
        """Whether its scenario does so, unasked."""
        return self._scenario == "refresher"

    def renew(self):
        """By the next refresh."""

    def _register(self, server):
        self._run("register", self._next_port(), server=server)
        if self._process.wait(20):
            raise RuntimeError(f"sipp of {self.user} did not register; see {self.folder}/register.log")
        self._listen()

    def uri(self, server, user=None):
        return f"sip:{user or self.user}@{netns.host(server)};transport={self.transport}"

    def call(self, uri, scenario="out"):
        self._stop()
        self._run(scenario, self._next_port(), "-key", "uri", uri)

    def answer(self):
        """It does so unasked."""

    def await_call(self, scenario):
        """Answers by another scenario than `in`."""
        self._stop()
        self._run(scenario, 5060)

    def established(self):
        self.has("established")

    def has(self, mark):
        """A file that its scenario makes."""
        netns.wait_until(lambda: os.path.exists(f"{self.folder}/{mark}"), WAIT,
                         f"'{mark}' of sipp of {self.user}")

    def pause(self, going_on):
        """It looks for messages a thousand times a second, for which hours of silence are
        too long, even where time travels: it is stopped while none is to come."""
        self._process.send_signal(signal.SIGCONT if going_on else signal.SIGSTOP)

    def has_ended(self):
        """Whether all came to pass that the scenario tells, to the end."""
        try:
            return self._process.wait(40) == 0
        except subprocess.TimeoutExpired:
            return False

    def quiet(self):
        """Its call has been hung up by the other side, else it goes by force."""
        try:
            self._process.wait(2)
        except subprocess.TimeoutExpired:
            pass
        self._stop()
        self._listen()

    def drain(self):
        pass

    def end(self):
        self._stop()

    def _listen(self):
        self._run("in", 5060)

    def _next_port(self):
        """A connection of its own for each call; UDP has one socket for all."""
        if self.transport == "udp":
            return 5060
        self._port += 10
        return self._port

    def _run(self, scenario, port, *more, server=None):
        self._scenario = scenario
        for mark in "established", "talks":
            if os.path.exists(f"{self.folder}/{mark}"):
                os.unlink(f"{self.folder}/{mark}")
        self._process = netns.start(
            self.namespace, "sipp", f"{netns.host(server or self._server)}:5060", "-nostdin", "-m", "1",
            "-sf", f"{SCENARIOS}/{scenario}.xml", "-t", "u1" if self.transport == "udp" else "t1",
            "-i", self.address, "-p", str(port), "-mi", self.address,
            "-mp", RTP[self.user].split("-", maxsplit=1)[0], "-key", "user", self.user,
            *more, cwd=self.folder, log=f"{self.folder}/{scenario}.log")

    def _stop(self):
        if self._process.poll() is None:
            self._process.kill()
            self._process.wait()
        self._process.wait()


class Lamp(Sipp):
    """Of a desk phone beside another program: shows whether somebody else talks."""

    def watch(self, server, uri):
        self.connect()
        self._server = server
        self._run("subscribe", 5070, "-key", "uri", uri, "-au", self.user, "-ap", "secret")
        self.has("established")

    def shines(self):
        self.has("talks")
