// See include/kernels/shapes.h. The text of what is drawn is CKernels', and so are the bits of the pixels.
#include "../include/kernels/shapes.h"
#include "values.cuh"

#define HL_INLINE HL_DEVICE
#define HL_ONCE HL_DEVICE
#define FOR_LANES for (int i = 0; i < LANES; i++)

namespace shapes {
// A thread has one pixel.
enum { LANES = 1 };
#include "../../CKernels/shapes_block.h"

/// A scene as it lies in memory.
struct picture {
    scene drawn;
    int defect, unused;
};
static_assert(sizeof(scene) == 4 * HL_CUDA_SHAPES_SUMS, "the sums of a scene");
static_assert(sizeof(picture) == 4 * HL_CUDA_SHAPES_SCENE, "a scene in memory");

/// Of one image's latents, by the threads of its block together; all but the defect.
HL_DEVICE void project_all(const float *z, features *f) {
    if (threadIdx.x < CHUNKS * DIRECTIONS) {
        const int c = (int)threadIdx.x / DIRECTIONS, j = (int)threadIdx.x % DIRECTIONS;
        const float raw = projection(z + c * DIMS, j);
        f->raw[c][j] = raw;
        f->folded[c][j] = folded_of(raw);
    }
    HL_BARRIER();
}
}  // namespace shapes

HL_KERNEL(shapes_scenes) {
    using namespace shapes;
    HL_SHARED(features, f, 1);
    project_all(a.z + (unsigned long)blockIdx.x * CHUNKS * DIMS, f);
    if (threadIdx.x == 0) {
        find_defect(f);
        picture *p = (picture *)a.scenes + blockIdx.x;
        const int defect = a.clean ? (int)HL_SHAPES_SOUND : f->defect;
        scene_of(f, (int)a.side, defect, &p->drawn);
        p->defect = defect;
        p->unused = 0;
    }
}

HL_KERNEL(shapes_render) {
    using namespace shapes;
    const unsigned plane = a.side * a.side;
    HL_FOR_EACH(n, a.count) {
        const picture *p = (const picture *)a.scenes + n / plane;
        const int at = (int)(n % plane), side = (int)a.side;
        shapes::block b;
        block_geometry(&p->drawn, p->defect, at % side, at / side, side, 0, &b);
        const pixel shaded = shade(&p->drawn, &b, 0);
        for (int c = 0; c < 3; c++) {
            const float value = brightness(shaded.final[c]);
            if (a.bytes)
                ((unsigned char *)a.y)[3ul * n + (unsigned)c] = rounded_pixel(value);
            else
                ((float *)a.y)[3ul * n + (unsigned)c] = value;
        }
    }
}

// MARK: The way back

namespace shapes {
/// Values whose sums over the block's threads are taken at a time, by as many threads each.
enum { ROUND = 16, SHARES = HL_CUDA_THREADS / ROUND };

/// The sums over all threads of what each has, to `sums`: a fixed tree.
HL_DEVICE void sum_scenes(const scene_lanes *own, float *memory, float *sums) {
    const float *values = (const float *)own;
    const unsigned value = threadIdx.x / SHARES, share = threadIdx.x % SHARES;
#pragma unroll
    for (int first = 0; first < HL_CUDA_SHAPES_SUMS; first += ROUND) {
#pragma unroll
        for (int k = 0; k < ROUND; k++)
            if (first + k < HL_CUDA_SHAPES_SUMS) memory[k * HL_CUDA_THREADS + (int)threadIdx.x] = values[first + k];
        HL_BARRIER();
        float sum = 0;
        for (unsigned t = share; t < HL_CUDA_THREADS; t += SHARES) sum += memory[value * HL_CUDA_THREADS + t];
        HL_BARRIER();
        memory[threadIdx.x] = sum;
        HL_BARRIER();
        if (share == 0 && first + (int)value < HL_CUDA_SHAPES_SUMS) {
            sum = 0;
            for (unsigned t = 0; t < SHARES; t++) sum += memory[threadIdx.x + t];
            sums[first + (int)value] = sum;
        }
        HL_BARRIER();
    }
}

/// Adds a pixel's share.
HL_DEVICE void add_pixel(const picture *p, int at, int side, const float *gradient, scene_lanes *g) {
    const scene *s = &p->drawn;
    shapes::block b;
    block_geometry(s, p->defect, at % side, at / side, side, 1, &b);
    const place back = shade_reverse(s, &b, 0, gradient, g);
    lanes of_shape;
    block_geometry_reverse(s, &b, back, 0, of_shape, g);
#pragma unroll
    for (int k = 0; k < CLASSES; k++)
        if (s->weight[k] != 0) g->weight[k][0] += of_shape[0] * b.class_d[k][0];
}
}  // namespace shapes

HL_KERNEL(shapes_sums) {
    using namespace shapes;
    HL_SHARED(float, memory, ROUND *HL_CUDA_THREADS);
    const unsigned image = blockIdx.x / a.parts, start = blockIdx.x % a.parts * HL_CUDA_SHAPES_PART;
    const unsigned plane = a.side * a.side, rest = plane - start;
    const unsigned count = rest < HL_CUDA_SHAPES_PART ? rest : HL_CUDA_SHAPES_PART;
    const picture *p = (const picture *)a.scenes + image;
    scene_lanes own = {};
    for (unsigned i = threadIdx.x; i < count; i += HL_CUDA_THREADS)
        add_pixel(p, (int)(start + i), (int)a.side, a.gradient + 3 * ((unsigned long)image * plane + start + i), &own);
    sum_scenes(&own, memory, a.sums + (unsigned long)blockIdx.x * HL_CUDA_SHAPES_SUMS);
}

HL_KERNEL(shapes_gradient) {
    using namespace shapes;
    typedef float projections[DIRECTIONS];
    HL_SHARED(features, f, 1);
    HL_SHARED(scene, g, 1);
    HL_SHARED(projections, gp, CHUNKS);
    const unsigned image = blockIdx.x, t = threadIdx.x;
    const picture *p = (const picture *)a.scenes + image;
    if (t < HL_CUDA_SHAPES_SUMS) {
        const float *sums = a.sums + (unsigned long)image * a.parts * HL_CUDA_SHAPES_SUMS + t;
        float sum = 0;
        for (unsigned part = 0; part < a.parts; part++) sum += sums[part * HL_CUDA_SHAPES_SUMS];
        ((float *)g)[t] = sum;
    }
    // First of what they are folded to.
    if (t < CHUNKS * DIRECTIONS) gp[t / DIRECTIONS][t % DIRECTIONS] = 0;
    project_all(a.z + (unsigned long)image * CHUNKS * DIMS, f);
    float gseverity = 0;
    if (t == 0) gseverity = scene_reverse(f, p->defect, &p->drawn, g, gp);
    HL_BARRIER();
    if (t < CHUNKS * DIRECTIONS)
        gp[t / DIRECTIONS][t % DIRECTIONS] *= folded_slope(f->raw[t / DIRECTIONS][t % DIRECTIONS]);
    HL_BARRIER();
    if (t == 0) unfolded_reverse(f, p->defect, gseverity, g, gp);
    HL_BARRIER();
    if (t < CHUNKS * DIMS)
        a.y[(unsigned long)image * CHUNKS * DIMS + t] = projection_reverse(gp[t / DIMS], (int)t % DIMS);
}
