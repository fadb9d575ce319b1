// Convolutions of bf16 activations that lie channels last, by the processor's AMX: its tiles multiply 16 rows of 32 values with
// 32 rows of 16 in one instruction. Sums run in f32, each of them in one order, whatever the number of threads, and are
// rounded once.
// https://www.intel.com/content/www/us/en/docs/intrinsics-guide/index.html#techs=AMX
//
// A convolution is products of rows of its input with its kernels (Chellapilla, Puri and Simard 2006,
// https://inria.hal.science/inria-00112631, section 3.2); the rows are gathered for as many results as the second-level cache
// holds.
#pragma once
#include <stddef.h>
#include <stdint.h>

/// Whether processor and system have AMX with bf16. The first call asks the system for its registers.
int hl_amx_prepare(void);

/// A kernel of [outputs][inputs / columns][taps][columns] weights: the columns of a kernel count as taps where `columns` is 1, or
/// as inputs, [columns][channels], where there are few channels. In blocks it is f32
/// [outputs / 16][inputs / 16][taps][16 inputs][16 outputs], padded with zeros.
typedef struct {
    size_t inputs, outputs, taps, columns;
} hl_amx_kernel;

/// Floats of a kernel in blocks.
size_t hl_amx_block_count(hl_amx_kernel k);
/// Between row-major order and blocks, blocks of outputs first ..< last.
void hl_amx_block_weights(hl_amx_kernel k, size_t first, size_t last, const float *plain, float *blocks);
void hl_amx_unblock_weights(hl_amx_kernel k, size_t first, size_t last, const float *blocks, float *plain);

/// Values of bf16 of a kernel of `taps` taps as products take it: [outputs / 32][taps][inputs / 32][2][16][16][2], pairs of
/// inputs for two times 16 outputs, padded with zeros.
size_t hl_amx_packed_count(size_t taps, size_t inputs, size_t outputs);
/// That of `count` taps of a kernel in blocks, by their numbers; with `backward` inputs and outputs change places. Groups of
/// 32 outputs of the result first ..< last.
void hl_amx_pack_weights(hl_amx_kernel k, const int32_t *taps, size_t count, int backward, size_t first, size_t last,
                         const float *blocks, uint16_t *packed);

/// y[target] = sum over taps and inputs of x[source] * weight, for `results` positions of every sample.
typedef struct {
    size_t samples, taps, inputs, outputs, results;
    /// Positions of a sample of x and of y.
    size_t input_positions, output_positions;
    /// The position of x for every tap and result, [taps][results], -1 for zeros; and that of y, [results].
    const int32_t *sources, *targets;
    /// Whether rows are read where they lie: one tap, results that have the positions of x in their order, and inputs that fill
    /// whole steps.
    int is_in_place;
} hl_amx_products;

/// Steps of 32 inputs of a result: rows and kernels may be taken some steps at a time.
size_t hl_amx_step_count(const hl_amx_products *p);
/// Bytes of `room` for so many results and outputs, so many steps of them at a time.
size_t hl_amx_room(const hl_amx_products *p, size_t results, size_t outputs, size_t steps);
/// Results first ..< last, counted over samples, outputs first_output ..< last_output, which begin at a multiple of 32.
/// Whatever `steps`, sums are added in one order. `room` is aligned to 64 bytes.
void hl_amx_multiply(const hl_amx_products *p, size_t first, size_t last, size_t first_output, size_t last_output,
                     size_t steps, const uint16_t *x, const uint16_t *weights, uint16_t *y, void *room);

/// The same where the positions of a sample can be laid in lines, with zeros between their rows, so that those of a tap lie a
/// fixed distance from the results: rows of tiles are read from there, and nothing is gathered for every tap.
typedef struct {
    size_t taps, inputs, outputs;
    /// Positions of a sample of x and of y.
    size_t input_positions, output_positions;
    /// Places that results are summed for, a multiple of 32, and places of a line, of which a stride has several, its phases.
    size_t length, pitch, phases;
    /// The position of x of every place, [phases][pitch], -1 for zeros, and that of y, [length], -1 for none.
    const int32_t *places, *targets;
    /// The phase and the offset of every tap, [taps]; offsets are at most pitch - length.
    const int32_t *tap_phases, *tap_offsets;
} hl_amx_lines;

/// Bytes of `room` for so many samples.
size_t hl_amx_lines_room(const hl_amx_lines *l, size_t samples);
/// Samples first ..< last, outputs first_output ..< last_output, which begin at a multiple of 32. `room` is aligned to 64 bytes.
void hl_amx_multiply_lines(const hl_amx_lines *l, size_t first, size_t last, size_t first_output, size_t last_output,
                           const uint16_t *x, const uint16_t *weights, uint16_t *y, uint16_t *room);

/// The gradient of a kernel: for each tap the sum over positions q of x[q + offset of the tap] and gradient[q], where both lie
/// in one line of positions with a pitch, zeros between their rows. A convolution with a stride has its input in several
/// lines, its phases.
typedef struct {
    hl_amx_kernel kernel;
    /// Groups of samples, of one at least, each with lines of its own, and positions of a group in x and in the gradient.
    size_t groups, input_positions, output_positions;
    /// Values from one position of x to the next.
    size_t step;
    /// Positions of a line of the gradient, a multiple of 32, and of x, an even number; and lines of x, the phases.
    size_t length, pitch, phases;
    /// Lines are pairs of positions that begin at an even one: 1, or 2, with lines that begin at an odd one too, where taps
    /// have odd offsets.
    size_t versions;
    /// The position of x of every place of the lines, [phases][pitch + 1], and of the gradient, [length], -1 for zeros.
    const int32_t *inputs, *outputs;
    /// The phase and the offset of every tap, [taps].
    const int32_t *tap_phases, *tap_offsets;
} hl_amx_gradient;

/// Values of bf16 of all lines of x and of the gradient.
size_t hl_amx_input_count(const hl_amx_gradient *g);
size_t hl_amx_output_count(const hl_amx_gradient *g);
/// Makes the lines of groups of 32 channels; tasks first ..< last count groups * (channels / 32, rounded up). Everything is aligned
/// to 64 bytes.
void hl_amx_pack_input(const hl_amx_gradient *g, size_t first, size_t last, const uint16_t *x, uint16_t *lines);
void hl_amx_pack_gradient(const hl_amx_gradient *g, size_t first, size_t last, const uint16_t *gradient,
                          uint16_t *lines);
/// Samples first ..< last of row-major [samples][channels][height][width] to [samples][height][padded][channels], with zeros for
/// `before` columns before the first and the rest behind the last.
void hl_amx_pad_columns(size_t channels, size_t height, size_t width, size_t before, size_t padded, size_t first,
                        size_t last, const uint16_t *plain, uint16_t *target);
/// How many parts the sums have.
size_t hl_amx_part_count(const hl_amx_gradient *g);
/// Sums of parts first ..< last onto `blocks`, a kernel's, or from nothing with `begins`. Between calls a block has its inputs
/// and outputs exchanged; with `ends` they take their places.
void hl_amx_add_gradient(const hl_amx_gradient *g, size_t first, size_t last, const uint16_t *input_lines,
                         const uint16_t *gradient_lines, int begins, int ends, float *blocks);
