"""Makes efficientnet.safetensors with timm: EfficientNet-Lite0 in both of its forms.

    python make_efficientnet_fixtures.py [DIRECTORY]      (default: the directory of this script)

Needs torch, torchvision, timm, numpy, safetensors. Weights and images are those of Tests/Support/README.md; reference
values are computed in float64 and stored as float32. README.md beside this script describes the file.
"""

import json
import os
import pathlib
import sys

import timm
import torch
from torch import nn

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "Support"))
from formula import centred, check_philox, fill, images, rounded, summary, uniform
from reference import relative, store

NAMES = ("tf_efficientnet_lite0", "efficientnet_lite0")
ENDPOINTS = {"reduction_1": 0, "reduction_2": 1, "reduction_3": 2, "reduction_4": 4, "reduction_5": 6}
CLASSES = 10
# Sides that are even down to 7, and odd after that, so that both remainders of TensorFlow's padding occur.
SIDE = 56


def network(name):
    """timm's network, filled as a ResNet is: damped branches, and pre-activations away from zero and six."""
    module = timm.create_model(name, num_classes=CLASSES).double()
    fill(module)
    with torch.no_grad():
        for path, part in module.named_modules():
            if isinstance(part, nn.BatchNorm2d):
                u = uniform(f"{path}.bias", (part.num_features,))
                part.bias.copy_(rounded((u - 0.5) * 0.2 + 3 * (1 - 2 * (u < 0.25))))
                if path.endswith("bn3"):
                    part.weight.mul_(0.25)
    return module


def forward(module, x):
    found = {}
    hooks = [
        module.blocks[stage].register_forward_hook(
            lambda _, __, y, layer=layer: found.__setitem__(layer, y.mean((2, 3))))
        for layer, stage in ENDPOINTS.items()
    ]
    found["head"] = module.forward_head(module.forward_features(x), pre_logits=True)
    for hook in hooks:
        hook.remove()
    found["logits"] = module.classifier(found["head"])
    return found


def case(name, dtype):
    module = network(name).to(dtype)
    x = images("image.3", "scene.3", 4, SIDE).to(dtype).requires_grad_()
    module.eval()
    with torch.no_grad():
        evaluated = forward(module, x)
    module.train()
    trained = forward(module, x)["head"]
    (trained * centred("cotangent", tuple(trained.shape)).to(dtype)).sum().backward()
    parameters = [(n, p) for n, p in module.named_parameters() if not n.startswith("classifier.")]
    norms = [(n, m) for n, m in module.named_modules() if isinstance(m, nn.BatchNorm2d)]
    values = {f"{layer}.eval": value for layer, value in evaluated.items()}
    values |= {
        "head.train": trained,
        "gradients": torch.stack([summary(p.grad) for _, p in parameters]),
        "input_gradient": summary(x.grad),
        "running_mean": torch.stack([summary(m.running_mean) for _, m in norms]),
        "running_var": torch.stack([summary(m.running_var) for _, m in norms]),
    }
    return values, [n for n, _ in parameters], [n for n, _ in norms]


def main():
    directory = sys.argv[1] if len(sys.argv) > 1 else os.path.dirname(os.path.abspath(__file__))
    check_philox()
    tensors, metadata = {}, {"timm": timm.__version__}
    for name in NAMES:
        exact, parameters, norms = case(name, torch.float64)
        single, _, _ = case(name, torch.float32)
        for key, value in exact.items():
            tensors[f"{name}.{key}"] = value
        metadata[f"{name}.parameters"] = json.dumps(parameters)
        metadata[f"{name}.norms"] = json.dumps(norms)
        deviation = {k: relative(single[k], exact[k]) for k in exact if k.endswith((".eval", ".train"))}
        norm, other = exact["gradients"][:, 0], single["gradients"][:, 0]
        deviation["gradient norms"] = ((other - norm).abs() / norm).max().item()
        metadata[f"{name}.float32_deviation"] = json.dumps({k: float(f"{v:.3g}") for k, v in deviation.items()})
        print(name, metadata[f"{name}.float32_deviation"])
    store(os.path.join(directory, "efficientnet.safetensors"), tensors, **metadata)


main()
