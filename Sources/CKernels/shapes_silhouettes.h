// Elementary functions and the ten silhouettes of `shapes`. Everything is branch-free scalar code, so that a loop over
// pixels which calls it becomes vector code, and free of libm, so that results do not depend on the machine.
//
// This file, shapes_scene.h and shapes_block.h are C and C++ at once: shapes.c includes them, and the kernels of cards,
// whose compiler brings no header. Who includes them has sqrtf, and says first what the languages say differently:
// - HL_INLINE, HL_ONCE: before a function that is called for every pixel, and for every image;
// - HL_TABLE: before constants that are found by an index;
// - LANES, FOR_LANES: pixels of a block, and the loop over them.

#define PI 3.14159265f

HL_INLINE float minimum(float a, float b) { return a < b ? a : b; }
HL_INLINE float maximum(float a, float b) { return a > b ? a : b; }
HL_INLINE float clamp01(float t) { return minimum(maximum(t, 0.0f), 1.0f); }

/// sin(2 pi t), error below 1e-6 while |t| is small. Adding and subtracting 1.5 * 2^23 rounds to the nearest integer.
HL_INLINE float sin_turns(float t) {
    t -= (t + 12582912.0f) - 12582912.0f;
    t = t > 0.25f ? 0.5f - t : t;
    t = t < -0.25f ? -0.5f - t : t;
    float q = t * t;
    return t * (6.28318531f +
                q * (-41.3417022f + q * (81.6052480f + q * (-76.7058590f + q * (42.0586640f - q * 15.09464f)))));
}
HL_INLINE float sine(float x) { return sin_turns(x * 0.159154943f); }
HL_INLINE float cosine(float x) { return sin_turns(x * 0.159154943f + 0.25f); }

/// Odd and bounded by 1, with slope 1 at 0: squashes a normal variable.
HL_INLINE float squash(float x) { return x / sqrtf(1 + x * x); }
HL_INLINE float squash_slope(float x) {
    float c = 1 / sqrtf(1 + x * x);
    return c * c * c;
}

/// A cubic that runs from -1 at -1.5 to 1 at 1.5 and stays there.
HL_INLINE float saturate(float x) {
    x = minimum(maximum(x, -1.5f), 1.5f);
    return x - (4.0f / 27.0f) * x * x * x;
}
HL_INLINE float saturate_slope(float x) {
    x = minimum(maximum(x, -1.5f), 1.5f);
    return 1 - (12.0f / 27.0f) * x * x;
}

HL_INLINE float smooth_step(float t) {
    t = clamp01(t);
    return t * t * (3 - 2 * t);
}
HL_INLINE float smooth_step_slope(float t) {
    t = clamp01(t);
    return 6 * t * (1 - t);
}

// Silhouettes are signed distances (negative inside) in the object's own coordinates, about one unit in radius, most of
// them after Quilez (https://iquilezles.org/articles/distfunctions2d/). They are written in dual numbers: a value and
// its slopes in x and y. Where slopes go unused the compiler drops them.

typedef struct {
    float value, x, y;
} dual;

