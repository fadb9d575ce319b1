#!/usr/bin/env python3
"""Makes the CIFAR files that the tests read, three images each. Needs numpy (made with 2.4). Run it in its own directory.

Byte p of image i is (31 i + 7 p) % 256; labels are 9, 0, 3; fine labels 99, 0, 42, coarse ones 19, 0, 7.

data_batch_1, train, batches.meta and meta are pickles of protocol 2 as Python 2 wrote the published ones, opcode by
opcode, for Python 3 writes no such strings. python3 is what Python 3 makes of the same dictionary.
"""

import io
import pickle
import struct
from pathlib import Path

import numpy as np

here = Path(__file__).parent
PIXELS = np.array([[(31 * i + 7 * p) % 256 for p in range(3072)] for i in range(3)], np.uint8)


class OldPickle:
    """Protocol 2 as cPickle of Python 2.7 writes it."""

    def __init__(self):
        self.out = io.BytesIO()
        self.out.write(b"\x80\x02")
        self.memo = 0

    def put(self):
        self.memo += 1
        self.out.write(b"q" + bytes([self.memo]) if self.memo < 256 else b"r" + struct.pack("<I", self.memo))

    def save(self, value):
        write = self.out.write
        if isinstance(value, bytes):
            write(b"U" + bytes([len(value)]) + value if len(value) < 256 else b"T" + struct.pack("<i", len(value)) + value)
            self.put()
        elif isinstance(value, int):
            write(b"K" + bytes([value]) if value < 256 else b"M" + struct.pack("<H", value))
        elif isinstance(value, list):
            write(b"]")
            self.put()
            write(b"(")
            for element in value:
                self.save(element)
            write(b"e")
        elif isinstance(value, dict):
            write(b"}")
            self.put()
            write(b"(")
            for key, element in value.items():
                self.save(key)
                self.save(element)
            write(b"u")
        elif isinstance(value, np.ndarray):
            self.array(value)
        else:
            raise TypeError(value)

    def array(self, array):
        write = self.out.write
        write(b"cnumpy.core.multiarray\n_reconstruct\n")
        self.put()
        write(b"cnumpy\nndarray\n")
        self.put()
        write(b"K\0\x85")
        self.put()
        self.save(b"b")
        write(b"\x87")
        self.put()
        write(b"R")
        self.put()
        write(b"(K\x01")
        for size in array.shape:
            self.save(size)
        write(b"\x86")
        self.put()
        write(b"cnumpy\ndtype\n")
        self.put()
        self.save(b"u1")
        write(b"K\0K\x01\x87")
        self.put()
        write(b"R")
        self.put()
        write(b"(K\x03")
        self.save(b"|")
        write(b"NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\0t")
        self.put()
        write(b"b\x89")
        self.save(array.tobytes())
        write(b"t")
        self.put()
        write(b"b")

    def bytes(self, value):
        self.save(value)
        return self.out.getvalue() + b"."


def python2(name, value):
    data = OldPickle().bytes(value)
    found = pickle.loads(data, encoding="bytes")
    assert found.keys() == value.keys()
    for key in value:
        assert np.array_equal(found[key], value[key]), key
    (here / name).write_bytes(data)


ten = {b"data": PIXELS, b"labels": [9, 0, 3], b"batch_label": b"training batch 1 of 5",
       b"filenames": [b"a.png", b"b.png", b"c.png"]}
hundred = {b"filenames": [b"a.png", b"b.png", b"c.png"], b"batch_label": b"training batch 1 of 1",
           b"fine_labels": [99, 0, 42], b"coarse_labels": [19, 0, 7], b"data": PIXELS}
python2("data_batch_1", ten)
python2("train", hundred)
python2("batches.meta", {b"num_cases_per_batch": 10000, b"label_names": [b"class %d" % i for i in range(10)], b"num_vis": 3072})
python2("meta", {b"fine_label_names": [b"fine_%02d" % i for i in range(100)],
                 b"coarse_label_names": [b"coarse_%02d" % i for i in range(20)]})
(here / "python3").write_bytes(pickle.dumps({k.decode(): v for k, v in ten.items()}, protocol=2))
(here / "fortran").write_bytes(pickle.dumps({b"data": np.asfortranarray(PIXELS), b"labels": [9, 0, 3]}, protocol=4))
(here / "data_batch_1.bin").write_bytes(b"".join(bytes([label]) + PIXELS[i].tobytes() for i, label in enumerate([9, 0, 3])))
(here / "train.bin").write_bytes(
    b"".join(bytes(labels) + PIXELS[i].tobytes() for i, labels in enumerate([(19, 99), (0, 0), (7, 42)])))
(here / "batches.meta.txt").write_text("".join(f"class {i}\n" for i in range(10)) + "\n")
