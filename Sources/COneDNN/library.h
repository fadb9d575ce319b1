// The library's functions that are used, found at run time, and what differs between its versions.
#pragma once
#include <dnnl.h>

#include "COneDNN.h"

#define V3 (DNNL_VERSION_MAJOR >= 3)

// Every function of the library that is used, by name.
#define COMMON_FUNCTIONS(X)                    \
    X(dnnl_version)                            \
    X(dnnl_engine_create)                      \
    X(dnnl_stream_create)                      \
    X(dnnl_stream_wait)                        \
    X(dnnl_primitive_attr_create)              \
    X(dnnl_primitive_attr_destroy)             \
    X(dnnl_primitive_attr_set_scratchpad_mode) \
    X(dnnl_primitive_desc_destroy)             \
    X(dnnl_primitive_desc_query_md)            \
    X(dnnl_primitive_create)                   \
    X(dnnl_primitive_destroy)                  \
    X(dnnl_primitive_execute)                  \
    X(dnnl_reorder_primitive_desc_create)      \
    X(dnnl_memory_create)                      \
    X(dnnl_memory_destroy)                     \
    X(dnnl_memory_set_data_handle)             \
    X(dnnl_memory_desc_get_size)               \
    X(dnnl_memory_desc_equal)                  \
    X(dnnl_get_effective_cpu_isa)
#if V3
#define VERSION_FUNCTIONS(X)                                \
    X(dnnl_memory_desc_create_with_tag)                     \
    X(dnnl_memory_desc_clone)                               \
    X(dnnl_memory_desc_destroy)                             \
    X(dnnl_convolution_forward_primitive_desc_create)       \
    X(dnnl_convolution_backward_data_primitive_desc_create) \
    X(dnnl_convolution_backward_weights_primitive_desc_create)
#else
#define VERSION_FUNCTIONS(X)                    \
    X(dnnl_memory_desc_init_by_tag)             \
    X(dnnl_primitive_desc_create)               \
    X(dnnl_convolution_forward_desc_init)       \
    X(dnnl_convolution_backward_data_desc_init) \
    X(dnnl_convolution_backward_weights_desc_init)
#endif

extern struct hl_dnn_library {
#define DECLARE(name) __typeof__(&name) name;
    COMMON_FUNCTIONS(DECLARE) VERSION_FUNCTIONS(DECLARE)
#undef DECLARE
} hl_dnn;
// Where everything runs; NULL before the library is loaded.
extern dnnl_engine_t hl_dnn_engine;
extern dnnl_stream_t hl_dnn_stream;

// Memory descriptors are structs in version 2 and handles in version 3.
#if V3
typedef dnnl_memory_desc_t descriptor;
typedef const_dnnl_memory_desc_t descriptor_reference;
#define REFERENCE(d) (d)
static inline int describe(descriptor *d, int rank, const dnnl_dims_t dims, dnnl_data_type_t type,
                           dnnl_format_tag_t tag) {
    return hl_dnn.dnnl_memory_desc_create_with_tag(d, rank, dims, type, tag) == dnnl_success;
}
static inline void forget(descriptor *d) {
    if (*d) hl_dnn.dnnl_memory_desc_destroy(*d);
    *d = NULL;
}
static inline int copy(descriptor *d, descriptor_reference source) {
    return hl_dnn.dnnl_memory_desc_clone(d, source) == dnnl_success;
}
#else
typedef dnnl_memory_desc_t descriptor;
typedef const dnnl_memory_desc_t *descriptor_reference;
#define REFERENCE(d) (&(d))
static inline int describe(descriptor *d, int rank, const dnnl_dims_t dims, dnnl_data_type_t type,
                           dnnl_format_tag_t tag) {
    return hl_dnn.dnnl_memory_desc_init_by_tag(d, rank, dims, type, tag) == dnnl_success;
}
static inline void forget(descriptor *d) { (void)d; }
static inline int copy(descriptor *d, descriptor_reference source) {
    *d = *source;
    return 1;
}
#endif
