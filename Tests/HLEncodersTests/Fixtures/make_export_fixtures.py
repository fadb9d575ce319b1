"""Makes exports.json: what detectron2 and lightly call the tensors of torchvision's ResNets.

    python make_export_fixtures.py CONVERTER [DIRECTORY]      (default: the directory of this script)

CONVERTER is tools/convert-torchvision-to-d2.py of https://github.com/facebookresearch/detectron2, which is run on the state
dicts of resnet18 and resnet50 without fc; lightly's names are those of nn.Sequential(*children) under `backbone`, as its
examples build it. Needs torch and torchvision.
"""

import json
import pathlib
import pickle
import subprocess
import sys
import tempfile

import torch
import torchvision

folder = pathlib.Path(sys.argv[2] if len(sys.argv) > 2 else pathlib.Path(__file__).parent)
result = {}
for arch in "resnet18", "resnet50":
    network = getattr(torchvision.models, arch)()
    network.fc = torch.nn.Identity()
    # Values tell which tensor is which.
    state = {name: torch.full_like(value, index) for index, (name, value) in enumerate(network.state_dict().items())}
    names = list(state)
    network.load_state_dict(state)
    with tempfile.TemporaryDirectory() as scratch:
        source, target = f"{scratch}/in.pth", f"{scratch}/out.pkl"
        torch.save(state, source)
        subprocess.run([sys.executable, sys.argv[1], source, target], check=True, stdout=subprocess.DEVNULL)
        with open(target, "rb") as file:
            converted = pickle.load(file)
    assert converted.pop("__author__") and converted.pop("matching_heuristics") is True and list(converted) == ["model"]
    theirs = {name: names[int(value.reshape(-1)[0])] for name, value in converted["model"].items()}
    module = torch.nn.Module()
    module.backbone = torch.nn.Sequential(*list(network.children())[:-1])
    numbered = {name: names[int(value.reshape(-1)[0])] for name, value in module.state_dict().items()}
    result[arch] = {"detectron2": {ours: name for name, ours in theirs.items()},
                    "lightly": {ours: name for name, ours in numbered.items()}}
(folder / "exports.json").write_text(json.dumps(result, indent=0, sort_keys=True) + "\n")
