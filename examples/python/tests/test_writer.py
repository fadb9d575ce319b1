"""What the writer writes, read with the libraries of others and with the reader."""

import io
import json
import os

import numpy as np
import pytest
import safetensors.numpy
import zstandard
from conftest import samples, stream

import hlviews
from hlviews import (
    Header,
    IncompatibleError,
    SeekableStream,
    StreamError,
    StreamReader,
    StreamWriter,
    TruncatedError,
    seek_table,
)

MINE = Header(data={"kind": "mine", "classes": ["é", "b"]}, metadata={"x.own": "kept"})


def frames(data: bytes) -> list[bytes]:
    """The contents of the frames, by zstandard alone."""
    contents = []
    while data:
        if data[:4] == b"\x5e\x2a\x4d\x18":
            data = data[8 + int.from_bytes(data[4:8], "little") :]
            continue
        parameters = zstandard.get_frame_parameters(data)
        assert parameters.has_checksum and not parameters.dict_id
        decompressor = zstandard.ZstdDecompressor().decompressobj()
        contents.append(decompressor.decompress(data))
        assert decompressor.eof and len(contents[-1]) == parameters.content_size
        data = decompressor.unused_data
    return contents


def metadata(content: bytes) -> dict[str, str]:
    return json.loads(content[8 : 8 + int.from_bytes(content[:8], "little")])["__metadata__"]


def written(*batches, header: Header = MINE, **options) -> bytes:
    file = io.BytesIO()
    with StreamWriter(file, header, **options) as out:
        for one in batches:
            out.write(one)
    return file.getvalue()


def test_records_as_others_read_them():
    contents = frames(
        written(samples(0, 3), samples(3, 1), tool="mine.py", version="7", arguments=["-a"], seed=1 << 63)
    )
    first, last = metadata(contents[0]), metadata(contents[-1])
    assert first["hl.kind"] == "header" and first["hl.version"] == "1" and first["x.own"] == "kept"
    assert json.loads(first["hl.data"]) == MINE.data
    entry = {"tool": "mine.py", "version": "7", "arguments": ["-a"], "seed": str(1 << 63)}
    assert json.loads(first["hl.history"]) == [entry]
    assert last == {"hl.kind": "end", "hl.batches": "2", "hl.samples": "4"}
    for content, expected in zip(contents[1:3], (samples(0, 3), samples(3, 1))):
        assert metadata(content) == {"hl.kind": "batch"}
        tensors = safetensors.numpy.load(content)
        assert {name: array.tolist() for name, array in tensors.items()} == {
            name: array.tolist() for name, array in expected.items()
        }
        assert {name: array.dtype for name, array in tensors.items()} == {
            name: array.dtype for name, array in expected.items()
        }


@pytest.mark.parametrize(
    "dtype", ["?", "u1", "i1", "u2", "i2", "u4", "i4", "u8", "i8", "f2", "f4", "f8", "c8", ">f4", ">i8"]
)
def test_types_come_back(dtype):
    values = np.arange(6).reshape(2, 3).astype(dtype)
    odd = np.asfortranarray(values)
    content = frames(written({"a": odd, "b": values[::-1], "u": np.zeros((2, 1), "u1")}))[1]
    if dtype != "c8":  # which the library cannot read into NumPy in all of its versions
        assert np.array_equal(safetensors.numpy.load(content)["a"], values)
    (batch,) = StreamReader(io.BytesIO(written({"a": odd, "b": values[::-1], "u": np.zeros((2, 1), "u1")})))
    assert np.array_equal(batch["a"], values) and np.array_equal(batch["b"], values[::-1])


@pytest.mark.parametrize("dtype", ["bfloat16", "float8_e4m3fn", "float8_e5m2"])
def test_types_of_ml_dtypes(dtype):
    kind = getattr(pytest.importorskip("ml_dtypes"), dtype)
    values = np.arange(6).reshape(2, 3).astype(kind)
    (batch,) = StreamReader(io.BytesIO(written({"a": values})))
    assert batch["a"].dtype == kind and np.array_equal(batch["a"], values)
    if dtype != "bfloat16":
        return
    torch = pytest.importorskip("torch")
    import safetensors.torch

    tensor = safetensors.torch.load(frames(written({"a": values}))[1])["a"]
    assert tensor.dtype == torch.bfloat16 and tensor.tolist() == values.tolist()
    assert torch.equal(hlviews.to_tensors(batch)["a"], tensor)


