// See include/kernels/rows.h.
#include "../include/kernels/rows.h"
#include "sums.cuh"
#include "values.cuh"

// MARK: Columns

HL_DEVICE float4 sum4(float4 a, float4 b) {
    float4 sum;
    sum.x = a.x + b.x;
    sum.y = a.y + b.y;
    sum.z = a.z + b.z;
    sum.w = a.w + b.w;
    return sum;
}

HL_KERNEL(take_columns) {
    HL_FOR_EACH(i, a.count) {
        const unsigned long from = (unsigned long)(i / a.width) * a.stride + a.start + i % a.width;
        if (a.step == 4)
            store4(a.y, 4ul * i, load4(a.x, 4 * from));
        else
            store(a.y, i, load(a.x, from));
    }
}

HL_KERNEL(place_columns) {
    HL_FOR_EACH(i, a.count) {
        const unsigned row = i / a.stride, column = i % a.stride - a.start;
        // Before `start` the difference wraps to a great number.
        const bool inside = column < a.width;
        const unsigned long from = (unsigned long)row * a.width + column;
        if (a.step == 4) {
            float4 value = {0, 0, 0, 0};
            if (inside) value = load4(a.x, 4 * from);
            store4(a.y, 4ul * i, value);
        } else {
            store(a.y, i, inside ? load(a.x, from) : 0.0f);
        }
    }
}

HL_KERNEL(add_columns) {
    HL_FOR_EACH(i, a.count) {
        const unsigned long to = (unsigned long)(i / a.width) * a.stride + a.start + i % a.width;
        if (a.step == 4)
            store4(a.y, 4 * to, sum4(load4(a.y, 4 * to), load4(a.x, 4ul * i)));
        else
            store(a.y, to, load(a.y, to) + load(a.x, i));
    }
}

HL_KERNEL(add_row_vector) {
    HL_FOR_EACH(i, a.count) {
        const unsigned column = i % a.width;
        if (a.step == 4)
            store4(a.x, 4ul * i, sum4(load4(a.x, 4ul * i), load4(a.vector, 4ul * column)));
        else
            store(a.x, i, load(a.x, i) + load(a.vector, column));
    }
}

// MARK: Sums in place

HL_DEVICE float rounded_as(hl_cuda_values target, hl_cuda_values source, float value) {
    return target.narrow && !source.narrow ? widened(narrowed(value)) : value;
}

HL_KERNEL(accumulate) {
    HL_FOR_EACH(i, a.count) {
        if (a.step == 4) {
            float4 addend = load4(a.x, 4ul * i);
            addend.x = rounded_as(a.y, a.x, addend.x);
            addend.y = rounded_as(a.y, a.x, addend.y);
            addend.z = rounded_as(a.y, a.x, addend.z);
            addend.w = rounded_as(a.y, a.x, addend.w);
            store4(a.y, 4ul * i, sum4(load4(a.y, 4ul * i), addend));
        } else {
            store(a.y, i, load(a.y, i) + rounded_as(a.y, a.x, load(a.x, i)));
        }
    }
}

HL_KERNEL(average) {
    HL_FOR_EACH(i, a.count) {
        if (a.step == 4) {
            float4 y = load4(a.y, 4ul * i);
            const float4 x = load4(a.x, 4ul * i);
            y.x = a.decay * y.x + a.rest * x.x;
            y.y = a.decay * y.y + a.rest * x.y;
            y.z = a.decay * y.z + a.rest * x.z;
            y.w = a.decay * y.w + a.rest * x.w;
            store4(a.y, 4ul * i, y);
        } else {
            store(a.y, i, a.decay * load(a.y, i) + a.rest * load(a.x, i));
        }
    }
}

// MARK: Means over positions

HL_KERNEL(average_pool) {
    HL_FOR_EACH(i, a.count) {
        unsigned long at = (unsigned long)(i / a.channels) * a.positions * a.channels + i % a.channels;
        if (a.step == 4) {
            float4 sum = {0, 0, 0, 0};
#pragma unroll 4
            for (unsigned position = 0; position < a.positions; position++, at += a.channels)
                sum = sum4(sum, load4(a.x, 4 * at));
            sum.x *= a.scale;
            sum.y *= a.scale;
            sum.z *= a.scale;
            sum.w *= a.scale;
            store4(a.y, 4ul * i, sum);
        } else {
            float sum = 0;
#pragma unroll 4
            for (unsigned position = 0; position < a.positions; position++, at += a.channels) sum += load(a.x, at);
            store(a.y, i, sum * a.scale);
        }
    }
}

HL_KERNEL(average_pool_backward) {
    HL_FOR_EACH(i, a.count) {
        const unsigned channel = i % a.channels, sample = i / a.channels / a.positions;
        const unsigned long from = (unsigned long)sample * a.channels + channel;
        if (a.step == 4) {
            float4 value = load4(a.x, 4 * from);
            value.x *= a.scale;
            value.y *= a.scale;
            value.z *= a.scale;
            value.w *= a.scale;
            store4(a.y, 4ul * i, value);
        } else {
            store(a.y, i, load(a.x, from) * a.scale);
        }
    }
}

// MARK: Sums down columns

