#include "hl_cuda_kernels.h"

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

// A part of a text, as the compiler of this file found it.
typedef struct {
    const char *at, *end;
} part;

#ifdef __has_embed
#pragma clang diagnostic ignored "-Wc23-extensions"
#define PART(name) {name, name + sizeof name}
static const char types[] = {
#embed "include/kernels/types.h"
};
static const char device[] = {
#embed "kernels/device.cuh"
};
static const char memory_arguments[] = {
#embed "include/kernels/memory.h"
};
static const char memory_kernels[] = {
#embed "kernels/memory.cu"
};
static const char rows_arguments[] = {
#embed "include/kernels/rows.h"
};
static const char rows_kernels[] = {
#embed "kernels/rows.cu"
};
static const char elementwise_arguments[] = {
#embed "include/kernels/elementwise.h"
};
static const char elementwise_kernels[] = {
#embed "kernels/elementwise.cu"
};
static const char modulation_arguments[] = {
#embed "include/kernels/modulation.h"
};
static const char modulation_kernels[] = {
#embed "kernels/modulation.cu"
};
static const char sides_arguments[] = {
#embed "include/kernels/sides.h"
};
static const char sides_kernels[] = {
#embed "kernels/sides.cu"
};
static const char norms_arguments[] = {
#embed "include/kernels/norms.h"
};
static const char norms_kernels[] = {
#embed "kernels/norms.cu"
};
static const char pooling_arguments[] = {
#embed "include/kernels/pooling.h"
};
static const char pooling_kernels[] = {
#embed "kernels/pooling.cu"
};
static const char losses_arguments[] = {
#embed "include/kernels/losses.h"
};
static const char losses_kernels[] = {
#embed "kernels/losses.cu"
};
static const char windows_arguments[] = {
#embed "include/kernels/windows.h"
};
static const char windows_kernels[] = {
#embed "kernels/windows.cu"
};
static const char pixels_arguments[] = {
#embed "include/kernels/pixels.h"
};
static const char pixels_kernels[] = {
#embed "kernels/pixels.cu"
};
static const char augmentation_arguments[] = {
#embed "include/kernels/augmentation.h"
};
static const char augmentation_kernels[] = {
#embed "kernels/augmentation.cu"
};
static const char random_arguments[] = {
#embed "include/kernels/random.h"
};
static const char random_kernels[] = {
#embed "kernels/random.cu"
};
static const char optimisers_arguments[] = {
#embed "include/kernels/optimisers.h"
};
static const char optimisers_kernels[] = {
#embed "kernels/optimisers.cu"
};
#else
// Before version 19 clang has no #embed, but its assembler takes files in. It looks for them from the folders of -I, of
// which `include` is one. Nothing is compiled anew when only such a file changes.
#define PART(name) {name, name##_end}
#define TAKE_IN(name, path)                                                                         \
    extern const char name[] __asm__("hl_text_" #name), name##_end[] __asm__("hl_text_end_" #name); \
    __asm__(".pushsection .rodata\nhl_text_" #name ":\n.incbin \"" path "\"\nhl_text_end_" #name ":\n.popsection");
#define TAKE_IN_FILE(file)                           \
    TAKE_IN(file##_arguments, "kernels/" #file ".h") \
    TAKE_IN(file##_kernels, "../kernels/" #file ".cu")
TAKE_IN(types, "kernels/types.h")
TAKE_IN(device, "../kernels/device.cuh")
HL_CUDA_FILES(TAKE_IN_FILE)
#endif

const char *hl_kernel_text(hl_kernel_file file, size_t *count) {
    static const part arguments[] = {
#define ARGUMENTS(file) PART(file##_arguments),
        HL_CUDA_FILES(ARGUMENTS)
#undef ARGUMENTS
    };
    static const part kernels[] = {
#define KERNELS(file) PART(file##_kernels),
        HL_CUDA_FILES(KERNELS)
#undef KERNELS
    };
    static char *texts[hl_kernel_file_count];
    static size_t counts[hl_kernel_file_count];
    if (!texts[file]) {
        const part parts[] = {
            PART(types),
            arguments[file],
            PART(device),
            kernels[file],
        };
        size_t size = 1, place = 0;
        for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) size += (size_t)(parts[i].end - parts[i].at);
        char *text = malloc(size);
        if (!text) return NULL;
        for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
            const size_t length = (size_t)(parts[i].end - parts[i].at);
            memcpy(text + place, parts[i].at, length);
            place += length;
        }
        text[place] = 0;
        // An #include of what stands above it already, and #pragma once, mean nothing in one text.
        for (char *line = text; (line = strstr(line, "#include \"types.h\"")) != NULL;) memcpy(line, "//", 2);
        for (char *line = text; (line = strstr(line, "#pragma once")) != NULL;) memcpy(line, "//", 2);
        texts[file] = text;
        counts[file] = place;
    }
    if (count) *count = counts[file];
    return texts[file];
}
