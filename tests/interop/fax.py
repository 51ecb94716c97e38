# SPDX-License-Identifier: GPL-2.0-only
"""A page for a fax machine, as TIFF class F has it."""
import struct

WIDTH, LINES = 1728, 200
# T.4, one-dimensional: end of line, and a line that is white from edge to edge
END, WHITE = "000000000001", "010011011" + "00110101"


def page():
    bits = "".join(END + WHITE for _ in range(LINES))
    data = int(bits.ljust(-(-len(bits) // 8) * 8, "0"), 2).to_bytes(-(-len(bits) // 8), "big")
    tags = [(256, 4, WIDTH), (257, 4, LINES), (258, 3, 1), (259, 3, 3), (262, 3, 0), (266, 3, 1),
            (273, 4, 8), (277, 3, 1), (278, 4, LINES), (279, 4, len(data)), (282, 5, None), (283, 5, None),
            (292, 4, 0), (296, 3, 2)]
    directory = 8 + len(data) + len(data) % 2
    fractions = directory + 2 + 12 * len(tags) + 4
    entries = b"".join(
        struct.pack("<HHI", tag, kind, 1) + (
            struct.pack("<HH", value, 0) if kind == 3 else
            struct.pack("<I", value if kind == 4 else fractions + 8 * (tag == 283)))
        for tag, kind, value in tags)
    # 204 by 98 dots an inch
    return (struct.pack("<2sHI", b"II", 42, directory) + data.ljust(directory - 8, b"\0") +
            struct.pack("<H", len(tags)) + entries + bytes(4) + struct.pack("<4I", 204, 1, 98, 1))
