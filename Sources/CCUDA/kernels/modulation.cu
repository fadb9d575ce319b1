// See include/kernels/modulation.h.
