// Convolutions of oneDNN, behind one small interface that hides the difference between its versions 2 and 3.
//
// The library is opened at run time, not linked: a program that only passes streams starts without it, and libgomp,
// which oneDNN waits with, reads its wait policy from the environment while it is loaded, so that it must be set
// before.
//
// https://uxlfoundation.github.io/oneDNN/dev_guide_convolution.html
#pragma once
#include <stddef.h>

typedef enum { HL_FORWARD, HL_BACKWARD_DATA, HL_BACKWARD_WEIGHTS } hl_dnn_pass;

/// Channels last, where blocks of channels are asked for.
enum { HL_CHANNELS_LAST = 0 };

typedef struct {
    int batch, in_channels, out_channels, height, width, kernel, stride, padding;
    /// Zeros behind the last row and column, beside the padding.
    int trailing;
    /// Every channel has a kernel of its own, weights [C][1][k][k]; in_channels and out_channels are both C.
    int depthwise;
    /// Channels per block of input and output: 16 or 8 (nChw16c, nChw8c), 1 for row-major NCHW, or HL_CHANNELS_LAST for NHWC.
    int in_block, out_block;
    /// Whether activations are bf16, and packed weights with them. Gradients of weights are f32 in any case.
    int narrow;
    /// Ask for Winograd's algorithm (Lavin and Gray 2015, https://arxiv.org/abs/1509.09308); where the library has none
    /// for this shape the direct one is taken.
    int winograd;
} hl_dnn_shape;

typedef struct hl_dnn_convolution hl_dnn_convolution;

/// Loads the library for `threads` threads. Returns NULL, or a message that lives as long as the process. Several threads
/// may call it at once.
///
/// `limited` says that address space is scarce: then the threads are started at once, while there is room for their
/// stacks. Without it libgomp ends the process.
const char *hl_dnn_load(int threads, int limited);
int hl_dnn_is_loaded(void);
/// "2.6.3" and the like.
const char *hl_dnn_version(void);
/// Whether the library has Winograd's algorithm, which version 3 has not on x86.
int hl_dnn_has_winograd(void);
/// Whether this CPU computes bf16 by instructions of its own (AVX-512 BF16 or AMX).
int hl_dnn_computes_narrow(void);
/// Whether it does so fastest with channels last: by AMX.
int hl_dnn_narrow_wants_channels_last(void);
/// Channels per block that suit this CPU: 16 with AVX-512, else 8.
int hl_dnn_block(void);

/// A convolution ready to run, or NULL with a message in `error`.
hl_dnn_convolution *hl_dnn_create(const hl_dnn_shape *shape, hl_dnn_pass pass, char *error, size_t error_size);
void hl_dnn_destroy(hl_dnn_convolution *convolution);

size_t hl_dnn_scratch_bytes(const hl_dnn_convolution *convolution);
/// Bytes of the weights (or of their gradient) in the layout this convolution wants.
size_t hl_dnn_weights_bytes(const hl_dnn_convolution *convolution);
/// Whether that layout is row-major OIHW without padding.
int hl_dnn_weights_are_plain(const hl_dnn_convolution *convolution);
/// Whether two convolutions agree on it.
int hl_dnn_same_weights(const hl_dnn_convolution *a, const hl_dnn_convolution *b);

/// From row-major OIHW to the convolution's layout (forward, backward data) and back (backward weights, or any).
int hl_dnn_pack(hl_dnn_convolution *convolution, const float *plain, void *packed);
int hl_dnn_unpack(hl_dnn_convolution *convolution, const void *packed, float *plain);
/// From the layout of `from` to that of `to`.
int hl_dnn_repack(hl_dnn_convolution *from, const void *source, hl_dnn_convolution *to, void *target);

/// Runs it. `input` and `output` are activations (or their gradients) of the convolution's input and output side,
/// whichever direction the data flows; `weights` is read, or written in a backward-weights pass. 0 on success.
int hl_dnn_run(hl_dnn_convolution *convolution, void *input, void *weights, void *output, void *scratch);
