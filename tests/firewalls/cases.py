# SPDX-License-Identifier: GPL-2.0-only
"""
Firewalls as they are found, and what `sipalg-ctl check` has to say of each.

A case is a folder: `nft.json` is what `nft -j list ruleset` printed of
`rules.nft`; `iptables`, `ip6tables` and the same with `-legacy` are of their
-save; `interfaces` are the router's; `answer` is what is right, a line a
question:

    QUESTION ok|note|FAULT [words that must be told]
    fix-QUESTION words that must be in what is to be typed
"""
import json
import os
import subprocess

HERE = os.path.dirname(os.path.abspath(__file__))
QUESTIONS = {
    "attach": "a rule attaches the helper",
    "related": "media that comes by a pinhole is accepted",
    "in-tree": "the kernel's own SIP helper is out of the way",
    "ports": "media's ports are nobody else's",
    "gateways": "no other program takes SIP to itself",
}


def names():
    return sorted(name for name in os.listdir(HERE) if os.path.isdir(os.path.join(HERE, name)) and
                  not name.startswith("_"))


def answer(tool, name):
    """What the tool says of a case, and its exit status."""
    done = subprocess.run([tool, "-j", "check", "--files", os.path.join(HERE, name)],
                          capture_output=True, text=True)
    assert done.stdout, (name, done)
    return {row["name"]: row for row in json.loads(done.stdout)}, done.returncode


def wrong(tool, name):
    """What of an answer is not right, as sentences."""
    return differs(name, *answer(tool, name))


def differs(name, rows, status):
    """The same of an answer that is there: {question: row}, exit status."""
    found, fault = [], False
    with open(os.path.join(HERE, name, "answer"), encoding="ascii") as file:
        lines = file.read().splitlines()
    for line in lines:
        question, *words = line.split(" ", 2)
        row = rows[QUESTIONS[question.removeprefix("fix-")]]
        if question.startswith("fix-"):
            if " ".join(words) not in row["fix"]:
                found.append(f"{name}: {line}\n    typed: {row['fix']}")
            continue
        fault |= words[0] == "FAULT"
        if row["state"] != words[0].lower() or (words[1:] and words[1] not in row["fault"]):
            found.append(f"{name}: {line}\n    said: {row['state']} {row['fault']}")
    others = {row["name"]: row["fault"] for row in rows.values() if row["state"] == "fault"}
    asked = {QUESTIONS[line.split()[0]] for line in lines if not line.startswith("fix-")}
    if set(others) - asked:
        found.append(f"{name}: a fault that nobody asked for\n    said: {others}")
    if status != (3 if others else 0):
        found.append(f"{name}: exit status {status}")
    return found
