// Convolutions, their gradients, and the layouts that their weights take.
#include "library.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct hl_dnn_convolution {
    dnnl_primitive_t primitive;
    dnnl_memory_t input, weights, output, scratch;
    descriptor weights_layout, plain_layout;
    dnnl_primitive_t pack, unpack, repack;
    const struct hl_dnn_convolution *repacked_from;
    dnnl_memory_t plain;
    size_t scratch_bytes, weights_bytes;
    hl_dnn_pass pass;
};

static dnnl_format_tag_t activations(int block) {
    switch (block) {
        case HL_CHANNELS_LAST:
            return dnnl_nhwc;
        case 16:
            return dnnl_nChw16c;
        case 8:
            return dnnl_nChw8c;
        default:
            return dnnl_nchw;
    }
}

static int new_memory(dnnl_memory_t *memory, descriptor_reference layout) {
    return hl_dnn.dnnl_memory_create(memory, layout, hl_dnn_engine, DNNL_MEMORY_NONE) == dnnl_success;
}

static dnnl_primitive_t reorder(descriptor_reference from, descriptor_reference to) {
    dnnl_primitive_desc_t pd = NULL;
    dnnl_primitive_t primitive = NULL;
    if (hl_dnn.dnnl_reorder_primitive_desc_create(&pd, from, hl_dnn_engine, to, hl_dnn_engine, NULL) == dnnl_success) {
        if (hl_dnn.dnnl_primitive_create(&primitive, pd) != dnnl_success) primitive = NULL;
        hl_dnn.dnnl_primitive_desc_destroy(pd);
    }
    return primitive;
}

typedef struct {
    descriptor input, weights, output;
    dnnl_dims_t strides, dilation, padding, padding_behind;
} geometry;

// The primitive descriptor of one pass; `hint` is that of the forward pass, which the backward passes ask for.
static dnnl_primitive_desc_t describe_pass(const geometry *g, hl_dnn_pass pass, dnnl_alg_kind_t algorithm,
                                           const_dnnl_primitive_attr_t attributes, const_dnnl_primitive_desc_t hint) {
    dnnl_primitive_desc_t pd = NULL;
    dnnl_status_t status = dnnl_invalid_arguments;
    descriptor_reference input = REFERENCE(g->input), weights = REFERENCE(g->weights), output = REFERENCE(g->output);
#if V3
    switch (pass) {
        case HL_FORWARD:
            status = hl_dnn.dnnl_convolution_forward_primitive_desc_create(
                &pd, hl_dnn_engine, dnnl_forward_training, algorithm, input, weights, NULL, output, g->strides,
                g->dilation, g->padding, g->padding_behind, attributes);
            break;
        case HL_BACKWARD_DATA:
            status = hl_dnn.dnnl_convolution_backward_data_primitive_desc_create(
                &pd, hl_dnn_engine, algorithm, input, weights, output, g->strides, g->dilation, g->padding,
                g->padding_behind, hint, attributes);
            break;
        case HL_BACKWARD_WEIGHTS:
            status = hl_dnn.dnnl_convolution_backward_weights_primitive_desc_create(
                &pd, hl_dnn_engine, algorithm, input, weights, NULL, output, g->strides, g->dilation, g->padding,
                g->padding_behind, hint, attributes);
            break;
    }
#else
    dnnl_convolution_desc_t d;
    switch (pass) {
        case HL_FORWARD:
            status = hl_dnn.dnnl_convolution_forward_desc_init(&d, dnnl_forward_training, algorithm, input, weights,
                                                               NULL, output, g->strides, g->padding, g->padding_behind);
            break;
        case HL_BACKWARD_DATA:
            status = hl_dnn.dnnl_convolution_backward_data_desc_init(&d, algorithm, input, weights, output, g->strides,
                                                                     g->padding, g->padding_behind);
            break;
        case HL_BACKWARD_WEIGHTS:
            status = hl_dnn.dnnl_convolution_backward_weights_desc_init(&d, algorithm, input, weights, NULL, output,
                                                                        g->strides, g->padding, g->padding_behind);
            break;
    }
    if (status == dnnl_success) status = hl_dnn.dnnl_primitive_desc_create(&pd, &d, attributes, hl_dnn_engine, hint);
#endif
    return status == dnnl_success ? pd : NULL;
}

// The caller brings the memory that a primitive computes in.
static dnnl_primitive_attr_t make_attributes(void) {
    dnnl_primitive_attr_t attributes = NULL;
    if (hl_dnn.dnnl_primitive_attr_create(&attributes) != dnnl_success) return NULL;
    hl_dnn.dnnl_primitive_attr_set_scratchpad_mode(attributes, dnnl_scratchpad_mode_user);
    return attributes;
}

static descriptor_reference layout_of(const_dnnl_primitive_desc_t pd, dnnl_query_t what) {
    return hl_dnn.dnnl_primitive_desc_query_md(pd, what, 0);
}

