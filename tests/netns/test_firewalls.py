#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""sipalg-ctl check on firewalls as they are found: tests/firewalls has the right answers."""
import glob
import json
import os
import re
import subprocess
import sys

sys.path.insert(0, os.path.abspath("tests/firewalls"))
import cases                # noqa: E402
from ksft import run, test  # noqa: E402

TOOL = os.path.abspath("tools/sipalg-ctl/sipalg-ctl")


@test("fault U1", "check: each firewall of the table gets the answer that is right for it")
def table():
    names = cases.names()
    assert len(names) >= 40, len(names)
    found = [sentence for name in names for sentence in cases.wrong(TOOL, name)]
    assert not found, "\n".join(found)


def alike(entries):
    """As every version of nft says it: newer ones print objects elsewhere, and flags as `|`."""
    def plain(value):
        if isinstance(value, list):
            return [plain(one) for one in value]
        if isinstance(value, dict):
            return plain(value["|"]) if set(value) == {"|"} else \
                {key: plain(one) for key, one in value.items() if key != "handle"}
        return value
    found = [plain(entry) for entry in entries[1:]]
    return [one for one in found if "rule" in one], sorted(map(str, found))


@test("fault U1", "what the table holds of nft is what this nft prints of the rules beside it")
def dumps():
    # one of each kind is enough: a namespace takes its time
    for folder in sorted(glob.glob("tests/firewalls/*1-*/rules.nft")):
        script = ("ip netns del dump 2>/dev/null; ip netns add dump;"
                  f"ip netns exec dump nft -f {folder}; ip netns exec dump nft -j list ruleset")
        text = subprocess.run(script, shell=True, capture_output=True, text=True).stdout
        with open(folder.replace("rules.nft", "nft.json"), encoding="ascii") as file:
            kept = json.load(file)["nftables"]
        printed = json.loads(text)["nftables"]
        assert alike(printed) == alike(kept), folder


def build(name):
    """A namespace with a case's interfaces and rules in it."""
    folder = f"tests/firewalls/{name}"
    inside = "ip netns exec case"
    lines = ["ip netns del case 2>/dev/null || true; ip netns add case",
             f"{inside} sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1"]
    with open(f"{folder}/interfaces", encoding="ascii") as file:
        links = [line.split() for line in file if line.strip()]
    bridge = next((words[0] for words in links if "port" not in words), None)
    for number, (link, *words) in enumerate(links):
        kind = "bridge" if any("port" in other for other in links) and link == bridge else \
            f"veth peer name veth{number}"
        lines.append(f"ip -n case link add {link} type {kind}")
    for number, (link, *words) in enumerate(links):
        lines += [f"ip -n case addr add {word} dev {link}" + (" nodad" if ":" in word else "")
                  for word in words if "/" in word]
        if "port" in words:
            lines.append(f"ip -n case link set {link} master {bridge}")
        lines.append(f"ip -n case link set {link} up; ip -n case link set veth{number} up 2>/dev/null || true")
        if "default" in words:
            lines.append(f"ip -n case route add default dev {link} metric {number + 1}")
            lines.append(f"ip -n case -6 route add default dev {link} metric {number + 1}")
    done = subprocess.run("set -e\n" + "\n".join(lines),
                          shell=True, capture_output=True, text=True)
    assert not done.returncode, (name, done)
    for kept, command in (("rules.nft", "nft -f -"), ("iptables", "iptables-restore"),
                          ("ip6tables", "ip6tables-restore"),
                          ("iptables-legacy", "iptables-legacy-restore"),
                          ("ip6tables-legacy", "ip6tables-legacy-restore")):
        if os.path.exists(f"{folder}/{kept}"):
            with open(f"{folder}/{kept}", encoding="ascii") as file:
                # how often something is logged, which the kernel of the tests cannot limit
                rules = re.sub(r"-m limit --limit \S+ (?=-j LOG)", "", file.read())
            done = subprocess.run(f"{inside} {command}", shell=True, input=rules,
                                  capture_output=True, text=True)
            assert not done.returncode, (name, kept, done)


def live(name):
    """What the tool says in that namespace."""
    release = f"tests/firewalls/{name}/os-release"
    if os.path.exists(release):
        subprocess.run(f"mount --bind {release} $(readlink -f /etc/os-release)", shell=True, check=True)
    try:
        done = subprocess.run([TOOL, "-n", "case", "-j", "check"], capture_output=True, text=True)
    finally:
        if os.path.exists(release):
            subprocess.run("umount $(readlink -f /etc/os-release)", shell=True, check=True)
    assert done.stdout, (name, done)
    return {row["name"]: row for row in json.loads(done.stdout)}, done.returncode


@test("fault U1", "check: the same firewalls loaded beside the real module get the same answers")
def loaded():
    found = []
    for name in cases.names():
        build(name)
        found += cases.differs(name, *live(name))
    assert not found, "\n".join(found)


@test("fault U1", "check --files refuses what is no dump, and needs no module")
def refused():
    os.makedirs("/tmp/dump", exist_ok=True)
    for name, text in (("interfaces", "lan 192.168.1.1/24\n"), ("nft.json", "{]")):
        done = subprocess.run([TOOL, "check", "--files", "/tmp/dump"], capture_output=True, text=True)
        assert done.returncode == 1 and done.stderr.count("\n") == 1, done
        with open(f"/tmp/dump/{name}", "w", encoding="ascii") as file:
            file.write(text)
    done = subprocess.run([TOOL, "check", "--files", "/tmp/dump"], capture_output=True, text=True)
    assert done.returncode == 1 and "nft.json" in done.stderr, done


run()
