"""The step of simsiam_step.py by several processes together: PyTorch's DistributedDataParallel over gloo.

    python ddp_step.py --ranks 2 --arch resnet18 --threads 1 < commands

Takes the options of simsiam_step.py; --batch is each rank's. Rank 0 reads the commands, tells the others, and reports.
"""

import argparse
import os
import socket
import sys

import torch
import torch.distributed as dist
import torch.multiprocessing as mp

import simsiam_step


def rank_main(rank, ranks, port, arguments, commands):
    os.environ.update(MASTER_ADDR="127.0.0.1", MASTER_PORT=str(port))
    dist.init_process_group("gloo", rank=rank, world_size=ranks)
    torch.set_num_threads(arguments.threads)
    runner = simsiam_step.Runner(arguments)
    if rank:
        sys.stdout = open(os.devnull, "w")
    else:
        sys.stdin = os.fdopen(commands)
        print('{"ready": true}', flush=True)
    while True:
        words = sys.stdin.readline().split() if rank == 0 else []
        steps = torch.tensor([int(words[1]) if words[:1] == ["run"] else 0])
        dist.broadcast(steps, 0)
        if not steps.item():
            break
        runner.run(steps.item())
    dist.destroy_process_group()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--ranks", type=int, default=2)
    parser.add_argument("--arch", default="resnet18")
    parser.add_argument("--batch", type=int, default=32, help="pairs per step and rank (32)")
    parser.add_argument("--side", type=int, default=112)
    parser.add_argument("--threads", type=int, default=1, help="of each rank (1)")
    arguments = parser.parse_args()
    arguments.layout, arguments.precision, arguments.compile = "channels-last", "f32", False
    arguments.device, arguments.wait = "cpu", False
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    # Standard input is for rank 0 alone.
    mp.start_processes(
        rank_main, (arguments.ranks, port, arguments, os.dup(0)), nprocs=arguments.ranks, start_method="fork")


if __name__ == "__main__":
    main()
