"""The reader against streams that the libraries of others wrote, whole, odd and damaged."""

import io
import json
import os
import threading
import time

import numpy as np
import pytest
import zstandard
from conftest import SKIPPABLE, batch, end, frame, header, record, samples, stream

from hlviews import Command, IncompatibleError, StreamError, StreamReader, TruncatedError


def read(data: bytes) -> list:
    return list(StreamReader(io.BytesIO(data)))


def test_values_header_and_records():
    reader = StreamReader(io.BytesIO(stream([3, 2], seed=7)))
    assert reader.header.generator["name"] == "shapes" and reader.header.latent_shape == (6, 20)
    assert reader.header.seed == 7 and reader.header.history[0]["tool"] == "hl-sample"
    batches = list(reader)
    assert [one.count for one in batches] == [3, 2] and reader.samples == 5
    for name, expected in samples(3, 2).items():
        assert batches[1][name].dtype == expected.dtype
        assert np.array_equal(batches[1][name], expected)
    assert batches[0]["z.0"].flags.writeable
    with pytest.raises(KeyError, match="has no x.1"):
        batches[0]["x.1"]


@pytest.mark.parametrize("size", [1, 2, 4, 7, 100])
def test_regrouping(size):
    whole = [b["id"] for b in StreamReader(io.BytesIO(stream([3, 1, 5, 2]))).batches(size)]
    assert np.array_equal(np.concatenate(whole), np.arange(11))
    assert [len(ids) for ids in whole] == [size] * (11 // size) + ([11 % size] if 11 % size else [])
    full = list(StreamReader(io.BytesIO(stream([3, 1, 5, 2]))).batches(size, drop_last=True))
    assert [b.count for b in full] == [size] * (11 // size)


def test_joined_streams_keep_their_headers():
    reader = StreamReader(io.BytesIO(stream([2, 2], seed=1) + stream([3], seed=2)))
    batches = list(reader.batches(5))
    assert [[(part.seed, count) for part, count in one.parts] for one in batches] == [[(1, 4), (2, 1)], [(2, 2)]]
    assert [identity[1:] for identity in batches[0].identities()] == [(1, 0), (1, 1), (1, 2), (1, 3), (2, 0)]
    assert [(part.seed, count) for part, count in batches[0].rows(3, 5).parts] == [(1, 1), (2, 1)]
    assert [(part.seed, count) for part, count in batches[0].rows(0, 2).parts] == [(1, 2)]
    assert [(part.seed, count) for part, count in batches[0].rows(4, 5).parts] == [(2, 1)]
    assert len(reader.headers) == 2


def test_other_sources_are_not_joined():
    other = header(generator=json.dumps({"name": "bigbigan"})) + end(0, 0)
    with pytest.raises(IncompatibleError, match="different generators"):
        read(stream([2]) + other)


def test_skippable_frames_and_empty_batches():
    empty = frame(record("batch", samples(0, 0)))
    data = SKIPPABLE + header() + SKIPPABLE + batch(0, 2) + empty + end(2, 2) + SKIPPABLE
    assert [one.count for one in read(data)] == [2]
    assert read(header() + end(0, 0)) == []


def test_frames_without_content_size_and_of_many_blocks():
    noise = np.random.default_rng(0).integers(0, 256, (3, 200_000), np.uint8)
    for size in (False, True):
        wide = frame(record("batch", {"n": noise}), write_content_size=size)
        text = frame(record("batch", {"n": noise * 0}), write_content_size=size)
        batches = read(header() + wide + text + end(2, 6))
        assert np.array_equal(batches[0]["n"], noise) and not batches[1]["n"].any()


def test_long_windows():
    parameters = zstandard.ZstdCompressionParameters(window_log=28, write_checksum=True, enable_ldm=True)
    compressor = zstandard.ZstdCompressor(compression_params=parameters).compressobj()
    long = compressor.compress(record("batch", samples(0, 2))) + compressor.flush()
    assert read(header() + long + end(1, 2))[0].count == 2


@pytest.mark.parametrize("cut", range(1, 40))
def test_every_cut_is_noticed(cut):
    data = stream([2, 1])
    length = len(data) * cut // 40
    with pytest.raises(StreamError):
        read(data[:length])


def test_cut_between_records():
    with pytest.raises(TruncatedError, match="without an end record after 2 samples"):
        read(header() + batch(0, 2))
    with pytest.raises(TruncatedError, match="header where its end record"):
        read(header() + batch(0, 2) + header())
    with pytest.raises(TruncatedError, match="is empty"):
        read(b"")


def test_failure_is_repeated():
    reader = StreamReader(io.BytesIO(header() + batch(0, 2)))
    next(reader)
    for _ in range(2):
        with pytest.raises(TruncatedError):
            next(reader)


def test_every_flipped_byte_is_noticed():
    data = bytearray(stream([2]))
    for position in range(0, len(data), 3):
        data[position] ^= 0x41
        with pytest.raises(StreamError):
            read(bytes(data))
        data[position] ^= 0x41


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"PK\x03\x04 and so on", "is not a stream"),
        (b"\x28\xb5", "in the middle"),
        (b"ab", "is not a stream"),
        (header() + b"rubbish", "no record where one begins"),
        (header(version="2"), "version 2"),
        (header(version="x"), "version x"),
        (header(generator="{"), "is not JSON"),
        (header(generator="[]"), "is no dict"),
        (header(history="[1]"), "list of objects"),
        (header(latent='{"std":NaN}'), "NaN"),
        (batch(0, 1), "does not begin with a header"),
        (frame(record("other")), "unknown kind other"),
        (header() + batch(0, 1) + end(1, 2), "says 2 in 1"),
        (header() + end(0, 0) + batch(0, 1), "after an end record"),
        (header() + batch(0, 1) + frame(record("end")), "lacks its totals"),
        (header() + frame(record("batch")), "without samples"),
        (header() + frame(record("batch", {"a": np.zeros(2), "b": np.zeros(3)})), "differ"),
        (header() + frame(record("batch", {"a": np.zeros(())})), "without samples"),
        (header() + batch(0, 1) + frame(record("batch", {"id": np.zeros(1, np.int64)})), "x.0 is missing"),
        (header() + frame(record("end"), write_checksum=False), "without a checksum"),
        (header() + frame(record("end") * 2), "several records"),
        (header() + frame(b"short"), "too short"),
        (header() + frame((1 << 40).to_bytes(8, "little") + b"{}"), "would be 1099511627776"),
        (header() + frame((2).to_bytes(8, "little") + b"[]"), "not JSON"),
    ],
)  # fmt: skip
def test_messages(data, message):
    with pytest.raises(StreamError, match=message):
        read(data)


