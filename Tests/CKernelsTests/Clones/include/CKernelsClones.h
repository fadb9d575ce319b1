// The clones of every kernel that HL_CLONES makes (see Sources/CKernels/clones.h), one by one: hl_add_avx2 and
// hl_add_baseline beside hl_add, for which the loader picks the best of all. Elsewhere a kernel is its own clone.
#pragma once
#include "CKernels.h"

#if defined(__x86_64__) && defined(__linux__)
#define HL_CLONES_OF(kernel)                                            \
    extern __typeof__(kernel) kernel##_avx2 __asm__(#kernel ".avx2.1"); \
    extern __typeof__(kernel) kernel##_baseline __asm__(#kernel ".default.2");
#elif defined(__APPLE__)
#define HL_CLONES_OF(kernel)                                      \
    extern __typeof__(kernel) kernel##_avx2 __asm__("_" #kernel); \
    extern __typeof__(kernel) kernel##_baseline __asm__("_" #kernel);
#else
#define HL_CLONES_OF(kernel)                                  \
    extern __typeof__(kernel) kernel##_avx2 __asm__(#kernel); \
    extern __typeof__(kernel) kernel##_baseline __asm__(#kernel);
#endif

HL_CLONES_OF(hl_batch_norm_moments)
HL_CLONES_OF(hl_batch_norm_apply)
HL_CLONES_OF(hl_batch_norm_backward_sums)
HL_CLONES_OF(hl_batch_norm_backward_apply)
HL_CLONES_OF(hl_combine_kernels)
HL_CLONES_OF(hl_row_distances)
HL_CLONES_OF(hl_near_pairs)
HL_CLONES_OF(hl_gaussian_sum)
HL_CLONES_OF(hl_cubic_sum)
HL_CLONES_OF(hl_epps_pulley)
HL_CLONES_OF(hl_dot)
HL_CLONES_OF(hl_fill)
HL_CLONES_OF(hl_add)
HL_CLONES_OF(hl_multiply)
HL_CLONES_OF(hl_axpy)
HL_CLONES_OF(hl_scale)
HL_CLONES_OF(hl_inverse_root)
HL_CLONES_OF(hl_relu)
HL_CLONES_OF(hl_relu_backward)
HL_CLONES_OF(hl_narrow)
HL_CLONES_OF(hl_widen_values)
HL_CLONES_OF(hl_add_narrow)
HL_CLONES_OF(hl_scale_narrow)
HL_CLONES_OF(hl_relu_narrow)
HL_CLONES_OF(hl_relu_backward_narrow)
HL_CLONES_OF(hl_filter_rows)
HL_CLONES_OF(hl_to_image)
HL_CLONES_OF(hl_to_image_backward)
HL_CLONES_OF(hl_resample_down)
HL_CLONES_OF(hl_block)
HL_CLONES_OF(hl_unblock)
HL_CLONES_OF(hl_mix_channels)
HL_CLONES_OF(hl_mix_channels_backward)
HL_CLONES_OF(hl_modulate)
HL_CLONES_OF(hl_modulate_backward)
HL_CLONES_OF(hl_sgd)
HL_CLONES_OF(hl_adam)
HL_CLONES_OF(hl_lars_squares)
HL_CLONES_OF(hl_lars)
HL_CLONES_OF(hl_average)
HL_CLONES_OF(hl_round_pixels)
HL_CLONES_OF(hl_resize_rows)
HL_CLONES_OF(hl_max_pool)
HL_CLONES_OF(hl_max_pool_backward)
HL_CLONES_OF(hl_max_pool_sums)
HL_CLONES_OF(hl_average_pool)
HL_CLONES_OF(hl_average_pool_backward)
HL_CLONES_OF(hl_depthwise)
HL_CLONES_OF(hl_depthwise_input_gradient)
HL_CLONES_OF(hl_depthwise_weight_gradient)
HL_CLONES_OF(hl_project_rows)
HL_CLONES_OF(hl_truncated_normal_quantiles)
HL_CLONES_OF(hl_random_words)
HL_CLONES_OF(hl_truncated_normal_ids)
HL_CLONES_OF(hl_truncated_normal)
HL_CLONES_OF(hl_add_row_vector)
HL_CLONES_OF(hl_softmax_rows)
HL_CLONES_OF(hl_softmax_rows_backward)
HL_CLONES_OF(hl_add_upsampled)
HL_CLONES_OF(hl_sum_squares)
HL_CLONES_OF(hl_swap_or_not)
