// The augmentation T_x (see hl_augment.h). Every loop over pixels is plain C that the compiler turns into vectors; none
// of them leaves the order of a sum to the compiler, so all clones give the same bits.
#include "hl_augment.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "blur.h"
#include "clones.h"

static inline float clamp01(float x) {
    x = x > 0 ? x : 0;
    return x < 1 ? x : 1;
}

static inline float luma(float r, float g, float b) { return 0.2989f * r + 0.587f * g + 0.114f * b; }

// MARK: crop and resize

/// out = wa * a + wb * b.
HL_CLONES static void blend_rows_u8(const uint8_t *restrict a, const uint8_t *restrict b, float wa, float wb, int n,
                                    float *restrict out) {
    for (int x = 0; x < n; x++) out[x] = wa * (float)a[x] + wb * (float)b[x];
}

HL_CLONES static void blend_rows_f32(const float *restrict a, const float *restrict b, float wa, float wb, int n,
                                     float *restrict out) {
    for (int x = 0; x < n; x++) out[x] = wa * a[x] + wb * b[x];
}

/// out[x] lies between row[index[x]] and row[index[x] + 1].
HL_CLONES static void resample_row(const float *restrict row, const int32_t *restrict index,
                                   const float *restrict weight, int n, float *restrict out) {
    for (int x = 0; x < n; x++) {
        const float *left = row + index[x];
        out[x] = (1 - weight[x]) * left[0] + weight[x] * left[1];
    }
}

/// Where output pixel i of `size` falls among `extent` input pixels: `*weight` of the way from `*index` to the next.
static void source_position(int i, int extent, int size, int32_t *index, float *weight) {
    float scale = (float)extent / (float)size;
    float position = scale * ((float)i + 0.5f) - 0.5f;
    if (position < 0) position = 0;
    int32_t whole = (int32_t)position;
    if (whole > extent - 1) whole = extent - 1;
    *index = whole;
    *weight = position - (float)whole;
    if (*weight > 1) *weight = 1;
}

/// One image's crop box to out[3, size, size]. row: width + 1 floats; index, weight: size entries.
static void crop_and_resize(const void *image, int is_u8, int height, int width, const hl_augment_parameters *p,
                            int size, float *row, int32_t *index, float *weight, float *out) {
    for (int i = 0; i < size; i++) source_position(p->flip ? size - 1 - i : i, p->width, size, &index[i], &weight[i]);
    for (int c = 0; c < 3; c++) {
        ptrdiff_t plane = (ptrdiff_t)c * height * width;
        for (int y = 0; y < size; y++) {
            int32_t above;
            float w;
            source_position(y, p->height, size, &above, &w);
            int32_t below = above + 1 < p->height ? above + 1 : above;
            ptrdiff_t a = plane + (ptrdiff_t)(p->top + above) * width + p->left;
            ptrdiff_t b = plane + (ptrdiff_t)(p->top + below) * width + p->left;
            if (is_u8) {
                const uint8_t *pixels = image;
                blend_rows_u8(pixels + a, pixels + b, (1 - w) / 255, w / 255, p->width, row);
            } else {
                const float *pixels = image;
                blend_rows_f32(pixels + a, pixels + b, 1 - w, w, p->width, row);
            }
            row[p->width] = row[p->width - 1];
            resample_row(row, index, weight, size, out + ((ptrdiff_t)c * size + y) * size);
        }
    }
}

// MARK: colour

HL_CLONES static void brighten(float *restrict v, int n, float factor) {
    for (int i = 0; i < n; i++) v[i] = clamp01(v[i] * factor);
}

enum { lanes = 16, block = 32 * lanes };

/// The mean luma. Short sums in f32 lanes, their total in f64: exact enough at any image size.
HL_CLONES static double mean_luma(const float *restrict r, const float *restrict g, const float *restrict b, int n) {
    double total = 0;
    int i = 0;
    while (n - i >= lanes) {
        float sums[lanes] = {0};
        int end = n - i > block ? i + block : n - (n - i) % lanes;
        for (; i < end; i += lanes)
            for (int k = 0; k < lanes; k++) sums[k] += luma(r[i + k], g[i + k], b[i + k]);
        for (int k = 0; k < lanes; k++) total += (double)sums[k];
    }
    for (; i < n; i++) total += (double)luma(r[i], g[i], b[i]);
    return total / n;
}

HL_CLONES static void blend_with(float *restrict v, int n, float factor, float offset) {
    for (int i = 0; i < n; i++) v[i] = clamp01(v[i] * factor + offset);
}

HL_CLONES static void saturate(float *restrict r, float *restrict g, float *restrict b, int n, float factor) {
    for (int i = 0; i < n; i++) {
        float rest = (1 - factor) * luma(r[i], g[i], b[i]);
        r[i] = clamp01(r[i] * factor + rest);
        g[i] = clamp01(g[i] * factor + rest);
        b[i] = clamp01(b[i] * factor + rest);
    }
}

