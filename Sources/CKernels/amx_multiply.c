// Products of gathered rows with the kernels of a convolution.
#include "amx.h"

void hl_amx_pad_columns(size_t channels, size_t height, size_t width, size_t before, size_t padded, size_t first,
                        size_t last, const uint16_t *plain, uint16_t *target) {
    for (size_t row = first * height; row < last * height; row++) {
        const uint16_t *from = plain + (row / height * channels * height + row % height) * width;
        uint16_t *to = target + row * padded * channels;
        memset(to, 0, padded * channels * sizeof *to);
        to += before * channels;
        for (size_t c = 0; c < channels; c++)
            for (size_t i = 0; i < width; i++) to[i * channels + c] = from[c * height * width + i];
    }
}

size_t hl_amx_step_count(const hl_amx_products *p) { return p->taps * ((p->inputs + DEPTH - 1) / DEPTH); }

// Values of the rows in a room, in front of which the sums lie.
static size_t row_values(size_t results, size_t steps) { return rounded_up(results, 2 * ROWS) * steps * DEPTH; }

static size_t sum_count(const hl_amx_products *p, size_t results, size_t outputs, size_t steps) {
    return steps < hl_amx_step_count(p) ? rounded_up(results, 2 * ROWS) * rounded_up(outputs, WIDTH) : 0;
}

size_t hl_amx_room(const hl_amx_products *p, size_t results, size_t outputs, size_t steps) {
    const size_t rows = p->is_in_place ? 2 * ROWS : results;
    return row_values(rows, steps) * sizeof(uint16_t) + sum_count(p, results, outputs, steps) * sizeof(float);
}

#ifdef HL_AMX
#include <sys/syscall.h>
#include <unistd.h>

int hl_amx_prepare(void) {
    // https://www.kernel.org/doc/html/latest/arch/x86/xstate.html: the tiles' registers are state 18, and a process asks once.
    enum { ARCH_REQ_XCOMP_PERM = 0x1023, XFEATURE_XTILEDATA = 18 };
    // Leaf 7: amx-bf16 and amx-tile, which every processor that has them has AVX-512's bf16 beside.
    uint32_t a = 7, b = 0, c = 0, d = 0;
    __asm__("cpuid" : "+a"(a), "=b"(b), "+c"(c), "=d"(d));
    const uint32_t needed = 1u << 22 | 1u << 24;
    return (d & needed) == needed && syscall(SYS_arch_prctl, ARCH_REQ_XCOMP_PERM, XFEATURE_XTILEDATA) == 0;
}

// A result counted over samples, told apart without a division for each.
typedef struct {
    size_t sample, result;
} place;

HL_AMX_INLINE place place_of(const hl_amx_products *p, size_t i) { return (place){i / p->results, i % p->results}; }

HL_AMX_INLINE void move_on(const hl_amx_products *p, place *at) {
    if (++at->result < p->results) return;
    at->result = 0;
    at->sample++;
}

// Some steps of the rows of results first ..< last, [results / 16][steps][16][32].
HL_AMX_INLINE void gather(const hl_amx_products *p, size_t first, size_t last, size_t from, size_t to,
                          const uint16_t *x, uint16_t *rows) {
    const size_t of_a_tap = (p->inputs + DEPTH - 1) / DEPTH, first_tap = from / of_a_tap;
    place at = place_of(p, first);
    for (size_t i = 0; i < last - first; i++, move_on(p, &at)) {
        uint16_t *row = rows + i / ROWS * ROWS * (to - from) * DEPTH + i % ROWS * DEPTH;
        const uint16_t *sample = x + at.sample * p->input_positions * p->inputs;
        const int32_t *source = p->sources + first_tap * p->results + at.result;
        for (size_t step = from, end = (first_tap + 1) * of_a_tap; step < to; end += of_a_tap, source += p->results) {
            const uint16_t *values = *source < 0 ? NULL : sample + (size_t)*source * p->inputs;
            for (size_t c = (step + of_a_tap - end) * DEPTH; step < at_most(end, to); step++, c += DEPTH) {
                _mm512_storeu_si512(row, values ? _mm512_maskz_loadu_epi16(first_of(p->inputs - c), values + c)
                                                : _mm512_setzero_si512());
                row += TILE_VALUES;
            }
        }
    }
}

