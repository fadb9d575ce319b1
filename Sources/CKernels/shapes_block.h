// The part of `shapes` that is done for every block of pixels: scene -> colours, and back.

#include "shapes_scene.h"

// ---- A block of pixels ---------------------------------------------------------------------------------------------

typedef struct {
    lanes X, Y;                            // position in the image, -1 … 1, Y downwards
    lanes u, v;                            // the same in the object's coordinates
    lanes d, du, dv;                       // signed distance in these, and its slopes
    lanes class_d[CLASSES];                // of each silhouette in use
    lanes gap_share, gap_width, gap_turn;  // slopes of d: in the uncut distance, the gap's width, its angle
    lanes noise[3], noise_slope[3];        // at amplitude 1, and its slope in the phase
} block;

#define SILHOUETTE(k, name)                                                             \
    case k:                                                                             \
        FOR_LANES {                                                                     \
            dual d = name(dual_of(b->u[i], 1, 0), dual_of(b->v[i], 0, 1));              \
            b->class_d[k][i] = d.value;                                                 \
            b->d[i] += s->weight[k] * d.value;                                          \
            if (slopes) b->du[i] += s->weight[k] * d.x, b->dv[i] += s->weight[k] * d.y; \
        }                                                                               \
        break;

/// Fills in the block whose first pixel is (column, row): everything but the colours.
HL_INLINE void block_geometry(const scene *s, int defect, int column, int row, int size, int slopes, block *b) {
    const float pixel = 2 / (float)size;
    FOR_LANES {
        float X = ((float)(column + i) + 0.5f) * pixel - 1, Y = ((float)row + 0.5f) * pixel - 1;
        float x = X - s->centre[0], y = Y - s->centre[1];
        b->X[i] = X, b->Y[i] = Y;
        b->u[i] = s->to_local[0] * x + s->to_local[1] * y;
        b->v[i] = s->to_local[2] * x + s->to_local[3] * y;
        b->d[i] = b->du[i] = b->dv[i] = 0;
        b->gap_share[i] = 1, b->gap_width[i] = b->gap_turn[i] = 0;
        for (int c = 0; c < 3; c++) b->noise[c][i] = b->noise_slope[c][i] = 0;
    }
    for (int k = 0; k < CLASSES; k++) {
        if (s->weight[k] == 0) continue;
        switch (k) {
            SILHOUETTE(0, disc)
            SILHOUETTE(1, square)
            SILHOUETTE(2, triangle)
            SILHOUETTE(3, star)
            SILHOUETTE(4, cross)
            SILHOUETTE(5, ring)
            SILHOUETTE(6, crescent)
            SILHOUETTE(7, heart)
            SILHOUETTE(8, corner)
            SILHOUETTE(9, bar)
        }
    }
    FOR_LANES {
        float p = s->ripple_frequency * b->u[i] + s->ripple_phase[0];
        float q = s->ripple_frequency * b->v[i] + s->ripple_phase[1];
        float sin_p = sine(p), sin_q = sine(q);
        b->d[i] += s->ripple * sin_p * sin_q - s->roundness;
        if (slopes) {
            b->du[i] += s->ripple * s->ripple_frequency * cosine(p) * sin_q;
            b->dv[i] += s->ripple * s->ripple_frequency * sin_p * cosine(q);
        }
    }
    if (defect == HL_SHAPES_BROKEN) {
        for (int j = 0; j < 3; j++) {  // three strips outwards from near the centre, at uneven angles
            float angle = s->gap_angle + (float)(j * (21 + j)) * (PI / 30), cos_a = cosine(angle), sin_a = sine(angle);
            FOR_LANES {
                dual u = {b->u[i], 1, 0}, v = {b->v[i], 0, 1};
                dual along = linear(u, cos_a, v, sin_a, -0.12f), across = absolute(linear(v, cos_a, u, -sin_a, 0));
                dual side = linear(across, -1, across, 0, s->gap), cut = lesser(side, along);
                int cuts = cut.value > b->d[i];
                b->d[i] = cuts ? cut.value : b->d[i];
                b->du[i] = cuts ? cut.x : b->du[i];
                b->dv[i] = cuts ? cut.y : b->dv[i];
                b->gap_share[i] = cuts ? 0 : b->gap_share[i];
                b->gap_width[i] = cuts ? (side.value < along.value ? 1.0f : 0.0f) : b->gap_width[i];
                b->gap_turn[i] = cuts ? b->v[i] * cut.x - b->u[i] * cut.y : b->gap_turn[i];
            }
        }
    }
    if (defect == HL_SHAPES_NOISE) {
        for (int c = 0; c < 3; c++) {
            // A hash of the pixel's place says where in its swing each grain is: Wellons' lowbias32,
            // https://nullprogram.com/blog/2018/07/31/
            FOR_LANES {
                unsigned h = ((unsigned)row * HL_SHAPES_MAX_SIZE + (unsigned)(column + i)) * 4 + (unsigned)c + 1;
                h = (h ^ (h >> 16)) * 0x7feb352du;
                h = (h ^ (h >> 15)) * 0x846ca68bu;
                float turns = (float)(int)((h ^ (h >> 16)) >> 8) * 0x1p-24f + s->noise_phase * (0.5f / PI);
                b->noise[c][i] = sin_turns(turns);
                b->noise_slope[c][i] = sin_turns(turns + 0.25f);
            }
        }
    }
}

