"""The package and the hl programs: each reads what the other writes, and encoders have the same features."""

import json
import re
import sys
from pathlib import Path

import numpy as np
import pytest
from conftest import needs_programs, stream

from hlviews import Command, SeekableStream, StreamReader, StreamWriter, __version__, arrays, latents, metadata

pytestmark = needs_programs
PACKAGE = Path(__file__).parents[1]


def test_version(run):
    assert run("hl-sample --version").decode().split()[1] == __version__


def test_reader_reads_what_programs_write(run, tmp_path):
    run("hl-sample -n 300 --seed 3 -o a.hls; hl-perturb --chunks 1-5 --views 2 a.hls > b.hls")
    with StreamReader(tmp_path / "b.hls") as reader:
        batches = list(reader.batches(128))
    assert [batch.count for batch in batches] == [128, 128, 44]
    assert [entry["tool"] for entry in reader.header.history] == ["hl-sample", "hl-perturb"]
    assert reader.header.json("hl.perturbation")["views"] == 2 and reader.header.seed == 3
    z = [latents(tmp_path / "b.hls", view) for view in range(3)]
    assert np.array_equal(z[0], latents(tmp_path / "a.hls")) and z[0].shape == (300, 6, 20)
    assert np.array_equal(z[0][:, 0], z[1][:, 0]) and (z[0][:, 1:] != z[2][:, 1:]).mean() > 0.99
    assert np.array_equal(SeekableStream(tmp_path / "a.hls").take([299, 5])["z.0"], z[0][[299, 5]])


@pytest.mark.parametrize(
    ("line", "tensor"),
    [
        ("hl-sample -n 5 --render", "x.0"),
        ("hl-sample -n 5 --render --pixels f32", "x.0"),
        ("hl-sample -n 5 | hl-perturb --render", "x.1"),
        ("hl-sample -n 5 | hl-encode -q --untrained --width 4", "e.0"),
    ],
)
def test_streams_of_every_program(run, tmp_path, line, tensor):
    run(f"{line} > pipe.hls; {line} -o file.hls")
    for name in ("pipe.hls", "file.hls"):
        whole = arrays(tmp_path / name)
        assert tensor in whole and whole["id"].tolist() == [0, 1, 2, 3, 4]
        stored = SeekableStream(tmp_path / name).take(range(5))
        assert all(np.array_equal(stored[key], array) for key, array in whole.items())


def test_joined_files(run, tmp_path):
    run("hl-sample -n 4 --seed 1 -o a.hls; hl-sample -n 3 --seed 2 -o b.hls; cat a.hls b.hls > c.hls")
    batches = list(StreamReader(tmp_path / "c.hls").batches(6))
    assert [[(header.seed, count) for header, count in batch.parts] for batch in batches] == [
        [(1, 4), (2, 2)],
        [(2, 1)],
    ]
    assert len(SeekableStream(tmp_path / "c.hls")) == 7


def test_a_program_that_fails_is_noticed(run, tmp_path):
    run("hl-sample -n 4 -o a.hls; head -c -40 a.hls > cut.hls")
    with pytest.raises(ValueError, match="exit status 65"):
        list(StreamReader(Command(f"hl-perturb -q {tmp_path}/cut.hls 2> {tmp_path}/errors")))


def test_shards_are_the_whole():
    whole = arrays(Command("hl-sample -n 100 --threads 1"))
    command = Command("hl-sample -n 100 --threads 1 --shard {shard}")
    parts = [arrays(command.shard(part, 3)) for part in range(3)]
    order = np.argsort(np.concatenate([part["id"] for part in parts]))
    assert np.array_equal(np.concatenate([part["z.0"] for part in parts])[order], whole["z.0"])