hl_dnn_convolution *hl_dnn_create(const hl_dnn_shape *s, hl_dnn_pass pass, char *error, size_t error_size) {
    const int behind = s->padding + s->trailing;
    const int out_height = (s->height + s->padding + behind - s->kernel) / s->stride + 1;
    const int out_width = (s->width + s->padding + behind - s->kernel) / s->stride + 1;
    const dnnl_dims_t input = {s->batch, s->in_channels, s->height, s->width};
    // As groups of one channel, a depthwise kernel has a dimension more.
    const dnnl_dims_t full = {s->out_channels, s->in_channels, s->kernel, s->kernel};
    const dnnl_dims_t grouped = {s->out_channels, 1, 1, s->kernel, s->kernel};
    const dnnl_dim_t *weights = s->depthwise ? grouped : full;
    const int rank = s->depthwise ? 5 : 4;
    const dnnl_dims_t output = {s->batch, s->out_channels, out_height, out_width};
    geometry g = {
        .strides = {s->stride, s->stride}, .padding = {s->padding, s->padding}, .padding_behind = {behind, behind}};
    const dnnl_data_type_t type = s->narrow ? dnnl_bf16 : dnnl_f32;
    // Gradients of weights are sums, and weights are changed by less than they could be told apart by in bf16.
    const dnnl_data_type_t weights_type = pass == HL_BACKWARD_WEIGHTS ? dnnl_f32 : type;
    hl_dnn_convolution *c = calloc(1, sizeof *c);
    dnnl_primitive_attr_t attributes = make_attributes();
    dnnl_primitive_desc_t pd = NULL, hint = NULL;
    if (c && attributes && describe(&g.input, 4, input, type, activations(s->in_block)) &&
        describe(&g.weights, rank, weights, type, dnnl_format_tag_any) &&
        describe(&g.output, 4, output, type, activations(s->out_block))) {
        const dnnl_alg_kind_t order[] = {dnnl_convolution_winograd, dnnl_convolution_direct};
        for (int i = s->winograd ? 0 : 1; i < 2 && !pd; i++) {
            if (pass == HL_FORWARD) {
                pd = describe_pass(&g, HL_FORWARD, order[i], attributes, NULL);
                continue;
            }
            // The hint decides nothing here, so the direct forward pass serves for both algorithms if need be.
            hint = describe_pass(&g, HL_FORWARD, order[i], NULL, NULL);
            if (!hint) hint = describe_pass(&g, HL_FORWARD, dnnl_convolution_direct, NULL, NULL);
            if (!hint) continue;
            geometry own = g;
            memset(&own.weights, 0, sizeof own.weights);
            if (describe(&own.weights, rank, weights, weights_type, dnnl_format_tag_any))
                pd = describe_pass(&own, pass, order[i], attributes, hint);
            forget(&own.weights);
            hl_dnn.dnnl_primitive_desc_destroy(hint);
        }
    }
    if (attributes) hl_dnn.dnnl_primitive_attr_destroy(attributes);
    int ready = 0;
    if (pd) {
        c->pass = pass;
        descriptor_reference in = layout_of(pd, pass == HL_BACKWARD_DATA ? dnnl_query_diff_src_md : dnnl_query_src_md);
        descriptor_reference w =
            layout_of(pd, pass == HL_BACKWARD_WEIGHTS ? dnnl_query_diff_weights_md : dnnl_query_weights_md);
        descriptor_reference out = layout_of(pd, pass == HL_FORWARD ? dnnl_query_dst_md : dnnl_query_diff_dst_md);
        descriptor_reference scratch = layout_of(pd, dnnl_query_scratchpad_md);
        c->weights_bytes = hl_dnn.dnnl_memory_desc_get_size(w);
        c->scratch_bytes = scratch ? hl_dnn.dnnl_memory_desc_get_size(scratch) : 0;
        ready = copy(&c->weights_layout, w) &&
                describe(&c->plain_layout, rank, weights, dnnl_f32, s->depthwise ? dnnl_goihw : dnnl_oihw) &&
                new_memory(&c->input, in) && new_memory(&c->weights, w) && new_memory(&c->output, out) &&
                new_memory(&c->plain, REFERENCE(c->plain_layout)) &&
                (!c->scratch_bytes || new_memory(&c->scratch, scratch)) &&
                hl_dnn.dnnl_primitive_create(&c->primitive, pd) == dnnl_success;
        hl_dnn.dnnl_primitive_desc_destroy(pd);
    }
    forget(&g.input), forget(&g.weights), forget(&g.output);
    if (ready) return c;
    snprintf(error, error_size, "oneDNN %s cannot convolve %dx%dx%dx%d with %d %dx%d kernels", hl_dnn_version(),
             s->batch, s->in_channels, s->height, s->width, s->out_channels, s->kernel, s->kernel);
    hl_dnn_destroy(c);
    return NULL;
}

