"""Networks and transform against torchvision's own."""

import json

import numpy as np
import pytest

torch = pytest.importorskip("torch")
torchvision = pytest.importorskip("torchvision")
pytest.importorskip("safetensors")

import safetensors.torch
from torchvision.transforms import functional

from hlviews import Backbone, IncompatibleError, StreamError, Transform, load_encoder, metadata, save_encoder

SMALL = {"arch": "resnet18", "width": 4, "stem": "imagenet"}


def close(a, b) -> bool:
    """Equal but for the rounding of kernels, which depends on where tensors lie in memory."""
    return a.shape == b.shape and torch.allclose(a, b, rtol=1e-5, atol=1e-5)


def test_names_and_numbers_are_those_of_torchvision():
    for arch in ("resnet18", "resnet34", "resnet50"):
        reference = getattr(torchvision.models, arch)()
        reference.fc = torch.nn.Identity()
        module = Backbone(arch).eval()
        module.load_state_dict(reference.state_dict())
        x = torch.randn(2, 3, 40, 40)
        with torch.inference_mode():
            assert close(module(x), reference.eval()(x))
    assert module.features == 2048


def test_layers_are_means_of_stages():
    module = Backbone("resnet18", 4, "cifar", ["layer4", "layer2"]).eval()
    seen = {}
    for stage in ("layer2", "layer4"):
        getattr(module, stage).register_forward_hook(lambda _, __, x, stage=stage: seen.update({stage: x.mean((2, 3))}))
    features = module(torch.randn(2, 3, 16, 16))
    assert module.features == 8 + 32 == features.shape[1]
    assert torch.allclose(features, torch.cat([seen["layer2"], seen["layer4"]], 1))
    with pytest.raises(ValueError, match="choose from"):
        Backbone(layers=["layer5"])
    for other in ({"arch": "vgg"}, {"width": 0}, {"stem": "x"}):
        with pytest.raises(ValueError):
            Backbone(**other)


def test_weights_start_like_those_of_torchvision():
    torch.manual_seed(0)
    module = Backbone("resnet50", 32)
    for convolution in (module.conv1, module.layer3[0].conv2):
        fan_out = convolution.out_channels * convolution.kernel_size[0] ** 2
        assert abs(convolution.weight.std().item() / (2 / fan_out) ** 0.5 - 1) < 0.05


@pytest.mark.parametrize(("height", "width"), [(64, 64), (64, 80), (71, 64), (33, 47), (200, 130), (8, 8)])
def test_transform(height, width):
    images = torch.randint(0, 256, (2, 3, height, width), dtype=torch.uint8)
    transform = Transform(64, 56)
    size = 56 if min(height, width) == 64 else max(1, int(min(height, width) * 56 / 64 + 0.5))
    crop = functional.center_crop(images.float() / 255, [size])
    if size != 56:
        crop = functional.resize(crop, [56, 56], antialias=False)
    expected = functional.normalize(crop, transform.mean, transform.std)
    for form in (images, images.numpy(), images.float() / 255, images.double() / 255):
        assert torch.allclose(transform(form), expected, atol=1e-6)
    assert torch.allclose(transform(images[1]), expected[1:], atol=1e-6)
    whole = functional.resize(
        functional.center_crop(images.float() / 255, [min(height, width)]), [56, 56], antialias=False
    )
    assert torch.allclose(
        transform(images, crops=True), functional.normalize(whole, transform.mean, transform.std), atol=1e-6
    )


def test_transform_of_pictures():
    image = pytest.importorskip("PIL.Image")
    pixels = np.random.default_rng(0).integers(0, 256, (64, 70, 3), np.uint8)
    transform = Transform(64, 56)
    expected = transform(torch.from_numpy(pixels).permute(2, 0, 1))
    assert torch.equal(transform(image.fromarray(pixels)), expected)


@pytest.mark.parametrize(
    ("images", "error"),
    [
        (torch.zeros(2, 1, 64, 64), ValueError),
        (torch.zeros(64, 64), ValueError),
        (torch.zeros(1, 3, 0, 64), ValueError),
        (torch.zeros(1, 3, 64, 64, dtype=torch.int64), TypeError),
        (torch.full((1, 3, 64, 64), -0.1), ValueError),
        (torch.full((1, 3, 64, 64), 255.0), ValueError),
        (torch.full((1, 3, 64, 64), torch.nan), ValueError),
    ],
)
def test_images_that_are_none(images, error):
    with pytest.raises(error):
        Transform(64, 56)(images)


