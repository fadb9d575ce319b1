// See include/kernels/augmentation.h. The arithmetic is that of the CPU's augment.c and blur.c, operation by operation.
#include "../include/kernels/augmentation.h"
#include "values.cuh"

HL_DEVICE float augment_clamped(float x) {
    x = x > 0 ? x : 0;
    return x < 1 ? x : 1;
}

/// How many of `total` things there are from `start` on, `most` at most.
HL_DEVICE unsigned augment_count(unsigned start, unsigned total, unsigned most) {
    return total - start < most ? total - start : most;
}

struct augment_pixel {
    float r, g, b;
};

HL_DEVICE float augment_luma(augment_pixel p) { return 0.2989f * p.r + 0.587f * p.g + 0.114f * p.b; }

// MARK: Colours

/// One channel of HSV to RGB in closed form: `k` is the hue in sixths of a turn plus the channel's offset, 0 to 12.
HL_DEVICE float augment_hue_channel(float k, float value, float chroma) {
    k = k >= 6 ? k - 6 : k;
    const float m = k < 4 - k ? k : 4 - k;
    return value - chroma * augment_clamped(m);
}

HL_DEVICE augment_pixel augment_turned(augment_pixel p, float turns) {
    float high = p.r > p.g ? p.r : p.g, low = p.r < p.g ? p.r : p.g;
    high = high > p.b ? high : p.b;
    low = low < p.b ? low : p.b;
    const float chroma = high - low;
    const float difference = p.r == high ? p.g - p.b : p.g == high ? p.b - p.r : p.r - p.g;
    const float start = p.r == high ? 0 : p.g == high ? 2 : 4;
    float hue = start + difference / (chroma > 0 ? chroma : 1) + 6 * turns;
    hue = hue < 0 ? hue + 6 : hue;
    hue = hue >= 6 ? hue - 6 : hue;
    return augment_pixel{augment_hue_channel(hue + 5, high, chroma), augment_hue_channel(hue + 3, high, chroma),
                         augment_hue_channel(hue + 1, high, chroma)};
}

HL_DEVICE augment_pixel augment_blended(augment_pixel p, float factor, float offset) {
    p.r = augment_clamped(p.r * factor + offset);
    p.g = augment_clamped(p.g * factor + offset);
    p.b = augment_clamped(p.b * factor + offset);
    return p;
}

/// Which of the four steps changes the contrast, for which the mean of the image is needed; 4 where none does.
HL_DEVICE unsigned augment_contrast_step(const hl_cuda_augmentation *p) {
    if (!p->colour || p->contrast == 1) return 4;
    for (unsigned step = 0; step < 4; step++)
        if (p->order[step] == 1) return step;
    return 4;
}

/// Steps first ..< last, but for the contrast.
HL_DEVICE augment_pixel augment_jittered(augment_pixel v, const hl_cuda_augmentation *p, unsigned first,
                                         unsigned last) {
    for (unsigned step = first; step < last; step++) {
        const unsigned kind = p->order[step];
        if (kind == 0 && p->brightness != 1) {
            v.r = augment_clamped(v.r * p->brightness);
            v.g = augment_clamped(v.g * p->brightness);
            v.b = augment_clamped(v.b * p->brightness);
        } else if (kind == 2 && p->saturation != 1) {
            v = augment_blended(v, p->saturation, (1 - p->saturation) * augment_luma(v));
        } else if (kind == 3 && p->hue != 0) {
            v = augment_turned(v, p->hue);
        }
    }
    return v;
}

/// Grey and, where no blur follows, (value - mean) * scale.
HL_DEVICE augment_pixel augment_finished(augment_pixel v, const hl_cuda_augmentation *p, const hl_cuda_augmented &to) {
    if (p->grey) v.r = v.g = v.b = augment_luma(v);
    if (p->blur_radius == 0) {
        v.r = (v.r - to.mean[0]) * to.scale[0];
        v.g = (v.g - to.mean[1]) * to.scale[1];
        v.b = (v.b - to.mean[2]) * to.scale[2];
    }
    return v;
}

HL_DEVICE void augment_store(float *at, augment_pixel v) {
    at[0] = v.r;
    at[1] = v.g;
    at[2] = v.b;
}

// MARK: Crop

