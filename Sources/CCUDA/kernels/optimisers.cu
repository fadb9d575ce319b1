// See include/kernels/optimisers.h.
