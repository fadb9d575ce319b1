"""Data sets of PyTorch: every sample once, whatever the source and however many read it."""

import io
import os
import pickle
import sys

import pytest
from conftest import samples, stream

torch = pytest.importorskip("torch")

from torch.utils.data import BatchSampler, DataLoader, SequentialSampler

from hlviews import Command, TruncatedError, ViewFile, ViewStream, to_tensors

pytestmark = pytest.mark.filterwarnings("ignore:This DataLoader will create:UserWarning")

# Writes samples of 0 to 29 whose ids leave remainder K when divided by N, as hl-sample --shard K/N does.
SAMPLER = """
import io, sys; sys.path.insert(0, {tests!r}); sys.path.insert(0, {package!r})
from conftest import samples
from hlviews import Header, StreamWriter
part, parts = map(int, sys.argv[1].split("/"))
with StreamWriter("-", Header(), arguments=[]) as out:
    for first in range(0, 30, 4):
        ids = [i for i in range(first, min(first + 4, 30)) if i % parts == part]
        if ids: out.write({{name: tensor[[i - first for i in ids]] for name, tensor in samples(first, 4).items()}})
"""


@pytest.fixture
def command():
    here = os.path.dirname(__file__)
    code = SAMPLER.format(tests=here, package=os.path.dirname(here))
    return Command([sys.executable, "-c", code, "{shard}"])


@pytest.fixture
def path(save):
    return save(stream([4, 4, 4, 4, 4, 4, 4, 2]))


def ids(loader) -> list[int]:
    return [i for batch in loader for i in batch["id"].tolist()]


def test_batches_are_tensors(path):
    batches = list(ViewStream(path, batch_size=7))
    assert [len(batch["id"]) for batch in batches] == [7, 7, 7, 7, 2]
    expected = to_tensors(samples(7, 7))
    for name, tensor in batches[1].items():
        assert tensor.dtype == expected[name].dtype and torch.equal(tensor, expected[name])
    assert len(list(ViewStream(path, batch_size=7, drop_last=True))) == 4


def test_single_samples_are_collated(path):
    batches = list(DataLoader(ViewStream(path, names=["id", "x.0"]), batch_size=8))
    assert [list(batch["x.0"].shape) for batch in batches][-1] == [6, 3, 5, 7]
    assert ids(batches) == list(range(30)) and list(batches[0]) == ["id", "x.0"]


@pytest.mark.parametrize("workers", [0, 1, 3, 9])
def test_files_are_shared(path, workers):
    loader = DataLoader(ViewStream(path, batch_size=5), batch_size=None, num_workers=workers)
    assert sorted(ids(loader)) == list(range(30)) == sorted(ids(loader))


@pytest.mark.parametrize("workers", [0, 1, 3])
def test_commands_are_started_by_each(command, workers):
    loader = DataLoader(ViewStream(command, batch_size=5), batch_size=None, num_workers=workers)
    assert sorted(ids(loader)) == list(range(30))


@pytest.mark.parametrize("ranks", [1, 2, 3])
def test_ranks_and_workers(path, command, ranks):
    for source in (path, command):
        parts = [
            ids(DataLoader(ViewStream(source, shard=(rank, ranks)), batch_size=4, num_workers=2))
            for rank in range(ranks)
        ]
        assert sorted(sum(parts, [])) == list(range(30)) and all(parts)


def test_ranks_of_torch_distributed(path, monkeypatch):
    monkeypatch.setattr(torch.distributed, "is_initialized", lambda: True)
    monkeypatch.setattr(torch.distributed, "get_rank", lambda: 1)
    monkeypatch.setattr(torch.distributed, "get_world_size", lambda: 2)
    assert ids(ViewStream(path, batch_size=100)) == list(range(15, 30))
    assert ids(ViewStream(path, batch_size=100, shard=(0, 1))) == list(range(30))


