# SPDX-License-Identifier: GPL-2.0-only
"""
What make interop prints: a row a kind of call and transport, a column a set-up
of the router, in each the RTP packets that every phone got.

    table.py [--json FILE] MODE...      reads files of these names, see rows.py
"""
import argparse
import json
import sys

WAYS = {"udp": "UDP", "tcp": "TCP", "udp6": "UDP, IPv6", "tcp6": "TCP, IPv6",
        "udp64": "UDP, NAT64", "tcp64": "TCP, NAT64"}
# those in which a failure is ours: the module's, or the row's own
MUST = ("sipalg", "routed")


def read(mode):
    found = []
    with open(mode, encoding="ascii", errors="replace") as file:
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
    heard = ", ".join(f"{name} {count['got']}" for name, count in result["rtp"].items())
    return f"{'pass' if result['pass'] else 'FAIL'} {heard or 'no call'}"


def place(result):
    return result["phones"], result["row"], result["way"]


def in_order(places):
    """Calls of a kind below each other, whichever were made first."""
    kinds = list(dict.fromkeys(phones for phones, _, _ in places))
    titles = list(dict.fromkeys(title for _, title, _ in places))
    return sorted(places, key=lambda p: (kinds.index(p[0]), titles.index(p[1])))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--json")
    parser.add_argument("modes", nargs="+")
    options = parser.parse_args()

    results = [result for mode in options.modes for result in read(mode)]
    by_place = {(*place(r), r["mode"]): r for r in results}
    places = dict.fromkeys(place(r) for r in results)
    print("| phone | call | over | " + " | ".join(options.modes) + " |")
    print("|---|---|---|" + "---|" * len(options.modes))
    for phones, title, way in in_order(places):
        cells = [cell(by_place.get((phones, title, way, mode)), mode, way) for mode in options.modes]
        print(f"| {phones} | {title} | {WAYS[way]} | " + " | ".join(cells) + " |")
    if options.json:
        with open(options.json, "w", encoding="ascii") as file:
            json.dump(results, file, indent=1)
    bad = [f"{r['phones']}: {r['row']} over {r['way']} ({r['mode']}): {r.get('why', 'too little audio')}"
           for r in results if not r["pass"] and r["mode"] in MUST]
    missing = [mode for mode in options.modes if len([r for r in results if r["mode"] == mode])
               != len([place for place in places if applies(mode, place[2])])]
    for line in bad + [f"{mode}: rows are missing" for mode in missing]:
        print(f"interop: {line}", file=sys.stderr)
    print(f"{len(results) - len([r for r in results if not r['pass']])} of {len(results)} rows passed")
    sys.exit(1 if bad or missing or not results else 0)


main()
