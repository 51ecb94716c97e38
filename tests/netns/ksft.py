# SPDX-License-Identifier: GPL-2.0-only
"""Tests that name the requirement they prove, and their results in TAP."""
import sys
import traceback

_tests = []


def test(row, title):
    """Marks a test: row is an id of FEATURES.md, title says what is proven."""
    def mark(function):
        _tests.append((row, title, function))
        return function
    return mark


def run(*arguments, after=None):
    """Runs all tests of the file, `after` behind each, and reports in TAP."""
    failed = 0
    print(f"1..{len(_tests)}")
    for number, (row, title, function) in enumerate(_tests, 1):
        try:
            function(*arguments)
            if after:
                after()
            print(f"ok {number} - {row} {title}", flush=True)
        except Exception:
            failed += 1
            print(f"not ok {number} - {row} {title}")
            for line in traceback.format_exc().splitlines():
                print(f"# {line}", flush=True)
    sys.exit(1 if failed else 0)


def same(got, wanted):
    """Bytes on the wire, compared line by line so that a person sees it."""
    if got == wanted:
        return
    got_lines = got.split(b"\r\n") if got is not None else [b"(nothing)"]
    wanted_lines = wanted.split(b"\r\n") if wanted is not None else [b"(nothing)"]
    report = [""]
    for i in range(max(len(got_lines), len(wanted_lines))):
        left = got_lines[i] if i < len(got_lines) else b"(no line)"
        right = wanted_lines[i] if i < len(wanted_lines) else b"(no line)"
        if left != right:
            report.append(f"got    {left[:200].decode(errors='backslashreplace')}")
            report.append(f"wanted {right[:200].decode(errors='backslashreplace')}")
    raise AssertionError("\n".join(report[:40]))
