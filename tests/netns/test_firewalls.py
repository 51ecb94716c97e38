#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""sipalg-ctl check on firewalls as they are found: tests/firewalls has the right answers."""
import glob
import json
import os
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
        for entry in printed:
            for kind in entry.values():
                kind.pop("handle", None)
        assert printed[1:] == kept[1:], folder


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