// Where 32 rows lie: bytes from row to row, values from 16 rows to the next, and from step to step.
typedef struct {
    const uint16_t *values;
    size_t pitch, below, step;
} row_block;

// 32 rows times 32 outputs, added to sums [32][32] or from nothing.
HL_AMX_INLINE void multiply(row_block rows, size_t steps, const uint16_t *weights, int from_nothing, float *sums) {
    enum { PITCH = WIDTH * sizeof(float) };
    if (from_nothing) {
        begin_square();
    } else {
        _tile_loadd(0, sums, PITCH);
        _tile_loadd(1, sums + 16, PITCH);
        _tile_loadd(2, sums + 16 * WIDTH, PITCH);
        _tile_loadd(3, sums + 16 * WIDTH + 16, PITCH);
    }
    for (size_t i = 0; i < steps; i++) {
        const uint16_t *at = rows.values + i * rows.step;
        add_to_square(at, at + rows.below, rows.pitch, weights + 2 * i * TILE_VALUES);
    }
    store_square(sums);
}

// Sums of results first ..< last, 32 outputs of each from `output` on, rounded to where they belong.
HL_AMX_INLINE void keep(const hl_amx_products *p, size_t first, size_t last, size_t output, size_t last_output,
                        const float *sums, uint16_t *y) {
    const __mmask32 mask = first_of(last_output - output);
    place at = place_of(p, first);
    for (size_t i = first; i < last; i++, move_on(p, &at), sums += WIDTH) {
        const size_t position = at.sample * p->output_positions + (size_t)p->targets[at.result];
        store_rounded(sums, mask, y + position * p->outputs + output);
    }
}

HL_AMX void hl_amx_multiply(const hl_amx_products *p, size_t first, size_t last, size_t first_output,
                            size_t last_output, size_t steps, const uint16_t *x, const uint16_t *weights, uint16_t *y,
                            void *room) {
    const size_t all = hl_amx_step_count(p), outputs = last_output - first_output;
    HL_ALIGNED float own[2 * ROWS * WIDTH];
    float *sums = room;
    uint16_t *rows = (uint16_t *)(sums + sum_count(p, last - first, outputs, steps));
    begin_tiles();
    for (size_t from = 0; from < all; from += steps) {
        const size_t to = at_most(from + steps, all), count = to - from;
        // In place, what does not fill two tiles is gathered, so that nothing is read beyond the end.
        const size_t gathered = p->is_in_place ? first + (last - first) / (2 * ROWS) * 2 * ROWS : first;
        gather(p, gathered, last, from, to, x, rows);
        for (size_t output = first_output; output < last_output; output += WIDTH)
            for (size_t start = first; start < last; start += 2 * ROWS) {
                const row_block block =
                    start < gathered
                        ? (row_block){x + start * p->inputs + from * DEPTH, p->inputs * sizeof(uint16_t),
                                      ROWS * p->inputs, DEPTH}
                        : (row_block){rows + (start - gathered) * count * DEPTH, 64, ROWS * count * DEPTH, TILE_VALUES};
                float *at = steps < all ? sums + (start - first) * rounded_up(outputs, WIDTH) +
                                              (output - first_output) * 2 * ROWS
                                        : own;
                multiply(block, count, weights + (output * all + from * WIDTH) * DEPTH, from == 0, at);
                if (to == all) keep(p, start, at_most(start + 2 * ROWS, last), output, last_output, at, y);
            }
    }
    _tile_release();
}
#else
int hl_amx_prepare(void) { return 0; }

void hl_amx_multiply(const hl_amx_products *p, size_t first, size_t last, size_t first_output, size_t last_output,
                     size_t steps, const uint16_t *x, const uint16_t *weights, uint16_t *y, void *room) {
    (void)p, (void)first, (void)last, (void)first_output, (void)last_output, (void)steps, (void)x, (void)weights,
        (void)y;
    (void)room;
}
#endif
