# SPDX-License-Identifier: GPL-2.0-only
"""
The guest's part of make interop: real phones make calls in one set-up of the
router, and each phone's RTP packets are counted.

    rows.py MODE PLACE [WORD...]

MODE: sipalg, sip, none or routed; see network.build. PLACE: one of places.py or of
exchanges.py. A word narrows it to some phones or a way
(linphone, udp6, "linphone udp6"), with an exchange to rows as well.

Prints `ROW {...}` for each row, in JSON, and what went wrong in between.
"""
import os
import subprocess
import sys

TOP = os.path.abspath(f"{os.path.dirname(__file__)}/../..")
sys.path.insert(0, f"{TOP}/scripts/guest")

# pylint: disable=wrong-import-position
import network
import places


def main(mode, place, *words):
    if mode == "sip":
        subprocess.run("modprobe nf_conntrack_sip; modprobe nf_nat_sip", shell=True, check=True)
    network.build(mode)
    if place in places.PLACES:
        import provider as where
    else:
        import exchanges as where
    where.all_rows(place, mode, words)


try:
    main(*sys.argv[1:])
except (RuntimeError, TimeoutError, OSError, subprocess.SubprocessError) as problem:
    print(f"interop: {problem}")
    subprocess.run("tail -n 15 /tmp/kamailio-*.log /tmp/rtpengine.log /tmp/*-*/log", shell=True, check=False)
    sys.exit(1)
