// The driver, and how its errors become messages.
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>

#include "device.h"

struct hl_cuda_driver hl_cuda_driver;
static int driver_version, device_count, is_ready, has_problem;
static char message[256];

// MARK: The driver

static const char *failed(const char *function, int error) {
    const char *text = NULL;
    hl_cuda_driver.cuGetErrorString(error, &text);
    snprintf(message, sizeof message, "%s: %s (error %d)", function, text ? text : "unknown error", error);
    return message;
}

static const char *open_driver(void) {
    static const char *const names[] = {
#define NAME(name, parameters) #name,
        HL_CUDA_DRIVER_FUNCTIONS(NAME)
#undef NAME
    };
    if (is_ready) return NULL;
    const char *error = hl_cuda_library_open(HL_CUDA_DRIVER, "libcuda.so.1");
    if (!error) error = hl_cuda_resolve(HL_CUDA_DRIVER, names, sizeof names / sizeof *names, (void **)&hl_cuda_driver);
    if (error) return error;
    int result = hl_cuda_driver.cuInit(0);
    // A machine without a card, or with a stand-in for the driver alone, has nothing to complain of.
    enum { STUB_LIBRARY = 34, NO_DEVICE = 100 };
    has_problem = result && result != STUB_LIBRARY && result != NO_DEVICE;
    if (result) return failed("cuInit", result);
    result = hl_cuda_driver.cuDriverGetVersion(&driver_version);
    if (result) return failed("cuDriverGetVersion", result);
    result = hl_cuda_driver.cuDeviceGetCount(&device_count);
    if (result) return failed("cuDeviceGetCount", result);
    is_ready = 1;
    return NULL;
}

const char *hl_cuda_driver_open(void) {
    static pthread_mutex_t opening = PTHREAD_MUTEX_INITIALIZER;
    pthread_mutex_lock(&opening);
    const char *error = open_driver();
    pthread_mutex_unlock(&opening);
    return error;
}

int hl_cuda_driver_has_problem(void) { return has_problem; }

int hl_cuda_driver_version(void) { return driver_version; }

int hl_cuda_device_count(void) { return device_count; }

int hl_cuda_device_architecture(int index) {
    enum { COMPUTE_CAPABILITY_MAJOR = 75, COMPUTE_CAPABILITY_MINOR = 76 };
    int number, major, minor;
    if (index < 0 || index >= device_count || hl_cuda_driver.cuDeviceGet(&number, index) ||
        hl_cuda_driver.cuDeviceGetAttribute(&major, COMPUTE_CAPABILITY_MAJOR, number) ||
        hl_cuda_driver.cuDeviceGetAttribute(&minor, COMPUTE_CAPABILITY_MINOR, number))
        return 0;
    return 10 * major + minor;
}

// MARK: Errors

const char *hl_cuda_message(hl_cuda_device *device, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(device->message, sizeof device->message, format, arguments);
    va_end(arguments);
    return device->message;
}

const char *hl_cuda_driver_error(hl_cuda_device *device, const char *function, int error) {
    if (!error) return NULL;
    const char *text = NULL;
    hl_cuda_driver.cuGetErrorString(error, &text);
    return hl_cuda_message(device, "%s: %s (error %d)", function, text ? text : "unknown error", error);
}

const char *hl_cuda_enter(hl_cuda_device *device) {
    // Only we set contexts, so that a thread's is known: that of the device with this number.
    static _Thread_local unsigned long current;
    if (current == device->serial) return NULL;
    CALL(device, cuCtxSetCurrent, device->context);
    current = device->serial;
    return NULL;
}
