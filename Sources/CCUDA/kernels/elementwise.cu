// See include/kernels/elementwise.h.
