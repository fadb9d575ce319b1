// See include/kernels/memory.h.
#include "../include/kernels/memory.h"
#include "values.cuh"

HL_KERNEL(fill) { HL_FOR_EACH(i, a.count) a.x[i] = a.value; }

HL_KERNEL(convert) { HL_FOR_EACH(i, a.count) store(a.y, i, load(a.x, i)); }

HL_KERNEL(permute) {
    HL_FOR_EACH(i, a.count) {
        // i counts what is written: [samples][outer][inner].
        const unsigned inner = i % a.inner, rest = i / a.inner, outer = rest % a.outer, sample = rest / a.outer;
        const unsigned long from = ((unsigned long)sample * a.inner + inner) * a.outer + outer;
        if (a.size == 4)
            ((unsigned *)a.y)[i] = ((const unsigned *)a.x)[from];
        else if (a.size == 2)
            ((unsigned short *)a.y)[i] = ((const unsigned short *)a.x)[from];
        else
            ((unsigned char *)a.y)[i] = ((const unsigned char *)a.x)[from];
    }
}

HL_KERNEL(gather_rows) {
    const unsigned width = a.words ? a.words : a.bytes;
    HL_FOR_EACH(i, a.rows * width) {
        const unsigned row = i / width, column = i % width;
        const unsigned long from = (unsigned long)(unsigned)a.at[row] * width + column;
        if (a.words)
            ((unsigned *)a.y)[i] = ((const unsigned *)a.x)[from];
        else
            ((unsigned char *)a.y)[i] = ((const unsigned char *)a.x)[from];
    }
}
