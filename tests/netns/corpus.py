# SPDX-License-Identifier: GPL-2.0-only
"""The messages of tests/corpus as bytes; its README tells how they are written."""
import glob
import os
import re

HERE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "corpus")
ESCAPE = re.compile(rb"\\(?:(\\|r|n|\n)|x([0-9a-f]{2})|\{(\d+)\*([^}]*)\})|(\n)")
PLAIN = {b"\\": b"\\", b"r": b"\r", b"n": b"\n", b"\n": b""}


def _bytes(match):
    plain, code, times, text, end = match.groups()
    if end:
        return b"\r\n"
    if plain:
        return PLAIN[plain]
    return bytes([int(code, 16)]) if code else text * int(times)


def messages():
    """Name and bytes of each."""
    found = []
    for path in sorted(glob.glob(os.path.join(HERE, "*.sip"))):
        with open(path, "rb") as file:
            text = re.sub(rb"\A(?:#.*\n)*", b"", file.read())
        found.append((os.path.basename(path)[:-len(".sip")], ESCAPE.sub(_bytes, text)))
    assert len(found) > 50, len(found)
    return found
