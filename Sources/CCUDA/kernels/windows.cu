// See include/kernels/windows.h.
