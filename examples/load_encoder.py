#!/usr/bin/env python3
"""Loads an encoder of hl-train into PyTorch, with what it does to images before the network sees them.

    from load_encoder import load_encoder

    module, transform = load_encoder("encoder.safetensors")
    features = module(transform(images))

images: uint8 0...255 or floating point 0...1, [B, 3, H, W] or [3, H, W]; or one PIL image. Features are [B, d], those of
hl-encode: the network is in evaluation mode, and images are cropped and normalised like ImageNet's. Any --arch, --width
and --stem of hl-train is taken. As a program it prints what a file holds:

    python3 load_encoder.py encoder.safetensors

Needs torch, torchvision and safetensors.
"""
import json
import sys

import safetensors
import safetensors.torch
import torch
import torchvision
import torchvision.transforms.functional as functional

NETWORKS = {
    "resnet18": (torchvision.models.resnet.BasicBlock, (2, 2, 2, 2)),
    "resnet34": (torchvision.models.resnet.BasicBlock, (3, 4, 6, 3)),
    "resnet50": (torchvision.models.resnet.Bottleneck, (3, 4, 6, 3)),
}


class Backbone(torchvision.models.ResNet):
    """torchvision's ResNet without classifier, for any number of channels in the first stage and for small images."""

    def __init__(self, arch, width, stem):
        block, layers = NETWORKS[arch]
        super().__init__(block, layers)
        self.inplanes = width
        if stem == "cifar":
            self.conv1 = torch.nn.Conv2d(3, width, 3, padding=1, bias=False)
            self.maxpool = torch.nn.Identity()
        else:
            self.conv1 = torch.nn.Conv2d(3, width, 7, stride=2, padding=3, bias=False)
        self.bn1 = torch.nn.BatchNorm2d(width)
        for stage, count in enumerate(layers):
            layer = self._make_layer(block, width << stage, count, stride=2 if stage else 1)
            setattr(self, f"layer{stage + 1}", layer)
        self.fc = torch.nn.Identity()


class Transform:
    """What is done to images: the central square of crop / side of the short side, resized to crop x crop, then
    (x - mean) / std in each channel of 0...1."""

    def __init__(self, description):
        self.side, self.crop = description["side"], description["crop"]
        # Files of before 0.2 do not say them; they are the same.
        self.mean = description.get("mean", (0.485, 0.456, 0.406))
        self.std = description.get("std", (0.229, 0.224, 0.225))

    def __call__(self, images):
        if not torch.is_tensor(images):
            images = functional.pil_to_tensor(images.convert("RGB"))
        if images.dim() == 3:
            images = images[None]
        # Before resizing, which would round integers.
        images = images.float() / 255 if images.dtype == torch.uint8 else images.float()
        height, width = images.shape[-2:]
        short = min(height, width)
        size = self.crop if short == self.side else max(1, int(short * self.crop / self.side + 0.5))
        top, left = round((height - size) / 2), round((width - size) / 2)
        crops = functional.resized_crop(
            images, top, left, size, size, [self.crop, self.crop], antialias=False)
        return functional.normalize(crops, self.mean, self.std)


def load_encoder(path):
    """The backbone of an encoder's file, in evaluation mode, and the transform for its images."""
    with safetensors.safe_open(path, "pt") as file:
        metadata = file.metadata() or {}
    if metadata.get("hl.kind") != "encoder":
        raise ValueError(f"{path} is no encoder of hl-train")
    description = json.loads(metadata["hl.encoder"])
    module = Backbone(description["arch"], description["width"], description["stem"])
    prefix = "backbone."
    module.load_state_dict({
        name[len(prefix):]: tensor for name, tensor in safetensors.torch.load_file(path).items()
        if name.startswith(prefix)})
    return module.eval(), Transform(description)


if __name__ == "__main__":
    if len(sys.argv) != 2 or sys.argv[1].startswith("-"):
        sys.exit(__doc__)
    network, transform = load_encoder(sys.argv[1])
    parameters = sum(parameter.numel() for parameter in network.parameters())
    features = network(transform(torch.zeros(1, 3, transform.side, transform.side))).shape[1]
    print(f"{parameters:,} parameters, images of {transform.side} pixels cropped to {transform.crop}, minus "
          f"{tuple(transform.mean)}, divided by {tuple(transform.std)}, features of length {features}")
