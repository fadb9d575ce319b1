// The built-in generator `shapes`, whose model and pictures are those of CKernels (hl_shapes.h). Images lie channels
// last, [B, S, S, 3].
//
// Each way begins with the scenes. Pixels are then made one by one; on the way back the gradients of a scene's numbers
// are summed up over parts of its image, and lead to those of its latents.
#pragma once
#include "types.h"

#define HL_CUDA_SHAPES_KERNELS(X) \
    X(shapes, shapes_scenes, 1)   \
    X(shapes, shapes_render, 0)   \
    X(shapes, shapes_sums, 1)     \
    X(shapes, shapes_gradient, 1)

/// Numbers of a scene, and what one takes with its defect behind it.
#define HL_CUDA_SHAPES_SUMS 70
#define HL_CUDA_SHAPES_SCENE 72

/// Pixels of a part.
#define HL_CUDA_SHAPES_PART 1024

/// scenes [B][HL_CUDA_SHAPES_SCENE] of z [B][120], for images of side * side pixels, without defects where `clean`. A
/// block takes one.
typedef struct {
    const float *z;
    float *scenes;
    unsigned side;
    int clean;
} hl_cuda_shapes_scenes;

/// Images, f32 0 to 1, or u8 where `bytes`; `count` pixels in all.
typedef struct {
    const float *scenes;
    void *y;
    unsigned count, side;
    int bytes;
} hl_cuda_shapes_render;

/// sums [B][parts][HL_CUDA_SHAPES_SUMS]: the part's share in dL/dscene, of dL/dimages. A block takes one.
typedef struct {
    const float *scenes, *gradient;
    float *sums;
    unsigned side, parts;
} hl_cuda_shapes_sums;

/// dL/dz [B][120] of these sums. A block takes one image.
typedef struct {
    const float *z, *scenes, *sums;
    float *y;
    unsigned parts;
} hl_cuda_shapes_gradient;
