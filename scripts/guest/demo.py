# SPDX-License-Identifier: GPL-2.0
"""The demo's part inside the guest: makes the calls, records what happened.

Leaves in $SHARE: phone.pcap and provider.pcap, the packets on both sides of the
router, and calls.json with the router's tables at the moments that matter. What
it all means is for scripts/demo-report to say.
"""

import json
import os
import subprocess
import sys
import time

import netns
from baresip import Phone

HERE = os.path.dirname(os.path.abspath(__file__))
SHARE = os.environ["SHARE"]
SERVER = "203.0.113.10"
SIP = "dport=5060"


def say(text):
    print(text, flush=True)


def expectations():
    """The pinholes in the router, without those for signalling."""
    return [line for line in netns.table("router", "nf_conntrack_expect")
            if not line.split("dport=")[1].startswith("5060 ")]


def media_connections():
    return [line for line in netns.table("router", "nf_conntrack")
            if " udp " in line and SIP not in line]


def capture(namespace, interface, file):
    """Starts tcpdump and gives back what waits for it to be listening."""
    log = f"/tmp/tcpdump-{interface}.log"
    process = netns.start(namespace, "tcpdump", "-Z", "root", "-U", "--immediate-mode", "-n", "-i", interface,
                          "-w", f"/tmp/{file}", "udp", log=log)
    return process, log


def hang_ups(path):
    """How many answered BYEs a capture holds."""
    with open(path, "rb") as file:
        return file.read().count(b" BYE\r\n") // 2


class Record:
    """What is known of one call, for the report."""

    def __init__(self):
        self.data = {"begin": time.time()}

    def look(self, moment):
        """Keeps the router's tables; `conntrack` is what a user would type."""
        self.data[moment] = {
            "conntrack": netns.run("router", "conntrack", "-L", "expect").splitlines(),
            "expectations": netns.table("router", "nf_conntrack_expect"),
            "media": media_connections(),
        }

    def end(self):
        self.data["end"] = time.time()
        return self.data


def call(caller, callee, seconds):
    record = Record()
    target = f"sip:{callee.user}@{SERVER}"
    say(f"  {caller.user} dials {target} ...")
    caller.command("dial", target)
    callee.wait("CALL_INCOMING", 10)
    say(f"  {callee.user}'s phone rings")
    record.look("ringing")
    callee.command("accept")
    caller.wait("CALL_ESTABLISHED", 10)
    say(f"  {callee.user} answers; {seconds} s of audio ...")
    answered = time.monotonic()
    record.look("up")
    time.sleep(max(0, answered + seconds - time.monotonic()))
    record.data["talked"] = time.time()
    caller.command("hangup")
    callee.wait("CALL_CLOSED", 10)
    record.data["hung_up"] = time.time()
    say(f"  {caller.user} hangs up")
    return record


def wait_gone(record):
    """Until no trace of the call's media is left in the router; None: it stayed."""
    def gone():
        return not expectations() and not media_connections()
    begin = record.data["hung_up"]
    try:
        netns.wait_until(gone, 12, "pinholes to be gone")
        record.data["gone_after"] = time.time() - begin
    except TimeoutError:
        record.data["gone_after"] = None
    record.look("after")


def attach(helper):
    with open(f"{HERE}/helper.nft") as file:
        rules = file.read().replace('"sipalg"', f'"{helper}"')
    with netns.inside("router"):
        subprocess.run(["nft", "-f", "-"], input=rules, text=True, check=True)


def detach():
    netns.run("router", "nft", "delete table inet sip")
    netns.run("router", "conntrack", "-F")
    netns.run("router", "conntrack", "-F", "expect")


def main():
    helper = sys.argv[1] if len(sys.argv) > 1 else "sipalg"
    if helper == "sipalg":
        say("In the guest: modprobe sipalg")
        subprocess.run(["modprobe", "sipalg"], check=True)
    else:
        subprocess.run(["modprobe", "nf_conntrack_sip", "sip_direct_media=0"], check=True)
        subprocess.run(["modprobe", "nf_nat_sip"], check=True)
    say("Networks, firewall and helper")
    subprocess.run([f"{HERE}/topology.sh"], check=True)
    attach(helper)

    say("Starting kamailio, two baresip and tcpdump on both sides of the router")
    kamailio = netns.start("provider", "kamailio", "-DD", "-E", "-m", "32", "-M", "4",
                           "-Y", "/tmp", "-P", "/tmp/kamailio.pid", "-f", f"{HERE}/kamailio.cfg",
                           log="/tmp/kamailio.log")
    captures = [capture("phone", "eth0", "phone.pcap"), capture("provider", "uplink", "provider.pcap")]
    alice = Phone("phone", "192.168.1.10", "alice", "/tmp/alice", "4000-4019")
    bob = Phone("callee", "198.51.100.20", "bob", "/tmp/bob", "6000-6019")
    def serving():
        if kamailio.poll() is not None:
            raise RuntimeError("kamailio ended")
        return any(":13C4 " in line for line in netns.table("provider", "udp"))
    netns.wait_until(serving, 20, "kamailio to listen")
    for _, log in captures:
        netns.wait_for_text(log, "listening on", 20)
    for phone in alice, bob:
        phone.connect()

    result = {"begin": time.time()}
    bob.register(SERVER)
    alice.register(SERVER)
    say("Registered: alice behind the router, bob at the provider's")
    result["registered"] = time.time()

    say("\nCall 1, with the helper")
    record = call(alice, bob, 10)
    say("  waiting for the router to forget the call ...")
    wait_gone(record)
    result["helped"] = record.end()

    say("\nCall 2, from outside")
    result["inbound"] = call(bob, alice, 3).end()

    detach()
    say("\nCall 3, the helper's rule taken away")
    result["alone"] = call(alice, bob, 5).end()

    # Each call's last messages, the BYE and its answer, must be in the files.
    for file in "phone.pcap", "provider.pcap":
        netns.wait_until(lambda path=f"/tmp/{file}": hang_ups(path) >= 3, 10, f"BYE in {file}")
    for process, _ in captures:
        process.terminate()
        process.wait(10)
    kamailio.terminate()
    subprocess.run(["cp", "/tmp/phone.pcap", "/tmp/provider.pcap", SHARE], check=True)
    with open(f"{SHARE}/calls.json", "w") as file:
        json.dump(result, file, indent=1)


try:
    main()
except (RuntimeError, TimeoutError, OSError, subprocess.CalledProcessError) as error:
    say(f"demo: {error}")
    for name in "kamailio.log", "alice/log", "bob/log", "tcpdump-eth0.log":
        if os.path.exists(f"/tmp/{name}"):
            with open(f"/tmp/{name}", "rb") as source, \
                    open(f"{SHARE}/{name.replace('/', '.')}", "wb") as copy:
                copy.write(source.read())
    sys.exit(1)
