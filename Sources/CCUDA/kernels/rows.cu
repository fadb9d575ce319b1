// See include/kernels/rows.h.
