// Loads the library, once for a process.
#include "library.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

struct hl_dnn_library hl_dnn;
dnnl_engine_t hl_dnn_engine;
dnnl_stream_t hl_dnn_stream;
static char message[256];
static pthread_mutex_t loading = PTHREAD_MUTEX_INITIALIZER;

static void do_nothing(void *unused) { (void)unused; }

// The library's own runtime keeps the threads that its first parallel region starts.
static void start_threads(void *library) {
    void (*parallel)(void (*)(void *), void *, unsigned, unsigned) =
        (void (*)(void (*)(void *), void *, unsigned, unsigned))dlsym(library, "GOMP_parallel");
    if (parallel) parallel(do_nothing, NULL, 0, 0);
}

static const char *load(int threads, int limited) {
    if (hl_dnn_stream) return NULL;
    char count[16];
    snprintf(count, sizeof count, "%d", threads);
    setenv("OMP_NUM_THREADS", count, 1);
    // A waiting thread sleeps: three programs in a pipe must not spin against each other.
    setenv("OMP_WAIT_POLICY", "passive", 0);
    snprintf(message, sizeof message, "libdnnl.so.%d", DNNL_VERSION_MAJOR);
    void *library = dlopen(message, RTLD_NOW);
    if (!library) {
        snprintf(message, sizeof message, "%s", dlerror());
        return message;
    }
#define RESOLVE(name)                                             \
    hl_dnn.name = (__typeof__(hl_dnn.name))dlsym(library, #name); \
    if (!hl_dnn.name) return snprintf(message, sizeof message, "libdnnl has no %s", #name), message;
    COMMON_FUNCTIONS(RESOLVE);
    VERSION_FUNCTIONS(RESOLVE);
#undef RESOLVE
    if (hl_dnn.dnnl_engine_create(&hl_dnn_engine, dnnl_cpu, 0) != dnnl_success ||
        hl_dnn.dnnl_stream_create(&hl_dnn_stream, hl_dnn_engine, dnnl_stream_default_flags) != dnnl_success) {
        snprintf(message, sizeof message, "libdnnl has no CPU engine");
        return message;
    }
    if (limited) start_threads(library);
    return NULL;
}

// Two threads that came here first would each make an engine, and what one has made cannot run on the other's stream.
const char *hl_dnn_load(int threads, int limited) {
    pthread_mutex_lock(&loading);
    const char *error = load(threads, limited);
    pthread_mutex_unlock(&loading);
    return error;
}

int hl_dnn_is_loaded(void) {
    pthread_mutex_lock(&loading);
    const int is_loaded = hl_dnn_stream != NULL;
    pthread_mutex_unlock(&loading);
    return is_loaded;
}

const char *hl_dnn_version(void) {
    static char text[32];
    if (!hl_dnn_stream) return "";
    const dnnl_version_t *v = hl_dnn.dnnl_version();
    snprintf(text, sizeof text, "%d.%d.%d", v->major, v->minor, v->patch);
    return text;
}

int hl_dnn_has_winograd(void) { return !V3; }

int hl_dnn_computes_narrow(void) {
    const int needed = dnnl_cpu_isa_avx512_core_bf16;
    return hl_dnn_is_loaded() && (hl_dnn.dnnl_get_effective_cpu_isa() & needed) == needed;
}

// The kernels for AMX take nothing else; for activations in blocks there are those of AVX-512 alone, several times as slow.
int hl_dnn_narrow_wants_channels_last(void) {
    const int needed = dnnl_cpu_isa_avx512_core_amx;
    return hl_dnn_is_loaded() && (hl_dnn.dnnl_get_effective_cpu_isa() & needed) == needed;
}

int hl_dnn_block(void) {
    if (!hl_dnn_stream) return 8;
    return (hl_dnn.dnnl_get_effective_cpu_isa() & dnnl_cpu_isa_avx512_core) == dnnl_cpu_isa_avx512_core ? 16 : 8;
}