/// Where pixel i of `size` falls among `extent` others: `*weight` of the way from `*index` to the next.
HL_DEVICE void augment_place(unsigned i, int extent, unsigned size, int *index, float *weight) {
    const float scale = (float)extent / (float)size;
    float position = scale * ((float)i + 0.5f) - 0.5f;
    if (position < 0) position = 0;
    int whole = (int)position;
    if (whole > extent - 1) whole = extent - 1;
    *index = whole;
    *weight = position - (float)whole;
    if (*weight > 1) *weight = 1;
}

HL_DEVICE augment_pixel augment_cropped(const hl_cuda_augment_crop &a, unsigned image, unsigned pixel) {
    const hl_cuda_augmentation *p = a.to.parameters + image;
    const unsigned size = a.to.size, i = pixel / size, j = pixel % size;
    int above, left;
    float down, across;
    augment_place(i, p->height, size, &above, &down);
    augment_place(p->flip ? size - 1 - j : j, p->width, size, &left, &across);
    const int below = above + 1 < p->height ? above + 1 : above, right = left + 1 < p->width ? left + 1 : left;
    const unsigned long start = (unsigned long)image * a.height * a.width;
    const unsigned long rows[2] = {start + (unsigned long)(p->top + above) * a.width + (unsigned)p->left,
                                   start + (unsigned long)(p->top + below) * a.width + (unsigned)p->left};
    const unsigned long corners[4] = {3 * (rows[0] + (unsigned)left), 3 * (rows[0] + (unsigned)right),
                                      3 * (rows[1] + (unsigned)left), 3 * (rows[1] + (unsigned)right)};
    const float upper = a.bytes ? (1 - down) / 255 : 1 - down, lower = a.bytes ? down / 255 : down;
    float values[3];
    for (unsigned c = 0; c < 3; c++) {
        float corner[4];
        for (unsigned k = 0; k < 4; k++)
            corner[k] =
                a.bytes ? (float)((const unsigned char *)a.x)[corners[k] + c] : ((const float *)a.x)[corners[k] + c];
        const float at_left = upper * corner[0] + lower * corner[2], at_right = upper * corner[1] + lower * corner[3];
        values[c] = (1 - across) * at_left + across * at_right;
    }
    return augment_pixel{values[0], values[1], values[2]};
}

HL_KERNEL(augment_crop) {
    enum { LANES = 16 };
    HL_SHARED(float, lumas, HL_CUDA_AUGMENT_PIECE);
    HL_SHARED(float, sums, LANES);
    const unsigned image = blockIdx.x / a.to.pieces, piece = blockIdx.x % a.to.pieces, area = a.to.size * a.to.size;
    const hl_cuda_augmentation *p = a.to.parameters + image;
    const unsigned contrast = augment_contrast_step(p);
    const unsigned start = piece * HL_CUDA_AUGMENT_PIECE, count = augment_count(start, area, HL_CUDA_AUGMENT_PIECE);
    for (unsigned i = threadIdx.x; i < count; i += HL_CUDA_THREADS) {
        augment_pixel v = augment_cropped(a, image, start + i);
        if (p->colour) v = augment_jittered(v, p, 0, contrast);
        if (contrast == 4)
            v = augment_finished(v, p, a.to);
        else
            lumas[i] = augment_luma(v);
        augment_store(a.to.y + ((unsigned long)image * area + start + i) * 3, v);
    }
    // The block is of one image: all of its threads go on, or none.
    if (contrast < 4) {
        // As the CPU: sixteen sums in f32, their total in f64, and what is left one by one.
        const unsigned whole = count - count % LANES;
        HL_BARRIER();
        if (threadIdx.x < LANES) {
            float sum = 0;
            for (unsigned i = threadIdx.x; i < whole; i += LANES) sum += lumas[i];
            sums[threadIdx.x] = sum;
        }
        HL_BARRIER();
        if (threadIdx.x == 0) {
            double total = 0;
            for (unsigned k = 0; k < LANES; k++) total += (double)sums[k];
            for (unsigned i = whole; i < count; i++) total += (double)lumas[i];
            a.lumas[blockIdx.x] = total;
        }
    }
}

