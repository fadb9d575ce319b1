// Plans of convolutions: which of the library's engines computes one. The library's heuristics alone decide, which time
// nothing, so that the same shape gives the same bits in every run with one version of the library.
#include "dnn.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// MARK: Which engine

// The notes of an engine as bits.
static int notes(const hl_cuda_dnn_library *library, void *engine, int attribute, int type, unsigned *bits) {
    int values[32];
    int64_t count = 0;
    int status = library->cudnnBackendGetAttribute(engine, attribute, type, 0, &count, NULL);
    *bits = 0;
    if (status || count <= 0) return status;
    if (count > 32) count = 32;
    status = library->cudnnBackendGetAttribute(engine, attribute, type, count, &count, values);
    for (int64_t i = 0; !status && i < count; i++)
        if (values[i] >= 0 && values[i] < 32) *bits |= 1u << values[i];
    return status;
}

// Reads what the engine of a configuration is.
static int describe(const hl_cuda_dnn_library *library, hl_cuda_dnn_plan *plan) {
    void *engine = NULL;
    int64_t count = 0;
    int status = library->cudnnBackendCreateDescriptor(DNN_ENGINE, &engine);
    if (status) return status;
    status = library->cudnnBackendGetAttribute(plan->configuration, DNN_CONFIGURATION_ENGINE, DNN_IS_DESCRIPTOR, 1,
                                               &count, &engine);
    if (!status)
        status = library->cudnnBackendGetAttribute(engine, DNN_ENGINE_NUMBER, DNN_IS_INT64, 1, &count, &plan->engine);
    if (!status) status = notes(library, engine, DNN_ENGINE_NUMERICAL_NOTES, DNN_IS_NUMERICAL_NOTE, &plan->notes);
    if (!status) status = notes(library, engine, DNN_ENGINE_BEHAVIOUR_NOTES, DNN_IS_BEHAVIOUR_NOTE, &plan->behaviour);
    library->cudnnBackendDestroyDescriptor(engine);
    return status;
}

// Whether results repeat bit for bit, and are computed in the precision that was asked for.
static int is_allowed(const hl_cuda_dnn_plan *plan, int may_compile) {
    const hl_cuda_convolution *c = &plan->convolution;
    unsigned forbidden = DNN_NOTE_VARIES | DNN_NOTE_ROUNDS_SUMS;
    if (!c->narrow && !c->tf32) forbidden |= DNN_NOTE_TENSOR_CORE | DNN_NOTE_ROUNDS_INPUTS;
    return !(plan->notes & forbidden) && (may_compile || !(plan->behaviour & DNN_NOTE_COMPILES));
}

static void discard(const hl_cuda_dnn_library *library, hl_cuda_dnn_plan *plan) {
    if (plan->plan) library->cudnnBackendDestroyDescriptor(plan->plan);
    if (plan->configuration) library->cudnnBackendDestroyDescriptor(plan->configuration);
    plan->plan = plan->configuration = NULL;
}

// Makes the plan of a configuration. An engine that cannot serve a shape after all says so here.
static int try_plan(const hl_cuda_dnn_plans *plans, hl_cuda_dnn_plan *plan) {
    hl_cuda_dnn_bench bench = {.library = &plans->library};
    plan->plan = hl_cuda_dnn_make(&bench, DNN_PLAN);
    if (plans->handle) hl_cuda_dnn_set_pointer(&bench, plan->plan, DNN_PLAN_HANDLE, DNN_IS_HANDLE, plans->handle);
    hl_cuda_dnn_set_pointer(&bench, plan->plan, DNN_PLAN_CONFIGURATION, DNN_IS_DESCRIPTOR, plan->configuration);
    if (plans->card) hl_cuda_dnn_set_pointer(&bench, plan->plan, DNN_PLAN_CARD, DNN_IS_DESCRIPTOR, plans->card);
    hl_cuda_dnn_finish(&bench, plan->plan);
    int64_t count = 0;
    if (!bench.status)
        bench.status = plans->library.cudnnBackendGetAttribute(plan->plan, DNN_PLAN_WORKSPACE, DNN_IS_INT64, 1, &count,
                                                               &plan->workspace);
    return bench.status;
}

