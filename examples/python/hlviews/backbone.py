"""The networks of hl-train in PyTorch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
import torchvision
from torch import nn

NETWORKS: dict[str, tuple[Any, tuple[int, int, int, int]]] = {
    "resnet18": (torchvision.models.resnet.BasicBlock, (2, 2, 2, 2)),
    "resnet34": (torchvision.models.resnet.BasicBlock, (3, 4, 6, 3)),
    "resnet50": (torchvision.models.resnet.Bottleneck, (3, 4, 6, 3)),
}
STAGES = ("layer1", "layer2", "layer3", "layer4")


class Backbone(torchvision.models.ResNet):  # type: ignore[misc]  # torchvision has no types
    """torchvision's ResNet for any number of channels in the first stage and for small images.

    Normalised images float32 [B, 3, H, W] become features float32 [B, d], or what `fc` makes of them: the identity, or
    the classifier of an encoder that was trained on labels. Names are torchvision's, and so are the weights that it
    starts from.
    """

    def __init__(
        self, arch: str = "resnet18", width: int = 64, stem: str = "imagenet", layers: Sequence[str] = STAGES[3:]
    ) -> None:
        """`arch`: resnet18, resnet34 or resnet50. `width`: channels of the first stage, 64 in torchvision. `stem`:
        imagenet, or cifar, one 3x3 convolution without pooling. `layers`: stages whose means over positions are the
        features, one behind the other, of layer1 to layer4.

        Raises ValueError for others.
        """
        if arch not in NETWORKS or stem not in ("imagenet", "cifar") or not 1 <= width <= 1024:
            raise ValueError(f"a {arch} of width {width} with the stem {stem}: none of hl-train's networks")
        if not layers or not set(layers) <= set(STAGES):
            raise ValueError(f"layers {'+'.join(layers)}: choose from {', '.join(STAGES)}")
        block, counts = NETWORKS[arch]
        super().__init__(block, list(counts))
        self.arch, self.width, self.stem = arch, width, stem
        self.layers = tuple(stage for stage in STAGES if stage in layers)
        self.inplanes = width
        if stem == "cifar":
            self.conv1 = nn.Conv2d(3, width, 3, padding=1, bias=False)
            self.maxpool = nn.Identity()
        else:
            self.conv1 = nn.Conv2d(3, width, 7, stride=2, padding=3, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        for index, count in enumerate(counts):
            setattr(self, STAGES[index], self._make_layer(block, width << index, count, stride=2 if index else 1))
        self.fc: nn.Module = nn.Identity()
        self.takes_unit_length = False
        """Whether `fc` sees features of length 1."""
        self.classes: list[str] | None = None
        """Names of what `fc` gives scores of, where they are known."""
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")

    @property
    def features(self) -> int:
        """Their number d: 512 or 2048 at width 64."""
        expansion = NETWORKS[self.arch][0].expansion
        return sum((self.width << STAGES.index(stage)) * expansion for stage in self.layers)

    def _forward_impl(self, x: torch.Tensor) -> torch.Tensor:
        x = self.maxpool(self.relu(self.bn1(self.conv1(x))))
        means = []
        for stage in STAGES[: STAGES.index(self.layers[-1]) + 1]:
            x = getattr(self, stage)(x)
            if stage in self.layers:
                means.append(torch.flatten(self.avgpool(x), 1))
        features = torch.cat(means, 1)
        output: torch.Tensor = self.fc(nn.functional.normalize(features) if self.takes_unit_length else features)
        return output