def test_transforms(path):
    loader = DataLoader(
        ViewStream(path, batch_size=10, transform=lambda batch: batch["id"] * 2), batch_size=None, num_workers=2
    )
    assert sorted(torch.cat(list(loader)).tolist()) == list(range(0, 60, 2))


def test_a_pipe_has_one_reader():
    views = ViewStream(io.BytesIO(stream([3])), batch_size=2)
    with pytest.raises(RuntimeError, match="a pipe has one reader, not 2"):
        list(DataLoader(views, batch_size=None, num_workers=2))
    with pytest.raises(RuntimeError, match="a pipe has one reader, not 2"):
        list(ViewStream(io.BytesIO(stream([3])), shard=(0, 2)))
    assert ids(views) == [0, 1, 2]
    with pytest.raises(RuntimeError, match="read once"):
        list(views)
    with pytest.raises(TypeError, match="num_workers=0"):
        pickle.dumps(views)


@pytest.mark.parametrize("workers", [0, 1])
def test_standard_input(run, workers):
    code = (
        "from torch.utils.data import DataLoader; from hlviews import ViewStream; "
        f"loader = DataLoader(ViewStream('-', batch_size=4), batch_size=None, num_workers={workers}); "
        "print(sum(int(batch['id'].sum()) for batch in loader))"
    )
    assert run(f'{sys.executable} -c "{code}"', given=stream([3, 4, 3])) == b"45\n"


def test_named_pipes_have_one_reader(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(RuntimeError, match="one reader"):
        list(ViewStream(tmp_path / "pipe", shard=(0, 2)))


def test_commands_that_cannot_be_shared(path):
    with pytest.raises(RuntimeError, match="--shard {shard}"):
        list(ViewStream(Command(f"cat {path}"), batch_size=2, shard=(0, 2)))
    assert ids(DataLoader(ViewStream(Command(f"cat {path}"), batch_size=2), batch_size=None)) == list(range(30))


def test_what_is_cut_short_is_an_error(save, path):
    cut = save(stream([3, 3])[:-20], "cut.hls")
    with pytest.raises(TruncatedError):
        list(ViewStream(cut, batch_size=2))
    with pytest.raises(TruncatedError):
        list(DataLoader(ViewStream(Command(f"cat {cut} # {{shard}}"), batch_size=2), batch_size=None, num_workers=1))
    with pytest.raises(FileNotFoundError):
        ViewStream("missing.hls")
    for options in ({"batch_size": 0}, {"shard": (2, 2)}):
        with pytest.raises(ValueError):
            ViewStream(path, **options)


@pytest.mark.parametrize("workers", [0, 2])
def test_shuffling(path, workers):
    views = ViewFile(path, names=["id", "z.0"])
    generator = torch.Generator().manual_seed(1)
    loader = DataLoader(views, batch_size=8, shuffle=True, num_workers=workers, generator=generator)
    batches = list(loader)
    assert len(views) == 30 and [len(batch["id"]) for batch in batches] == [8, 8, 8, 6]
    assert ids(batches) != list(range(30)) and sorted(ids(batches)) == list(range(30))
    for batch in batches:
        assert torch.equal(batch["z.0"][:, 0, 0], batch["id"].float())


def test_samples_and_batches_of_files(path):
    views = ViewFile(path, transform=lambda item: item["id"])
    assert views[3].item() == 3 and views[[4, 2]].tolist() == [4, 2]
    loader = DataLoader(views, sampler=BatchSampler(SequentialSampler(views), 16, drop_last=False), batch_size=None)
    assert [len(batch) for batch in loader] == [16, 14]
    spawned = DataLoader(ViewFile(path), batch_size=30, num_workers=1, multiprocessing_context="spawn")
    assert ids(spawned) == list(range(30))


def test_arrays_that_cannot_be_written_are_copied():
    array = samples(0, 2)["z.0"]
    array.flags.writeable = False
    assert to_tensors({"z.0": array})["z.0"].add_(1)[0, 0, 0] == 1 and array[0, 0, 0] == 0
