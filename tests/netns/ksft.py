# SPDX-License-Identifier: GPL-2.0-only
"""
Tests that name the requirement they prove, and their results in KTAP.

After tools/testing/selftests/net/lib/py/ksft.py of the kernel, whose options a
test program has:

    test_X.py [-l] [-t NAME]... [-T NAME]...

-l lists the tests, -t runs those so named, -T all others. NAME is a function,
a number, or an id of doc/dev/requirements.md; * and ? stand for any text.
"""
import fnmatch
import getopt
import sys
import traceback

_tests = []


def test(row, title):
    """Marks a test: row is an id of doc/dev/requirements.md, title says what is proven."""
    def mark(function):
        _tests.append((row, title, function))
        return function
    return mark


def _is_named(pattern, number, row, function):
    return any(fnmatch.fnmatchcase(name, pattern) for name in (function.__name__, row, str(number)))


def _chosen():
    """The tests that the command line asks for, with their numbers."""
    options, _ = getopt.gnu_getopt(sys.argv[1:], "lt:T:", ["print"])
    wanted = [value for option, value in options if option == "-t"]
    unwanted = [value for option, value in options if option == "-T"]
    chosen = [(number, *test) for number, test in enumerate(_tests, 1)
              if not wanted or any(_is_named(name, number, test[0], test[2]) for name in wanted)]
    chosen = [test for test in chosen
              if not any(_is_named(name, test[0], test[1], test[3]) for name in unwanted)]
    if ("-l", "") in options:
        for number, row, title, function in chosen:
            print(f"{number} {function.__name__}: {row} {title}")
        sys.exit(0)
    return chosen


def run(*arguments, after=None):
    """Runs the tests of the file, `after` behind each, and reports in KTAP."""
    failed, chosen = 0, _chosen()
    print(f"1..{len(chosen)}")
    for number, (_, row, title, function) in enumerate(chosen, 1):
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
