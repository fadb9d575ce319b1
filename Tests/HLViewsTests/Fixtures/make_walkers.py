"""Writes walkers as their public codes save them, and what they do: python make_walkers.py [FOLDER]. Needs torch,
safetensors.

    cop_gen.pth     {'nn_walker': DataParallel(module)} on 6 chunks of 20, as COP-Gen saves its NonlinearWalk
    chunks_2_4.pth  {'nn_walker': module} with the attributes start 2 and stop 4: chunks 2 and 3 alone, as
                    SerezD/mi_ml_gen saves its NonlinearWalker
    walkers.safetensors
                    z [9, 6, 20]; cop_gen, chunks_2_4 [9, 6, 20], z + T(z) of each

Only class names and attributes are those of the public code. Weights are of three levels, so that the files compress.
"""

import pathlib
import sys

import safetensors.torch
import torch
from torch import nn


class NonlinearWalk(nn.Module):
    def __init__(self, size):
        super().__init__()
        self.walker = nn.Sequential(nn.Linear(size, size), nn.ReLU(inplace=True), nn.Linear(size, size))


class NonlinearWalker(nn.Module):
    def __init__(self, start, stop):
        super().__init__()
        self.g_type, self.z_chunk_dim, self.z_dim, self.w_chunk_dim = "bigbigan", 20, 120, None
        self.start, self.stop, self.n_chunks = start, stop, stop - start
        size = 20 * (stop - start)
        self.walker = nn.Sequential(nn.Linear(size, size), nn.ReLU(inplace=True), nn.Linear(size, size))


@torch.no_grad()
def main():
    folder = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).parent)
    torch.manual_seed(0)
    whole, part = NonlinearWalk(120), NonlinearWalker(2, 4)
    for module in (whole, part):
        for parameter in module.parameters():
            parameter.copy_(torch.randint(-1, 2, parameter.shape) / 8)
    z = torch.randn(9, 6, 20).clamp(-2, 2)
    moved = z.clone()
    moved[:, 2:4] += part.walker(z[:, 2:4].flatten(1)).view(9, 2, 20)
    torch.save({"nn_walker": nn.DataParallel(whole)}, folder / "cop_gen.pth")
    torch.save({"nn_walker": part}, folder / "chunks_2_4.pth")
    safetensors.torch.save_file(
        {"z": z, "cop_gen": z + whole.walker(z.flatten(1)).view(9, 6, 20), "chunks_2_4": moved},
        folder / "walkers.safetensors")


if __name__ == "__main__":
    main()
