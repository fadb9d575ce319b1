#pragma once

/// The built-in generator `shapes`: one of ten silhouettes in front of a patterned background, differentiable in z.
///
/// z is [count][6][20]. Every chunk goes through 18 fixed orthonormal directions of R^20 (no entry of which is zero);
/// anchors are standard normal, truncated or not. What a chunk decides:
///   0  the class: ten scores <a_k, z_0> with orthonormal a_k; the largest is the label
///   1  pose: translation, rotation, scale
///   2  shape detail: corner roundness, wavy outline, inner stroke, stretch
///   3  background: base colours, gradient, stripes, checks and blobs
///   4  palette: fill (always brighter than the ground), stroke, texture colour, hue and contrast of everything
///   5  texture and light: fill texture, light, shadow, vignette
///
/// Defects. Direction 17 of chunks 5, 1 and 2 scores noise, blur and broken outline. The largest of the three scores,
/// if above a fixed threshold, makes the sample defective: about 20 % of anchors truncated at 2 sigma. How strong the
/// defect is (never weak) and where its gaps or grains lie are smooth in z.
///
/// The scene does not depend on the size of the image, 16 … 512.

enum {
    HL_SHAPES_CHUNKS = 6,
    HL_SHAPES_CHUNK_SIZE = 20,
    HL_SHAPES_CLASSES = 10,
    HL_SHAPES_MIN_SIZE = 16,
    HL_SHAPES_MAX_SIZE = 512,
};

enum { HL_SHAPES_SOUND, HL_SHAPES_NOISE, HL_SHAPES_BLUR, HL_SHAPES_BROKEN };
