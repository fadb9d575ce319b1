// The convolutions of our networks, one by one. Layers have the names that they have in files of weights.
#pragma once
#include "CCUDA.h"

// Passes of a convolution, as bits.
enum { FORWARD = 1, INPUT_GRADIENT = 2, WEIGHT_GRADIENT = 4, RENDERED = FORWARD | INPUT_GRADIENT, TRAINED = 7 };

// Takes a convolution, whose pass and precision are open, and the passes that are wanted of it.
typedef void visitor(void *context, const char *layer, const hl_cuda_convolution *convolution, int passes);

// Whom to tell of convolutions, and of how many samples.
typedef struct {
    int batch;
    visitor *visitor;
    void *context;
} caller;

typedef struct {
    // "ResNet-18, 112 px"
    const char *name;
    // Samples that go through together; 0 ends them.
    int batches[5];
    void (*visit)(const caller *to);
} network;

// Ends with one without a name.
extern const network networks[];

// Visits a convolution of square images and returns the side of what it gives.
int convolve(const caller *to, int passes, int inputs, int side, int outputs, int kernel, int stride, int padding,
             const char *format, ...) __attribute__((format(printf, 9, 10)));

// encoders.c
void resnet18_112(const caller *to), resnet18_224(const caller *to);
void resnet50_112(const caller *to), resnet50_224(const caller *to);
void estimator18_112(const caller *to), estimator50_112(const caller *to);
void estimator18_448(const caller *to), estimator50_448(const caller *to);
void efficientnet(const caller *to), discriminator(const caller *to);

// generators.c
void bigbigan(const caller *to), stylegan2_f(const caller *to), stylegan2_e(const caller *to), gan(const caller *to);
