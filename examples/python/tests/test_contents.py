"""Whole streams as arrays."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import safetensors.numpy
from conftest import GENERATOR, end, frame, header, record, samples, stream

from hlviews import StreamError, TruncatedError, arrays, chunk_numbers, latents, metadata


def test_arrays(save):
    path = save(stream([3, 2]))
    whole = arrays(path)
    assert {name: array.tolist() for name, array in whole.items()} == {
        name: array.tolist() for name, array in samples(0, 5).items()
    }
    assert list(arrays(path, ["id"])) == ["id"]
    assert arrays(path, limit=4)["id"].tolist() == [0, 1, 2, 3]
    with pytest.raises(KeyError, match="x.1"):
        arrays(path, ["x.1"])
    with pytest.raises(TruncatedError):
        arrays(save(header()))


def test_latents(save):
    path = save(stream([3, 2]))
    z = samples(0, 5)["z.0"]
    assert np.array_equal(latents(path), z)
    assert np.array_equal(latents(path, chunks="0,2-4", limit=4), z[:4, [0, 2, 3, 4]])
    assert np.array_equal(latents(path, chunks=[5]), z[:, 5:])
    with pytest.raises(KeyError, match="z.1"):
        latents(path, 1)
    with pytest.raises(StreamError, match="no samples"):
        latents(save(header() + end(0, 0)))


def test_mapped_latents_win(save):
    z, w = np.zeros((2, 1, 8), np.float32), np.ones((2, 4, 8), np.float32)
    path = save(header() + frame(record("batch", {"z.0": z, "w.0": w})) + end(1, 2))
    assert latents(path).shape == (2, 4, 8)
    assert latents(path, space="z").shape == (2, 1, 8)


@pytest.mark.parametrize("chunks", ["6", "a", "3-1", "", "1-2-3", "-1", [6], [-1]])
def test_chunks_that_are_none(chunks):
    with pytest.raises(ValueError, match="of a latent with 6"):
        chunk_numbers(chunks, 6)


def test_metadata(save, tmp_path):
    assert metadata(save(stream([1], seed=5)))["generator"] == GENERATOR
    path = tmp_path / "w.safetensors"
    texts = {"hl.kind": "walker", "hl.training": json.dumps({"seed": 3}), "note": "text"}
    safetensors.numpy.save_file({"a": np.zeros(3)}, path, texts)
    assert metadata(path) == {"kind": "walker", "training": {"seed": 3}, "note": "text"}
    with pytest.raises(StreamError):
        metadata(save(b"PK and others"))


def test_streams_need_neither_torch_nor_safetensors():
    code = (
        "import sys; sys.modules.update(torch=None, torchvision=None, safetensors=None); import hlviews; "
        "from hlviews import *; StreamReader, StreamWriter, SeekableStream, latents; "
        "assert 'ViewStream' in dir(hlviews)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=Path(__file__).parents[1])
