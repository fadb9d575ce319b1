// Memory between host and device, through pinned buffers, which the device reaches by itself.
#include <string.h>

#include "device.h"

enum { UPLOAD_BYTES = 16 << 20, DOWNLOAD_BYTES = 4 << 20 };

static const char *prepare(hl_cuda_device *device, hl_cuda_pinned *pinned, size_t bytes) {
    enum { EVENT_DISABLE_TIMING = 2 };
    if (!pinned->event) CALL(device, cuEventCreate, &pinned->event, EVENT_DISABLE_TIMING);
    if (!pinned->at) CALL(device, cuMemHostAlloc, (void **)&pinned->at, bytes, 0);
    return NULL;
}

static const char *wait_for(hl_cuda_device *device, hl_cuda_pinned *pinned) {
    if (pinned->pending) CALL(device, cuEventSynchronize, pinned->event);
    pinned->pending = 0;
    return NULL;
}

static const char *mark(hl_cuda_device *device, hl_cuda_pinned *pinned) {
    CALL(device, cuEventRecord, pinned->event, device->stream);
    pinned->pending = 1;
    return NULL;
}

// Uploads lie one behind the other in a buffer until it is full. So a step's many small ones wait for nothing: a buffer
// is used again only after three others have been filled.
const char *hl_cuda_device_upload(hl_cuda_device *device, const void *source, void *target, size_t bytes) {
    enum { ALIGNMENT = 256 };
    const char *from = source;
    uint64_t to = (uint64_t)(uintptr_t)target;
    PASS(hl_cuda_enter(device));
    while (bytes) {
        hl_cuda_pinned *pinned = &device->uploads[device->upload_turn];
        PASS(prepare(device, pinned, UPLOAD_BYTES));
        if (pinned->used == UPLOAD_BYTES) {
            PASS(mark(device, pinned));
            pinned->used = 0;
            device->upload_turn = (device->upload_turn + 1) % HL_CUDA_UPLOADS;
            continue;
        }
        if (!pinned->used) PASS(wait_for(device, pinned));
        const size_t room = UPLOAD_BYTES - pinned->used, count = bytes < room ? bytes : room;
        memcpy(pinned->at + pinned->used, from, count);
        CALL(device, cuMemcpyHtoDAsync_v2, to, pinned->at + pinned->used, count, device->stream);
        pinned->used += (count + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
        from += count;
        to += count;
        bytes -= count;
    }
    return NULL;
}

// While one half is copied out of its buffer the next comes into the other.
const char *hl_cuda_device_download(hl_cuda_device *device, const void *source, void *target, size_t bytes) {
    uint64_t from = (uint64_t)(uintptr_t)source;
    char *to = target;
    size_t asked = 0, done = 0;
    PASS(hl_cuda_enter(device));
    for (int turn = 0; done < bytes;) {
        // Parts are asked for ahead of those that are waited for.
        while (asked < bytes && asked < done + HL_CUDA_DOWNLOADS * (size_t)DOWNLOAD_BYTES) {
            hl_cuda_pinned *pinned = &device->downloads[asked / DOWNLOAD_BYTES % HL_CUDA_DOWNLOADS];
            const size_t count = bytes - asked < DOWNLOAD_BYTES ? bytes - asked : DOWNLOAD_BYTES;
            PASS(prepare(device, pinned, DOWNLOAD_BYTES));
            CALL(device, cuMemcpyDtoHAsync_v2, pinned->at, from + asked, count, device->stream);
            PASS(mark(device, pinned));
            asked += count;
        }
        hl_cuda_pinned *pinned = &device->downloads[turn];
        const size_t count = bytes - done < DOWNLOAD_BYTES ? bytes - done : DOWNLOAD_BYTES;
        PASS(wait_for(device, pinned));
        memcpy(to + done, pinned->at, count);
        done += count;
        turn = (turn + 1) % HL_CUDA_DOWNLOADS;
    }
    return NULL;
}
