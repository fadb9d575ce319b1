// The part of `shapes` that is done once per image: z -> features -> scene, and back.

#include "include/hl_shapes_model.h"
#include "shapes_silhouettes.h"

enum { DIRECTIONS = 18 };
enum { CHUNKS = HL_SHAPES_CHUNKS, DIMS = HL_SHAPES_CHUNK_SIZE, CLASSES = HL_SHAPES_CLASSES };

typedef float lanes[LANES];  // one number for each pixel of a block

// ---- Projections ---------------------------------------------------------------------------------------------------

/// sqrt(1/10) cos(2 pi j / 20 + pi / 20). Read at strides of 1 … 9 and in two quadratures, this one table is 18
/// orthonormal vectors without a zero entry.
HL_TABLE float wave[DIMS] = {
    0.31233448f,  0.28176100f,  0.22360680f,  0.14356440f,  0.04946892f,  -0.04946892f, -0.14356440f,
    -0.22360680f, -0.28176100f, -0.31233448f, -0.31233448f, -0.28176100f, -0.22360680f, -0.14356440f,
    -0.04946892f, 0.04946892f,  0.14356440f,  0.22360680f,  0.28176100f,  0.31233448f,
};
HL_INLINE float direction(int j, int i) { return wave[((j / 2 + 1) * i + (j % 2) * 5) % DIMS]; }

HL_INLINE float projection(const float *chunk, int j) {
    float sum = 0;
    for (int i = 0; i < DIMS; i++) sum += direction(j, i) * chunk[i];
    return sum;
}
/// The gradient of entry i of a chunk.
HL_INLINE float projection_reverse(const float gp[DIRECTIONS], int i) {
    float sum = 0;
    for (int j = 0; j < DIRECTIONS; j++) sum += direction(j, i) * gp[j];
    return sum;
}

/// The projections of all chunks, raw and folded into -1 … 1.
typedef struct {
    float raw[CHUNKS][DIRECTIONS], folded[CHUNKS][DIRECTIONS];
    int defect;
    float severity;  // 0 … 1, meaningful where there is a defect
} features;

/// Features are sines of their projections: bounded, and so fast that noise of the size of the anchors' own spread
/// makes them forget the anchor (what is left of a correlation is exp(-gain² var / 2), 0.15 for N^t(0, 1, 2)), while
/// noise of a twentieth of it changes next to nothing.
static const float fold_gain = 2.2f;
static const float defect_threshold = 1.30f;
static const int defect_direction = 17;
HL_TABLE int defect_chunk[4] = {0, 5, 1, 2};

HL_INLINE float folded_of(float raw) { return sine(fold_gain * raw); }
HL_INLINE float folded_slope(float raw) { return fold_gain * cosine(fold_gain * raw); }

/// What the projections say of a defect.
HL_ONCE void find_defect(features *f) {
    float highest = defect_threshold;
    f->defect = HL_SHAPES_SOUND;
    for (int kind = HL_SHAPES_NOISE; kind <= HL_SHAPES_BROKEN; kind++) {
        float score = f->raw[defect_chunk[kind]][defect_direction];
        if (score > highest) {
            highest = score;
            f->defect = kind;
        }
    }
    f->severity = squash(highest - defect_threshold);
}

HL_ONCE int label_of(const float scores[DIRECTIONS]) {
    int label = 0;
    for (int k = 1; k < CLASSES; k++)
        if (scores[k] > scores[label]) label = k;
    return label;
}

// ---- The scene -----------------------------------------------------------------------------------------------------

enum { BASE, SLOPE, PATTERN, FILL, FILL_SLOPE, TEXTURE, STROKE, COLOURS };

/// Positions and lengths are in half images; `to_local` takes a position relative to the centre into the object's own
/// coordinates. Colours are RGB relative to mid grey.
#define SCENE(T)                                                                                                      \
    T weight[CLASSES];                                              /* of each silhouette; sums to 1 */               \
    T centre[2], to_local[4], radius;                               /* pose */                                        \
    T roundness, ripple, ripple_frequency, ripple_phase[2], stroke; /* detail */                                      \
    T gap, gap_angle;                                               /* broken outline: half width, first direction */ \
    T sharpness;                                                    /* 1 / width of an edge */                        \
    T slope[2], stripe[2], phase[2], mix[3];                        /* background */                                  \
    T colour[COLOURS][3];                                                                                             \
    T weave[2], weave_phase[2], weave_mix[2]; /* fill texture */                                                      \
    T light[2], glow[2], vignette, shadow;                                                                            \
    T noise, noise_phase

