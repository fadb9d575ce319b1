#!/usr/bin/env python3
"""A generator of one's own for the hl programs: a template. Needs Python 3 and libzstd, no packages.

    hl-sample --generator 'exec:python3 exec_generator.py' --latent-shape 6x20 --size 64 --render | hl-view -o x.png

Reads a stream (hl-stream(5)) of latents on stdin and writes the same records with images on stdout; hl-exec(7) has the
rules. Only render() is about the generator: here it makes a few soft waves. With a model in PyTorch it may be

    import torch
    model = torch.jit.load("generator.pt").eval().cuda()

    @torch.inference_mode()
    def render(latents, shape, side):
        z = torch.frombuffer(latents, dtype=torch.float32).view(shape).flatten(1)
        full = torch.nn.functional.pad(z, (0, 0, 0, -len(z) % 16))  # batches of one size, so that pixels never change
        images = torch.cat([model(part.cuda()).cpu() for part in full.split(16)])[:len(z)]  # [B, 3, S, S], -1 to 1
        return ((images + 1) * 127.5).round().clamp(0, 255).byte().numpy().tobytes()
"""
import array, ctypes, ctypes.util, json, math, os, signal, sys


def render(latents, shape, side):
    """U8 [B, 3, side, side] as bytes from F32 [B, chunks, dimension] as a bytearray."""
    size = math.prod(shape[1:])
    values, images = array.array("f", latents), bytearray()
    for start in range(0, len(values), size):
        z = values[start:start + size]
        for channel in range(3):
            a, b, c, d = (sum(z[channel * 4 + i::12]) for i in range(4))
            rows = [64 * (1 + math.sin(a + (2 + b) * math.pi * y / side)) for y in range(side)]
            columns = [63.5 * (1 + math.sin(c + (2 + d) * math.pi * x / side)) for x in range(side)]
            for row in rows:
                images += bytes([int(row + column) for column in columns])
    return bytes(images)


# The stream: zstd frames, each of which holds one record in the safetensors format.

zstd = ctypes.CDLL(ctypes.util.find_library("zstd") or "libzstd.so.1")
for function in ("createDCtx", "createCCtx"):
    getattr(zstd, "ZSTD_" + function).restype = ctypes.c_void_p
for function in ("decompressStream", "compress2", "compressBound"):
    getattr(zstd, "ZSTD_" + function).restype = ctypes.c_size_t
decompressor, compressor = ctypes.c_void_p(zstd.ZSTD_createDCtx()), ctypes.c_void_p(zstd.ZSTD_createCCtx())
zstd.ZSTD_CCtx_setParameter(compressor, 100, -5)  # ZSTD_c_compressionLevel
zstd.ZSTD_CCtx_setParameter(compressor, 201, 1)  # ZSTD_c_checksumFlag, which every record must have


class Buffer(ctypes.Structure):
    _fields_ = [("data", ctypes.c_void_p), ("size", ctypes.c_size_t), ("position", ctypes.c_size_t)]


def frames():
    """What the frames on stdin hold, each as soon as it is there: who waits for more than he needs waits for ever."""
    room = ctypes.create_string_buffer(1 << 20)
    source, target, content = Buffer(), Buffer(ctypes.addressof(room), len(room)), bytearray()
    while True:
        if source.position == source.size and target.position < target.size:
            chunk = os.read(0, 1 << 20)
            if not chunk:
                return
            source = Buffer(ctypes.cast(chunk, ctypes.c_void_p), len(chunk))
        target.position = 0
        left = zstd.ZSTD_decompressStream(decompressor, ctypes.byref(target), ctypes.byref(source))
        if zstd.ZSTD_isError(ctypes.c_size_t(left)):
            sys.exit("exec_generator.py: error: stdin is damaged or not a stream")
        content += memoryview(room)[:target.position]
        if left == 0:
            if content:
                yield content
            content = bytearray()


def decode(content):
    """Metadata and tensors (name: (type, shape, bytes)) of a record."""
    start = 8 + int.from_bytes(content[:8], "little")
    entries = json.loads(content[8:start])
    metadata = entries.pop("__metadata__", {})
    offsets = {name: [start + offset for offset in entry["data_offsets"]] for name, entry in entries.items()}
    return metadata, {
        name: (entry["dtype"], entry["shape"], content[slice(*offsets[name])]) for name, entry in entries.items()}


def encode(metadata, tensors):
    header, end = {"__metadata__": metadata}, 0
    for name, (kind, shape, values) in tensors.items():
        header[name] = {"dtype": kind, "shape": shape, "data_offsets": [end, end + len(values)]}
        end += len(values)
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    return len(text).to_bytes(8, "little") + text + b"".join(values for _, _, values in tensors.values())


def compress(content):
    room = ctypes.create_string_buffer(zstd.ZSTD_compressBound(ctypes.c_size_t(len(content))))
    size = zstd.ZSTD_compress2(
        compressor, room, ctypes.c_size_t(len(room)), content, ctypes.c_size_t(len(content)))
    return memoryview(room)[:size]


def main():
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)  # the reader may stop whenever it likes
    output = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # whatever else is printed goes to stderr, not between the records
    for content in frames():
        metadata, tensors = decode(content)
        if metadata["hl.kind"] == "header":
            side = json.loads(metadata["hl.generator"])["resolution"]
        elif metadata["hl.kind"] == "batch":
            _, shape, latents = tensors["w.0" if "w.0" in tensors else "z.0"]
            images = render(latents, shape, side)
            tensors["x.0"] = ("U8", [shape[0], 3, side, side], images)
        output.write(compress(encode(metadata, tensors)))
        output.flush()


if __name__ == "__main__":
    if sys.argv[1:] in (["-h"], ["--help"]):
        sys.exit(print(__doc__))
    main()