def claim(content_size: int) -> bytes:
    """A frame of one block that claims to hold more."""
    return b"\x28\xb5\x2f\xfd\xe4" + content_size.to_bytes(8, "little") + b"\x03\x00\x00" + b"a" + b"1234"


def test_claims_take_no_memory():
    with pytest.raises(StreamError, match="more than its blocks"):
        read(claim(1 << 30))
    with pytest.raises(StreamError, match="more than 2 GiB"):
        read(claim(1 << 40))


def test_records_that_go_on_beyond_their_claim():
    """Blocks without end are not read to their end, of which there may be none."""
    raw = (1 << 17 << 3).to_bytes(3, "little") + bytes(1 << 17)
    source = io.BytesIO(header() + claim(16)[:13] + raw * 100)
    with pytest.raises(StreamError, match="longer than it says"):
        list(StreamReader(source))
    assert source.tell() < 3 * len(raw) + 4096


def test_impossible_blocks():
    start = b"\x28\xb5\x2f\xfd\xe4" + (1).to_bytes(8, "little")
    for block in (b"\x07\x00\x00", b"\x09\x00\x80"):
        with pytest.raises(StreamError, match="impossible block"):
            read(start + block + bytes(1 << 21))


@pytest.mark.parametrize("field", ["dtype", "shape", "data_offsets"])
@pytest.mark.parametrize(
    "value",
    [None, "I128", [-1], [1 << 62, 1 << 62], [1 << 62, 0], [1 << 62, 1 << 62, 0], [5, 1], [0, 17], [0.0, 16.0], 7],
)
def test_impossible_tensors(field, value):
    entry = {"dtype": "I64", "shape": [2], "data_offsets": [0, 16], field: value}
    text = json.dumps({"__metadata__": {"hl.kind": "batch"}, "a": entry}).encode()
    with pytest.raises(StreamError):
        read(header() + frame(len(text).to_bytes(8, "little") + text + bytes(16)))


