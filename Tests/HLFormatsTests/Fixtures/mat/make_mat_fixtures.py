#!/usr/bin/env python3
"""Makes the MAT-files that the tests read.

Needs scipy and numpy (made with scipy 1.17, numpy 2.4). Run it in its own directory; it rewrites all .mat files there.

plain.mat and compressed.mat are scipy.io.savemat's. little.mat and big.mat are written here as MATLAB writes: whole
doubles in the smallest type, short elements within their tag, text as UTF-8 or UTF-16; in both byte orders. scipy reads
them back below and has to find what was meant. What they hold is a formula that the tests repeat.
"""

import struct
import zlib
from pathlib import Path

import numpy as np
import scipy.io
import scipy.sparse

here = Path(__file__).parent


def by_scipy():
    cells = np.empty((1, 3), object)
    cells[0, :] = ["Acura RL", "Citroën", "x"]
    cars = np.zeros((1, 4), [("bbox_x1", object), ("class", object), ("fname", object)])
    for i in range(4):
        cars[0, i] = (10.5 * i, np.uint8(i + 1), f"{i + 1:05d}.jpg")
    content = {
        "labels": np.array([[i * 7 % 11 + 1 for i in range(20)]], float),
        "table": np.arange(6, dtype=np.uint16).reshape(2, 3) * 1000,
        "single": np.array([[0.5, -1.25]], np.float32),
        "huge": np.array([[2**60 + 1, -(2**60) - 1]], np.int64),
        "flag": np.array([[True, False, True]]),
        "names": cells,
        "rows": np.array(["cat", "dog"]),
        "annotations": cars,
        "nothing": np.zeros((0, 0)),
        "complex": np.array([[1 + 2j]]),
        "sparse": scipy.sparse.eye(3).tocsc(),
    }
    scipy.io.savemat(here / "plain.mat", content)
    scipy.io.savemat(here / "compressed.mat", content, do_compression=True)


TYPES = {"b": 1, "B": 2, "h": 3, "H": 4, "i": 5, "I": 6, "f": 7, "d": 9, "q": 12, "Q": 13}


class Writer:
    """Elements in one byte order."""

    def __init__(self, order):
        self.order = order

    def element(self, kind, data):
        if 0 < len(data) <= 4:
            word = len(data) << 16 | kind
            return struct.pack(self.order + "I", word) + data.ljust(4, b"\0")
        return struct.pack(self.order + "II", kind, len(data)) + data + b"\0" * (-len(data) % 8)

    def values(self, code, values):
        return self.element(TYPES[code], struct.pack(f"{self.order}{len(values)}{code}", *values))

    def array(self, number, shape, name, *parts):
        head = self.values("I", [number, 0]) + self.values("i", shape) + self.element(1, name.encode())
        body = head + b"".join(parts)
        return struct.pack(self.order + "II", 14, len(body)) + body

    def text(self, name, text, wide):
        data = text.encode("utf-16" + ("le" if self.order == "<" else "be")) if wide else text.encode()
        return self.array(4, [1, len(text)], name, self.element(17 if wide else 16, data))

    def file(self, name, *variables):
        mark = struct.pack(self.order + "HH", 0x0100, 0x4D49)
        (here / name).write_bytes(b"MATLAB 5.0 MAT-file, made for tests".ljust(124) + mark + b"".join(variables))

    def packed(self, variable):
        data = zlib.compress(variable, 9)
        return struct.pack(self.order + "II", 15, len(data)) + data


def by_hand(name, order):
    w = Writer(order)
    inner = w.array(2, [1, 1], "", w.values("i", [8]), w.element(1, b"words\0\0\0gloss\0\0\0"),
                    w.text("", "kit fox", True), w.text("", "a fox", False))
    w.file(
        name,
        w.packed(w.array(6, [1, 8], "labels", w.values("B", [77, 1, 2, 3, 5, 8, 13, 255]))),
        w.array(6, [1, 2], "short", w.values("h", [-300, 300])),
        w.array(6, [2, 2], "halves", w.values("d", [0.5, 1.5, 2.5, 3.5])),
        w.array(12, [1, 1], "int", w.values("b", [-7])),
        w.packed(w.array(1, [1, 2], "cells", w.array(6, [1, 1], "", w.values("B", [9])), inner)),
        w.text("utf8", "Škoda", False),
        w.text("utf16", "Škoda ", True),
        w.array(4, [2, 3], "rows", w.element(4, "abbcca".encode("utf-16" + ("le" if order == "<" else "be")))),
        # An empty cell has no flags at all.
        w.array(1, [1, 1], "empty", struct.pack(order + "II", 14, 0)),
    )
    found = scipy.io.loadmat(here / name)
    assert found["labels"].tolist() == [[77, 1, 2, 3, 5, 8, 13, 255]]
    assert found["short"].tolist() == [[-300, 300]]
    assert found["halves"].tolist() == [[0.5, 2.5], [1.5, 3.5]]
    assert found["cells"][0, 1]["words"][0, 0][0] == "kit fox" and found["cells"][0, 1]["gloss"][0, 0][0] == "a fox"
    assert found["utf8"][0] == "Škoda" and found["utf16"][0] == "Škoda "
    assert found["rows"].tolist() == ["abc", "bca"]


def refused():
    head = b"MATLAB 7.3 MAT-file".ljust(124) + struct.pack("<HH", 0x0200, 0x4D49)
    (here / "v73.mat").write_bytes(head.ljust(512, b"\0") + b"\x89HDF\r\n\x1a\n" + bytes(64))
    w = Writer("<")
    deep = w.array(6, [1, 1], "", w.values("B", [1]))
    for _ in range(100):
        deep = w.array(1, [1, 1], "deep", deep)
    w.file("deep.mat", deep)


by_scipy()
by_hand("little.mat", "<")
by_hand("big.mat", ">")
refused()
