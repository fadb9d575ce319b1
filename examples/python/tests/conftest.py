"""What tests share: streams made with the libraries of others, as hl-stream(5) has it, and the hl programs."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
import safetensors.numpy
import zstandard

GENERATOR = {"name": "shapes", "chunks": 6, "dimension": 20, "resolution": 64, "latent": "z"}


def frame(content: bytes, **options) -> bytes:
    return zstandard.ZstdCompressor(**{"write_checksum": True, **options}).compress(content)


def record(kind: str, tensors: dict | None = None, **metadata: str) -> bytes:
    texts = {"hl.kind": kind, **{f"hl.{key}": value for key, value in metadata.items()}}
    return safetensors.numpy.save(tensors or {}, texts)


def header(seed: int = 0, **changes: str) -> bytes:
    fields = {
        "version": "1",
        "generator": json.dumps(GENERATOR),
        "latent": json.dumps({"distribution": "truncated_normal", "seed": seed}),
        "history": json.dumps([{"tool": "hl-sample", "version": "0.1.0", "arguments": [], "seed": seed}]),
    }
    return frame(record("header", **{**fields, **changes}))


def samples(first: int, count: int) -> dict[str, np.ndarray]:
    """Samples of which each value tells what it is of."""
    ids = np.arange(first, first + count)
    z = ids[:, None, None] + np.arange(120, dtype=np.float32).reshape(6, 20) / 128
    return {
        "id": ids,
        "z.0": z.astype(np.float32),
        "x.0": np.broadcast_to(ids[:, None, None, None] % 251, (count, 3, 5, 7)).astype(np.uint8),
    }


def batch(first: int, count: int) -> bytes:
    return frame(record("batch", samples(first, count)))


def end(batches: int, count: int) -> bytes:
    return frame(record("end", batches=str(batches), samples=str(count)))


def stream(sizes: list[int], seed: int = 0, first: int = 0) -> bytes:
    """A whole stream with records of these sizes."""
    starts = [first + sum(sizes[:index]) for index in range(len(sizes))]
    parts = [batch(start, size) for start, size in zip(starts, sizes)]
    return b"".join([header(seed), *parts, end(len(sizes), sum(sizes))])


SKIPPABLE = (0x184D2A57).to_bytes(4, "little") + (3).to_bytes(4, "little") + b"abc"


@pytest.fixture
def save(tmp_path: Path):
    """Writes bytes into a file and returns its path."""

    def write(data: bytes, name: str = "s.hls") -> str:
        path = tmp_path / name
        path.write_bytes(data)
        return str(path)

    return write


PROGRAMS = ("hl-sample", "hl-perturb", "hl-encode", "hl-train", "hl-probe", "hl-view")
needs_programs = pytest.mark.skipif(
    not all(map(shutil.which, PROGRAMS)), reason=f"{', '.join(PROGRAMS)} are not on PATH"
)


@pytest.fixture
def run(tmp_path: Path):
    """Runs a shell line in a folder of its own; it must succeed. Returns its standard output."""

    def line(text: str, given: bytes | None = None) -> bytes:
        path = os.pathsep.join([str(Path(__file__).parents[1]), os.environ.get("PYTHONPATH", "")])
        environment = {**os.environ, "PYTHONPATH": path, "OMP_NUM_THREADS": "1"}
        outcome = subprocess.run(text, shell=True, cwd=tmp_path, input=given, capture_output=True, env=environment)
        assert outcome.returncode == 0, outcome.stderr.decode()
        return outcome.stdout

    return line
