// See include/kernels/augmentation.h.
