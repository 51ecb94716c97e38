#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""stats show --prometheus: families, labels and types after Prometheus' conventions."""
import json
import os
import re

import topology as net
from ksft import run, test
from sip import Call, sdp
from topology import PHONE, ROUTER, SERVER, Udp

net.build()
TOOL = os.path.abspath("tools/sipalg-ctl/sipalg-ctl")
phone, server = Udp("phone", PHONE, 5060), Udp("provider", SERVER, 5060)


def metrics():
    return net.router(f"{TOOL} stats show --prometheus")


def families(text):
    return dict(re.findall(r"(?m)^# TYPE (\S+) (\S+)$", text))


def value(text, name):
    return int(re.search(rf"(?m)^{re.escape(name)} (\d+)$", text)[1])


@test("fault U3", "each metric has a family with HELP and TYPE before it; counters end in _total")
def format_():
    text = metrics()
    known, helped, family = families(text), set(re.findall(r"(?m)^# HELP (\S+) \S", text)), None
    assert len(known) == text.count("# TYPE"), "each family once"
    assert set(known) == helped, set(known) ^ helped
    for line in text.splitlines():
        if line.startswith("# TYPE"):
            family = line.split()[2]
        elif not line.startswith("#"):
            name, labels = re.fullmatch(r"(\w+)(\{[^}]*\})? \d+", line).groups()
            assert name == family, line
            assert not labels or re.fullmatch(r'\{(\w+="[^"\\]*",?)+\}', labels), line
    for name, kind in known.items():
        assert (kind == "counter") == name.endswith("_total"), (name, kind)
        assert re.fullmatch(r"sipalg_[a-z0-9_]+", name), name


@test("fault U3", "what happens is counted under the labels that say what it was")
def counts():
    before = metrics()
    call = Call("metrics", f"{PHONE}:5060", f"{ROUTER}:5060", SERVER)
    phone.send(call.request("INVITE", sdp(PHONE, 4900)), SERVER)
    assert server.recv()
    phone.send(call.request("OPTIONS", cseq=9), SERVER)
    assert server.recv()
    server.send(call.response("486 Busy Here"), ROUTER)
    assert phone.recv()
    after = metrics()
    for name in ('sipalg_messages_total{method="INVITE",retransmitted="false"}',
                 'sipalg_messages_total{method="OPTIONS",retransmitted="false"}',
                 'sipalg_responses_total{class="4xx",retransmitted="false"}',
                 "sipalg_calls_started_total"):
        assert value(after, name) == value(before, name) + 1, name
    assert value(after, "sipalg_calls") == 1 and value(after, "sipalg_calls_ended_total"
                                                       '{reason="bye"}') == 0


@test("fault U3", "no counter of the module is left out")
def whole():
    def leaves(node):
        return sum(leaves(child) if isinstance(child, dict) else 1 for child in node.values())
    shown = json.loads(net.router(f"{TOOL} -j stats show"))
    lines = [line for line in metrics().splitlines() if not line.startswith("#")]
    assert len(lines) == leaves(shown) + 1, (len(lines), leaves(shown))


@test("issue 25", "the sample that Prometheus is tried with has families of the tool")
def sample():
    with open("tests/metrics/sample.prom", encoding="ascii") as file:
        assert set(families(file.read())) <= set(families(metrics()))


if "SAMPLE" in os.environ:
    print("@@@" + metrics().replace("\n", "\n@@@"))
run()