typedef struct {
    SCENE(float);
} scene;
typedef struct {
    SCENE(lanes);
} scene_lanes;

/// A softmax over the scores with a longer tail, (1 + x/6)^-6 for exp(-x), so that the gradient reaches the scores even
/// far from a boundary. Everything below 3e-5 of the largest is cut to zero (continuously): most of the ten silhouettes
/// then need not be computed.
static const float choice_sharpness = 16, negligible = 3e-5f;

HL_ONCE void choose(const float scores[DIRECTIONS], float weight[CLASSES], float slope[CLASSES]) {
    float highest = scores[label_of(scores)], sum = 0;
    for (int k = 0; k < CLASSES; k++) {
        float t = 1 / (1 + choice_sharpness / 6 * (highest - scores[k])), power = t * t * t * t * t * t;
        weight[k] = maximum(power - negligible, 0);
        slope[k] = weight[k] > 0 ? choice_sharpness * power * t : 0;
        sum += weight[k];
    }
    for (int k = 0; k < CLASSES; k++) weight[k] /= sum, slope[k] /= sum;
}
HL_ONCE void choose_reverse(const float scores[DIRECTIONS], const float gweight[CLASSES], float gscores[DIRECTIONS]) {
    float weight[CLASSES], slope[CLASSES], mean = 0, total = 0;
    choose(scores, weight, slope);
    for (int k = 0; k < CLASSES; k++) mean += weight[k] * gweight[k];
    for (int k = 0; k < CLASSES; k++) {
        gscores[k] = slope[k] * (gweight[k] - mean);
        total += gscores[k];
    }
    gscores[label_of(scores)] -= total;  // the highest score is also what the others are compared with
}

// Colours are made as (lightness, two chromas), a rotation of RGB in which a turn of the hue is easy to say.
HL_TABLE float to_rgb[3][3] = {{0.57735027f, 0.81649658f, 0.0f},
                               {0.57735027f, -0.40824829f, 0.70710678f},
                               {0.57735027f, -0.40824829f, -0.70710678f}};

/// Amplitudes of lightness and chroma of each colour, and where its three features are.
HL_TABLE struct {
    int chunk, first;
    float lightness, chroma;
} palette[COLOURS] = {
    {3, 0, 0.14f, 0.20f},  // BASE
    {3, 3, 0.12f, 0.16f},  // SLOPE
    {3, 6, 0.16f, 0.18f},  // PATTERN
    {4, 0, 0, 0},          // FILL
    {4, 3, 0.18f, 0.20f},  // FILL_SLOPE
    {4, 6, 0.30f, 0.26f},  // TEXTURE
    {4, 9, 0.60f, 0.40f},  // STROKE
};

/// The background is darker than the middle grey and the fill brighter, by this much each, so that figure and ground
/// are told apart by one look at the lightness; where the fill lies around that, chunk 4 chooses.
static const float ground_lightness = -0.26f, fill_lightness = 0.34f, fill_spread = 0.20f, fill_chroma = 0.34f;

