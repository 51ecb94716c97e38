#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""What the pages tell developers to type, typed in a copy of the tree, in TAP.

Whether each command of each page is typed by anybody is the first test.
"""
import glob
import os
import re
import shutil
import subprocess
import sys

sys.path.insert(0, "tests/netns")
from pages import commands, pages, read, typed_by, typist      # noqa: E402

BUILD = os.environ["BUILD"]
COPY = os.path.join(BUILD, "pages")
# Kernels that others have built are used, not built anew, and so is what they compiled.
SHARED = ("um", "source", "apt", "headers-*", "ccache")
# In these they write.
COPIED = ("stock-6.1", "stamps")


def copy():
    """Others run what is built in the tree itself."""
    shutil.rmtree(COPY, ignore_errors=True)
    os.makedirs(COPY + "/build")
    subprocess.run(["rsync", "-a", "--exclude=/build", "--exclude=/.git",
                    "--filter=:- .gitignore", "./", COPY], check=True)
    for pattern in SHARED:
        for path in glob.glob(f"{BUILD}/{pattern}"):
            os.symlink(os.path.realpath(path), f"{COPY}/build/{os.path.basename(path)}")
    for name in COPIED:
        if os.path.exists(f"{BUILD}/{name}"):
            subprocess.run(["cp", "-al", os.path.realpath(f"{BUILD}/{name}"), COPY + "/build/"],
                           check=True)


def claimed():
    """Nobody types a command of these: what is wrong."""
    wrong = []
    for page in pages():
        for line in commands(page):
            try:
                program = typist(page, line)
            except LookupError as error:
                wrong.append(str(error))
                continue
            if program and not os.path.exists(program):
                wrong.append(f"{program} is to type what {page} says, and does not exist")
            if not program and "Not tested here" not in read(page):
                wrong.append(f"{page} does not say that nobody types it: {line}")
    return wrong


def report(number, description, wrong):
    print(f"{'not ' if wrong else ''}ok {number} - {description}")
    for line in wrong:
        print(f"# {line}")
    sys.stdout.flush()
    return bool(wrong)


def typed(line):
    done = subprocess.run(line, shell=True, cwd=COPY, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, errors="replace",
                          executable="/bin/bash", check=False)
    return done.stdout.splitlines()[-40:] if done.returncode else []


def template():
    """The test that doc/dev/testing.md gives as an example, run."""
    program = re.search(r"(?ms)^```python\n(.*?)^```", read("doc/dev/testing.md"))[1]
    with open(COPY + "/tests/netns/test_template.py", "w", encoding="utf-8") as file:
        file.write(program)
    return typed("scripts/build-module um && make -s -C tools/sipalg-ctl && scripts/um-run "
                 "--time-travel /usr/bin/python3 tests/netns/test_template.py")


def main():
    lines = typed_by("tests/doc_commands/run")
    print(f"1..{len(lines) + 2}")
    failed = report(1, "each command that a page tells is typed by a test", claimed())
    copy()
    for number, line in enumerate(lines, 2):
        failed |= report(number, line, typed(line))
    failed |= report(len(lines) + 2, "the template of a test passes", template())
    if not failed:
        shutil.rmtree(COPY)
    return failed


if __name__ == "__main__":
    sys.exit(main())