// How good a plan is, 0 best; NONE where it needs too much memory. In bf16 an engine without tensor cores comes behind all
// others: on an H100, version 9.28 lists one first for a few convolutions, of a fifteenth of their peak.
enum { NONE = 3 };

static int rank(const hl_cuda_dnn_plan *plan) {
    if (plan->workspace > HL_CUDA_DNN_LARGEST_WORKSPACE) return NONE;
    if (plan->workspace > HL_CUDA_DNN_WORKSPACE) return 2;
    return plan->convolution.narrow && !(plan->notes & DNN_NOTE_TENSOR_CORE);
}

// Takes the first of the best ranked ones of a list of configurations, which are taken over.
static void choose(const hl_cuda_dnn_plans *plans, void **configurations, int64_t count, int may_compile,
                   hl_cuda_dnn_plan *chosen, int *status) {
    const hl_cuda_dnn_library *library = &plans->library;
    int best = NONE;
    for (int64_t i = 0; i < count; i++) {
        hl_cuda_dnn_plan plan = *chosen;
        plan.plan = NULL;
        plan.configuration = configurations[i];
        plan.place = (int)i;
        int own = NONE;
        if (best > 0 && !describe(library, &plan) && is_allowed(&plan, may_compile)) {
            const int failure = try_plan(plans, &plan);
            if (failure)
                *status = failure;
            else
                own = rank(&plan);
        }
        if (own < best) {
            discard(library, chosen);
            *chosen = plan;
            best = own;
        } else {
            discard(library, &plan);
        }
    }
}

// Configurations by the library's heuristics, of which the caller has to dispose.
static void **list(hl_cuda_dnn_bench *bench, const hl_cuda_dnn_plans *plans, void *graph, int mode, int64_t *count) {
    void *heuristics = hl_cuda_dnn_make(bench, DNN_HEURISTICS);
    hl_cuda_dnn_set_pointer(bench, heuristics, DNN_HEURISTICS_GRAPH, DNN_IS_DESCRIPTOR, graph);
    hl_cuda_dnn_set_int(bench, heuristics, DNN_HEURISTICS_MODE, DNN_IS_HEURISTIC_MODE, mode);
    if (plans->card) hl_cuda_dnn_set_pointer(bench, heuristics, DNN_HEURISTICS_CARD, DNN_IS_DESCRIPTOR, plans->card);
    hl_cuda_dnn_finish(bench, heuristics);
    *count = 0;
    const hl_cuda_dnn_library *library = bench->library;
    if (!bench->status)
        bench->status =
            library->cudnnBackendGetAttribute(heuristics, DNN_HEURISTICS_RESULTS, DNN_IS_DESCRIPTOR, 0, count, NULL);
    if (bench->status || *count <= 0) return NULL;
    const int64_t wanted = *count;
    void **result = calloc((size_t)wanted, sizeof *result);
    *count = 0;
    if (!result) return NULL;
    int64_t made = 0;
    while (made < wanted && !bench->status) {
        bench->status = library->cudnnBackendCreateDescriptor(DNN_CONFIGURATION, &result[made]);
        if (!bench->status) made++;
    }
    if (!bench->status)
        bench->status = library->cudnnBackendGetAttribute(heuristics, DNN_HEURISTICS_RESULTS, DNN_IS_DESCRIPTOR, made,
                                                          count, result);
    if (*count > made) *count = made;
    if (bench->status) *count = 0;
    for (int64_t i = *count; i < made; i++) library->cudnnBackendDestroyDescriptor(result[i]);
    return result;
}

// MARK: Making a plan

static char *say(const char *format, ...) {
    char text[768];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    return strdup(text);
}

static char *refusal(const hl_cuda_dnn_plans *plans, const hl_cuda_convolution *c, int status) {
    static const char *const passes[] = {"y", "the gradient of x", "the gradient of the weight"};
    static const char *const precisions[] = {"f32", "tf32", "bf16"};
    char reason[512] = "no algorithm for it gives the same bits every time within 1 GiB";
    if (status) hl_cuda_dnn_explain(&plans->library, status, reason, sizeof reason);
    return say(
        "cuDNN cannot convolve %d x %d x %d x %d by %d kernels of %d x %d, stride %d, padding %d + %d (%s, %s): %s",
        c->batch, c->inputs, c->height, c->width, c->outputs, c->kernel, c->kernel, c->stride, c->padding, c->trailing,
        passes[c->pass], precisions[c->narrow ? 2 : c->tf32], reason);
}

