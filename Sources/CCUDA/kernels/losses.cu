// See include/kernels/losses.h.
