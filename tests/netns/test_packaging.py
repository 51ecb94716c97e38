#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""What a distribution ships beside module and tool: does it tell the truth?"""
import json
import os
import re
import shlex

import topology as net
from ctl import calls_by_memory
from ksft import run, test
from topology import router

net.build()
CTL = os.path.abspath("tools/sipalg-ctl/sipalg-ctl")


def read(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


def settings():
    return {row["name"]: row for row in json.loads(router(f"{CTL} -j setting list"))}


@test("S0-4", "sipalg(4) tells each setting with the default and the range that it has")
def manual():
    told = dict(re.findall(r"\.B ([a-z0-9-]+)\ndefault (.*)", read("dist/sipalg.4")))
    for name, row in settings().items():
        unit = f" {row['unit']}" if row["unit"] else ""
        default = "none" if row["default"] == "" else row["default"]
        # a number on each machine, and a rule for people
        default = "by memory" if name == "max-calls" else default
        wanted = f"{default}{unit}, range {row['range'] or 'any'}{unit}"
        assert told.pop(name, None) == wanted, (name, wanted)
    assert not told, told


@test("issue 25", "call show tells each timer by the setting that it has its length from")
def timers():
    rows = re.findall(r'(?m)^TIMER_\w+\(\w+, "(\w+)"[^"]*"([^"]*)"\)', read("src/core/timers.def"))
    assert len(rows) > 8, rows
    names = set(settings())
    for name, text in rows:
        assert names & set(re.findall(r"[a-z0-9-]+", text)), (name, text)


def commands(kind):
    """The lines of the unit, run by its shell, with our tool and a file of settings."""
    for line in re.findall(rf"(?m)^{kind}=/bin/sh -c (.*)$", read("dist/sipalg.service")):
        script = shlex.split(line)[0].replace("/etc/sipalg.conf", "/tmp/sipalg.conf")
        router(f"sh -c {shlex.quote(f'PATH={os.path.dirname(CTL)}:$PATH; {script}')}")


def configure(text):
    with open("/tmp/sipalg.conf", "w", encoding="ascii") as file:
        file.write(text)


@test("issue 17", "--version: tool, module, packages and changelog have one version")
def version():
    told = json.loads(router(f"{CTL} -j --version"))
    wanted = re.match(r"sipalg \(([^)]+)\)", read("dist/debian/changelog"))[1]
    assert told == {"tool": wanted, "module": wanted}, told
    assert router(f"{CTL} -V") == f"sipalg-ctl {wanted}\nmodule {wanted}\n"
    assert f"PKG_VERSION:={wanted}\n" in read("dist/openwrt/sipalg/Makefile")
    assert re.search(r"(?m)^## (\S+)", read("CHANGELOG.md"))[1] == wanted
    assert f"\nVersion {wanted}," in read("README.md")


@test("issue 17", "README.md is read in one go: at most 150 lines, the rest is in doc/")
def readme():
    assert len(read("README.md").splitlines()) <= 150


@test("issue 17", "each file of src/ that the page on architecture names is there")
def named_files():
    folders = "|".join(os.listdir("src"))
    named = re.findall(rf"`((?:{folders})/[a-z0-9_]+)(\.\w+)?`", read("doc/dev/architecture.md"))
    assert len(named) > 40, named
    missing = [name + end for name, end in named
               if not any(os.path.exists(f"src/{name}{ending}") for ending in ([end] if end else [".c", ".h"]))]
    assert not missing, missing


@test("fault U4", "OpenWrt offers the module only where the kernel has IPv6 and is new enough")
def openwrt_conditions():
    depends = re.search(r"DEPENDS:=(.*nf-conntrack.*)", read("dist/openwrt/sipalg/Makefile"))[1].split()
    assert {"@IPV6", "+kmod-nf-conntrack6", "+kmod-nf-nat", "@!LINUX_5_4", "@!LINUX_5_10",
            "@!LINUX_5_15", "@!LINUX_6_1"} <= set(depends), depends


@test("S2-4", "sipalg.service applies /etc/sipalg.conf: the one that is shipped changes nothing")
def shipped():
    before = settings()
    configure(read("dist/sipalg.conf"))
    commands("ExecStart")
    assert settings() == before


@test("S2-4", "sipalg.service applies what is written there, and on reload what is written now")
def applied():
    configure("# ours\ninactive-media-timeout 300  # longer\nmax-calls 10000\ndeny-methods MESSAGE\n")
    commands("ExecStart")
    now = settings()
    assert (now["inactive-media-timeout"]["value"], now["max-calls"]["value"]) == (300, 10000)
    configure("max-calls 500\n")
    commands("ExecReload")
    now = settings()
    assert (now["inactive-media-timeout"]["value"], now["max-calls"]["value"]) == (120, 500)


@test("S2-4", "one wrong line, and none is applied")
def wrong():
    router(f"{CTL} setting reset")
    configure("max-calls 500\nt1-interval 7\n")
    try:
        commands("ExecStart")
    except RuntimeError as error:
        assert "500..5000" in str(error), error
    else:
        raise AssertionError("the unit does not fail")
    assert settings()["max-calls"]["value"] == calls_by_memory()


run()