static void make_plan(const hl_cuda_dnn_plans *plans, hl_cuda_dnn_plan *plan) {
    // What is best by the shape, then what always works; engines that are compiled first, which takes a second, come last.
    static const struct {
        int mode, may_compile;
    } lists[] = {{DNN_HEURISTIC_A, 0}, {DNN_HEURISTIC_FALLBACK, 0}, {DNN_HEURISTIC_A, 1}};
    int status = 0;
    for (size_t i = 0; i < sizeof lists / sizeof *lists && !plan->plan; i++) {
        hl_cuda_dnn_bench bench = {.library = &plans->library};
        int64_t count = 0;
        void *graph = hl_cuda_dnn_graph(&bench, plans->handle, &plan->convolution);
        void **configurations = list(&bench, plans, graph, lists[i].mode, &count);
        plan->mode = lists[i].mode;
        if (configurations) choose(plans, configurations, count, lists[i].may_compile, plan, &bench.status);
        if (bench.status) status = bench.status;
        hl_cuda_dnn_clear(&bench);
        free(configurations);
    }
    if (!plan->plan) plan->error = refusal(plans, &plan->convolution, status);
}

// MARK: Plans by shape

// All members of a convolution are ints, so that its bytes tell it from any other.
static size_t hash(const hl_cuda_convolution *convolution) {
    const unsigned char *bytes = (const unsigned char *)convolution;
    uint64_t result = 0xcbf29ce484222325u;
    for (size_t i = 0; i < sizeof *convolution; i++) result = (result ^ bytes[i]) * 0x100000001b3u;
    return (size_t)(result ^ result >> 32);
}

// Where the plan of a convolution is, or is to be.
static hl_cuda_dnn_plan **slot_of(hl_cuda_dnn_plan **slots, size_t capacity, const hl_cuda_convolution *convolution) {
    size_t at = hash(convolution) & (capacity - 1);
    while (slots[at] && memcmp(&slots[at]->convolution, convolution, sizeof *convolution))
        at = (at + 1) & (capacity - 1);
    return &slots[at];
}

// Makes room for one more: at least half of all slots stay empty.
static int reserve(hl_cuda_dnn_plans *plans) {
    if (2 * (plans->count + 1) <= plans->capacity) return 1;
    const size_t capacity = plans->capacity ? 2 * plans->capacity : 256;
    hl_cuda_dnn_plan **slots = calloc(capacity, sizeof *slots);
    if (!slots) return 0;
    for (size_t i = 0; i < plans->capacity; i++)
        if (plans->slots[i]) *slot_of(slots, capacity, &plans->slots[i]->convolution) = plans->slots[i];
    free(plans->slots);
    plans->slots = slots;
    plans->capacity = capacity;
    return 1;
}

const char *hl_cuda_dnn_plan_of(hl_cuda_dnn_plans *plans, const hl_cuda_convolution *convolution,
                                const hl_cuda_dnn_plan **plan) {
    static const char exhausted[] = "there is no memory for a plan of cuDNN's";
    if (!reserve(plans)) return exhausted;
    hl_cuda_dnn_plan **slot = slot_of(plans->slots, plans->capacity, convolution);
    if (!*slot) {
        hl_cuda_dnn_plan *made = calloc(1, sizeof *made);
        if (!made) return exhausted;
        made->convolution = *convolution;
        make_plan(plans, made);
        *slot = made;
        plans->count++;
    }
    *plan = *slot;
    if ((*slot)->plan) return NULL;
    return (*slot)->error ? (*slot)->error : exhausted;
}

void hl_cuda_dnn_forget(hl_cuda_dnn_plans *plans) {
    for (size_t i = 0; i < plans->capacity; i++) {
        if (!plans->slots[i]) continue;
        discard(&plans->library, plans->slots[i]);
        free(plans->slots[i]->error);
        free(plans->slots[i]);
    }
    free(plans->slots);
    plans->slots = NULL;
    plans->capacity = plans->count = 0;
}
