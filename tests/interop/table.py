# SPDX-License-Identifier: GPL-2.0-only
"""
What make interop prints: a row a kind of call and transport, a column a set-up
of the router, in each the RTP packets that every phone got.

    table.py [--json FILE] MODE...      reads the files "MODE PLACE", see rows.py
"""
import argparse
import glob
import json
import sys

WAYS = {"udp": "UDP", "tcp": "TCP", "udp6": "UDP, IPv6", "tcp6": "TCP, IPv6",
        "udp64": "UDP, NAT64", "tcp64": "TCP, NAT64"}
# those in which a failure is ours: the module's, or the row's own
MUST = ("sipalg", "routed")


def read(mode):
    found = []
    for name in sorted(glob.glob(f"{mode} *")):
        with open(name, encoding="ascii", errors="replace") as file:
            for line in file:
                if line.startswith("ROW "):
                    found.append(dict(json.loads(line[4:]), mode=mode))
    return found


def applies(mode, way):
    """The control has no NAT, so none from IPv6 to IPv4 either."""
    return mode != "routed" or not way.endswith("64")


def cell(result, mode, way):
    if result is None:
        return "not run" if applies(mode, way) else ""
    if "cannot" in result:
        return f"cannot: {result['cannot']}"
    heard = [f"{name} {count['got']}" for name, count in result["rtp"].items()] + result.get("seen", [])
    return f"{'pass' if result['pass'] else 'FAIL'} {', '.join(heard) or 'no call'}"


def place(result):
    return result["at"], result["phones"], result["row"], result["way"]


def in_order(places):
    """Calls of a kind below each other, whichever were made first."""
    where, kinds, titles = (list(dict.fromkeys(p[i] for p in places)) for i in range(3))
    return sorted(places, key=lambda p: (where.index(p[0]), kinds.index(p[1]), titles.index(p[2])))


def print_table(at, places, by_place, modes):
    print(f"\n{at}\n\n| phone | call | over | " + " | ".join(modes) + " |")
    print("|---|---|---|" + "---|" * len(modes))
    for where, phones, title, way in places:
        if where == at:
            cells = [cell(by_place.get((where, phones, title, way, mode)), mode, way) for mode in modes]
            print(f"| {phones} | {title} | {WAYS[way]} | " + " | ".join(cells) + " |")


def print_sums(at, places, results, modes):
    """Rows of a place that passed, as README and doc/interop.md give them; what a phone is
    not able to counts with nobody."""
    sums = []
    for mode in modes:
        here = [r for r in results if (r["at"], r["mode"]) == (at, mode)]
        unable = sum("cannot" in r for r in here)
        sums.append(f"{mode} {sum(r['pass'] for r in here)} of " + str(
            sum(p[0] == at and applies(mode, p[3]) for p in places) - unable) +
                    f" (a phone cannot: {unable})" * bool(unable))
    print(f"{at}: " + ", ".join(sums))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--json")
    parser.add_argument("modes", nargs="+")
    options = parser.parse_args()

    results = [result for mode in options.modes for result in read(mode)]
    by_place = {(*place(r), r["mode"]): r for r in results}
    places = dict.fromkeys(place(r) for r in results)
    ordered = in_order(places)
    where = dict.fromkeys(p[0] for p in ordered)
    for at in where:
        print_table(at, ordered, by_place, options.modes)
    print()
    for at in where:
        print_sums(at, ordered, results, options.modes)
    if options.json:
        with open(options.json, "w", encoding="ascii") as file:
            json.dump(results, file, indent=1)
    bad = [f"{r['at']}: {r['phones']}: {r['row']} over {r['way']} ({r['mode']}): {r.get('why', 'too little audio')}"
           for r in results if not r["pass"] and "cannot" not in r and r["mode"] in MUST]
    missing = [mode for mode in options.modes if len([r for r in results if r["mode"] == mode])
               != len([p for p in places if applies(mode, p[3])])]
    for line in bad + [f"{mode}: rows are missing" for mode in missing]:
        print(f"interop: {line}", file=sys.stderr)
    print(f"{len([r for r in results if r['pass']])} of {len(results)} rows passed, "
          f"{len([r for r in results if 'cannot' in r])} are beyond a phone")
    sys.exit(1 if bad or missing or not results else 0)


main()
