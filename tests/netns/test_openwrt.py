#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""What the package for OpenWrt brings, run by the shell and the programs that OpenWrt has.

OpenWrt itself is not here. Its files lie where the package puts them, rc() calls the init
script as OpenWrt's rc.common does, and hotplug() the other one when the kernel says that
an interface came or went, as procd does.
"""
import json
import os
import shutil
import socket
import subprocess

from check_helpers import buckets, everywhere, right, router, rows, tool
from ksft import run, test

TOOL = os.path.abspath("tools/sipalg-ctl/sipalg-ctl")
FILES = "dist/openwrt/sipalg/files"
NETLINK_KOBJECT_UEVENT = 15
# What of the interface between the two the script uses.
RC_COMMON = """
initscript=$1 action=$2
shift 2
. "$initscript"
start() { start_service "$@"; }
reload() { reload_service "$@"; }
enabled() { [ -e "/etc/rc.d/S${START}sipalg" ]; }
for known in start reload enabled $EXTRA_COMMANDS; do
	[ "$action" != "$known" ] || { "$action" "$@"; exit; }
done
exit 127
"""


def shell(script):
    """Where /bin/sh is busybox, which takes sed, xargs, grep and ls out of itself."""
    done = subprocess.run(["unshare", "--mount", "/bin/bash", "-c",
                           'mount --bind /bin/busybox "$(readlink -f /bin/sh)"; exec /bin/sh -c "$0"',
                           script], capture_output=True, text=True)
    assert not done.returncode, (script, done)
    return done.stdout


def install():
    for folder in "/etc/rc.d", "/etc/hotplug.d/net", "/etc/init.d":
        os.makedirs(folder, exist_ok=True)
    with open("/etc/rc.common", "w", encoding="ascii") as file:
        file.write(RC_COMMON)
    shutil.copy(f"{FILES}/sipalg.init", "/etc/init.d/sipalg")
    os.chmod("/etc/init.d/sipalg", 0o755)
    shutil.copy(f"{FILES}/sipalg.hotplug", "/etc/hotplug.d/net/60-sipalg")
    os.symlink("../init.d/sipalg", "/etc/rc.d/S18sipalg")
    shutil.copy(TOOL, "/usr/sbin/sipalg-ctl")


def rc(action):
    return shell(f"/etc/init.d/sipalg {action}")


def configure(text):
    with open("/etc/sipalg.conf", "w", encoding="ascii") as file:
        file.write(text)


def value(name, space=None):
    inside = ["-n", space] if space else []
    done = subprocess.run([TOOL, *inside, "-j", "setting", "list"], capture_output=True, text=True)
    assert not done.returncode, done
    return next(row["value"] for row in json.loads(done.stdout) if row["name"] == name)


class Events:
    """What the kernel says of interfaces to whom listens in the first namespace."""

    def __init__(self):
        self.socket = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, NETLINK_KOBJECT_UEVENT)
        self.socket.bind((0, 1))
        self.socket.settimeout(5)

    def hotplug(self, action, interface):
        """Waits for it, and does as procd then does."""
        while True:
            words = self.socket.recv(65536).decode().split("\0")
            said = dict(word.split("=", 1) for word in words[1:] if "=" in word)
            if (said.get("SUBSYSTEM"), said["ACTION"], said.get("INTERFACE")) == \
                    ("net", action, interface):
                shell(f"export ACTION={action} INTERFACE={interface}; . /etc/hotplug.d/net/60-sipalg")
                return


def system(text):
    with open("/tmp/os-release", "w", encoding="ascii") as file:
        file.write(text)
    subprocess.run("mount --bind /tmp/os-release $(readlink -f /etc/os-release)", shell=True, check=True)


@test("issue 24", "OpenWrt: the service applies the settings, in namespaces that have a name as well")
def started():
    configure("# ours\ninactive-media-timeout 300 # longer\nmax-calls 700\n")
    rc("start")
    for space in None, "router":
        assert (value("inactive-media-timeout", space), value("max-calls", space)) == (300, 700), space


@test("issue 24", "OpenWrt: a namespace that comes later gets them, and keeps what is set in it then")
def later():
    events = Events()
    subprocess.run("ip netns add later; ip link add v0 type veth peer name v1 netns later",
                   shell=True, check=True)
    assert value("max-calls", "later") != 700
    events.hotplug("add", "v0")
    assert value("max-calls", "later") == 700
    subprocess.run([TOOL, "-n", "later", "setting", "set", "max-calls", "650"], check=True)
    subprocess.run("ip link add dummy1 type veth peer name dummy2; ip link set dummy2 netns later",
                   shell=True, check=True)
    events.hotplug("remove", "dummy2")
    assert value("max-calls", "later") == 650


@test("issue 24", "OpenWrt: the name of a namespace that has gone, used again, is another namespace")
def again():
    events = Events()
    subprocess.run("ip netns del later", shell=True, check=True)
    events.hotplug("remove", "v0")
    subprocess.run("ip netns add later; ip link add v0 type veth peer name v1 netns later",
                   shell=True, check=True)
    events.hotplug("add", "v0")
    assert value("max-calls", "later") == 700


@test("issue 24", "OpenWrt: reload applies what is written now, everywhere")
def reloaded():
    configure("max-calls 800\n")
    rc("reload")
    for space in None, "router", "later":
        assert (value("inactive-media-timeout", space), value("max-calls", space)) == (120, 800), space


@test("issue 24", "OpenWrt: a service that is switched off does nothing to namespaces that come")
def disabled():
    os.remove("/etc/rc.d/S18sipalg")
    events = Events()
    subprocess.run("ip netns add last; ip link add v2 type veth peer name v3 netns last",
                   shell=True, check=True)
    events.hotplug("add", "v2")
    assert value("max-calls", "last") != 800


@test("issue 24", "a system without /run, as OpenWrt was: -n, check --fix and --undo work by /var/run")
def without_run():
    right()
    everywhere("sysctl -qw net.netfilter.nf_conntrack_expect_max=16")
    subprocess.run("mount --make-rprivate /; mv /var/run /var/run.link; mkdir /var/run;"
                   "mount --rbind /run /var/run; mount -t tmpfs -o ro none /run",
                   shell=True, check=True)
    try:
        assert value("max-calls", "router")
        subprocess.run(f"nsenter -t 1 -n {TOOL} check --fix", shell=True, check=True,
                       capture_output=True)
        done = subprocess.run(f"nsenter -t 1 -n {TOOL} check --undo", shell=True, check=True,
                              capture_output=True, text=True)
        assert "-> 16\n" in done.stdout, done
    finally:
        subprocess.run("umount /run; umount -l /var/run; rmdir /var/run; mv /var/run.link /var/run",
                       shell=True, check=True)


@test("fault U4", "check on OpenWrt: nothing to type is Debian's, nor what OpenWrt's programs cannot do")
def typed():
    right()
    system('ID="openwrt"\n')
    fixes = []
    try:
        buckets(16, module=True)
        router("nft flush ruleset; sysctl -qw net.ipv4.ip_forward=0 net.ipv6.conf.all.forwarding=0")
        everywhere("sysctl -qw net.netfilter.nf_conntrack_expect_max=16 net.netfilter.nf_conntrack_acct=0")
        fixes += [row["fix"] for row in rows().values()]
        fixes += [row["fix"] for row in rows("PATH=/nowhere").values()]
        right()
        os.rename("/usr/sbin/conntrack", "/usr/sbin/conntrack.away")
        told = tool("")
        assert "Type: opkg install conntrack; conntrack -D -p udp " in told, told
    finally:
        subprocess.run("umount $(readlink -f /etc/os-release);"
                       "mv /usr/sbin/conntrack.away /usr/sbin/conntrack", shell=True, check=True)
    text = "\n".join(fixes)
    for word in "sysctl.d", "modules.d", "nftables.d", "opkg install":
        assert word in text, (word, text)
    for word in "apt-get", "systemctl", "modprobe", "/etc/modprobe.d":
        assert word not in text, (word, text)


@test("fault U4", "check on OpenWrt: fw4, the in-tree helper and a missing conntrack are spoken of as they are there")
def there():
    def said(name, change, question):
        shutil.rmtree("/tmp/case", ignore_errors=True)
        shutil.copytree(f"tests/firewalls/{name}", "/tmp/case")
        with open("/tmp/case/nft.json", encoding="ascii") as file:
            text = file.read()
        with open("/tmp/case/nft.json", "w", encoding="ascii") as file:
            file.write(change(text))
        done = subprocess.run([TOOL, "-j", "check", "--files", "/tmp/case"], capture_output=True, text=True)
        return next(row["fix"] for row in json.loads(done.stdout) if row["name"] == question)

    accept = said("51-openwrt-fw4-sipalg",
                  lambda text: text.replace('["related", {"accept": null}]', '["related", {"drop": null}]'),
                  "media that comes by a pinhole is accepted")
    assert "/usr/share/nftables.d/chain-pre/forward" in accept and "fw4 reload" in accept, accept
    unload = said("50-openwrt-fw4-helper-sip", str, "the kernel's own SIP helper is out of the way")
    assert "/etc/modules.d/nf-nathelper-extra" in unload and "rmmod" in unload, unload
    attach = said("49-openwrt-fw4-stock", str, "a rule attaches the helper")
    assert "/etc/nftables.d/sipalg.nft" in attach and "fw4 reload" in attach, attach


install()
run()
