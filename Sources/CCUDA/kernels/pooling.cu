// See include/kernels/pooling.h.
