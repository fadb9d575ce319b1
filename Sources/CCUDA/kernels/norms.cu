// See include/kernels/norms.h.
