// Handles of opened libraries.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <link.h>
#include <stdio.h>
#include <string.h>

#include "device.h"

static struct {
    void *handle;
    char path[1024];
} libraries[HL_CUDA_LIBRARY_COUNT];
static char message[512];

const char *hl_cuda_library_open(hl_cuda_library_name which, const char *path) {
    if (libraries[which].handle) return NULL;
    void *handle = dlopen(path, RTLD_NOW);
    if (!handle) {
        const char *error = dlerror();
        snprintf(message, sizeof message, "%s", error ? error : path);
        return message;
    }
    // Where the loader found it, if it was asked by name.
    struct link_map *map = NULL;
    const int told = dlinfo(handle, RTLD_DI_LINKMAP, &map) == 0 && map && map->l_name && map->l_name[0];
    snprintf(libraries[which].path, sizeof libraries[which].path, "%s", told ? map->l_name : path);
    libraries[which].handle = handle;
    return NULL;
}

void hl_cuda_library_close(hl_cuda_library_name which) {
    if (libraries[which].handle) dlclose(libraries[which].handle);
    libraries[which].handle = NULL;
}

const char *hl_cuda_library_path(hl_cuda_library_name which) {
    return libraries[which].handle ? libraries[which].path : NULL;
}

void *hl_cuda_library(hl_cuda_library_name which) { return libraries[which].handle; }

void *hl_cuda_symbol(hl_cuda_library_name which, const char *name) {
    return libraries[which].handle ? dlsym(libraries[which].handle, name) : NULL;
}

const char *hl_cuda_resolve(hl_cuda_library_name which, const char *const *names, size_t count, void **functions) {
    const char *missing = NULL;
    for (size_t i = 0; i < count; i++) {
        functions[i] = hl_cuda_symbol(which, names[i]);
        if (!functions[i] && !missing) missing = names[i];
    }
    if (!missing) return NULL;
    memset(functions, 0, count * sizeof *functions);
    const char *path = hl_cuda_library_path(which);
    snprintf(message, sizeof message, "%.400s has no %s", path ? path : "the library", missing);
    return message;
}

static size_t asked(const char *name) {
    size_t (*function)(void) = (size_t(*)(void))hl_cuda_symbol(HL_CUDA_CUDNN, name);
    return function ? function() : 0;
}

size_t hl_cuda_dnn_version(void) { return asked("cudnnGetVersion"); }

size_t hl_cuda_dnn_runtime(void) { return asked("cudnnGetCudartVersion"); }