HL_ONCE void colours_of(const features *f, float plain[COLOURS][3], float turned[COLOURS][3], float rgb[COLOURS][3]) {
    for (int k = 0; k < COLOURS; k++) {
        const float *b = f->folded[palette[k].chunk] + palette[k].first;
        plain[k][0] = palette[k].lightness * b[0];
        plain[k][1] = palette[k].chroma * b[1];
        plain[k][2] = palette[k].chroma * b[2];
    }
    const float *b = f->folded[4];
    plain[BASE][0] += ground_lightness;
    plain[FILL][0] = fill_lightness + fill_spread * b[0];
    for (int c = 1; c < 3; c++) plain[FILL][c] = fill_chroma * b[c];

    float hue = 0.6f * PI * b[12], contrast = 1 + 0.2f * b[13], chroma = 1 + 0.3f * b[14];
    float cos_hue = cosine(hue), sin_hue = sine(hue);
    for (int k = 0; k < COLOURS; k++) {
        turned[k][0] = contrast * plain[k][0];
        turned[k][1] = chroma * (cos_hue * plain[k][1] - sin_hue * plain[k][2]);
        turned[k][2] = chroma * (sin_hue * plain[k][1] + cos_hue * plain[k][2]);
        for (int c = 0; c < 3; c++)
            rgb[k][c] = to_rgb[c][0] * turned[k][0] + to_rgb[c][1] * turned[k][1] + to_rgb[c][2] * turned[k][2];
    }
}
HL_ONCE void colours_reverse(const features *f, const float grgb[COLOURS][3], float gb[CHUNKS][DIRECTIONS]) {
    float plain[COLOURS][3], turned[COLOURS][3], rgb[COLOURS][3], gplain[COLOURS][3];
    colours_of(f, plain, turned, rgb);
    const float *b = f->folded[4];
    float hue = 0.6f * PI * b[12], contrast = 1 + 0.2f * b[13], chroma = 1 + 0.3f * b[14];
    float cos_hue = cosine(hue), sin_hue = sine(hue);
    float ghue = 0, gcontrast = 0, gchroma = 0;
    for (int k = 0; k < COLOURS; k++) {
        float gt[3];
        for (int c = 0; c < 3; c++)
            gt[c] = to_rgb[0][c] * grgb[k][0] + to_rgb[1][c] * grgb[k][1] + to_rgb[2][c] * grgb[k][2];
        gcontrast += gt[0] * plain[k][0];
        gchroma += (gt[1] * turned[k][1] + gt[2] * turned[k][2]) / chroma;
        ghue += gt[2] * turned[k][1] - gt[1] * turned[k][2];
        gplain[k][0] = contrast * gt[0];
        gplain[k][1] = chroma * (cos_hue * gt[1] + sin_hue * gt[2]);
        gplain[k][2] = chroma * (cos_hue * gt[2] - sin_hue * gt[1]);
    }
    gb[4][12] += 0.6f * PI * ghue;
    gb[4][13] += 0.2f * gcontrast;
    gb[4][14] += 0.3f * gchroma;

    gb[4][0] += fill_spread * gplain[FILL][0];
    for (int c = 1; c < 3; c++) gb[4][c] += fill_chroma * gplain[FILL][c];
    for (int k = 0; k < COLOURS; k++) {
        float *g = gb[palette[k].chunk] + palette[k].first;
        g[0] += palette[k].lightness * gplain[k][0];
        g[1] += palette[k].chroma * gplain[k][1];
        g[2] += palette[k].chroma * gplain[k][2];
    }
}

/// The width of a sound edge is 1.4 pixels; blur makes it wide and takes contrast from pattern and texture.
static const float edge_pixels = 1.4f, blur_width = 0.40f, blur_growth = 0.25f, blur_damping = 0.2f;

HL_ONCE void scene_of(const features *f, int size, int defect, scene *s) {
    const float *pose = f->folded[1], *detail = f->folded[2], *ground = f->folded[3], *light = f->folded[5];
    float unused[CLASSES];
    choose(f->raw[0], s->weight, unused);

    s->centre[0] = 0.22f * pose[0];
    s->centre[1] = 0.22f * pose[1];
    s->radius = 0.62f + 0.12f * pose[3];
    float turn = 0.25f * PI * pose[2], wide = (1 + 0.10f * detail[6]) / s->radius,
          high = (1 - 0.10f * detail[6]) / s->radius;
    s->to_local[0] = wide * cosine(turn);
    s->to_local[1] = wide * sine(turn);
    s->to_local[2] = -high * sine(turn);
    s->to_local[3] = high * cosine(turn);

    s->roundness = 0.04f + 0.04f * detail[0];
    s->ripple = 0.015f + 0.015f * detail[1];
    s->ripple_frequency = 8 + 3 * detail[2];
    s->ripple_phase[0] = PI * detail[3];
    s->ripple_phase[1] = PI * detail[4];
    s->stroke = 0.035f + 0.035f * detail[5];
    s->gap_angle = PI * detail[7];
    s->gap = 0.11f + 0.06f * f->severity;

    s->slope[0] = 0.9f * ground[9];
    s->slope[1] = 0.9f * ground[10];
    float tilt = PI * ground[11], frequency = 8.5f + 4.5f * ground[12];
    s->stripe[0] = frequency * cosine(tilt);
    s->stripe[1] = frequency * sine(tilt);
    for (int j = 0; j < 2; j++) s->phase[j] = PI * ground[13 + j];
    for (int j = 0; j < 3; j++) s->mix[j] = 1.3f * ground[15 + j];
    float plain[COLOURS][3], turned[COLOURS][3];
    colours_of(f, plain, turned, s->colour);

    float grain = 9 + 4 * light[2], weave_tilt = PI * light[3];
    s->weave[0] = grain * cosine(weave_tilt);
    s->weave[1] = grain * sine(weave_tilt);
    for (int j = 0; j < 2; j++) {
        s->weave_mix[j] = 0.9f * light[j];
        s->weave_phase[j] = PI * light[4 + j];
        s->light[j] = 0.8f * light[6 + j];
        s->glow[j] = 0.35f * light[8 + j];
    }
    s->vignette = 0.16f + 0.16f * light[10];
    s->shadow = 0.22f + 0.22f * light[11];
    s->noise = 0.8f + 0.4f * f->severity;
    s->noise_phase = PI * light[12];

    s->sharpness = (float)size / (2 * edge_pixels);
    if (defect == HL_SHAPES_BLUR) {
        s->sharpness = 1 / (blur_width + blur_growth * f->severity);
        for (int j = 0; j < 3; j++) s->mix[j] *= blur_damping;
        for (int j = 0; j < 2; j++) s->weave_mix[j] *= blur_damping;
    }
}