HL_KERNEL(augment_contrast) {
    HL_SHARED(float, mean, 1);
    const unsigned image = (unsigned)a.images[blockIdx.x / a.to.pieces], piece = blockIdx.x % a.to.pieces;
    const unsigned area = a.to.size * a.to.size;
    const hl_cuda_augmentation *p = a.to.parameters + image;
    if (threadIdx.x == 0) {
        double total = 0;
        for (unsigned i = 0; i < a.to.pieces; i++) total += a.lumas[(unsigned long)image * a.to.pieces + i];
        mean[0] = (float)(total / area);
    }
    HL_BARRIER();
    const float offset = (1 - p->contrast) * mean[0];
    const unsigned contrast = augment_contrast_step(p);
    const unsigned start = piece * HL_CUDA_AUGMENT_PIECE, count = augment_count(start, area, HL_CUDA_AUGMENT_PIECE);
    for (unsigned i = threadIdx.x; i < count; i += HL_CUDA_THREADS) {
        float *at = a.to.y + ((unsigned long)image * area + start + i) * 3;
        augment_pixel v = augment_blended(augment_pixel{at[0], at[1], at[2]}, p->contrast, offset);
        v = augment_jittered(v, p, contrast + 1, 4);
        augment_store(at, augment_finished(v, p, a.to));
    }
}

// MARK: Blur

/// The edges are mirrored without being repeated.
HL_DEVICE unsigned augment_reflected(int i, unsigned size) {
    return i < 0 ? (unsigned)-i : (unsigned)i >= size ? 2 * size - 2 - (unsigned)i : (unsigned)i;
}

HL_KERNEL(augment_blur_columns) {
    const unsigned which = blockIdx.x / a.to.pieces, piece = blockIdx.x % a.to.pieces;
    const unsigned image = (unsigned)a.images[which], start = piece * 3 * HL_CUDA_AUGMENT_PIECE;
    const unsigned row = 3 * a.to.size, all = row * a.to.size;
    const unsigned end = start + augment_count(start, all, 3 * HL_CUDA_AUGMENT_PIECE);
    const int radius = a.to.parameters[image].blur_radius;
    const float *taps = a.taps + (unsigned long)which * a.taps_stride, *in = a.to.y + (unsigned long)image * all;
    for (unsigned i = start + threadIdx.x; i < end; i += HL_CUDA_THREADS) {
        const int y = (int)(i / row);
        const unsigned at = i % row;
        float sum = taps[0] * in[augment_reflected(y - radius, a.to.size) * row + at];
        for (int k = 1; k <= 2 * radius; k++)
            sum += taps[k] * in[augment_reflected(y + k - radius, a.to.size) * row + at];
        a.x[(unsigned long)which * all + i] = sum;
    }
}

HL_KERNEL(augment_blur_rows) {
    const unsigned which = blockIdx.x / a.to.pieces, piece = blockIdx.x % a.to.pieces;
    const unsigned image = (unsigned)a.images[which], start = piece * 3 * HL_CUDA_AUGMENT_PIECE;
    const unsigned row = 3 * a.to.size, all = row * a.to.size;
    const unsigned end = start + augment_count(start, all, 3 * HL_CUDA_AUGMENT_PIECE);
    const int radius = a.to.parameters[image].blur_radius;
    const float *taps = a.taps + (unsigned long)which * a.taps_stride, *in = a.x + (unsigned long)which * all;
    for (unsigned i = start + threadIdx.x; i < end; i += HL_CUDA_THREADS) {
        const int x = (int)(i % row / 3);
        const unsigned c = i % 3;
        const float *line = in + i / row * row + c;
        float sum = taps[0] * line[3 * augment_reflected(x - radius, a.to.size)];
        for (int k = 1; k <= 2 * radius; k++) sum += taps[k] * line[3 * augment_reflected(x + k - radius, a.to.size)];
        const float mean = c == 0 ? a.to.mean[0] : c == 1 ? a.to.mean[1] : a.to.mean[2];
        const float scale = c == 0 ? a.to.scale[0] : c == 1 ? a.to.scale[1] : a.to.scale[2];
        a.to.y[(unsigned long)image * all + i] = (sum - mean) * scale;
    }
}

// MARK: The way back

HL_KERNEL(augment_backward) {
    HL_FOR_EACH(i, a.count) {
        const unsigned c = i % 3, pixel = i / 3, x = pixel % a.width, y = pixel / a.width % a.height;
        const unsigned image = pixel / a.width / a.height;
        const hl_cuda_augmentation *p = a.parameters + image;
        // Places above or left of the box wrap around to large ones.
        const unsigned row = y - (unsigned)p->top, column = x - (unsigned)p->left;
        float value = 0;
        if (row < a.size && column < a.size) {
            const unsigned long at = (((unsigned long)image * a.size + row) * a.size + column) * 3 + c;
            value = (c == 0 ? a.scale[0] : c == 1 ? a.scale[1] : a.scale[2]) * a.y[at];
        }
        a.x[i] = value;
    }
}
