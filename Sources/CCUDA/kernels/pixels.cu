// See include/kernels/pixels.h.
#include "../include/kernels/pixels.h"
#include "sums.cuh"
#include "values.cuh"

HL_KERNEL(round_pixels) {
    const unsigned groups = (a.count + 3) / 4;
    HL_FOR_EACH(i, groups) {
        const unsigned start = 4 * i;
        if (a.count - start < 4) {
            for (unsigned j = start; j < a.count; j++) a.y[j] = rounded_pixel(a.x[j]);
            continue;
        }
        const float4 x = *(const float4 *)(a.x + start);
        *(unsigned *)(a.y + start) = (unsigned)rounded_pixel(x.x) | (unsigned)rounded_pixel(x.y) << 8 |
                                     (unsigned)rounded_pixel(x.z) << 16 | (unsigned)rounded_pixel(x.w) << 24;
    }
}

// MARK: Differentiable augmentation

// Every step is linear and the order of steps fixed: mirror, colours, move, cut. What colours need to know of the whole
// image is its mean, from sums in the order of the CPU: along rows in f32, over rows in f64.

/// Whether colours change; on the way back what was added has no part in it.
HL_DEVICE bool differentiable_recolours(const hl_cuda_differentiable *p, int backward) {
    return (!backward && p->brightness != 0) || p->saturation != 1 || p->contrast != 1;
}

HL_DEVICE bool differentiable_is_cut(const hl_cuda_differentiable *p, int y, int x) {
    return y >= p->first_row && y < p->last_row && x >= p->first_column && x < p->last_column;
}

/// A value before colours change, at a place within the image: mirrored, -1 to 1; on the way back cut and moved.
HL_DEVICE float differentiable_value(const hl_cuda_differentiable_images &a, unsigned image, int y, int x,
                                     unsigned channel) {
    const hl_cuda_differentiable *p = a.parameters + image;
    const int side = (int)a.side;
    if (a.backward) {
        y += p->down;
        x += p->right;
        if (y < 0 || y >= side || x < 0 || x >= side || differentiable_is_cut(p, y, x)) return 0;
    } else if (p->flip) {
        x = side - 1 - x;
    }
    const unsigned long at = (((unsigned long)image * a.side + (unsigned)y) * a.side + (unsigned)x) * 3 + channel;
    if (a.backward) return ((const float *)a.x)[at];
    return a.bytes ? (float)((const unsigned char *)a.x)[at] * (2.0f / 255) - 1 : ((const float *)a.x)[at] * 2 - 1;
}

HL_KERNEL(differentiable_sums) {
    HL_FOR_EACH(i, a.images.batch * a.images.side * 3) {
        const unsigned channel = i % 3, row = i / 3, image = row / a.images.side, y = row % a.images.side;
        if (!differentiable_recolours(a.images.parameters + image, a.images.backward)) continue;
        float sum = 0;
        // Four loads at a time; the sum stays in order.
        unsigned x = 0;
        for (; x + 4 <= a.images.side; x += 4) {
            const float first = differentiable_value(a.images, image, (int)y, (int)x, channel);
            const float second = differentiable_value(a.images, image, (int)y, (int)x + 1, channel);
            const float third = differentiable_value(a.images, image, (int)y, (int)x + 2, channel);
            const float fourth = differentiable_value(a.images, image, (int)y, (int)x + 3, channel);
            sum += first;
            sum += second;
            sum += third;
            sum += fourth;
        }
        for (; x < a.images.side; x++) sum += differentiable_value(a.images, image, (int)y, (int)x, channel);
        a.sums[i] = sum;
    }
}

HL_KERNEL(differentiable_mix) {
    HL_SHARED(double, memory, HL_CUDA_THREADS);
    const hl_cuda_differentiable_images &images = a.images;
    const unsigned image = blockIdx.x / a.pieces, piece = blockIdx.x % a.pieces, side = images.side;
    const hl_cuda_differentiable *p = images.parameters + image;
    // One answer for the whole block: it is of one image.
    const bool recolours = differentiable_recolours(p, images.backward);
    float offset = 0;
    if (recolours) {
        const float *sums = a.sums + (unsigned long)image * side * 3;
        double part = 0;
        for (unsigned i = threadIdx.x; i < 3 * side; i += HL_CUDA_THREADS) part += (double)sums[i];
        const double mean = block_sum(part, memory) / (3.0 * side * side);
        offset = (1 - p->contrast) * (float)mean + (images.backward ? 0 : p->brightness);
    }
    const float colour = p->contrast * p->saturation, grey = p->contrast * (1 - p->saturation) / 3;
    const unsigned start = piece * HL_CUDA_DIFFERENTIABLE_PIECE, rest = side * side - start;
    const unsigned count = rest < HL_CUDA_DIFFERENTIABLE_PIECE ? rest : HL_CUDA_DIFFERENTIABLE_PIECE;
    for (unsigned i = threadIdx.x; i < count; i += HL_CUDA_THREADS) {
        const int row = (int)((start + i) / side), column = (int)((start + i) % side);
        int y = row, x = column;
        bool is_empty = false;
        if (images.backward) {
            if (p->flip) x = (int)side - 1 - x;
        } else {
            y -= p->down;
            x -= p->right;
            is_empty = y < 0 || y >= (int)side || x < 0 || x >= (int)side || differentiable_is_cut(p, row, column);
        }
        float r = 0, g = 0, b = 0;
        if (!is_empty) {
            r = differentiable_value(images, image, y, x, 0);
            g = differentiable_value(images, image, y, x, 1);
            b = differentiable_value(images, image, y, x, 2);
            if (recolours) {
                const float shared = (r + g + b) * grey + offset;
                r = colour * r + shared;
                g = colour * g + shared;
                b = colour * b + shared;
            }
        }
        // The way from 0 ... 1 to -1 ... 1.
        const float factor = images.backward ? 2 : 1;
        float *y_at = a.y + ((unsigned long)image * side * side + start + i) * 3;
        y_at[0] = factor * r;
        y_at[1] = factor * g;
        y_at[2] = factor * b;
    }
}
