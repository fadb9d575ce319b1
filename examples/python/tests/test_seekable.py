"""Files in any order."""

import pickle

import numpy as np
import pytest
import zstandard
from conftest import SKIPPABLE, batch, end, frame, header, record, samples, stream

from hlviews import Header, IncompatibleError, SeekableStream, StreamError, StreamWriter, TruncatedError, seek_table

SIZES = [3, 1, 5, 2, 2]


@pytest.fixture(params=["with table", "without"])
def path(request, tmp_path, save):
    if request.param == "without":
        return save(SKIPPABLE + stream(SIZES))
    with StreamWriter(tmp_path / "t.hls", Header(), rows=5) as out:
        starts = np.cumsum([0, *SIZES])
        for start, size in zip(starts, SIZES):
            out.write(samples(int(start), size))
    return str(tmp_path / "t.hls")


def test_samples_by_number(path):
    file = SeekableStream(path)
    assert len(file) == 13 and file.counts == SIZES
    order = [12, 0, 3, 3, 8, 4, 1]
    batch = file.take(order)
    for name, expected in samples(0, 13).items():
        assert np.array_equal(batch[name], expected[order]) and batch[name].dtype == expected.dtype
    assert file[5]["id"].tolist() == [5] and file[-1]["id"].tolist() == [12]
    assert file[2:9:3]["id"].tolist() == [2, 5, 8]
    assert file.take([])["z.0"].shape == (0, 6, 20)
    for index in (13, -14):
        with pytest.raises(IndexError):
            file[index]
    with pytest.raises(IndexError):
        file.take([13])


@pytest.mark.parametrize("parts", [1, 2, 3, 5, 20])
def test_parts_are_the_whole(path, parts):
    file = SeekableStream(path)
    bounds = [13 * part // parts for part in range(parts + 1)]
    pieces = [list(file.part(*pair)) for pair in zip(bounds, bounds[1:])]
    ids = [one["id"].tolist() for piece in pieces for one in piece]
    assert sum(ids, []) == list(range(13)) and all(ids)
    counts = [sum(one.count for one in piece) for piece in pieces]
    assert max(counts) - min(counts) <= 1


def test_it_can_be_handed_to_another_process(path):
    file = SeekableStream(path)
    file.take([1])
    assert pickle.loads(pickle.dumps(file)).take([7])["id"].tolist() == [7]


def test_joined(save):
    file = SeekableStream(save(stream([2, 2], seed=1) + stream([3], seed=2)))
    assert [(h.seed, n) for h, n in file.take([0, 5, 6, 1]).parts] == [(1, 1), (2, 2), (1, 1)]


def test_table_that_does_not_cover_the_file_is_ignored(tmp_path):
    for name in ("a", "b"):
        with StreamWriter(tmp_path / name, Header()) as out:
            out.write(samples(0, 4))
    (tmp_path / "c").write_bytes((tmp_path / "a").read_bytes() + (tmp_path / "b").read_bytes())
    assert len(SeekableStream(tmp_path / "c")) == 8


def test_damage(save, tmp_path):
    whole = stream([2, 3])
    for data, error in [
        (b"", StreamError),
        (b"PK", StreamError),
        (whole[:-30], StreamError),
        (header() + batch(0, 2), TruncatedError),
        (header() + batch(0, 2) + end(1, 3), StreamError),
        (whole + header(generator='{"name":"other"}') + end(0, 0), IncompatibleError),
    ]:
        with pytest.raises(error):
            SeekableStream(save(data))
    for position in range(0, len(whole), 7):
        data = bytearray(whole)
        data[position] ^= 0x41
        with pytest.raises(StreamError):
            SeekableStream(save(bytes(data))).take(range(5))


def test_records_of_one_size_that_are_not_alike(save):
    frames = [header()]
    for dtype in (np.uint16, np.int16):
        frames.append(frame(record("batch", {"a": np.zeros((2, 2), dtype)})))
    frames.append(end(2, 4))
    sizes = [(len(one), zstandard.get_frame_parameters(one).content_size) for one in frames]
    assert sizes[1][1] == sizes[2][1]
    file = SeekableStream(save(b"".join(frames) + seek_table.encode(sizes)))
    assert file[0].count == 1
    with pytest.raises(StreamError, match="different tensors"):
        file[2]


def test_headers_of_the_size_of_batches(tmp_path):
    """A header among the records that has the size of those before it is not taken for a batch."""
    first = Header(metadata={"a": ""})
    with StreamWriter(tmp_path / "a", first, tool="t", arguments=[]) as out:
        out.write({"id": np.arange(20)})
    *_, table = (tmp_path / "a").read_bytes().partition(bytes.fromhex("5e2a4d18"))
    (_, header_size), (_, batch_size), _ = seek_table.decode(bytes.fromhex("5e2a4d18") + table)
    second = Header(metadata={"a": "x" * (batch_size - header_size)})
    with StreamWriter(tmp_path / "b", first, tool="t", arguments=[]) as out:
        out.write({"id": np.arange(20)})
        out.join(second)
        out.write({"id": np.arange(20)})
    file = SeekableStream(tmp_path / "b")
    assert len(file) == 40 and [len(one.metadata["a"]) for one in file.headers] == [0, batch_size - header_size]
