#!/usr/bin/env python3
"""Loads an encoder of hl-train into PyTorch, with what it does to images before the network sees them.

    from load_encoder import load_encoder

    module, transform = load_encoder("encoder.safetensors")
    features = module(transform(images))

images: uint8 0...255 or floating point 0...1, [B, 3, H, W] or [3, H, W]; or one PIL image. Features are [B, d], those of
hl-encode: the network is in evaluation mode, and images are cropped and normalised like ImageNet's. Any --arch, --width
and --stem of hl-train is taken. As a program it prints what a file holds:

    python3 load_encoder.py encoder.safetensors

It is load_encoder of the package in examples/python, found beside this script without being installed. Needs torch,
torchvision and safetensors.
"""
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "python"))

from hlviews.encoder import load_encoder, main

__all__ = ["load_encoder"]

if __name__ == "__main__":
    if len(sys.argv) != 2 or sys.argv[1].startswith("-"):
        sys.exit(__doc__)
    main(sys.argv[1:])
