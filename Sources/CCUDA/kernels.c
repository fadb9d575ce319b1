#include "hl_cuda_kernels.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

hl_kernel_description hl_kernel_described(hl_kernel kernel) {
    static const hl_kernel_description all[] = {
#define DESCRIBE(file, name, waits) {#name, hl_kernel_file_##file, sizeof(hl_cuda_##name), waits},
        HL_CUDA_KERNELS(DESCRIBE)
#undef DESCRIBE
    };
    return all[kernel];
}

const char *hl_kernel_file_name(hl_kernel_file file) {
    static const char *const all[] = {
#define NAME(file) #file,
        HL_CUDA_FILES(NAME)
#undef NAME
    };
    return all[file];
}

// MARK: Texts

// A file of kernels or what it includes, as it was when this was compiled.
typedef struct {
    const char *name, *at, *end;
} embedded;

#ifdef __has_embed
#pragma clang diagnostic ignored "-Wc23-extensions"
static const char types_h[] = {
#embed "include/kernels/types.h"
};
static const char memory_h[] = {
#embed "include/kernels/memory.h"
};
static const char rows_h[] = {
#embed "include/kernels/rows.h"
};
static const char elementwise_h[] = {
#embed "include/kernels/elementwise.h"
};
static const char modulation_h[] = {
#embed "include/kernels/modulation.h"
};
static const char sides_h[] = {
#embed "include/kernels/sides.h"
};
static const char norms_h[] = {
#embed "include/kernels/norms.h"
};
static const char pooling_h[] = {
#embed "include/kernels/pooling.h"
};
static const char losses_h[] = {
#embed "include/kernels/losses.h"
};
static const char windows_h[] = {
#embed "include/kernels/windows.h"
};
static const char weights_h[] = {
#embed "include/kernels/weights.h"
};
static const char pixels_h[] = {
#embed "include/kernels/pixels.h"
};
static const char augmentation_h[] = {
#embed "include/kernels/augmentation.h"
};
static const char random_h[] = {
#embed "include/kernels/random.h"
};
static const char optimisers_h[] = {
#embed "include/kernels/optimisers.h"
};
static const char shapes_h[] = {
#embed "include/kernels/shapes.h"
};
// What cards draw as the processor does.
static const char hl_shapes_model_h[] = {
#embed "../CKernels/include/hl_shapes_model.h"
};
static const char shapes_silhouettes_h[] = {
#embed "../CKernels/shapes_silhouettes.h"
};
static const char shapes_scene_h[] = {
#embed "../CKernels/shapes_scene.h"
};
static const char shapes_block_h[] = {
#embed "../CKernels/shapes_block.h"
};
static const char device_cuh[] = {
#embed "kernels/device.cuh"
};
static const char values_cuh[] = {
#embed "kernels/values.cuh"
};
static const char sums_cuh[] = {
#embed "kernels/sums.cuh"
};
static const char vectors_cuh[] = {
#embed "kernels/vectors.cuh"
};
static const char pooled_cuh[] = {
#embed "kernels/pooled.cuh"
};
static const char norm_tiles_cuh[] = {
#embed "kernels/norm_tiles.cuh"
};
static const char memory_cu[] = {
#embed "kernels/memory.cu"
};
static const char rows_cu[] = {
#embed "kernels/rows.cu"
};
static const char elementwise_cu[] = {
#embed "kernels/elementwise.cu"
};
static const char modulation_cu[] = {
#embed "kernels/modulation.cu"
};
static const char sides_cu[] = {
#embed "kernels/sides.cu"
};
static const char norms_cu[] = {
#embed "kernels/norms.cu"
};
static const char norm_gradients_cu[] = {
#embed "kernels/norm_gradients.cu"
};
static const char pooling_cu[] = {
#embed "kernels/pooling.cu"
};
static const char losses_cu[] = {
#embed "kernels/losses.cu"
};
static const char windows_cu[] = {
#embed "kernels/windows.cu"
};
static const char weights_cu[] = {
#embed "kernels/weights.cu"
};
static const char pixels_cu[] = {
#embed "kernels/pixels.cu"
};
static const char augmentation_cu[] = {
#embed "kernels/augmentation.cu"
};
static const char random_cu[] = {
#embed "kernels/random.cu"
};
static const char optimisers_cu[] = {
#embed "kernels/optimisers.cu"
};
static const char shapes_cu[] = {
#embed "kernels/shapes.cu"
};
#define END(name) name + sizeof name
#else
// Before version 19 clang has no #embed, but its assembler takes files in. It looks for them from the folders of -I, of
// which `include` is one. Nothing is compiled anew when only such a file changes.
#define END(name) name##_end
#define TAKE_IN(name, path)                                                                         \
    extern const char name[] __asm__("hl_text_" #name), name##_end[] __asm__("hl_text_end_" #name); \
    __asm__(".pushsection .rodata\nhl_text_" #name ":\n.incbin \"" path "\"\nhl_text_end_" #name ":\n.popsection");
TAKE_IN(types_h, "kernels/types.h")
TAKE_IN(memory_h, "kernels/memory.h")
TAKE_IN(rows_h, "kernels/rows.h")
TAKE_IN(elementwise_h, "kernels/elementwise.h")
TAKE_IN(modulation_h, "kernels/modulation.h")
TAKE_IN(sides_h, "kernels/sides.h")
TAKE_IN(norms_h, "kernels/norms.h")
TAKE_IN(pooling_h, "kernels/pooling.h")
TAKE_IN(losses_h, "kernels/losses.h")
TAKE_IN(windows_h, "kernels/windows.h")
TAKE_IN(weights_h, "kernels/weights.h")
TAKE_IN(pixels_h, "kernels/pixels.h")
TAKE_IN(augmentation_h, "kernels/augmentation.h")
TAKE_IN(random_h, "kernels/random.h")
TAKE_IN(optimisers_h, "kernels/optimisers.h")
TAKE_IN(shapes_h, "kernels/shapes.h")
TAKE_IN(hl_shapes_model_h, "../../CKernels/include/hl_shapes_model.h")
TAKE_IN(shapes_silhouettes_h, "../../CKernels/shapes_silhouettes.h")
TAKE_IN(shapes_scene_h, "../../CKernels/shapes_scene.h")
TAKE_IN(shapes_block_h, "../../CKernels/shapes_block.h")
TAKE_IN(device_cuh, "../kernels/device.cuh")
TAKE_IN(values_cuh, "../kernels/values.cuh")
TAKE_IN(sums_cuh, "../kernels/sums.cuh")
TAKE_IN(vectors_cuh, "../kernels/vectors.cuh")
TAKE_IN(pooled_cuh, "../kernels/pooled.cuh")
TAKE_IN(norm_tiles_cuh, "../kernels/norm_tiles.cuh")
TAKE_IN(memory_cu, "../kernels/memory.cu")
TAKE_IN(rows_cu, "../kernels/rows.cu")
TAKE_IN(elementwise_cu, "../kernels/elementwise.cu")
TAKE_IN(modulation_cu, "../kernels/modulation.cu")
TAKE_IN(sides_cu, "../kernels/sides.cu")
TAKE_IN(norms_cu, "../kernels/norms.cu")
TAKE_IN(norm_gradients_cu, "../kernels/norm_gradients.cu")
TAKE_IN(pooling_cu, "../kernels/pooling.cu")
TAKE_IN(losses_cu, "../kernels/losses.cu")
TAKE_IN(windows_cu, "../kernels/windows.cu")
TAKE_IN(weights_cu, "../kernels/weights.cu")
TAKE_IN(pixels_cu, "../kernels/pixels.cu")
TAKE_IN(augmentation_cu, "../kernels/augmentation.cu")
TAKE_IN(random_cu, "../kernels/random.cu")
TAKE_IN(optimisers_cu, "../kernels/optimisers.cu")
TAKE_IN(shapes_cu, "../kernels/shapes.cu")
#endif

static const embedded texts[] = {
    {"types.h", types_h, END(types_h)},
    {"memory.h", memory_h, END(memory_h)},
    {"rows.h", rows_h, END(rows_h)},
    {"elementwise.h", elementwise_h, END(elementwise_h)},
    {"modulation.h", modulation_h, END(modulation_h)},
    {"sides.h", sides_h, END(sides_h)},
    {"norms.h", norms_h, END(norms_h)},
    {"pooling.h", pooling_h, END(pooling_h)},
    {"losses.h", losses_h, END(losses_h)},
    {"windows.h", windows_h, END(windows_h)},
    {"weights.h", weights_h, END(weights_h)},
    {"pixels.h", pixels_h, END(pixels_h)},
    {"augmentation.h", augmentation_h, END(augmentation_h)},
    {"random.h", random_h, END(random_h)},
    {"optimisers.h", optimisers_h, END(optimisers_h)},
    {"shapes.h", shapes_h, END(shapes_h)},
    {"hl_shapes_model.h", hl_shapes_model_h, END(hl_shapes_model_h)},
    {"shapes_silhouettes.h", shapes_silhouettes_h, END(shapes_silhouettes_h)},
    {"shapes_scene.h", shapes_scene_h, END(shapes_scene_h)},
    {"shapes_block.h", shapes_block_h, END(shapes_block_h)},
    {"device.cuh", device_cuh, END(device_cuh)},
    {"values.cuh", values_cuh, END(values_cuh)},
    {"sums.cuh", sums_cuh, END(sums_cuh)},
    {"vectors.cuh", vectors_cuh, END(vectors_cuh)},
    {"pooled.cuh", pooled_cuh, END(pooled_cuh)},
    {"norm_tiles.cuh", norm_tiles_cuh, END(norm_tiles_cuh)},
    {"memory.cu", memory_cu, END(memory_cu)},
    {"rows.cu", rows_cu, END(rows_cu)},
    {"elementwise.cu", elementwise_cu, END(elementwise_cu)},
    {"modulation.cu", modulation_cu, END(modulation_cu)},
    {"sides.cu", sides_cu, END(sides_cu)},
    {"norms.cu", norms_cu, END(norms_cu)},
    {"norm_gradients.cu", norm_gradients_cu, END(norm_gradients_cu)},
    {"pooling.cu", pooling_cu, END(pooling_cu)},
    {"losses.cu", losses_cu, END(losses_cu)},
    {"windows.cu", windows_cu, END(windows_cu)},
    {"weights.cu", weights_cu, END(weights_cu)},
    {"pixels.cu", pixels_cu, END(pixels_cu)},
    {"augmentation.cu", augmentation_cu, END(augmentation_cu)},
    {"random.cu", random_cu, END(random_cu)},
    {"optimisers.cu", optimisers_cu, END(optimisers_cu)},
    {"shapes.cu", shapes_cu, END(shapes_cu)},
};
enum { text_count = sizeof texts / sizeof *texts };

// Appends a file, and in the places of its #includes the files that they name, each once. NULL counts.
static size_t append(char *target, size_t place, const char *name, size_t length, int *seen) {
    size_t which = 0;
    while (which < text_count && !(strlen(texts[which].name) == length && !memcmp(texts[which].name, name, length)))
        which++;
    // A file that is included and not kept here is a mistake of the build.
    if (which == text_count) abort();
    if (seen[which]) return place;
    seen[which] = 1;
    const char *const end = texts[which].end;
    for (const char *line = texts[which].at, *next; line < end; line = next) {
        const char *stop = memchr(line, '\n', (size_t)(end - line));
        next = stop ? stop + 1 : end;
        if (next - line > 10 && !memcmp(line, "#include \"", 10)) {
            // What stands behind the last slash.
            const char *first = line + 10, *last = first;
            for (const char *c = first; c < next && *c != '"'; c++) {
                last = c + 1;
                if (*c == '/') first = c + 1;
            }
            place = append(target, place, first, (size_t)(last - first), seen);
        } else if (next - line < 12 || memcmp(line, "#pragma once", 12)) {
            if (target) memcpy(target + place, line, (size_t)(next - line));
            place += (size_t)(next - line);
        }
    }
    return place;
}

const char *hl_kernel_text(hl_kernel_file file, size_t *count) {
    static char *whole[hl_kernel_file_count];
    static size_t counts[hl_kernel_file_count];
    static pthread_mutex_t making = PTHREAD_MUTEX_INITIALIZER;
    pthread_mutex_lock(&making);
    if (!whole[file]) {
        char name[64];
        const size_t length = (size_t)snprintf(name, sizeof name, "%s.cu", hl_kernel_file_name(file));
        int seen[text_count] = {0}, again[text_count] = {0};
        const size_t size = append(NULL, 0, name, length, seen);
        char *text = malloc(size + 1);
        if (text) {
            append(text, 0, name, length, again);
            text[size] = 0;
        }
        counts[file] = text ? size : 0;
        whole[file] = text;
    }
    pthread_mutex_unlock(&making);
    if (count) *count = counts[file];
    return whole[file];
}