/// One channel of HSV to RGB in closed form: `k` is the hue in sixths of a turn plus the channel's offset, 0 to 12.
static inline float hue_to_channel(float k, float value, float chroma) {
    k = k >= 6 ? k - 6 : k;
    float m = k < 4 - k ? k : 4 - k;
    return value - chroma * clamp01(m);
}

HL_CLONES static void shift_hue(float *restrict r, float *restrict g, float *restrict b, int n, float turns) {
    float shift = 6 * turns;
    for (int i = 0; i < n; i++) {
        float R = r[i], G = g[i], B = b[i];
        float high = R > G ? R : G;
        float low = R < G ? R : G;
        high = high > B ? high : B;
        low = low < B ? low : B;
        float chroma = high - low;
        float difference = R == high ? G - B : G == high ? B - R : R - G;
        float start = R == high ? 0 : G == high ? 2 : 4;
        float hue = start + difference / (chroma > 0 ? chroma : 1) + shift;
        hue = hue < 0 ? hue + 6 : hue;
        hue = hue >= 6 ? hue - 6 : hue;
        r[i] = hue_to_channel(hue + 5, high, chroma);
        g[i] = hue_to_channel(hue + 3, high, chroma);
        b[i] = hue_to_channel(hue + 1, high, chroma);
    }
}

HL_CLONES static void make_grey(float *restrict r, float *restrict g, float *restrict b, int n) {
    for (int i = 0; i < n; i++) r[i] = g[i] = b[i] = luma(r[i], g[i], b[i]);
}

HL_CLONES static void normalise(float *restrict v, int n, float mean, float scale) {
    for (int i = 0; i < n; i++) v[i] = (v[i] - mean) * scale;
}

static void jitter(float *r, float *g, float *b, int n, const hl_augment_parameters *p) {
    float *planes[3] = {r, g, b};
    for (int step = 0; step < 4; step++) {
        switch (p->order[step]) {
            case 0:
                if (p->brightness != 1)
                    for (int c = 0; c < 3; c++) brighten(planes[c], n, p->brightness);
                break;
            case 1:
                if (p->contrast != 1) {
                    float offset = (1 - p->contrast) * (float)mean_luma(r, g, b, n);
                    for (int c = 0; c < 3; c++) blend_with(planes[c], n, p->contrast, offset);
                }
                break;
            case 2:
                if (p->saturation != 1) saturate(r, g, b, n, p->saturation);
                break;
            default:
                if (p->hue != 0) shift_hue(r, g, b, n, p->hue);
        }
    }
}

// MARK: the whole chain

int hl_augment(const void *images, int is_u8, int height, int width, int first, int last,
               const hl_augment_parameters *p, const float mean[3], const float std[3], int out_size, float *out) {
    size_t side = (size_t)out_size, area = side * side;
    bool blurs = false;
    for (int i = first; i < last; i++) blurs = blurs || p[i].blur_radius > 0;
    // A kernel has at most 2 * side - 1 taps, a padded row at most 3 * side - 2 entries.
    size_t count = (size_t)width + 1 + side + (blurs ? area + 5 * side : 0);
    float *scratch = malloc(count * sizeof(float) + side * sizeof(int32_t));
    if (!scratch) return -1;
    float *row = scratch, *weight = row + width + 1, *copy = weight + side;
    float *kernel = blurs ? copy + area : NULL, *padded = blurs ? kernel + 2 * side : NULL;
    int32_t *index = (int32_t *)(scratch + count);

    size_t image_bytes = 3 * (size_t)height * (size_t)width * (is_u8 ? 1 : sizeof(float));
    for (int i = first; i < last; i++) {
        float *planes[3];
        for (int c = 0; c < 3; c++) planes[c] = out + ((size_t)i * 3 + (size_t)c) * area;
        int n = (int)area;
        crop_and_resize((const char *)images + (size_t)i * image_bytes, is_u8, height, width, &p[i], out_size, row,
                        index, weight, planes[0]);
        if (p[i].colour) jitter(planes[0], planes[1], planes[2], n, &p[i]);
        if (p[i].grey) make_grey(planes[0], planes[1], planes[2], n);
        if (p[i].blur_radius > 0) {
            hl_gaussian_kernel(p[i].blur_radius, p[i].blur_sigma, kernel);
            for (int c = 0; c < 3; c++) {
                memcpy(copy, planes[c], area * sizeof(float));
                hl_blur_plane(copy, out_size, out_size, p[i].blur_radius, kernel, padded, planes[c]);
            }
        }
        for (int c = 0; c < 3; c++) normalise(planes[c], n, mean[c], 1 / std[c]);
    }
    free(scratch);
    return 0;
}
