// NVRTC, which compiles our kernels.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "device.h"

#define FUNCTIONS(X)                                                                             \
    X(nvrtcVersion, (int *major, int *minor))                                                    \
    X(nvrtcGetNumSupportedArchs, (int *count))                                                   \
    X(nvrtcGetSupportedArchs, (int *architectures))                                              \
    X(nvrtcCreateProgram, (void **program, const char *text, const char *name, int header_count, \
                           const char *const *headers, const char *const *header_names))         \
    X(nvrtcDestroyProgram, (void **program))                                                     \
    X(nvrtcCompileProgram, (void *program, int count, const char *const *options))               \
    X(nvrtcGetProgramLogSize, (void *program, size_t *size))                                     \
    X(nvrtcGetProgramLog, (void *program, char *log))                                            \
    X(nvrtcGetCUBINSize, (void *program, size_t *size))                                          \
    X(nvrtcGetCUBIN, (void *program, char *code))                                                \
    X(nvrtcGetPTXSize, (void *program, size_t *size))                                            \
    X(nvrtcGetPTX, (void *program, char *code))

static struct {
#define DECLARE(name, parameters) int(*name) parameters;
    FUNCTIONS(DECLARE)
#undef DECLARE
} nvrtc;
static int version;

const char *hl_cuda_nvrtc_load(void) {
    static const char *const names[] = {
#define NAME(name, parameters) #name,
        FUNCTIONS(NAME)
#undef NAME
    };
    version = 0;
    const char *error = hl_cuda_resolve(HL_CUDA_NVRTC, names, sizeof names / sizeof *names, (void **)&nvrtc);
    if (error) return error;
    int major, minor;
    if (nvrtc.nvrtcVersion(&major, &minor)) return "nvrtcVersion failed";
    version = 1000 * major + 10 * minor;
    return NULL;
}

int hl_cuda_nvrtc_version(void) { return version; }

static int ascending(const void *a, const void *b) { return *(const int *)a - *(const int *)b; }

int hl_cuda_nvrtc_architectures(int *architectures, int capacity) {
    int count = 0;
    if (!version || nvrtc.nvrtcGetNumSupportedArchs(&count) || count <= 0) return 0;
    int *all = calloc((size_t)count, sizeof *all);
    if (!all || nvrtc.nvrtcGetSupportedArchs(all)) count = 0;
    qsort(all, (size_t)count, sizeof *all, ascending);
    if (count > capacity) count = capacity;
    if (count) memcpy(architectures, all, (size_t)count * sizeof *all);
    free(all);
    return count;
}

// What the compiler has to say, or else the error's own text.
static char *report(void *program, int error) {
    const char *(*text)(int) = (const char *(*)(int))hl_cuda_symbol(HL_CUDA_NVRTC, "nvrtcGetErrorString");
    size_t size = 0;
    if (program && !nvrtc.nvrtcGetProgramLogSize(program, &size) && size > 1) {
        char *log = calloc(1, size + 1);
        if (log && !nvrtc.nvrtcGetProgramLog(program, log)) return log;
        free(log);
    }
    return strdup(text ? text(error) : "NVRTC failed");
}

char *hl_cuda_nvrtc_compile(const char *text, const char *name, const char *const *options, int count, int intermediate,
                            void **code, size_t *size) {
    void *program = NULL;
    char *result = NULL;
    *code = NULL;
    int error = nvrtc.nvrtcCreateProgram(&program, text, name, 0, NULL, NULL);
    if (!error) error = nvrtc.nvrtcCompileProgram(program, count, options);
    if (!error) error = (intermediate ? nvrtc.nvrtcGetPTXSize : nvrtc.nvrtcGetCUBINSize)(program, size);
    if (!error && (*code = malloc(*size)))
        error = (intermediate ? nvrtc.nvrtcGetPTX : nvrtc.nvrtcGetCUBIN)(program, *code);
    if (error) result = report(program, error);
    if (!error && !*code) result = strdup("no memory");
    if (result) {
        free(*code);
        *code = NULL;
    }
    if (program) nvrtc.nvrtcDestroyProgram(&program);
    return result;
}
