// Exchanges between cards of several processes by NCCL. https://docs.nvidia.com/deeplearning/nccl/user-guide/docs/api.html
#pragma once
#include <stddef.h>

typedef struct hl_cuda_device hl_cuda_device;

/// One process's place among those that exchange.
typedef struct hl_cuda_exchange hl_cuda_exchange;

/// Bytes by which the processes find each other.
#define HL_CUDA_EXCHANGE_ID 128

/// After its library is open.
const char *hl_cuda_nccl_load(void);

/// What the first of the processes makes and tells all others, HL_CUDA_EXCHANGE_ID bytes.
const char *hl_cuda_exchange_id(char *id);

/// Joins the others; returns when all have. NULL with a message in `error`.
hl_cuda_exchange *hl_cuda_exchange_open(hl_cuda_device *device, int rank, int count, const char *id, char *error,
                                        size_t error_size);

/// Leaves.
void hl_cuda_exchange_close(hl_cuda_exchange *exchange);

/// `all` becomes what all processes have, `bytes` of each, in their order, in line with what else is enqueued.
const char *hl_cuda_exchange_gather(hl_cuda_exchange *exchange, const void *own, void *all, size_t bytes);

/// Begins to add up f32 values over the processes, each in its place, beside what is enqueued from now on.
const char *hl_cuda_exchange_sum(hl_cuda_exchange *exchange, float *const *values, const size_t *counts, size_t number);

/// What is enqueued from now on finds the sums.
const char *hl_cuda_exchange_finish(hl_cuda_exchange *exchange);
