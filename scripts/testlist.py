#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""Every single test of this project, found in the sources; nothing is built or run.

    scripts/testlist.py [WORD...]       lists the tests that have all words
    scripts/testlist.py --select NAME   commands for scripts/tap: the tests so named

A line is the test's name, the id of the requirement it proves (or -), and its
title, with tabs between. NAME is such a name, the part behind its dot (a
function), or an id. Titles that a C program makes of a table are listed by
the table's rows; `%s` stands for what only the running program knows.
"""
import ast
import glob
import os
import re
import subprocess
import sys
from unittest import mock

TOP = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..")
# What a title begins with, where a C program or a message of the corpus has an id.
ID = re.compile(r"(?:[SHT]\d?-\d+[a-z]?|[CDNORKU]\d{1,2}|RFC \d{4}(?: [\d.]+)?)(?![\w-])")
NETNS = "scripts/um-run --time-travel --timeout 300 /usr/bin/python3 {}"


def read(path):
    with open(path, encoding="utf-8", errors="replace") as file:
        return file.read()


class Listed(Exception):
    """A test program has told its tests."""


def run_stubbed(path):
    """
    Tests that a program makes while it runs: it is run with stubs in place of
    network, tool and ksft.py, up to its call of run().
    """
    found = []

    def test(row, title):
        def mark(function):
            found.append((row, title, function.__name__))
            return function
        return mark

    def run(*_, **__):
        raise Listed

    ksft = mock.MagicMock(test=test, run=run)
    stubs = {name: mock.MagicMock() for name in
             ("topology", "transports", "genl", "call_helpers", "ctl", "segments", "screen", "pair")}
    sys.path.insert(0, "tests/netns")
    with mock.patch.dict(sys.modules, {**stubs, "ksft": ksft}), mock.patch("sys.argv", [path]):
        try:
            exec(compile(read(path), path, "exec"), {"__name__": "__main__", "__file__": path})
        except Listed:
            pass
    sys.path.pop(0)
    return found


def text_of(node):
    """A string, or one put together of strings."""
    try:
        return ast.literal_eval(node)
    except ValueError:
        return None


def python_tests(path):
    """(row, title, function) of each test, in the order of the file."""
    tree = ast.parse(read(path), path)
    found = []
    for node in ast.walk(tree):
        for mark in getattr(node, "decorator_list", []):
            if isinstance(mark, ast.Call) and getattr(mark.func, "id", "") == "test":
                row, title = map(text_of, mark.args[:2])
                if node not in tree.body or row is None or title is None:
                    return run_stubbed(path)
                found.append((row, title, node.name))
    return found


def netns():
    for path in sorted(glob.glob("tests/netns/test_*.py")):
        program = "netns/" + os.path.basename(path)[:-3]
        tests = python_tests(path)
        names = [function for _, _, function in tests]
        for number, (row, title, function) in enumerate(tests, 1):
            # functions of a table have one name: then the number tells them apart
            name = function if names.count(function) == 1 else number
            yield f"{program}.{name}", row, title


def additions():
    for row, title, function in python_tests("tests/additions/end_to_end.py"):
        yield f"additions.{function}", row, title
    for title in re.findall(r'check\(\w+, f?"([^"]+)"', read("tests/additions/run")):
        yield "additions", "issue 17", title.replace("{kind}", "%s")


def split_id(title):
    found = ID.match(title)
    return (found[0], title[found.end():].strip(" :,")) if found else ("-", title)


def c_strings(path):
    """Titles: of tap(), and the first string of each row of a table."""
    text = read(path)
    for found in re.finditer(r'(?s)\btap\((?:[^;]*?), "((?:[^"\\]|\\.)*)"', text):
        if not found[1].startswith("%s"):
            yield found[1]
    yield from re.findall(r'(?m)^\t\{ ?"((?:[^"\\]|\\.)*)"', text)
    yield from re.findall(r'\.title = "((?:[^"\\]|\\.)*)"', text)


# What tests/user/corpus_test.c asks of each message beside what its title says.
CORPUS = (("-", "every prefix of {}"), ("H-3", "every cut of {}"), ("-", "the frame of {}"))


def user():
    for path in sorted(glob.glob("tests/user/*_test.c")):
        for title in c_strings(path):
            yield "user." + os.path.basename(path)[:-7], *split_id(title)
    for path in sorted(glob.glob("tests/corpus/*.sip")):
        title, name = read(path).splitlines()[0].lstrip("# "), os.path.basename(path)[:-4]
        yield "user." + name, *split_id(title)
        for row, of_each in CORPUS:
            yield "user." + name, row, of_each.format(name)


def kunit():
    for path in sorted(glob.glob("tests/kunit/*_test.c")):
        for case in re.findall(r"KUNIT_CASE(?:_PARAM)?\((\w+)", read(path)):
            yield f"kunit.{case}", *split_id(case.replace("_", " "))


# Programs whose tests are `report 'TITLE'`, `ok N - TITLE` or the like in a script.
SCRIPTS = {
    "lint": ["scripts/lint"],
    "packages": ["scripts/deb-test", "scripts/guest/installed", "scripts/guest/checkout"],
    "requirements": ["scripts/requirements"],
    "kernel_requirements": ["tests/kernel_requirements/run"],
    "ynl": ["scripts/ynl-check.py", "scripts/ynl-guest.py"],
    "smoke": ["scripts/guest/smoke.py"],
    "fuzz": ["tests/fuzz/run"],
    "build": ["scripts/check"],
}
TITLE = re.compile(r"""(?mx) (?: ^\s* report(?:_nested)? \s+ | ^\s* report\( (?:\d+,\s*)? | \bok\ [$\w{}]+\ -\ | @test\( | ^\s*check\( )
                   (?: '([^'\n]+)' | f?"([^"\n]+)" | ([\w][^'"\n]+) )""")


def scripts():
    for program, paths in SCRIPTS.items():
        for path in paths:
            for found in TITLE.finditer(read(path)):
                title = (found[1] or found[2] or found[3]).strip()
                if "$" not in title[:2]:
                    yield program, *split_id(title)


def programs():
    """Name and command of each test program, as scripts/check has them."""
    done = subprocess.run(["scripts/check", "--programs"], capture_output=True, text=True, check=True)
    return [line.split("\t", 1) for line in done.stdout.splitlines()]


def every():
    tests = [*netns(), *additions(), *user(), *kunit(), *scripts()]
    known = {name.split(".")[0] for name, _, _ in tests}
    tests += [(name, "-", "the whole program") for name, _ in programs() if name not in known]
    return tests


def matches(word, test):
    """By its name, by what stands behind the dot, by its id; not by a part of them."""
    name, row, title = test
    program, _, part = name.partition(".")
    short = f"{os.path.basename(program)}.{part}"
    return word in (name, short, row) or (part and word == part) or \
        bool(re.search(rf"(?<![\w-]){re.escape(word)}(?![\w-])", row)) or \
        bool(ID.fullmatch(word) and re.search(rf"(?<![\w-]){re.escape(word)}(?![\w-])", title))


def select(word):
    """Those of tests/netns one by one; of other programs the whole program."""
    commands = dict(programs())
    chosen = {}
    for test in every():
        if matches(word, test):
            program, _, part = test[0].partition(".")
            chosen.setdefault(program, []).append(part)
    for program, parts in chosen.items():
        command = commands[program]
        if program.startswith("netns/"):
            command += "".join(f" -t {part}" for part in parts)
        print(f"{program}\t{command}")
    return 0 if chosen else 1


def main():
    os.chdir(TOP)
    if sys.argv[1:2] == ["--select"]:
        return select(sys.argv[2])
    for test in every():
        line = "\t".join(map(str, test))
        if all(word.lower() in line.lower() for word in sys.argv[1:]):
            print(line)
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except BrokenPipeError:
        os._exit(0)
