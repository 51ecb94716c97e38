#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""
What KCSAN has to say in a kernel's log: of each race a title, both stacks and a
line of `=` at its end.

    races.py LOG

prints the log without the titles of those races in whose stacks the module is
not, and how many they are to stderr: who looks for complaints finds the others.
"""
import collections
import re
import sys

TITLE = "BUG: KCSAN: "
END = "=" * 60
OURS = re.compile(r"^(\[[ .0-9]+\])? +\S+\+0x[0-9a-f]+/0x[0-9a-f]+ \[sipalg\]")


def without_foreign(lines):
    """
    Gives back the lines without those titles, the titles, and what is from a
    title on that has no end yet. All else stays, for other processors may have
    put in a word.
    """
    kept, foreign, report = [], [], []
    for line in lines:
        if not report and TITLE in line:
            report = [line]
        elif report:
            report.append(line)
            if END in line:
                is_ours = any(OURS.match(one) for one in report)
                kept += report[0 if is_ours else 1:]
                foreign += [] if is_ours else [report[0].split(TITLE, 1)[1]]
                report = []
        else:
            kept.append(line)
    return kept, foreign, report


def main():
    with open(sys.argv[1], encoding="utf-8", errors="replace") as log:
        kept, foreign, rest = without_foreign(log.read().splitlines())
    print("\n".join(kept + rest))
    kinds = collections.Counter(foreign)
    print(f"# KCSAN told of {len(foreign)} races without the module ({len(kinds)} pairs of functions)",
          file=sys.stderr)
    for title, count in kinds.most_common(10):
        print(f"#   {count} {title}", file=sys.stderr)


if __name__ == "__main__":
    main()
