"""What is done to images before an encoder sees them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
import torchvision
from torch import nn

MEAN = (0.485, 0.456, 0.406)
STD = (0.229, 0.224, 0.225)


class Transform:
    """What is done to images before the network sees them: the central square of crop / side of the short side, resized
    to crop x crop bilinearly without antialiasing, then (x - mean) / std in each channel of 0...1."""

    def __init__(self, side: int, crop: int, mean: Sequence[float] = MEAN, std: Sequence[float] = STD) -> None:
        """`side`: of the images that the network expects, in pixels. `crop`: of the square that it sees, at most
        that."""
        self.side, self.crop = side, crop
        self.mean, self.std = tuple(mean), tuple(std)

    def __call__(self, images: Any, crops: bool = False) -> torch.Tensor:
        """float32 [B, 3, crop, crop].

        `images`: uint8 0...255 or floating point 0...1, [B, 3, H, W] or [3, H, W], tensor or array; or one PIL image.
        `crops`: whether they are random crops already (hl.crop in hl-stream(5)), of which nothing is cut off.

        Raises TypeError and ValueError for images of another type, shape or range.
        """
        x: torch.Tensor = self._pixels(images)
        height, width = x.shape[-2:]
        size = short = min(height, width)
        if not crops:
            size = self.crop if short == self.side else max(1, int(short * self.crop / self.side + 0.5))
        size = min(size, short)
        top, left = round((height - size) / 2), round((width - size) / 2)
        x = x[..., top : top + size, left : left + size]
        if size != self.crop:
            x = nn.functional.interpolate(x, (self.crop, self.crop), mode="bilinear", antialias=False)
        mean, std = (torch.tensor(values, device=x.device).view(3, 1, 1) for values in (self.mean, self.std))
        return (x - mean) / std

    @staticmethod
    def _pixels(images: Any) -> torch.Tensor:
        if hasattr(images, "convert"):  # PIL
            x: torch.Tensor = torchvision.transforms.functional.pil_to_tensor(images.convert("RGB"))
        else:
            x = torch.as_tensor(images)
        if x.dim() == 3:
            x = x[None]
        if x.dim() != 4 or x.shape[1] != 3 or 0 in x.shape[2:]:
            raise ValueError(f"images of the shape {list(x.shape)}, not [B, 3, H, W] or [3, H, W]")
        if x.dtype == torch.uint8:
            return x.float() / 255
        if not x.is_floating_point():
            raise TypeError(f"images of {x.dtype}: give uint8 from 0 to 255, or floating point from 0 to 1")
        if x.numel() and not (x.min() >= 0 and x.max() <= 1):
            raise ValueError("floating-point images beyond 0...1: give pixels that are not normalised")
        return x.float()

    def __repr__(self) -> str:
        return f"Transform(side={self.side}, crop={self.crop}, mean={self.mean}, std={self.std})"
