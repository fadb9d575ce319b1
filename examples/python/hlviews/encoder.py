"""Encoders of hl-train in PyTorch, and encoders of PyTorch for the hl programs.

    from hlviews import load_encoder

    module, transform = load_encoder("encoder.safetensors")
    features = module(transform(images))  # float32 [B, d], those of hl-encode

As a program it prints what a file holds: python3 -m hlviews.encoder encoder.safetensors
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import safetensors
import safetensors.torch
import torch
from torch import nn

from .backbone import NETWORKS, STAGES, Backbone
from .errors import IncompatibleError, StreamError
from .transform import MEAN, STD, Transform

PREFIX = "backbone."


class LoadedEncoder(NamedTuple):
    """What `load_encoder` returns: `module, transform = load_encoder(path)`."""

    module: Backbone
    transform: Transform


def load_encoder(
    path: str | os.PathLike[str], *, head: bool = False, layers: Sequence[str] | None = None
) -> LoadedEncoder:
    """The network of an encoder's file, in evaluation mode, and the transform for its images.

    Any --arch, --width and --stem of hl-train is taken. `head`: with the linear classifier that is in files of
    hl-probe -o and of hl-train --method supervised; outputs are scores [B, classes] then. `layers`: stages whose means
    are the features, as of hl-encode --layer; by default the file's.

    Raises OSError where there is no such file, IncompatibleError for a file that holds something else, StreamError for
    a damaged one or for one without a linear head.
    """
    name = os.fspath(path)
    try:
        with safetensors.safe_open(name, "pt") as file:
            metadata = file.metadata() or {}
            tensors = {key: file.get_tensor(key) for key in file.keys() if key.startswith((PREFIX, "fc."))}
    except safetensors.SafetensorError as error:
        raise StreamError(f"{name} is not valid safetensors ({error}): name an encoder of hl-train") from None
    kind, version = metadata.get("hl.kind"), metadata.get("hl.version", "none")
    if kind != "encoder":
        raise IncompatibleError(f"{name} holds {kind or 'what it does not say'}, not an encoder: name one of hl-train")
    if version.partition(".")[0] != "1":
        raise IncompatibleError(f"{name} is of version {version}, and this package reads version 1")
    try:
        description = json.loads(metadata["hl.encoder"])
        arch, width, stem = description["arch"], description["width"], description.get("stem", "imagenet")
        side, crop = description["side"], description["crop"]
        own = tuple(description.get("layer", STAGES[3]).split("+"))
        classifier = json.loads(metadata.get("hl.classifier", "{}"))
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise StreamError(f"what is said of the encoder in {name} is damaged ({error!r}): copy it again") from None
    if arch not in NETWORKS:
        raise IncompatibleError(f"{name} holds a {arch}, which this package does not know")
    # Files of before 0.2 say neither; they are the same.
    transform = Transform(side, crop, description.get("mean", MEAN), description.get("std", STD))
    with torch.device("meta"):
        module = Backbone(arch, width, stem, layers or own)
        if head:
            if not {"fc.weight", "fc.bias"} <= tensors.keys() or set(module.layers) != set(own):
                raise StreamError(
                    f"{name} has no linear head for these features: hl-probe -o and hl-train --method supervised "
                    "write one"
                )
            module.fc = nn.Linear(module.features, len(tensors["fc.weight"]))
            module.takes_unit_length = classifier.get("features") == "unit"
            module.classes = classifier.get("classes")
    state = {key[len(PREFIX) :]: tensor for key, tensor in tensors.items() if key.startswith(PREFIX)}
    if head:
        state.update({key: tensor for key, tensor in tensors.items() if key.startswith("fc.")})
    try:
        module.load_state_dict(state, assign=True)
    except RuntimeError as error:
        raise StreamError(f"the weights in {name} are not those of its {arch}: {error}") from None
    return LoadedEncoder(module.eval(), transform)


def save_encoder(
    path: str | os.PathLike[str],
    module: Backbone,
    *,
    side: int,
    crop: int | None = None,
    history: Sequence[Mapping[str, Any]] = (),
    training: Mapping[str, Any] | None = None,
    supervision: str | None = None,
) -> None:
    """Writes a file as hl-train does, which hl-encode, hl-probe and `load_encoder` read.

    `side`: of the images that it was trained for, in pixels. `crop`: of what it saw of them; by default 7/8 of the
    side. `history`: of the stream that it was trained on (`header.history`). `training`: settings of your own.
    `supervision`: the labels that took part, in words, which hl-probe and hl-metrics report; None for none. The file
    appears under its name when it is complete. A classifier in `fc` is written too.

    Raises ValueError where a weight is no number.
    """
    state = {name if name.startswith("fc.") else PREFIX + name: tensor for name, tensor in module.state_dict().items()}
    for name, tensor in state.items():
        if not torch.isfinite(tensor).all():
            raise ValueError(f"the training has diverged: {name} holds a NaN or an infinity")
    description: dict[str, Any] = {
        "arch": module.arch, "width": module.width, "stem": module.stem,
        "side": side, "crop": (7 * side + 4) // 8 if crop is None else crop,
        "resize": "bilinear", "mean": MEAN, "std": STD,
    }  # fmt: skip
    if module.layers != STAGES[3:]:
        description["layer"] = "+".join(module.layers)
    if supervision is not None:
        description["supervision"] = supervision
    metadata = {"hl.kind": "encoder", "hl.version": "1", "hl.encoder": json.dumps(description)}
    metadata["hl.history"] = json.dumps(list(history))
    if isinstance(module.fc, nn.Linear) and (module.classes or module.takes_unit_length):
        names = module.classes or [str(number) for number in range(module.fc.out_features)]
        features = "unit" if module.takes_unit_length else "raw"
        metadata["hl.classifier"] = json.dumps({"classes": names, "features": features})
    if training is not None:
        metadata["hl.training"] = json.dumps(dict(training))
    folder, base = os.path.split(os.fspath(path))
    temporary = os.path.join(folder, f".{base}.{os.getpid()}.tmp")
    try:
        with open(temporary, "xb") as file:
            file.write(safetensors.torch.save({name: _stored(tensor) for name, tensor in state.items()}, metadata))
        os.replace(temporary, path)
    finally:
        if os.path.exists(temporary):
            os.remove(temporary)


def _stored(tensor: torch.Tensor) -> torch.Tensor:
    plain = tensor.detach().cpu().contiguous()
    return plain.float() if plain.is_floating_point() else plain


def main(arguments: Sequence[str]) -> None:
    """Prints what a file holds."""
    if len(arguments) != 1 or arguments[0].startswith("-"):
        sys.exit(__doc__)
    module, transform = load_encoder(arguments[0])
    parameters = sum(parameter.numel() for parameter in module.parameters())
    print(
        f"{parameters:,} parameters, images of {transform.side} pixels cropped to {transform.crop}, minus "
        f"{transform.mean}, divided by {transform.std}, features of length {module.features}"
    )


if __name__ == "__main__":
    main(sys.argv[1:])