def test_gaps_and_overlaps():
    for first, second in (((0, 8), (16, 24)), ((0, 8), (0, 8)), ((0, 8), (8, 16))):
        entries = {
            name: {"dtype": "I64", "shape": [1], "data_offsets": list(place)}
            for name, place in (("a", first), ("b", second))
        }
        text = json.dumps({"__metadata__": {"hl.kind": "batch"}, **entries}).encode()
        data = header() + frame(len(text).to_bytes(8, "little") + text + bytes(24)) + end(1, 1)
        with pytest.raises(StreamError, match="gap|overlaps|24 are there"):
            read(data)


def test_tensors_that_are_not_aligned():
    entries = {
        "a": {"dtype": "U8", "shape": [1, 3], "data_offsets": [0, 3]},
        "b": {"dtype": "F32", "shape": [1, 2], "data_offsets": [3, 11]},
    }
    text = json.dumps({"__metadata__": {"hl.kind": "batch"}, **entries}).encode()
    content = len(text).to_bytes(8, "little") + text + b"abc" + np.array([1, 2], "<f4").tobytes()
    (one,) = read(header() + frame(content) + end(1, 1))
    assert one["b"].tolist() == [[1, 2]] and one["b"].flags.aligned


def test_a_pipe_is_read_as_it_comes():
    """A batch is there before its writer goes on, and unbuffered files give less than they are asked for."""
    source, target = os.pipe()
    goes_on = threading.Event()

    def write():
        with os.fdopen(target, "wb", buffering=0) as file:
            first = header() + batch(0, 2)
            for byte in range(0, len(first), 100):
                file.write(first[byte : byte + 100])
            assert goes_on.wait(10)
            file.write(end(1, 2))

    writer = threading.Thread(target=write)
    writer.start()
    with os.fdopen(source, "rb", buffering=0) as file:
        reader = StreamReader(file)
        assert next(reader)["id"].tolist() == [0, 1]
        goes_on.set()
        assert list(reader) == []
    writer.join()


def test_commands(save):
    path = save(stream([3, 2]))
    assert sum(one.count for one in StreamReader(Command(f"cat {path}"))) == 5
    assert sum(one.count for one in StreamReader(Command(["cat", path]))) == 5
    assert Command(["a", "--shard", "{shard}"]).shard(1, 4) == Command(["a", "--shard", "1/4"])
    assert Command("a {shard}").is_shardable and not Command("a").is_shardable
    with pytest.raises(StreamError, match="exit status 3"):
        list(StreamReader(Command(f"cat {path}; exit 3")))
    with pytest.raises(TruncatedError, match="exit status 7"):
        list(StreamReader(Command(f"head -c 400 {path}; exit 7")))
    with pytest.raises(TruncatedError, match="is empty"):
        StreamReader(Command("exit 66"))


def test_commands_that_are_not_finished_are_stopped(save, tmp_path):
    marker = tmp_path / "alive"
    line = f"cat {save(stream([3]))}; sleep 0.2; while sleep 0.1; do touch {marker}; done | cat"
    with StreamReader(Command(line)) as reader:
        next(reader)
        start = time.monotonic()
    assert time.monotonic() - start < 5
    time.sleep(0.3)
    marker.unlink(missing_ok=True)
    time.sleep(0.4)
    assert not marker.exists()
