"""Compares what two builds of the programs left in two folders, for compare_builds.sh.

    python3 compare_outputs.py OLD NEW

Streams (.hls) are compared tensor by tensor, whatever their records and headers are: those name versions and commands.
Weights (.safetensors, .resume) by their tensors, JSON (.json, .jsonl) by its values, all else byte by byte. Prints one
line, and ends with 0 where all is the same, 1 where something differs, 2 where something is in one folder only.

Needs the program zstd, and nothing but Python's standard library.
"""

import json
import pathlib
import struct
import subprocess
import sys


class Difference(Exception):
    """What differs."""


class OnlyInOne(Exception):
    """What one of the two does not have."""


def tensors_of(record):
    """Name to (type, shape, bytes) of one object in the safetensors format, its metadata, and where it ends."""
    (length,) = struct.unpack_from("<Q", record)
    header = json.loads(record[8 : 8 + length])
    metadata = header.pop("__metadata__", {})
    begin, end, tensors = 8 + length, 8 + length, {}
    for name, entry in header.items():
        first, last = entry["data_offsets"]
        tensors[name] = (entry["dtype"], entry["shape"], record[begin + first : begin + last])
        end = max(end, begin + last)
    return tensors, metadata, end


def stream(path):
    """All samples of a stream: the same tensors, their batches joined."""
    data = subprocess.run(["zstd", "-dcq", str(path)], check=True, stdout=subprocess.PIPE).stdout
    parts, kinds = {}, []
    while data:
        tensors, metadata, end = tensors_of(data)
        kinds.append(metadata["hl.kind"])
        for name, (kind, shape, content) in tensors.items():
            parts.setdefault((name, kind, tuple(shape[1:])), []).append(content)
        data = data[end:]
    if kinds[:1] != ["header"] or kinds[-1:] != ["end"]:
        raise Difference(f"{path} is not whole")
    return {name: (kind, list(shape), b"".join(content)) for (name, kind, shape), content in parts.items()}


def weights(path):
    return tensors_of(path.read_bytes())[0]


def same_names(old, new, what):
    for one, other, place in ((old, new, "old"), (new, old, "new")):
        if missing := [str(name) for name in one if name not in other]:
            raise OnlyInOne(f"only in {place}: {what}{', '.join(sorted(missing))}")


def compare_tensors(old, new, name):
    same_names(old, new, f"{name}: ")
    for key in old:
        if old[key] != new[key]:
            raise Difference(f"{name}: {key} {difference(old[key], new[key])}")
    return 0


def difference(old, new):
    """How far two tensors are from each other, in words."""
    if old[:2] != new[:2]:
        return f"is {old[0]} {old[1]} and {new[0]} {new[1]}"
    if old[0] != "F32":
        return "differs"
    pairs = list(zip(struct.iter_unpack("<f", old[2]), struct.iter_unpack("<f", new[2])))
    changed = sum(struct.pack("<f", *a) != struct.pack("<f", *b) for a, b in pairs)
    most, scale = max(abs(a[0] - b[0]) for a, b in pairs), max(abs(a[0]) for a, _ in pairs)
    return f"differs in {changed} of {len(pairs)} values, by {most:.2g} at most where {scale:.2g} is the greatest"


def compare_values(old, new, where):
    """- Returns: how many numbers are the same in single precision only, which is a matter of their decimals."""
    if isinstance(old, dict) and isinstance(new, dict):
        same_names(old, new, f"{where} ")
        return sum(compare_values(old[key], new[key], f"{where}.{key}") for key in old)
    if isinstance(old, list) and isinstance(new, list) and len(old) == len(new):
        return sum(compare_values(a, b, f"{where}[{index}]") for index, (a, b) in enumerate(zip(old, new)))
    if old == new:
        return 0
    if isinstance(old, (int, float)) and isinstance(new, (int, float)):
        if struct.pack("<f", old) == struct.pack("<f", new):
            return 1
    raise Difference(f"{where} is {old} and {new}")


def compare_json(old, new, name):
    texts = [path.read_text() for path in (old, new)]
    if old.suffix == ".jsonl":
        texts = ["[" + ",".join(text.splitlines()) + "]" for text in texts]
    return compare_values(*map(json.loads, texts), name)


def compare(old, new, name):
    """- Returns: what `compare_values` does, for JSON."""
    if old.suffix == ".hls":
        return compare_tensors(stream(old), stream(new), name)
    if old.suffix in (".safetensors", ".resume"):
        return compare_tensors(weights(old), weights(new), name)
    if old.suffix in (".json", ".jsonl"):
        return compare_json(old, new, name)
    one, other = old.read_bytes(), new.read_bytes()
    if one != other:
        at = next((i for i, (a, b) in enumerate(zip(one, other)) if a != b), min(len(one), len(other)))
        raise Difference(f"{name}: {len(one)} and {len(other)} bytes, from byte {at}")
    return 0


def main(old, new):
    files = [{str(p.relative_to(f)) for p in f.rglob("*") if p.is_file()} for f in (old, new)]
    same_names(*files, "")
    if not files[0]:
        raise Difference("nothing was written")
    found = [compare(old / name, new / name, name) for name in sorted(files[0])]
    decimals = sum(found)
    return f"{len(found)} files" + (f", {decimals} numbers in JSON with other decimals" if decimals else "")


if __name__ == "__main__":
    try:
        print(main(*map(pathlib.Path, sys.argv[1:3])))
    except Difference as found:
        print(found)
        sys.exit(1)
    except OnlyInOne as found:
        print(found)
        sys.exit(2)
