// A driver for machines without a card: it has what libraries look for when they are loaded, and no device.
//
//     cc -shared -fPIC -Wl,-soname,libcuda.so.1 driver.c -o libcuda.so.1

enum { CUDA_ERROR_NO_DEVICE = 100 };

#define NO_DEVICE(name) \
    int name(void) { return CUDA_ERROR_NO_DEVICE; }
NO_DEVICE(cuCtxGetCurrent)
NO_DEVICE(cuCtxGetLimit)
NO_DEVICE(cuCtxPopCurrent)
NO_DEVICE(cuCtxPushCurrent)
NO_DEVICE(cuDeviceGet)
NO_DEVICE(cuDeviceGetCount)
NO_DEVICE(cuGetErrorName)
NO_DEVICE(cuGetErrorString)
NO_DEVICE(cuInit)
NO_DEVICE(cuKernelGetAttribute)
NO_DEVICE(cuKernelGetFunction)
NO_DEVICE(cuKernelSetAttribute)
NO_DEVICE(cuLaunchCooperativeKernel)
NO_DEVICE(cuLaunchKernel)
NO_DEVICE(cuLaunchKernelEx)
NO_DEVICE(cuLibraryGetKernel)
NO_DEVICE(cuLibraryLoadData)
NO_DEVICE(cuLibraryLoadFromFile)
NO_DEVICE(cuLibraryUnload)
NO_DEVICE(cuLinkAddData)
NO_DEVICE(cuLinkComplete)
NO_DEVICE(cuLinkCreate)
NO_DEVICE(cuLinkDestroy)
NO_DEVICE(cuModuleGetFunction)
NO_DEVICE(cuModuleLoadData)
NO_DEVICE(cuModuleUnload)
NO_DEVICE(cuStreamGetCtx)
NO_DEVICE(cuTensorMapEncodeIm2col)
NO_DEVICE(cuTensorMapEncodeTiled)
NO_DEVICE(cuGetExportTable)
NO_DEVICE(cuGetProcAddress)
NO_DEVICE(cuGetProcAddress_v2)

int cuDriverGetVersion(int *version) {
    *version = 13000;
    return 0;
}

// Of blocks, on the cards that have clusters.
int cuOccupancyMaxPotentialClusterSize(int *size) {
    *size = 8;
    return 0;
}