/// What the colours of one pixel are made of.
typedef struct {
    float x, y;                                // position relative to the object's centre
    float rise, p1, p2, p3, p4, sum, pattern;  // background: gradient, stripes across and along, blobs, their warp
    float q1, q2, texture, relief;             // object: weave across and along, light
    float depth, cover, inner, near, shade;    // signed distance, coverage by object and fill, shadow
    float glow;
    float ground[3], fill[3], face[3];  // centred colours: background, fill, fill with stroke
    float lit_ground[3], lit_face[3], mixed[3], final[3];
} pixel;

static const float blob_frequency = 3.1f, blob_warp = 1.6f, shadow_reach = 0.3f;

HL_INLINE pixel shade(const scene *s, const block *b, int i) {
    pixel p;
    float X = b->X[i], Y = b->Y[i], u = b->u[i], v = b->v[i];
    p.x = X - s->centre[0], p.y = Y - s->centre[1];

    p.rise = s->slope[0] * X + s->slope[1] * Y;
    p.p1 = s->stripe[0] * X + s->stripe[1] * Y + s->phase[0];
    p.p2 = s->stripe[0] * Y - s->stripe[1] * X + s->phase[1];
    p.p4 = blob_frequency * Y + s->phase[0];
    p.p3 = blob_frequency * X + s->phase[1] + blob_warp * sine(p.p4);
    p.sum = s->mix[0] * sine(p.p1) + s->mix[1] * sine(p.p1) * sine(p.p2) + s->mix[2] * sine(p.p3);
    p.pattern = saturate(p.sum);

    p.q1 = s->weave[0] * u + s->weave[1] * v + s->weave_phase[0];
    p.q2 = s->weave[0] * v - s->weave[1] * u + s->weave_phase[1];
    p.texture = s->weave_mix[0] * sine(p.q1) + s->weave_mix[1] * sine(p.q1) * sine(p.q2);
    p.relief = s->light[0] * p.x + s->light[1] * p.y;

    p.depth = b->d[i] * s->radius;
    p.cover = smooth_step(0.5f - p.depth * s->sharpness);
    p.inner = smooth_step(0.5f - (p.depth + s->stroke) * s->sharpness);
    p.near = clamp01(1 - p.depth / shadow_reach);
    p.shade = p.near * p.near * (s->shadow - p.relief);
    p.glow = 1 + s->glow[0] * X + s->glow[1] * Y - s->vignette * (X * X + Y * Y);

    for (int c = 0; c < 3; c++) {
        p.ground[c] = s->colour[BASE][c] + s->colour[SLOPE][c] * p.rise + s->colour[PATTERN][c] * p.pattern;
        p.fill[c] = s->colour[FILL][c] + s->colour[FILL_SLOPE][c] * v + s->colour[TEXTURE][c] * p.texture;
        p.face[c] = s->colour[STROKE][c] + (p.fill[c] - s->colour[STROKE][c]) * p.inner;
        p.lit_ground[c] = (0.5f + p.ground[c]) * (1 - p.shade);
        p.lit_face[c] = (0.5f + p.face[c]) * (1 + p.relief);
        p.mixed[c] = p.lit_ground[c] + (p.lit_face[c] - p.lit_ground[c]) * p.cover;
        p.final[c] = 2 * p.mixed[c] * p.glow - 1 + s->noise * b->noise[c][i];
    }
    return p;
}