def test_programs_read_what_the_writer_writes(run, tmp_path):
    reader = StreamReader(Command("hl-sample -n 20 --seed 5"))
    with StreamWriter(tmp_path / "mine.hls", reader.header, tool="half.py", arguments=["-x"], seed=9) as out:
        for batch in reader.batches(8):
            out.write(batch.replacing({"z.0": batch["z.0"] / 2}))
    said = run("hl-view --info mine.hls").decode()
    assert re.search(r"history +half.py -x \(seed 9\)", said) and re.search(r"samples +20 in 3 records", said)
    run("hl-perturb --chunks 1-5 --render mine.hls -o views.hls; hl-encode -q --untrained --width 4 mine.hls -o e.hls")
    assert np.array_equal(latents(tmp_path / "views.hls"), latents(tmp_path / "mine.hls"))
    run("hl-train -q --width 4 --batch 4 -n 40 --epochs 2 --threads 1 views.hls -o t.safetensors")
    assert [entry["tool"] for entry in metadata(tmp_path / "t.safetensors")["history"]][:2] == ["hl-sample", "half.py"]


def test_images_and_pipes_of_ones_own(run, tmp_path):
    (tmp_path / "write.py").write_text(
        "import numpy as np\n"
        "from hlviews import Header, StreamWriter\n"
        "images = np.random.default_rng(0).integers(0, 256, (6, 2, 3, 32, 32), np.uint8)\n"
        "with StreamWriter('-', Header(data={'kind': 'mine', 'classes': ['a', 'b']})) as out:\n"
        "    out.write({'id': np.arange(6), 'y': np.arange(6) % 2, 'x.0': images[:, 0], 'x.1': images[:, 1]})\n"
    )
    said = run(f"{sys.executable} write.py | hl-view --info").decode()
    assert "U8 B x 3 x 32 x 32" in said and "write.py" in said
    run(f"{sys.executable} write.py | hl-train -q --width 4 --batch 2 -n 6 --threads 1 -o e.safetensors")
    whole = run(f"{sys.executable} write.py | hl-encode -q --encoder e.safetensors --view all")
    (tmp_path / "e.hls").write_bytes(whole)
    assert arrays(tmp_path / "e.hls")["e.1"].shape == (6, 32)


def test_a_stream_that_was_not_finished_is_refused(run, save):
    path = save(stream([3])[:-30])
    assert b"65" == run(f"hl-view --info {path} 2> errors || echo -n $?").splitlines()[-1]


ENCODERS = [
    ("--width 8", 32, ""),
    ("--width 64", 64, ""),
    ("--width 4 --stem cifar", 40, ""),
    ("--width 4 --arch resnet50", 24, ""),
    ("--width 8 --arch resnet34 --stem cifar", 32, "layer2+layer4"),
    ("--width 6 --method supervised", 48, ""),
]


@pytest.mark.parametrize(("options", "side", "layer"), ENCODERS)
def test_features_are_those_of_hl_encode(run, tmp_path, options, side, layer):
    """Of images of any size, to 1e-5."""
    torch = pytest.importorskip("torch")
    pytest.importorskip("torchvision")
    from hlviews import load_encoder

    run(
        f"hl-sample --size 32 -n 16 | "
        f"hl-train -q {options} --threads 1 --augment simclr --batch 8 -n 16 -o e.safetensors; "
        f"hl-sample --size {side} -n 5 --render | "
        f"hl-encode -q --encoder e.safetensors {layer and '--layer ' + layer} -o e.hls"
    )
    module, transform = load_encoder(tmp_path / "e.safetensors", layers=layer.split("+") if layer else None)
    whole = arrays(tmp_path / "e.hls")
    with torch.inference_mode():
        features = module(transform(whole["x.0"]))
    assert features.shape == whole["e.0"].shape
    assert (features - torch.from_numpy(whole["e.0"])).abs().max() < 1e-5
    if "supervised" in options:
        assert load_encoder(tmp_path / "e.safetensors", head=True).module(transform(whole["x.0"])).shape == (5, 10)


