#!/usr/bin/env python3
"""Writes the safetensors and .npy fixtures beside this script with the official Python libraries.

Needs numpy, safetensors and the zstd program. Values are i / 4 - 3 in row-major order of the index i unless said
otherwise, so that the tests need no second copy of them.
"""
import os
import subprocess

import numpy as np
from safetensors.numpy import save, save_file

here = os.path.dirname(os.path.abspath(__file__))


def path(name):
    return os.path.join(here, name)


def ramp(shape, dtype):
    return (np.arange(int(np.prod(shape)), dtype=np.float64) / 4 - 3).reshape(shape).astype(dtype)


def counts(shape, dtype):
    return np.arange(int(np.prod(shape))).reshape(shape).astype(dtype)


save_file(
    {
        "z.0": ramp((5, 2, 3), np.float32),
        "id": counts((5,), np.int64),
        "x.0": counts((5, 3, 2, 2), np.uint8),
        "double": ramp((2, 2), np.float64),
        "half": ramp((7,), np.float16),
        "flag": np.array([True, False, True]),
        "scalar": np.array(2.5, dtype=np.float32),
        "empty": np.zeros((0, 4), dtype=np.float32),
        "größe \"quoted\"": counts((1,), np.int32),
    },
    path("library.safetensors"),
    metadata={"format": "np", "note": "a \"quote\", a \\ and a\nline; ünïcode 😀"},
)

np.save(path("f4.npy"), ramp((4, 3), "<f4"))
np.save(path("f8.npy"), ramp((2, 3, 2), "<f8"))
np.save(path("f4_fortran.npy"), np.asfortranarray(ramp((2, 3, 4), "<f4")))
np.save(path("f4_big.npy"), ramp((4, 3), ">f4"))
np.save(path("f2.npy"), ramp((6,), "<f2"))
np.save(path("i8.npy"), counts((5,), "<i8"))
np.save(path("u1.npy"), counts((2, 2), "|u1"))
np.save(path("bool.npy"), np.array([True, False]))
np.save(path("scalar.npy"), np.array(7.5))
np.save(path("empty.npy"), np.zeros((0, 3), "<f4"))
np.save(path("complex.npy"), np.zeros((2,), "<c8"))
np.save(path("object.npy"), np.array([{}, None], dtype=object), allow_pickle=True)
np.save(path("struct.npy"), np.zeros((2,), dtype=[("a", "<f4"), ("b", "<i4")]))
with open(path("v2.npy"), "wb") as f:
    np.lib.format.write_array(f, ramp((4, 3), "<f4"), version=(2, 0))
with open(path("v3.npy"), "wb") as f:
    np.lib.format.write_array(f, ramp((4, 3), "<f4"), version=(3, 0))


# A stream that none of our code wrote: safetensors' library and the zstd program, which leaves out the content size
# when it reads from a pipe.
def stream(*options):
    records = [
        save({}, metadata={"hl.kind": "header", "hl.version": "1", "hl.generator": '{"name": "foreign"}'}),
        save({"z.0": ramp((4, 2, 3), np.float32), "id": counts((4,), np.int64)}, metadata={"hl.kind": "batch"}),
        save({"z.0": ramp((1, 2, 3), np.float32), "id": counts((1,), np.int64)}, metadata={"hl.kind": "batch"}),
        save({}, metadata={"hl.kind": "end", "hl.batches": "2", "hl.samples": "5"}),
    ]
    return b"".join(
        subprocess.run(["zstd", "-q", "-c", *options], input=record, stdout=subprocess.PIPE, check=True).stdout
        for record in records
    )


for name, options in [("foreign.hls", ["--check"]), ("no_checksum.hls", ["--no-check"])]:
    with open(path(name), "wb") as f:
        f.write(stream(*options))
