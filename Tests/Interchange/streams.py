"""Reads streams, for the checks of this folder. Needs safetensors and zstandard."""

import io
import json

import safetensors.numpy
import zstandard


def records(file):
    """The records of a stream of samples, each a dictionary of arrays."""
    with zstandard.ZstdDecompressor().stream_reader(file, read_across_frames=True) as reader:
        file = io.BufferedReader(reader)
        while length := file.read(8):
            header = file.read(int.from_bytes(length, "little"))
            entries = json.loads(header)
            entries.pop("__metadata__")
            size = max((entry["data_offsets"][1] for entry in entries.values()), default=0)
            tensors = safetensors.numpy.load(length + header + file.read(size))
            # The stream's header and end have no samples.
            if "id" in tensors:
                yield tensors
