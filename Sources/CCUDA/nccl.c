// NCCL: sums of gradients on a stream of their own, so that they travel while the way back goes on.
#include "hl_cuda_nccl.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "device.h"

typedef struct {
    char bytes[HL_CUDA_EXCHANGE_ID];
} unique_id;

// A communicator's handle is a pointer.
#define FUNCTIONS(X)                                                                                         \
    X(ncclGetVersion, (int *version))                                                                        \
    X(ncclGetUniqueId, (unique_id * id))                                                                     \
    X(ncclCommInitRank, (void **communicator, int count, unique_id id, int rank))                            \
    X(ncclCommDestroy, (void *communicator))                                                                 \
    X(ncclGroupStart, (void))                                                                                \
    X(ncclGroupEnd, (void))                                                                                  \
    X(ncclAllReduce,                                                                                         \
      (const void *from, void *to, size_t count, int type, int operation, void *communicator, void *stream)) \
    X(ncclAllGather, (const void *own, void *all, size_t count, int type, void *communicator, void *stream))

static struct {
#define DECLARE(name, parameters) int(*name) parameters;
    FUNCTIONS(DECLARE)
#undef DECLARE
} nccl;
static const char *(*error_text)(int error);
static int version;
static char message[512];

// Types and operations by the library's numbers.
enum { INT8 = 0, FLOAT32 = 7, SUM = 0 };

struct hl_cuda_exchange {
    hl_cuda_device *device;
    void *communicator, *stream;
    /// After what the main stream had enqueued, and after the sums.
    void *ready, *done;
    /// Whether sums have begun.
    int pending;
};

static const char *failed(const char *function, int error) {
    snprintf(message, sizeof message, "%s: %s (error %d)", function, error_text(error), error);
    return message;
}

// Calls a function of the library; returns from the caller with a message where it fails.
#define NCCL(name, ...)                               \
    do {                                              \
        const int failure_ = nccl.name(__VA_ARGS__);  \
        if (failure_) return failed(#name, failure_); \
    } while (0)

const char *hl_cuda_nccl_load(void) {
    static const char *const names[] = {
#define NAME(name, parameters) #name,
        FUNCTIONS(NAME)
#undef NAME
    };
    if (version) return NULL;
    PASS(hl_cuda_resolve(HL_CUDA_NCCL, names, sizeof names / sizeof *names, (void **)&nccl));
    PASS(hl_cuda_resolve(HL_CUDA_NCCL, (const char *const[]){"ncclGetErrorString"}, 1, (void **)&error_text));
    NCCL(ncclGetVersion, &version);
    return NULL;
}

const char *hl_cuda_exchange_id(char *id) {
    unique_id made;
    NCCL(ncclGetUniqueId, &made);
    memcpy(id, made.bytes, sizeof made.bytes);
    return NULL;
}

// MARK: Joining and leaving

static const char *join(hl_cuda_exchange *exchange, int rank, int count, const char *id) {
    enum { NON_BLOCKING = 1, WITHOUT_TIMING = 2 };
    hl_cuda_device *device = exchange->device;
    unique_id given;
    memcpy(given.bytes, id, sizeof given.bytes);
    PASS(hl_cuda_enter(device));
    CALL(device, cuStreamCreate, &exchange->stream, NON_BLOCKING);
    CALL(device, cuEventCreate, &exchange->ready, WITHOUT_TIMING);
    CALL(device, cuEventCreate, &exchange->done, WITHOUT_TIMING);
    NCCL(ncclCommInitRank, &exchange->communicator, count, given, rank);
    return NULL;
}

hl_cuda_exchange *hl_cuda_exchange_open(hl_cuda_device *device, int rank, int count, const char *id, char *error,
                                        size_t error_size) {
    hl_cuda_exchange *exchange = calloc(1, sizeof *exchange);
    const char *problem = "no memory";
    if (exchange) {
        exchange->device = device;
        problem = join(exchange, rank, count, id);
    }
    if (!problem) return exchange;
    snprintf(error, error_size, "%s", problem);
    hl_cuda_exchange_close(exchange);
    return NULL;
}

void hl_cuda_exchange_close(hl_cuda_exchange *exchange) {
    if (!exchange) return;
    if (!hl_cuda_enter(exchange->device)) {
        // Gathers are in line with all else.
        hl_cuda_driver.cuStreamSynchronize(exchange->device->stream);
        if (exchange->stream) hl_cuda_driver.cuStreamSynchronize(exchange->stream);
        if (exchange->communicator) nccl.ncclCommDestroy(exchange->communicator);
        if (exchange->ready) hl_cuda_driver.cuEventDestroy_v2(exchange->ready);
        if (exchange->done) hl_cuda_driver.cuEventDestroy_v2(exchange->done);
        if (exchange->stream) hl_cuda_driver.cuStreamDestroy_v2(exchange->stream);
    }
    free(exchange);
}

// MARK: Exchanges

// Those of one communicator must not overlap, whatever their streams.
const char *hl_cuda_exchange_gather(hl_cuda_exchange *exchange, const void *own, void *all, size_t bytes) {
    hl_cuda_device *device = exchange->device;
    PASS(hl_cuda_enter(device));
    PASS(hl_cuda_exchange_finish(exchange));
    NCCL(ncclAllGather, own, all, bytes, INT8, exchange->communicator, device->stream);
    // Sums that begin later wait for the main stream.
    return NULL;
}

const char *hl_cuda_exchange_sum(hl_cuda_exchange *exchange, float *const *values, const size_t *counts,
                                 size_t number) {
    hl_cuda_device *device = exchange->device;
    PASS(hl_cuda_enter(device));
    CALL(device, cuEventRecord, exchange->ready, device->stream);
    CALL(device, cuStreamWaitEvent, exchange->stream, exchange->ready, 0);
    NCCL(ncclGroupStart);
    // A group that has begun is ended, whatever becomes of it.
    int failure = 0;
    for (size_t i = 0; i < number && !failure; i++)
        failure =
            nccl.ncclAllReduce(values[i], values[i], counts[i], FLOAT32, SUM, exchange->communicator, exchange->stream);
    const int ended = nccl.ncclGroupEnd();
    if (failure) return failed("ncclAllReduce", failure);
    if (ended) return failed("ncclGroupEnd", ended);
    CALL(device, cuEventRecord, exchange->done, exchange->stream);
    exchange->pending = 1;
    return NULL;
}

const char *hl_cuda_exchange_finish(hl_cuda_exchange *exchange) {
    if (!exchange->pending) return NULL;
    PASS(hl_cuda_enter(exchange->device));
    CALL(exchange->device, cuStreamWaitEvent, exchange->device->stream, exchange->done, 0);
    exchange->pending = 0;
    return NULL;
}
