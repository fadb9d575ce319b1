// See include/kernels/sides.h.
