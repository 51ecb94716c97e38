# SPDX-License-Identifier: GPL-2.0-only
"""Programs of a newer Debian than the machine's, run in the root of their own that
scripts/programs has unpacked below build/."""
import functools
import os
import subprocess

BUILD = os.path.abspath(f"{os.path.dirname(__file__)}/../../build")


@functools.cache
def _root(suite):
    root = f"{BUILD}/programs-{suite}"
    for name in ("dev", "proc", "tmp"):
        subprocess.run(["mount", "--rbind", f"/{name}", f"{root}/{name}"], check=True)
    return root


def of(suite, *command):
    """The command as that suite has it; without a suite, the machine's own."""
    return ("chroot", _root(suite), *command) if suite else command
