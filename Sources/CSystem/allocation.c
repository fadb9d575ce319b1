// malloc and its relatives as glibc has them, but for what happens when they fail.
//
// Swift's runtime traps where an object cannot be allocated, and has no hook for it. These definitions come before
// glibc's in every library that the program loads. free and malloc_usable_size stay glibc's.
#define _GNU_SOURCE
#include "hl_memory.h"
#include "watch.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>

// A sanitizer brings an allocator of its own.
#if defined(__GLIBC__) && !__has_feature(address_sanitizer) && !__has_feature(thread_sanitizer) && \
    !__has_feature(memory_sanitizer)

void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *block, size_t size);
void *__libc_memalign(size_t alignment, size_t size);

enum { STEP = 1 << 20, LARGE = 32 << 20 };

// A block of `size` bytes was asked for; NULL if malloc had none. Where nobody watches, the caller hears of it as ever.
__attribute__((noinline)) static void *judged(void *block, size_t size) {
    // Under a limit the reserve is looked after once per megabyte: reading what is in use takes microseconds.
    static _Thread_local size_t unseen;
    if (hl_watching == HL_UNWATCHED) return block;
    if (block && hl_watching == HL_WATCHED_LIMITED) {
        unseen += size;
        if (unseen < STEP) return block;
        unseen = 0;
    }
    if (block && !hl_memory_is_short() && (size < LARGE || !hl_memory_is_beyond_machine(size))) return block;
    hl_memory_exhausted(size, NULL);
}

static inline void *had(void *block, size_t size) {
    if (__builtin_expect(block && size < LARGE && hl_watching != HL_WATCHED_LIMITED, 1)) return block;
    return judged(block, size);
}

void *malloc(size_t size) { return had(__libc_malloc(size), size); }

void *calloc(size_t count, size_t size) {
    // A product too large for size_t makes glibc refuse.
    size_t bytes;
    if (__builtin_mul_overflow(count, size, &bytes)) bytes = SIZE_MAX;
    return had(__libc_calloc(count, size), bytes);
}

void *realloc(void *block, size_t size) {
    void *moved = __libc_realloc(block, size);
    // Nothing is what realloc(block, 0) returns when all went well.
    return moved || size ? had(moved, size) : NULL;
}

void *memalign(size_t alignment, size_t size) { return had(__libc_memalign(alignment, size), size); }

void *aligned_alloc(size_t alignment, size_t size) { return memalign(alignment, size); }

int posix_memalign(void **result, size_t alignment, size_t size) {
    if (alignment % sizeof(void *) != 0 || alignment == 0 || (alignment & (alignment - 1)) != 0) return EINVAL;
    void *block = memalign(alignment, size);
    if (!block) return ENOMEM;
    *result = block;
    return 0;
}

#endif
