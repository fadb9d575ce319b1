#!/usr/bin/env python3
"""Makes the idx files that the tests read. Needs Python alone. Run it in its own directory.

images: 3 x 4 x 5 U8 with element k = 7 k % 256; its .gz, and one in two members. labels: U8 [2, 0, 1]. i32 and f64: 2 x 2
with elements -1, 256, 65536, 7 and 0.5, -2, 3, 1e300.
"""

import gzip
import struct
from pathlib import Path

here = Path(__file__).parent


def idx(kind, shape, data):
    return bytes([0, 0, kind, len(shape)]) + struct.pack(f">{len(shape)}I", *shape) + data


images = idx(8, [3, 4, 5], bytes(7 * k % 256 for k in range(60)))
(here / "images-idx3-ubyte").write_bytes(images)
(here / "images-idx3-ubyte.gz").write_bytes(gzip.compress(images, mtime=0))
(here / "members.gz").write_bytes(gzip.compress(images[:30], mtime=0) + gzip.compress(images[30:], mtime=0))
(here / "labels-idx1-ubyte").write_bytes(idx(8, [3], bytes([2, 0, 1])))
(here / "i32").write_bytes(idx(12, [2, 2], struct.pack(">4i", -1, 256, 65536, 7)))
(here / "f64").write_bytes(idx(14, [2, 2], struct.pack(">4d", 0.5, -2, 3, 1e300)))
(here / "claims.gz").write_bytes(gzip.compress(idx(8, [65535, 65535], b"few"), mtime=0))
