"""Where PyTorch computes and how exactly, for the peers here.

On a card: TF32 is off for f32 and on for tf32 and, for what autocast leaves in F32, for bf16; cuDNN tries its algorithms
for each shape; a timed step ends with a wait.
"""

import contextlib
import resource
import sys
import time
import warnings

import torch


def add_options(parser):
    parser.add_argument("--device", default="cpu", help="cpu, cuda or cuda:N (cpu)")
    parser.add_argument("--precision", choices=["f32", "tf32", "bf16"], default="f32",
                        help="bf16 by autocast; tf32 on a card (f32)")
    parser.add_argument("--wait", action="store_true",
                        help="leave the device alone until a line comes on standard input, as in turns.py")


class Place:
    def __init__(self, options):
        self.device, self.precision = torch.device(options.device), options.precision
        self.is_card = self.device.type == "cuda"
        if self.precision == "tf32" and not self.is_card:
            sys.exit(f"{sys.argv[0]}: error: tf32 is a precision of cards: give --device cuda")
        # What is said in libraries' warnings is for others.
        warnings.filterwarnings("ignore")
        if options.wait and sys.stdin.readline() == "":
            sys.exit(0)
        if self.is_card:
            rounds = self.precision != "f32"
            torch.backends.cuda.matmul.allow_tf32 = rounds
            torch.backends.cudnn.allow_tf32 = rounds
            torch.backends.cudnn.benchmark = True
            torch.cuda.set_device(self.device)

    def autocast(self):
        if self.precision != "bf16":
            return contextlib.nullcontext()
        return torch.autocast(self.device.type, torch.bfloat16)

    def wait(self):
        """Until everything that was begun is done."""
        if self.is_card:
            torch.cuda.synchronize(self.device)

    def timed(self, work):
        """Seconds, and what it gives."""
        self.wait()
        start = time.perf_counter()
        result = work()
        self.wait()
        return time.perf_counter() - start, result

    @property
    def name(self):
        if self.is_card:
            return torch.cuda.get_device_name(self.device)
        return torch.backends.cpu.get_cpu_capability()

    def peaks(self):
        """Peaks of memory so far, in MB."""
        peaks = {"peak_rss_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)}
        if self.is_card:
            peaks["peak_card_mb"] = round(torch.cuda.max_memory_allocated(self.device) / 2**20)
            peaks["peak_card_reserved_mb"] = round(torch.cuda.max_memory_reserved(self.device) / 2**20)
        return peaks