/// `defect` is that of the rendering, as in scene_of. Puts the gradient of the folded projections into `gb`, which
/// holds zeros, and returns that of the severity.
HL_ONCE float scene_reverse(const features *f, int defect, const scene *s, const scene *g,
                            float gb[CHUNKS][DIRECTIONS]) {
    float gseverity = 0;
    const float *pose = f->folded[1], *detail = f->folded[2], *ground = f->folded[3], *light = f->folded[5];
    float *gpose = gb[1], *gdetail = gb[2], *gground = gb[3], *glight = gb[5];

    gpose[0] = 0.22f * g->centre[0];
    gpose[1] = 0.22f * g->centre[1];
    const float *m = s->to_local, *gm = g->to_local;
    float stretch = m[0] * gm[0] + m[1] * gm[1], squeeze = m[2] * gm[2] + m[3] * gm[3];
    float wide = 1 + 0.10f * detail[6], high = 1 - 0.10f * detail[6], turn = 0.25f * PI * pose[2];
    gpose[3] = 0.12f * (g->radius - (stretch + squeeze) / s->radius);
    gpose[2] =
        0.25f * PI / s->radius *
        (wide * (cosine(turn) * gm[1] - sine(turn) * gm[0]) - high * (sine(turn) * gm[3] + cosine(turn) * gm[2]));

    gdetail[0] = 0.04f * g->roundness;
    gdetail[1] = 0.015f * g->ripple;
    gdetail[2] = 3 * g->ripple_frequency;
    gdetail[3] = PI * g->ripple_phase[0];
    gdetail[4] = PI * g->ripple_phase[1];
    gdetail[5] = 0.035f * g->stroke;
    gdetail[6] = 0.10f * (stretch / wide - squeeze / high);
    gdetail[7] = PI * g->gap_angle;
    gseverity += 0.06f * g->gap;

    float damping = defect == HL_SHAPES_BLUR ? blur_damping : 1;
    gground[9] = 0.9f * g->slope[0];
    gground[10] = 0.9f * g->slope[1];
    float frequency = 8.5f + 4.5f * ground[12];
    gground[11] = PI * (s->stripe[0] * g->stripe[1] - s->stripe[1] * g->stripe[0]);
    gground[12] = 4.5f * (s->stripe[0] * g->stripe[0] + s->stripe[1] * g->stripe[1]) / frequency;
    for (int j = 0; j < 2; j++) gground[13 + j] = PI * g->phase[j];
    for (int j = 0; j < 3; j++) gground[15 + j] = 1.3f * damping * g->mix[j];
    colours_reverse(f, g->colour, gb);

    float grain = 9 + 4 * light[2];
    glight[2] = 4 * (s->weave[0] * g->weave[0] + s->weave[1] * g->weave[1]) / grain;
    glight[3] = PI * (s->weave[0] * g->weave[1] - s->weave[1] * g->weave[0]);
    for (int j = 0; j < 2; j++) {
        glight[j] = 0.9f * damping * g->weave_mix[j];
        glight[4 + j] = PI * g->weave_phase[j];
        glight[6 + j] = 0.8f * g->light[j];
        glight[8 + j] = 0.35f * g->glow[j];
    }
    glight[10] = 0.16f * g->vignette;
    glight[11] = 0.22f * g->shadow;
    glight[12] = PI * g->noise_phase;
    gseverity += 0.4f * g->noise;
    if (defect == HL_SHAPES_BLUR) gseverity -= blur_growth * s->sharpness * s->sharpness * g->sharpness;
    return gseverity;
}

/// What of the gradient of the projections does not go through their folding: that of the defect and of the choice
/// among silhouettes.
HL_ONCE void unfolded_reverse(const features *f, int defect, float gseverity, const scene *g,
                              float gp[CHUNKS][DIRECTIONS]) {
    if (defect) {
        int c = defect_chunk[defect];
        gp[c][defect_direction] += squash_slope(f->raw[c][defect_direction] - defect_threshold) * gseverity;
    }
    choose_reverse(f->raw[0], g->weight, gp[0]);
}