HL_KERNEL(sum_columns) {
    HL_SHARED(double, memory, HL_CUDA_THREADS);
    const unsigned column = blockIdx.x * HL_CUDA_SUM_COLUMNS + threadIdx.x % HL_CUDA_SUM_COLUMNS;
    const unsigned first = blockIdx.y * a.height, rest = a.rows - first;
    const unsigned last = first + (a.height < rest ? a.height : rest);
    double sum = 0;
    if (column < a.columns)
        for (unsigned row = first + threadIdx.x / HL_CUDA_SUM_COLUMNS; row < last; row += HL_CUDA_SUM_ROWS)
            sum += a.x[(unsigned long)row * a.columns + column];
    memory[threadIdx.x] = sum;
    HL_BARRIER();
    for (unsigned half = HL_CUDA_THREADS / 2; half >= HL_CUDA_SUM_COLUMNS; half >>= 1) {
        if (threadIdx.x < half) memory[threadIdx.x] += memory[threadIdx.x + half];
        HL_BARRIER();
    }
    if (threadIdx.x < HL_CUDA_SUM_COLUMNS && column < a.columns) {
        if (a.parts)
            a.parts[(unsigned long)blockIdx.y * a.columns + column] = memory[threadIdx.x];
        else
            a.y[column] = (float)memory[threadIdx.x];
    }
}

HL_KERNEL(sum_parts) {
    HL_FOR_EACH(i, a.count) {
        double sum = 0;
        for (unsigned part = 0; part < a.number; part++) sum += a.parts[(unsigned long)part * a.count + i];
        a.y[i] = (float)sum;
    }
}

// MARK: Products row by row

/// Of one stretch of the depth, rows of a matrix [rows][inputs] from `first` on, side by side; zeros where there is
/// nothing, which change no sum.
HL_DEVICE void stage_rows(const float *x, unsigned rows, unsigned inputs, unsigned first, unsigned from,
                          float *memory) {
    const unsigned k = threadIdx.x % HL_CUDA_PROJECT_TILE;
    for (unsigned r = threadIdx.x / HL_CUDA_PROJECT_TILE; r < HL_CUDA_PROJECT_TILE;
         r += HL_CUDA_THREADS / HL_CUDA_PROJECT_TILE) {
        const unsigned row = first + r;
        const bool inside = row < rows && from + k < inputs;
        // A place more per row: neither writing along k nor reading along rows meets one bank of memory twice.
        memory[k * (HL_CUDA_PROJECT_TILE + 1) + r] = inside ? x[(unsigned long)row * inputs + from + k] : 0.0f;
    }
}

HL_KERNEL(project_rows) {
    HL_SHARED(float, left, HL_CUDA_PROJECT_TILE *(HL_CUDA_PROJECT_TILE + 1));
    HL_SHARED(float, right, HL_CUDA_PROJECT_TILE *(HL_CUDA_PROJECT_TILE + 1));
    const unsigned half = HL_CUDA_PROJECT_TILE / 2, x = threadIdx.x % half, y = threadIdx.x / half;
    const unsigned row = blockIdx.x / a.tiles * HL_CUDA_PROJECT_TILE;
    const unsigned output = blockIdx.x % a.tiles * HL_CUDA_PROJECT_TILE;
    // Two rows by two outputs a thread, half a tile apart.
    float sums[2][2] = {{0, 0}, {0, 0}};
    for (unsigned from = 0; from < a.inputs; from += HL_CUDA_PROJECT_TILE) {
        stage_rows(a.x, a.rows, a.inputs, row, from, left);
        stage_rows(a.weight, a.outputs, a.inputs, output, from, right);
        HL_BARRIER();
#pragma unroll
        for (unsigned k = 0; k < HL_CUDA_PROJECT_TILE; k++) {
            const float *l = left + k * (HL_CUDA_PROJECT_TILE + 1), *r = right + k * (HL_CUDA_PROJECT_TILE + 1);
            const float upper = l[y], lower = l[y + half], here = r[x], there = r[x + half];
            sums[0][0] += upper * here;
            sums[0][1] += upper * there;
            sums[1][0] += lower * here;
            sums[1][1] += lower * there;
        }
        HL_BARRIER();
    }
    for (unsigned i = 0; i < 2; i++)
        for (unsigned j = 0; j < 2; j++) {
            const unsigned r = row + y + i * half, o = output + x + j * half;
            if (r < a.rows && o < a.outputs) a.y[(unsigned long)r * a.outputs + o] = sums[i][j];
        }
}

// MARK: Unit length

HL_KERNEL(normalise_rows) {
    HL_SHARED(double, memory, HL_CUDA_THREADS);
    const row_share own = share_of_row(a.rows, a.columns, a.lanes);
    const float *x = a.x + own.start;
    double squares = 0;
    for (unsigned c = own.first; c < own.end; c += a.lanes) squares += (double)x[c] * x[c];
    const double norm = sqrt(row_sum(squares, memory, a.lanes));
    const float scale = (float)(1.0 / (norm > 1e-12 ? norm : 1e-12));
    for (unsigned c = own.first; c < own.end; c += a.lanes) a.y[own.start + c] = x[c] * scale;
    if (own.leads) a.norms[own.row] = (float)norm;
}

HL_KERNEL(normalise_rows_backward) {
    HL_SHARED(double, memory, HL_CUDA_THREADS);
    const row_share own = share_of_row(a.rows, a.columns, a.lanes);
    const float *g = a.gradient + own.start, *u = a.y + own.start;
    double product = 0;
    for (unsigned c = own.first; c < own.end; c += a.lanes) product += (double)u[c] * g[c];
    const float sum = (float)row_sum(product, memory, a.lanes), norm = own.end ? a.norms[own.row] : 1.0f;
    const float along = norm > 1e-12f ? sum : 0.0f, scale = 1.0f / (norm > 1e-12f ? norm : 1e-12f);
    for (unsigned c = own.first; c < own.end; c += a.lanes) a.result[own.start + c] = (g[c] - along * u[c]) * scale;
}