/// What becomes of a value of `final`: 0 … 1.
HL_INLINE float brightness(float value) { return 0.5f + 0.5f * saturate(value); }

/// Adds one pixel's share to the gradient of the scene; its gradients in d, u, v and the centre come back in `back`.
typedef struct {
    float d, u, v, x, y;
} place;

HL_INLINE place shade_reverse(const scene *s, const block *b, int i, const float gimage[3], scene_lanes *g) {
    pixel p = shade(s, b, i);
    float X = b->X[i], Y = b->Y[i], u = b->u[i], v = b->v[i];
    place back = {0, 0, 0, 0, 0};

    float gglow = 0, gcover = 0, grelief = 0, gshade = 0, ginner = 0, grise = 0, gpattern = 0, gtexture = 0;
    for (int c = 0; c < 3; c++) {
        float gfinal = 0.5f * gimage[c] * saturate_slope(p.final[c]);
        g->noise[i] += gfinal * b->noise[c][i];
        g->noise_phase[i] += gfinal * s->noise * b->noise_slope[c][i];
        gglow += 2 * p.mixed[c] * gfinal;
        float gmixed = 2 * p.glow * gfinal;
        gcover += gmixed * (p.lit_face[c] - p.lit_ground[c]);

        float glit_face = gmixed * p.cover, glit_ground = gmixed * (1 - p.cover);
        grelief += glit_face * (0.5f + p.face[c]);
        gshade -= glit_ground * (0.5f + p.ground[c]);

        float gface = glit_face * (1 + p.relief), gfill = gface * p.inner;
        ginner += gface * (p.fill[c] - s->colour[STROKE][c]);
        g->colour[STROKE][c][i] += gface - gfill;
        g->colour[FILL][c][i] += gfill;
        g->colour[FILL_SLOPE][c][i] += gfill * v;
        g->colour[TEXTURE][c][i] += gfill * p.texture;
        back.v += gfill * s->colour[FILL_SLOPE][c];
        gtexture += gfill * s->colour[TEXTURE][c];

        float gground = glit_ground * (1 - p.shade);
        g->colour[BASE][c][i] += gground;
        g->colour[SLOPE][c][i] += gground * p.rise;
        g->colour[PATTERN][c][i] += gground * p.pattern;
        grise += gground * s->colour[SLOPE][c];
        gpattern += gground * s->colour[PATTERN][c];
    }
    g->glow[0][i] += gglow * X;
    g->glow[1][i] += gglow * Y;
    g->vignette[i] -= gglow * (X * X + Y * Y);

    float gnear = gshade * 2 * p.near * (s->shadow - p.relief);
    g->shadow[i] += gshade * p.near * p.near;
    grelief -= gshade * p.near * p.near;
    float gouter_edge = gcover * smooth_step_slope(0.5f - p.depth * s->sharpness);
    float ginner_edge = ginner * smooth_step_slope(0.5f - (p.depth + s->stroke) * s->sharpness);
    float gdepth = -s->sharpness * (gouter_edge + ginner_edge);
    gdepth -= p.near > 0 && p.near < 1 ? gnear / shadow_reach : 0;
    g->stroke[i] -= s->sharpness * ginner_edge;
    g->sharpness[i] -= p.depth * gouter_edge + (p.depth + s->stroke) * ginner_edge;
    g->radius[i] += gdepth * b->d[i];
    back.d = gdepth * s->radius;

    g->light[0][i] += grelief * p.x;
    g->light[1][i] += grelief * p.y;
    back.x = grelief * s->light[0];
    back.y = grelief * s->light[1];

    float sin_q1 = sine(p.q1), sin_q2 = sine(p.q2);
    g->weave_mix[0][i] += gtexture * sin_q1;
    g->weave_mix[1][i] += gtexture * sin_q1 * sin_q2;
    float gq1 = gtexture * (s->weave_mix[0] + s->weave_mix[1] * sin_q2) * cosine(p.q1);
    float gq2 = gtexture * s->weave_mix[1] * sin_q1 * cosine(p.q2);
    g->weave_phase[0][i] += gq1;
    g->weave_phase[1][i] += gq2;
    g->weave[0][i] += gq1 * u + gq2 * v;
    g->weave[1][i] += gq1 * v - gq2 * u;
    back.u = gq1 * s->weave[0] - gq2 * s->weave[1];
    back.v += gq1 * s->weave[1] + gq2 * s->weave[0];

    float gsum = gpattern * saturate_slope(p.sum), sin_p1 = sine(p.p1), sin_p2 = sine(p.p2);
    g->mix[0][i] += gsum * sin_p1;
    g->mix[1][i] += gsum * sin_p1 * sin_p2;
    g->mix[2][i] += gsum * sine(p.p3);
    float gp1 = gsum * (s->mix[0] + s->mix[1] * sin_p2) * cosine(p.p1), gp2 = gsum * s->mix[1] * sin_p1 * cosine(p.p2);
    float gp3 = gsum * s->mix[2] * cosine(p.p3), gp4 = gp3 * blob_warp * cosine(p.p4);
    g->phase[0][i] += gp1 + gp4;
    g->phase[1][i] += gp2 + gp3;
    g->stripe[0][i] += gp1 * X + gp2 * Y;
    g->stripe[1][i] += gp1 * Y - gp2 * X;
    g->slope[0][i] += grise * X;
    g->slope[1][i] += grise * Y;
    return back;
}