@pytest.mark.parametrize("scale", ["raw", "unit"])
def test_classifiers_of_hl_probe(run, tmp_path, scale):
    """Scores are those of hl-probe's layer behind hl-encode's features, and its accuracy comes back."""
    torch = pytest.importorskip("torch")
    pytest.importorskip("torchvision")
    import safetensors.numpy

    from hlviews import load_encoder

    run(
        "hl-sample --clean --size 32 --render -n 200 --seed 1 -o a.hls; "
        "hl-sample --clean --size 32 --render -n 100 --seed 2 -o b.hls; "
        f"hl-probe -q --threads 1 --untrained --width 8 --side 32 --train a.hls --test b.hls "
        f"--recipe lbfgs --features {scale} -o probe.safetensors --json > report.json; "
        "hl-encode -q --encoder probe.safetensors b.hls -o e.hls"
    )
    module, transform = load_encoder(tmp_path / "probe.safetensors", head=True)
    whole, weights = arrays(tmp_path / "e.hls"), safetensors.numpy.load_file(tmp_path / "probe.safetensors")
    with torch.inference_mode():
        scores = module(transform(whole["x.0"])).numpy()
    features = whole["e.0"] / (np.linalg.norm(whole["e.0"], axis=1, keepdims=True) if scale == "unit" else 1)
    expected = features @ weights["fc.weight"].T + weights["fc.bias"]
    assert np.abs(scores - expected).max() < 1e-5 * np.abs(weights["fc.weight"]).max()
    report = json.loads((tmp_path / "report.json").read_text())
    assert report["linear"]["top1"]["values"] == [pytest.approx(100 * (scores.argmax(1) == whole["y"]).mean())]
    assert module.classes == [one["class"] for one in report["per_class"]]


def test_a_loop_of_pytorch_trains_from_a_pipe(run, tmp_path):
    """The example learns, and hl-encode's features of its encoder are PyTorch's."""
    torch = pytest.importorskip("torch")
    pytest.importorskip("torchvision")
    from hlviews import load_encoder

    said = run(
        "hl-sample --size 32 --threads 1 | hl-perturb --chunks 5 --std 0.5 --render --threads 1 | "
        f"{sys.executable} {PACKAGE}/train_simclr.py --samples 1280 --batch 32 --width 8 --stem cifar -o t.safetensors"
    ).decode()
    losses = [float(loss) for loss in re.findall(r"loss ([0-9.]+)", said)]
    # 4.14 would be chance.
    assert len(losses) == 4 and losses[-1] < min(1.7, losses[0] - 0.4), losses
    history = metadata(tmp_path / "t.safetensors")["history"]
    assert [entry["tool"] for entry in history] == ["hl-sample", "hl-perturb", "train_simclr.py"]
    run("hl-sample --size 32 -n 5 --seed 1 --render | hl-encode -q --encoder t.safetensors -o e.hls")
    whole = arrays(tmp_path / "e.hls")
    module, transform = load_encoder(tmp_path / "t.safetensors")
    with torch.inference_mode():
        features = module(transform(whole["x.0"]))
    assert (features - torch.from_numpy(whole["e.0"])).abs().max() < 1e-5


def test_data_loaders_start_programs(run):
    pytest.importorskip("torch")
    from torch.utils.data import DataLoader

    from hlviews import ViewStream

    line = "hl-sample -n 200 --size 32 --shard {shard} --threads 1 | hl-perturb --chunks 1-5 --render --threads 1"
    loader = DataLoader(ViewStream(Command(line), batch_size=32), batch_size=None, num_workers=2)
    seen = [i for batch in loader for i in batch["id"].tolist()]
    assert sorted(seen) == list(range(200))
    endless = iter(DataLoader(ViewStream(Command(line.replace("-n 200 ", "")), batch_size=32), batch_size=None))
    assert next(endless)["x.1"].shape == (32, 3, 32, 32)


def test_examples_of_the_readme(run, tmp_path):
    """The Python in README.md runs as it stands, one block after the other in one folder."""
    pytest.importorskip("torchvision")
    text = (PACKAGE / "README.md").read_text()
    blocks = re.findall(r"```python\n(.*?)```", text, re.S)
    assert len(blocks) >= 5
    run("hl-sample -n 512 | hl-perturb --chunks 1-5 --render -o views.hls")
    run("hl-sample --size 32 -n 8 | hl-train -q --width 4 --batch 4 -n 8 --threads 1 -o encoder.safetensors")
    for number, code in enumerate(blocks):
        (tmp_path / f"{number}.py").write_text(code)
        run(f"{sys.executable} {number}.py < views.hls")