HL_INLINE dual dual_of(float value, float x, float y) {
    dual d = {value, x, y};
    return d;
}
HL_INLINE dual dual_select(int c, dual a, dual b) {
    return dual_of(c ? a.value : b.value, c ? a.x : b.x, c ? a.y : b.y);
}
HL_INLINE dual constant(float c) { return dual_of(c, 0, 0); }
HL_INLINE dual linear(dual a, float s, dual b, float t, float c) {
    return dual_of(s * a.value + t * b.value + c, s * a.x + t * b.x, s * a.y + t * b.y);
}
HL_INLINE dual plus(dual a, dual b) { return linear(a, 1, b, 1, 0); }
HL_INLINE dual shifted(dual a, float c) { return dual_of(a.value + c, a.x, a.y); }
HL_INLINE dual negative(dual a) { return dual_of(-a.value, -a.x, -a.y); }
HL_INLINE dual absolute(dual a) { return dual_select(a.value < 0, negative(a), a); }
HL_INLINE dual lesser(dual a, dual b) { return dual_select(a.value < b.value, a, b); }
HL_INLINE dual greater(dual a, dual b) { return dual_select(a.value > b.value, a, b); }
HL_INLINE dual length(dual a, dual b) {
    float l = sqrtf(a.value * a.value + b.value * b.value + 1e-12f), s = a.value / l, t = b.value / l;
    return dual_of(l, s * a.x + t * b.x, s * a.y + t * b.y);
}
/// Mirrors (x, y) at the line through 0 with unit normal (nx, ny) if it lies on the normal's side.
HL_INLINE void fold(dual *x, dual *y, float nx, float ny) {
    dual side = greater(linear(*x, nx, *y, ny, 0), constant(0));
    *x = linear(*x, 1, side, -2 * nx, 0);
    *y = linear(*y, 1, side, -2 * ny, 0);
}

HL_INLINE dual box(dual x, dual y, float half_width, float half_height) {
    dual dx = shifted(absolute(x), -half_width), dy = shifted(absolute(y), -half_height), zero = constant(0);
    return plus(length(greater(dx, zero), greater(dy, zero)), lesser(greater(dx, dy), zero));
}

HL_INLINE dual disc(dual x, dual y) { return shifted(length(x, y), -0.80f); }

HL_INLINE dual square(dual x, dual y) { return box(x, y, 0.72f, 0.72f); }

HL_INLINE dual triangle(dual x, dual y) {
    x = absolute(x);
    fold(&x, &y, 0.5f, 0.8660254f);  // now the lower side is the nearest of the three
    dual beyond = greater(shifted(absolute(x), -0.90f), constant(0)), below = shifted(y, 0.5196152f);
    dual d = length(beyond, below);
    return dual_select(below.value < 0, d, negative(d));
}

HL_INLINE dual star(dual x, dual y) {
    const float outer = 1.05f, inner = 0.44f;
    x = absolute(x);
    fold(&x, &y, 0.80901699f, -0.58778525f);
    fold(&x, &y, -0.80901699f, -0.58778525f);
    x = absolute(x);  // now one half of one ray, its tip at (0, outer)
    y = shifted(y, -outer);
    const float ex = inner * 0.58778525f, ey = inner * 0.80901699f - outer, square_length = ex * ex + ey * ey;
    dual t = linear(x, ex / square_length, y, ey / square_length, 0);
    t = lesser(greater(t, constant(0)), constant(1));
    dual d = length(linear(x, 1, t, -ex, 0), linear(y, 1, t, -ey, 0));
    return dual_select(x.value * -ey + y.value * ex > 0, d, negative(d));
}

HL_INLINE dual cross(dual x, dual y) {
    x = absolute(x);
    y = absolute(y);
    return box(greater(x, y), lesser(x, y), 0.92f, 0.27f);
}

HL_INLINE dual ring(dual x, dual y) { return shifted(absolute(shifted(length(x, y), -0.66f)), -0.20f); }

HL_INLINE dual crescent(dual x, dual y) {
    dual bite = shifted(length(shifted(x, -0.42f), y), -0.66f);
    return greater(shifted(length(x, y), -0.90f), negative(bite));
}

/// A square on its tip with half a disc on each of its upper sides.
HL_INLINE dual heart(dual x, dual y) {
    const float h = 0.48f, s = 0.70710678f;
    y = shifted(y, -0.02f);
    x = absolute(x);
    dual along = linear(x, s, y, s, 0), across = linear(x, s, y, -s, 0);
    return lesser(box(along, across, h, h), shifted(length(shifted(along, -h), across), -h));
}

HL_INLINE dual corner(dual x, dual y) {
    return lesser(box(shifted(x, 0.42f), y, 0.27f, 0.85f), box(x, shifted(y, 0.58f), 0.69f, 0.27f));
}

HL_INLINE dual bar(dual x, dual y) { return box(x, y, 0.98f, 0.27f); }