/// The reverse of block_geometry.
HL_INLINE void block_geometry_reverse(const scene *s, const block *b, place back, int i, lanes gshape, scene_lanes *g) {
    g->gap[i] += back.d * b->gap_width[i];
    g->gap_angle[i] += back.d * b->gap_turn[i];
    back.u += back.d * b->du[i];
    back.v += back.d * b->dv[i];
    back.d *= b->gap_share[i];
    gshape[i] = back.d;

    float p = s->ripple_frequency * b->u[i] + s->ripple_phase[0];
    float q = s->ripple_frequency * b->v[i] + s->ripple_phase[1];
    float gp = back.d * s->ripple * cosine(p) * sine(q), gq = back.d * s->ripple * sine(p) * cosine(q);
    g->roundness[i] -= back.d;
    g->ripple[i] += back.d * sine(p) * sine(q);
    g->ripple_phase[0][i] += gp;
    g->ripple_phase[1][i] += gq;
    g->ripple_frequency[i] += gp * b->u[i] + gq * b->v[i];

    float x = b->X[i] - s->centre[0], y = b->Y[i] - s->centre[1];
    g->to_local[0][i] += back.u * x;
    g->to_local[1][i] += back.u * y;
    g->to_local[2][i] += back.v * x;
    g->to_local[3][i] += back.v * y;
    g->centre[0][i] -= back.x + back.u * s->to_local[0] + back.v * s->to_local[2];
    g->centre[1][i] -= back.y + back.u * s->to_local[1] + back.v * s->to_local[3];
}
