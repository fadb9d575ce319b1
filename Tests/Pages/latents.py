"""Prints latents as a .npy file: latents.py [SHAPE...], 16 x 6 x 20 without. Needs no packages."""
import array, math, random, struct, sys

shape = tuple(map(int, sys.argv[1:])) or (16, 6, 20)
heading = f"{{'descr': '<f4', 'fortran_order': False, 'shape': {shape}, }}"
heading += " " * (-(len(heading) + 11) % 64) + "\n"
gauss = random.Random(0).gauss
values = array.array("f", (gauss(0, 0.5) for _ in range(math.prod(shape))))
sys.stdout.buffer.write(b"\x93NUMPY\x01\x00" + struct.pack("<H", len(heading)) + heading.encode() + values.tobytes())