def test_an_exception_leaves_no_end_record(tmp_path):
    file, path = io.BytesIO(), tmp_path / "a.hls"
    for target in (file, path):
        with pytest.raises(ZeroDivisionError), StreamWriter(target, MINE) as out:
            out.write(samples(0, 2))
            raise ZeroDivisionError
    with pytest.raises(TruncatedError):
        list(StreamReader(io.BytesIO(file.getvalue())))
    assert os.listdir(tmp_path) == []


def test_nothing_written_is_a_whole_stream():
    reader = StreamReader(io.BytesIO(written()))
    assert list(reader) == [] and reader.header.data == MINE.data


def test_files_end_in_a_seek_table(tmp_path):
    path = tmp_path / "a.hls"
    with StreamWriter(path, MINE) as out:
        for start in range(0, 10, 2):
            out.write(samples(start, 2))
        assert not path.exists()
    data = path.read_bytes()
    size = seek_table.size(data[-9:])
    sizes = seek_table.decode(data[-size:])
    assert [content for _, content in sizes] == [len(content) for content in frames(data)]
    assert sum(compressed for compressed, _ in sizes) + size == len(data)
    assert os.listdir(tmp_path) == ["a.hls"]
    assert SeekableStream(path).take([9, 0])["id"].tolist() == [9, 0]


def test_images_in_files_lie_in_small_records(tmp_path):
    images = np.random.default_rng(0).integers(0, 256, (64, 3, 64, 64), np.uint8)
    with StreamWriter(tmp_path / "a.hls", MINE) as out:
        out.write({"id": np.arange(64), "x.0": images})
    stored = SeekableStream(tmp_path / "a.hls")
    assert max(stored.counts) <= 11 and len(stored) == 64
    assert np.array_equal(stored.take(range(64))["x.0"], images)
    with StreamWriter(tmp_path / "b.hls", MINE, rows=64) as out:
        out.write({"id": np.arange(64), "x.0": images})
    assert SeekableStream(tmp_path / "b.hls").counts == [64]


def test_joined_streams_stay_joined():
    source = StreamReader(io.BytesIO(stream([2, 2], seed=1) + stream([3], seed=2)))
    file = io.BytesIO()
    with StreamWriter(file, source.header, tool="copy") as out:
        for batch in source.batches(3):
            out.write(batch.replacing({"e.0": batch["z.0"][:, 0], "x.0": None}))
    copy = StreamReader(io.BytesIO(file.getvalue()))
    assert [(h.seed, n) for one in copy for h, n in one.parts] == [(1, 3), (1, 1), (2, 2), (2, 1)]
    assert [[entry["tool"] for entry in h.history] for h in copy.headers] == [["hl-sample", "copy"]] * 2


def test_a_header_of_ones_own_loses_no_joined_one():
    source = StreamReader(io.BytesIO(stream([2], seed=1) + stream([3], seed=2)))
    with pytest.raises(IncompatibleError, match="join"), StreamWriter(io.BytesIO(), MINE) as out:
        for batch in source:
            out.write(batch)
    source = StreamReader(io.BytesIO(stream([2], seed=1) + stream([3], seed=2)))
    file = io.BytesIO()
    with StreamWriter(file, source.header.replace(metadata={"own": "1"})) as out:
        for batch in source:
            if out.samples:
                out.join(batch.header.replace(metadata={"own": "2"}))
            out.write(batch)
    copy = StreamReader(io.BytesIO(file.getvalue()))
    assert sum(one.count for one in copy) == 5
    assert [(h.seed, h.metadata["own"]) for h in copy.headers] == [(1, "1"), (2, "2")]


def test_refusals(tmp_path):
    with pytest.raises(StreamError, match="differ"):
        written({"a": np.zeros(2), "b": np.zeros(3)})
    with pytest.raises(StreamError, match="without samples"):
        written({})
    with pytest.raises(IncompatibleError, match="id is float64"):
        written({"id": np.zeros(2, np.int64)}, {"id": np.zeros(2)})
    with pytest.raises(TypeError, match="no type"):
        written({"a": np.array(["text"])})
    with pytest.raises(ValueError):
        written(header=Header(latent={"std": float("nan")}))
    for rows in (0, -1):
        with pytest.raises(ValueError, match="rows from 1"):
            StreamWriter(io.BytesIO(), MINE, rows=rows)
    with pytest.raises(FileNotFoundError):
        StreamWriter(tmp_path / "missing" / "a.hls", MINE)
    out = StreamWriter(io.BytesIO(), MINE)
    out.finish()
    with pytest.raises(StreamError, match="finished"):
        out.write(samples(0, 1))