void hl_dnn_destroy(hl_dnn_convolution *c) {
    if (!c) return;
    dnnl_memory_t memories[] = {c->input, c->weights, c->output, c->scratch, c->plain};
    for (size_t i = 0; i < sizeof memories / sizeof *memories; i++)
        if (memories[i]) hl_dnn.dnnl_memory_destroy(memories[i]);
    dnnl_primitive_t primitives[] = {c->primitive, c->pack, c->unpack, c->repack};
    for (size_t i = 0; i < sizeof primitives / sizeof *primitives; i++)
        if (primitives[i]) hl_dnn.dnnl_primitive_destroy(primitives[i]);
    forget(&c->weights_layout), forget(&c->plain_layout);
    free(c);
}

size_t hl_dnn_scratch_bytes(const hl_dnn_convolution *c) { return c->scratch_bytes; }
size_t hl_dnn_weights_bytes(const hl_dnn_convolution *c) { return c->weights_bytes; }

int hl_dnn_weights_are_plain(const hl_dnn_convolution *c) {
    return hl_dnn.dnnl_memory_desc_equal(REFERENCE(c->weights_layout), REFERENCE(c->plain_layout));
}

int hl_dnn_same_weights(const hl_dnn_convolution *a, const hl_dnn_convolution *b) {
    return hl_dnn.dnnl_memory_desc_equal(REFERENCE(a->weights_layout), REFERENCE(b->weights_layout));
}

// Runs a reorder from one memory to another.
static int run_reorder(dnnl_primitive_t primitive, dnnl_memory_t from, const void *source, dnnl_memory_t to,
                       void *target) {
    if (!primitive) return -1;
    hl_dnn.dnnl_memory_set_data_handle(from, (void *)source);
    hl_dnn.dnnl_memory_set_data_handle(to, target);
    const dnnl_exec_arg_t arguments[] = {{DNNL_ARG_FROM, from}, {DNNL_ARG_TO, to}};
    return hl_dnn.dnnl_primitive_execute(primitive, hl_dnn_stream, 2, arguments) != dnnl_success;
}

int hl_dnn_pack(hl_dnn_convolution *c, const float *plain, void *packed) {
    if (!c->pack) c->pack = reorder(REFERENCE(c->plain_layout), REFERENCE(c->weights_layout));
    return run_reorder(c->pack, c->plain, plain, c->weights, packed);
}

int hl_dnn_unpack(hl_dnn_convolution *c, const void *packed, float *plain) {
    if (!c->unpack) c->unpack = reorder(REFERENCE(c->weights_layout), REFERENCE(c->plain_layout));
    return run_reorder(c->unpack, c->weights, packed, c->plain, plain);
}

int hl_dnn_repack(hl_dnn_convolution *from, const void *source, hl_dnn_convolution *to, void *target) {
    // One primitive is kept: weights come from the same convolution step after step.
    if (to->repacked_from != from) {
        if (to->repack) hl_dnn.dnnl_primitive_destroy(to->repack);
        to->repack = reorder(REFERENCE(from->weights_layout), REFERENCE(to->weights_layout));
        to->repacked_from = from;
    }
    return run_reorder(to->repack, from->weights, source, to->weights, target);
}

int hl_dnn_run(hl_dnn_convolution *c, void *input, void *weights, void *output, void *scratch) {
    hl_dnn.dnnl_memory_set_data_handle(c->input, input);
    hl_dnn.dnnl_memory_set_data_handle(c->weights, weights);
    hl_dnn.dnnl_memory_set_data_handle(c->output, output);
    if (c->scratch) hl_dnn.dnnl_memory_set_data_handle(c->scratch, scratch);
    dnnl_exec_arg_t arguments[4];
    int count = 0;
    arguments[count++] = (dnnl_exec_arg_t){c->pass == HL_BACKWARD_DATA ? DNNL_ARG_DIFF_SRC : DNNL_ARG_SRC, c->input};
    arguments[count++] =
        (dnnl_exec_arg_t){c->pass == HL_BACKWARD_WEIGHTS ? DNNL_ARG_DIFF_WEIGHTS : DNNL_ARG_WEIGHTS, c->weights};
    arguments[count++] = (dnnl_exec_arg_t){c->pass == HL_FORWARD ? DNNL_ARG_DST : DNNL_ARG_DIFF_DST, c->output};
    if (c->scratch) arguments[count++] = (dnnl_exec_arg_t){DNNL_ARG_SCRATCHPAD, c->scratch};
    if (hl_dnn.dnnl_primitive_execute(c->primitive, hl_dnn_stream, count, arguments) != dnnl_success) return -1;
    return hl_dnn.dnnl_stream_wait(hl_dnn_stream) != dnnl_success;
}
