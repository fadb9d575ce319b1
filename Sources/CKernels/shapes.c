// The built-in generator `shapes`: see hl_shapes_model.h for what it draws.
//
// z -> features -> scene -> pixels. The features are bounded functions of fixed projections of z; the scene is seventy
// numbers that describe the picture (both in shapes_scene.h); every pixel is a function of the scene and its own
// position (in shapes_block.h). Each step's reverse, for dL/dz, stands next to its forward.
//
// Pixels go in blocks of 16 along a row. A loop over a block is written as scalar code that the compiler turns into
// vectors of any width, and the gradient sums each of the 16 lanes on its own until the image is done: so the order of
// additions, and with it the result, does not depend on the instruction set. Cards draw by the same text, pixel by
// pixel (CCUDA's shapes.cu).

#include <math.h>
#include <string.h>

#include "clones.h"
#include "hl_shapes.h"

// What the text leaves open (see shapes_silhouettes.h).
#define HL_ONCE static
#define HL_TABLE static const
enum { LANES = 16 };
#ifdef __clang__
#define FOR_LANES \
    _Pragma("clang loop vectorize(enable) interleave(disable) unroll(disable)") for (int i = 0; i < LANES; i++)
#else
#define FOR_LANES for (int i = 0; i < LANES; i++)
#endif

#include "shapes_block.h"

static void project(const float *chunk, float p[DIRECTIONS]) {
    for (int j = 0; j < DIRECTIONS; j++) p[j] = projection(chunk, j);
}

static void project_reverse(const float gp[DIRECTIONS], float *chunk_gradient) {
    for (int i = 0; i < DIMS; i++) chunk_gradient[i] = projection_reverse(gp, i);
}

static void features_of(const float *z, features *f) {
    for (int c = 0; c < CHUNKS; c++) {
        project(z + c * DIMS, f->raw[c]);
        for (int j = 0; j < DIRECTIONS; j++) f->folded[c][j] = folded_of(f->raw[c][j]);
    }
    find_defect(f);
}

HL_CLONES static void render_image(const scene *shared, int defect, float *image, int size) {
    const scene s = *shared;  // a copy that nothing else can point to
    const size_t plane = (size_t)size * (size_t)size;
    for (int row = 0; row < size; row++) {
        for (int column = 0; column < size; column += LANES) {
            block b;
            lanes out[3];
            block_geometry(&s, defect, column, row, size, 0, &b);
            FOR_LANES {
                pixel p = shade(&s, &b, i);
                for (int c = 0; c < 3; c++) out[c][i] = brightness(p.final[c]);
            }
            size_t count = (size_t)(size - column < LANES ? size - column : LANES);
            for (int c = 0; c < 3; c++)
                memcpy(image + (size_t)c * plane + (size_t)(row * size + column), out[c], count * sizeof(float));
        }
    }
}

HL_CLONES static void gradient_of_image(const scene *shared, int defect, const float *gimage, int size, scene *gscene) {
    const scene s = *shared;
    const size_t plane = (size_t)size * (size_t)size;
    scene_lanes g;
    memset(&g, 0, sizeof g);
    for (int row = 0; row < size; row++) {
        for (int column = 0; column < size; column += LANES) {
            block b;
            lanes gout[3] = {{0}}, gshape;  // beyond the image's right edge the gradient is zero
            size_t count = (size_t)(size - column < LANES ? size - column : LANES);
            for (int c = 0; c < 3; c++)
                memcpy(gout[c], gimage + (size_t)c * plane + (size_t)(row * size + column), count * sizeof(float));
            block_geometry(&s, defect, column, row, size, 1, &b);
            FOR_LANES {
                float gpixel[3] = {gout[0][i], gout[1][i], gout[2][i]};
                place back = shade_reverse(&s, &b, i, gpixel, &g);
                block_geometry_reverse(&s, &b, back, i, gshape, &g);
            }
            for (int k = 0; k < CLASSES; k++) {
                if (s.weight[k] == 0) continue;
                FOR_LANES g.weight[k][i] += gshape[i] * b.class_d[k][i];
            }
        }
    }
    const float *lane = (const float *)&g;
    float *sum = (float *)gscene;
    for (size_t n = 0; n < sizeof(scene) / sizeof(float); n++) {
        sum[n] = 0;
        for (int i = 0; i < LANES; i++) sum[n] += lane[n * LANES + (size_t)i];
    }
}

static float boundary_of(const float scores[DIRECTIONS], int label) {
    float gap = INFINITY;
    for (int k = 0; k < CLASSES; k++)
        if (k != label) gap = minimum(gap, scores[label] - scores[k]);
    // Two orthonormal vectors are the square root of two apart.
    return gap * 0.70710678f;
}

void hl_shapes_truth_of(const float *z, int count, hl_shapes_truth *truth) {
    for (int n = 0; n < count; n++) {
        features f;
        features_of(z + (size_t)n * CHUNKS * DIMS, &f);
        int label = label_of(f.raw[0]);
        truth[n] = (hl_shapes_truth){label, f.defect, boundary_of(f.raw[0], label)};
    }
}

void hl_shapes_class_of(const float *z, int count, int *labels, float *boundaries) {
    for (int n = 0; n < count; n++) {
        float scores[DIRECTIONS];
        project(z + (size_t)n * CHUNKS * DIMS, scores);
        labels[n] = label_of(scores);
        boundaries[n] = boundary_of(scores, labels[n]);
    }
}

void hl_shapes_render(const float *z, float *images, int count, int size, int clean) {
    for (int n = 0; n < count; n++) {
        features f;
        scene s;
        features_of(z + (size_t)n * CHUNKS * DIMS, &f);
        int defect = clean ? HL_SHAPES_SOUND : f.defect;
        scene_of(&f, size, defect, &s);
        render_image(&s, defect, images + (size_t)n * 3 * (size_t)size * (size_t)size, size);
    }
}

void hl_shapes_gradient(const float *z, const float *image_gradient, float *z_gradient, int count, int size,
                        int clean) {
    for (int n = 0; n < count; n++) {
        features f;
        scene s, gs;
        float gb[CHUNKS][DIRECTIONS] = {{0}}, gp[CHUNKS][DIRECTIONS];
        features_of(z + (size_t)n * CHUNKS * DIMS, &f);
        int defect = clean ? HL_SHAPES_SOUND : f.defect;
        scene_of(&f, size, defect, &s);
        gradient_of_image(&s, defect, image_gradient + (size_t)n * 3 * (size_t)size * (size_t)size, size, &gs);
        float gseverity = scene_reverse(&f, defect, &s, &gs, gb);
        for (int c = 0; c < CHUNKS; c++)
            for (int j = 0; j < DIRECTIONS; j++) gp[c][j] = folded_slope(f.raw[c][j]) * gb[c][j];
        unfolded_reverse(&f, defect, gseverity, &gs, gp);
        for (int c = 0; c < CHUNKS; c++) project_reverse(gp[c], z_gradient + ((size_t)n * CHUNKS + (size_t)c) * DIMS);
    }
}
