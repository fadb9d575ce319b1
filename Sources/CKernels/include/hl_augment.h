// The augmentation T_x of a batch of images.
#pragma once
#include <stdbool.h>
#include <stdint.h>

/// What T_x does to one image. The steps run in the order of the fields.
typedef struct {
    /// The crop box in pixels; it lies within the image and is resized to the output's side.
    int32_t top, left, height, width;
    bool flip;
    /// Whether the four colour operations below run.
    bool colour;
    bool grey;
    /// The order of the colour operations, a permutation of 0 brightness, 1 contrast, 2 saturation, 3 hue.
    uint8_t order[4];
    /// Factors of the colour operations, 0 or more. A factor of 1 leaves its operation out.
    float brightness, contrast, saturation;
    /// Shift of the hue in turns, -0.5 to 0.5; 0 leaves the operation out.
    float hue;
    /// Standard deviation in pixels and radius of the Gaussian kernel (2 * radius + 1 taps, radius below the output's
    /// side); radius 0 leaves the blur out.
    float blur_sigma;
    int32_t blur_radius;
} hl_augment_parameters;

/// Crop, resize, flip, colour jitter, grey, blur and normalise images `first` ..< `last` of a batch.
///
/// images: [B, 3, height, width] planar RGB, u8 0 to 255 where `is_u8`, else f32 0 to 1. p: [B].
/// out: [B, 3, out_size, out_size] f32, (value - mean) / std.
/// Both pointers are those of the whole batch, so that callers can split its images over threads; the result of an
/// image depends on nothing but that image and its parameters. Returns 0, or -1 when there is no memory.
///
/// Semantics are those of torchvision.transforms.v2.functional on f32 tensors
/// (https://docs.pytorch.org/vision/stable/transforms.html; resized_crop, hflip, adjust_brightness, adjust_contrast,
/// adjust_saturation, adjust_hue, rgb_to_grayscale, gaussian_blur, normalize), in the arrangement of SimCLR (appendix
/// A,
/// https://arxiv.org/abs/2002.05709): bilinear resize with
/// align_corners=False and without antialiasing, edges clamped to the crop box; colour operations clamp to 0 to 1;
/// contrast blends with the mean luma of the cropped image; luma is 0.2989 R + 0.587 G + 0.114 B.
int hl_augment(const void *images, int is_u8, int height, int width, int first, int last,
               const hl_augment_parameters *p, const float mean[3], const float std[3], int out_size, float *out);
