// See include/kernels/random.h.