@pytest.mark.parametrize("arch", ["resnet18", "resnet34", "resnet50"])
@pytest.mark.parametrize("stem", ["imagenet", "cifar"])
def test_what_is_saved_is_loaded(tmp_path, arch, stem):
    module = Backbone(arch, 4, stem, ["layer3", "layer4"] if stem == "cifar" else ["layer4"])
    module.train()(torch.randn(4, 3, 32, 32))
    save_encoder(
        tmp_path / "e", module, side=36, history=[{"tool": "t"}], training={"method": "mine"}, supervision="ours"
    )
    loaded, transform = load_encoder(tmp_path / "e")
    assert not loaded.training and (transform.side, transform.crop) == (36, 32)
    x = torch.randn(2, 3, 32, 32)
    assert close(loaded(x), module.eval()(x))
    said = metadata(tmp_path / "e")
    assert said["history"] == [{"tool": "t"}] and said["training"] == {"method": "mine"}
    assert said["encoder"]["mean"] == [0.485, 0.456, 0.406] and said["encoder"]["supervision"] == "ours"
    assert load_encoder(tmp_path / "e", layers=["layer1"]).module(x).shape[1] == 4 * (4 if arch == "resnet50" else 1)
    loaded.requires_grad_(True)(x).sum().backward()
    assert loaded.conv1.weight.grad is not None


def test_linear_heads(tmp_path):
    module = Backbone(**SMALL)
    module.fc = torch.nn.Linear(module.features, 7)
    save_encoder(tmp_path / "e", module, side=32)
    x = torch.randn(2, 3, 28, 28)
    logits, features = (load_encoder(tmp_path / "e", head=head).module(x) for head in (True, False))
    assert close(logits, module.eval()(x)) and features.shape == (2, 32)
    with pytest.raises(StreamError, match="no linear head"):
        load_encoder(tmp_path / "e", head=True, layers=["layer3"])
    save_encoder(tmp_path / "e", Backbone(**SMALL), side=32)
    with pytest.raises(StreamError, match="no linear head"):
        load_encoder(tmp_path / "e", head=True)


def test_heads_that_take_features_of_unit_length(tmp_path):
    module = Backbone(**SMALL, layers=["layer2", "layer4"]).eval()
    x = torch.randn(2, 3, 28, 28)
    features = module(x)
    module.fc = torch.nn.Linear(module.features, 3)
    module.takes_unit_length, module.classes = True, ["a", "b", "c"]
    expected = features / features.norm(dim=1, keepdim=True) @ module.fc.weight.T + module.fc.bias
    save_encoder(tmp_path / "e", module, side=32)
    loaded = load_encoder(tmp_path / "e", head=True).module
    assert torch.allclose(loaded(x), expected, atol=1e-6) and loaded.classes == ["a", "b", "c"]
    assert close(load_encoder(tmp_path / "e").module(x), features)


def test_nothing_is_written_of_a_training_that_diverged(tmp_path):
    module = Backbone(**SMALL)
    module.bn1.weight.data[0] = torch.nan
    with pytest.raises(ValueError, match="bn1.weight"):
        save_encoder(tmp_path / "e", module, side=32)
    assert not list(tmp_path.iterdir())


ENCODER = {"hl.kind": "encoder", "hl.version": "1"}


@pytest.mark.parametrize(
    ("metadata", "error", "message"),
    [
        (None, IncompatibleError, "what it does not say"),
        ({"hl.kind": "walker"}, IncompatibleError, "holds walker"),
        ({"hl.kind": "encoder", "hl.version": "2"}, IncompatibleError, "version 2"),
        (ENCODER, StreamError, "damaged"),
        ({**ENCODER, "hl.encoder": "{}"}, StreamError, "damaged"),
        ({**ENCODER, "hl.encoder": json.dumps({**SMALL, "side": 8, "crop": 7})}, StreamError, "not those"),
        (
            {**ENCODER, "hl.encoder": json.dumps({**SMALL, "arch": "vit", "side": 8, "crop": 7})},
            IncompatibleError,
            "vit",
        ),
    ],
)
def test_other_files(tmp_path, metadata, error, message):
    safetensors.torch.save_file({"a": torch.zeros(1)}, tmp_path / "e", metadata)
    with pytest.raises(error, match=message):
        load_encoder(tmp_path / "e")


def test_no_file(tmp_path):
    with pytest.raises(FileNotFoundError):
        load_encoder(tmp_path / "missing")
    (tmp_path / "e").write_bytes(b"PK and so on")
    with pytest.raises(StreamError, match="not valid safetensors"):
        load_encoder(tmp_path / "e")
