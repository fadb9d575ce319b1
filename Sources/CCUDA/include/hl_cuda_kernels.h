// Our kernels: their arguments, names and texts.
#pragma once
#include <stddef.h>

#include "kernels/list.h"

#ifdef __cplusplus
extern "C" {
#endif

/// A kernel by number: hl_kernel_fill, hl_kernel_convert, ….
typedef enum {
#define NUMBER(file, name, waits) hl_kernel_##name,
    HL_CUDA_KERNELS(NUMBER)
#undef NUMBER
    /// How many there are.
    hl_kernel_count
} hl_kernel;

/// A file of kernels by number: hl_kernel_file_memory, ….
typedef enum {
#define NUMBER(file) hl_kernel_file_##file,
    HL_CUDA_FILES(NUMBER)
#undef NUMBER
    /// How many there are.
    hl_kernel_file_count
} hl_kernel_file;

/// What is known of a kernel.
typedef struct {
    /// As in the source, without its prefix.
    const char *name;
    /// Where it is written.
    hl_kernel_file file;
    /// Bytes of its arguments.
    size_t arguments;
    /// Whether threads of a block wait for each other in it.
    int waits;
} hl_kernel_description;

/// What is known of a kernel.
hl_kernel_description hl_kernel_described(hl_kernel kernel);

/// The name of a file of kernels.
const char *hl_kernel_file_name(hl_kernel_file file);

/// The text of a file for the compiler, complete in itself, ending with a 0.
const char *hl_kernel_text(hl_kernel_file file, size_t *count);

#ifdef __cplusplus
}
#endif
