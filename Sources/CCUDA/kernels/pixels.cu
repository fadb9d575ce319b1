// See include/kernels/pixels.h.
