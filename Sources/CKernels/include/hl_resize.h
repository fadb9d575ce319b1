// Resizing of 8-bit images in fixed point, as Pillow does it: first along rows, then down columns, each rounded to 8 bits
// (https://github.com/python-pillow/Pillow/blob/main/src/libImaging/Resample.c).
#pragma once
#include <stddef.h>
#include <stdint.h>

/// Which source samples make each target sample: `counts[i]` of them from `starts[i]` on, with the weights from
/// `i * most` on, which have HL_RESIZE_FRACTION fractional bits. The weights of a sample sum to 1, and their absolute
/// values to less than 2, so that sums stay within 32 bits.
typedef struct {
    size_t count, most;
    const int32_t *starts, *counts, *weights;
} hl_resize_taps;

enum { HL_RESIZE_FRACTION = 22 };

/// One pass along `rows` rows of pixels of four bytes (the fourth is carried along), `stride` bytes apart, to rows of
/// taps.count such pixels without gaps.
void hl_resize_rows(hl_resize_taps taps, const uint8_t *pixels, size_t stride, size_t rows, uint8_t *out);

/// One pass down the columns of rows of `width` pixels of four bytes without gaps, into three planes of taps.count rows,
/// `plane` bytes apart; where `mirrored`, each row from its end. sums: 4 * width of scratch. line: 4 * width bytes of it.
void hl_resize_columns(hl_resize_taps taps, const uint8_t *pixels, size_t width, int mirrored, int32_t *sums,
                       uint8_t *line, uint8_t *out, size_t plane);

/// Three planes, `plane` bytes apart, of which `width` pixels of `rows` rows, `stride` bytes apart, become pixels of four
/// bytes without gaps; the fourth is 0.
void hl_interleave_planes(const uint8_t *planes, size_t plane, size_t stride, size_t width, size_t rows, uint8_t *out);

/// `count` pixels of four bytes to three planes, `plane` bytes apart; where `mirrored`, from the end.
void hl_separate_planes(const uint8_t *pixels, size_t count, int mirrored, uint8_t *out, size_t plane);
