#include "COpenBLAS.h"

#include "library.h"

#include <cblas.h>
#include <dlfcn.h>
#include <pthread.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

static __typeof__(&cblas_sgemm) sgemm;
static __typeof__(&openblas_get_config) config;
static void *opened;
static char message[256];
static int takes_turns;
static pthread_mutex_t turn = PTHREAD_MUTEX_INITIALIZER;
static pthread_mutex_t loading = PTHREAD_MUTEX_INITIALIZER;

static void *open_library(void) {
    void *library = dlopen("libopenblas.so.0", RTLD_NOW);
    return library ? library : dlopen("libopenblas.so", RTLD_NOW);
}

// A release older than the processor may not recognise it and fall back to kernels of 2004, twenty times slower. What
// the processor can do is asked here, and where the library's choice is too low it is made for it.
static const char *better_kernels(void *library) {
#if defined(__x86_64__)
    char *(*core_name)(void) = (char *(*)(void))dlsym(library, "openblas_get_corename");
    static const char *const low[] = {"Prescott", "Core2", "Penryn", "Dunnington", "Nehalem", "generic"};
    if (!core_name || getenv("OPENBLAS_CORETYPE")) return NULL;
    int is_low = 0;
    for (size_t i = 0; i < sizeof low / sizeof *low; i++) is_low |= strcasecmp(core_name(), low[i]) == 0;
    if (!is_low) return NULL;
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") &&
        __builtin_cpu_supports("avx512vl"))
        return "SkylakeX";
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) return "Haswell";
#endif
    return NULL;
}

// A product large enough for every thread to take part and for the packed kernels, which need the buffers.
static const char *take_buffers(int threads) {
    const int rows = 64 * (threads < 128 ? threads : 128) + 64, n = 256;
    float *a = calloc((size_t)rows * n + (size_t)n * n + (size_t)rows * n, sizeof *a);
    if (!a) return "cannot allocate a product";
    float *b = a + (size_t)rows * n, *c = b + (size_t)n * n;
    sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, rows, n, n, 1, a, n, b, n, 0, c, n);
    free(a);
    return NULL;
}

static const char *load(int threads, int limited) {
    if (sgemm) return NULL;
    char count[16];
    snprintf(count, sizeof count, "%d", threads);
    // Waiting threads give up their core after 2^4 cycles instead of 2^26: in a pipe they would take it from others.
    setenv("OPENBLAS_THREAD_TIMEOUT", "4", 0);
    setenv("OPENBLAS_NUM_THREADS", count, 1);
    void *library = open_library();
    const char *kernels = library ? better_kernels(library) : NULL;
    if (kernels) {
        // The choice is made while loading, so the library is closed and loaded once more.
        setenv("OPENBLAS_CORETYPE", kernels, 1);
        dlclose(library);
        library = open_library();
    }
    if (!library) {
        snprintf(message, sizeof message, "%s", dlerror());
        return message;
    }
    config = (__typeof__(config))dlsym(library, "openblas_get_config");
    __typeof__(sgemm) found = (__typeof__(sgemm))dlsym(library, "cblas_sgemm");
    if (!found || !config) {
        snprintf(message, sizeof message, "libopenblas has no cblas_sgemm");
        return message;
    }
    opened = library;
    sgemm = found;
    takes_turns = limited;
    return limited ? take_buffers(threads) : NULL;
}

// Of two threads that come here first, the second waits until the library is there.
const char *hl_blas_load(int threads, int limited) {
    pthread_mutex_lock(&loading);
    const char *error = load(threads, limited);
    pthread_mutex_unlock(&loading);
    return error;
}

int hl_blas_is_loaded(void) {
    pthread_mutex_lock(&loading);
    const int is_loaded = sgemm != NULL;
    pthread_mutex_unlock(&loading);
    return is_loaded;
}

const char *hl_blas_description(void) { return config ? config() : ""; }

void *hl_blas_symbol(const char *name) { return opened ? dlsym(opened, name) : NULL; }

void hl_blas_enter(void) {
    if (takes_turns) pthread_mutex_lock(&turn);
}

void hl_blas_leave(void) {
    if (takes_turns) pthread_mutex_unlock(&turn);
}

int hl_blas_threads(void) {
    int (*current)(void) = (int (*)(void))hl_blas_symbol("openblas_get_num_threads");
    return current ? current() : 0;
}

int hl_blas_set_threads(int threads) {
    void (*set)(int) = (void (*)(int))hl_blas_symbol("openblas_set_num_threads");
    const int before = hl_blas_threads();
    if (before == 0 || !set) return threads;
    if (before != threads) set(threads);
    return before;
}

void hl_blas_sgemm(int transpose_a, int transpose_b, int m, int n, int k, float alpha, const float *a, int lda,
                   const float *b, int ldb, float beta, float *c, int ldc) {
    hl_blas_enter();
    sgemm(CblasRowMajor, transpose_a ? CblasTrans : CblasNoTrans, transpose_b ? CblasTrans : CblasNoTrans, m, n, k,
          alpha, a, lda, b, ldb, beta, c, ldc);
    hl_blas_leave();
}
