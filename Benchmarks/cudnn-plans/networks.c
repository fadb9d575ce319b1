// The list of networks, and the shapes of tests.
#include "networks.h"

#include <stdarg.h>
#include <stdio.h>

int convolve(const caller *to, int passes, int inputs, int side, int outputs, int kernel, int stride, int padding,
             const char *format, ...) {
    char layer[64];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(layer, sizeof layer, format, arguments);
    va_end(arguments);
    const int result = (side + 2 * padding - kernel) / stride + 1;
    const hl_cuda_convolution convolution = {.batch = to->batch,
                                             .inputs = inputs,
                                             .height = side,
                                             .width = side,
                                             .outputs = outputs,
                                             .rows = result,
                                             .columns = result,
                                             .kernel = kernel,
                                             .stride = stride,
                                             .padding = padding};
    to->visitor(to->context, layer, &convolution, passes);
    return result;
}

// MARK: Tests

// The shapes of the operation matrix (Tests/OperationCases/Families/Convolutions.swift) that no network has: few
// samples, channels that fill no block, images smaller than the window.
static void matrix(const caller *to) {
    static const int shapes[][7] = {
        {2, 64, 14, 14, 64, 3, 1}, {2, 64, 9, 11, 72, 3, 1},   {3, 100, 7, 7, 65, 3, 1},  {2, 20, 12, 12, 70, 3, 1},
        {2, 16, 10, 10, 24, 3, 1}, {1, 64, 1, 1, 64, 3, 1},    {2, 128, 2, 2, 64, 3, 1},  {1, 64, 5, 5, 64, 3, 1},
        {2, 64, 13, 13, 96, 3, 2}, {2, 17, 6, 6, 33, 5, 1},    {2, 64, 7, 7, 100, 1, 1},  {2, 72, 8, 8, 40, 1, 2},
        {2, 3, 32, 32, 64, 7, 2},  {2, 3, 10, 10, 20, 3, 1},   {2, 1, 8, 8, 5, 3, 1},     {2, 2, 8, 8, 16, 3, 1},
        {2, 4, 9, 9, 7, 3, 2},     {1, 3, 112, 112, 64, 7, 2}, {3, 48, 15, 17, 80, 3, 1}, {3, 50, 15, 17, 90, 3, 2},
        {5, 24, 11, 11, 24, 3, 1}, {2, 64, 8, 8, 64, 3, 1},    {2, 20, 6, 5, 12, 3, 2},   {3, 5, 9, 6, 7, 3, 1},
        {2, 10, 3, 4, 17, 1, 1},   {2, 4, 5, 6, 6, 3, 1},      {1, 1, 1, 1, 1, 1, 1},     {4, 1, 16, 16, 1, 4, 2},
    };
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
        const int *s = shapes[i], kernel = s[5], stride = s[6], padding = kernel == 4 ? 1 : kernel / 2;
        const hl_cuda_convolution convolution = {.batch = s[0],
                                                 .inputs = s[1],
                                                 .height = s[2],
                                                 .width = s[3],
                                                 .outputs = s[4],
                                                 .rows = (s[2] + 2 * padding - kernel) / stride + 1,
                                                 .columns = (s[3] + 2 * padding - kernel) / stride + 1,
                                                 .kernel = kernel,
                                                 .stride = stride,
                                                 .padding = padding};
        char layer[64];
        snprintf(layer, sizeof layer, "%dx%dx%dx%d, %d of %dx%d / %d", s[0], s[1], s[2], s[3], s[4], kernel, kernel,
                 stride);
        to->visitor(to->context, layer, &convolution, TRAINED);
    }
}

// MARK: All of them

// Two views of each sample go through encoders together: 64 to 512 images are 32 to 256 pairs. ResNet-34 repeats the
// shapes of ResNet-18.
const network networks[] = {
    {"ResNet-18 and -34, 112 px", {64, 128, 256, 512}, resnet18_112},
    {"ResNet-18 and -34, 224 px", {64, 128, 256, 512}, resnet18_224},
    {"ResNet-50, 112 px", {64, 128, 256, 512}, resnet50_112},
    {"ResNet-50, 224 px", {64, 128, 256, 512}, resnet50_224},
    {"walker's estimator ResNet-18 and -34, 112 px", {128}, estimator18_112},
    {"walker's estimator ResNet-50, 112 px", {128}, estimator50_112},
    {"walker's estimator ResNet-18 and -34, 448 px", {16, 128}, estimator18_448},
    {"walker's estimator ResNet-50, 448 px", {16}, estimator50_448},
    {"EfficientNet-Lite0, 224 px", {64}, efficientnet},
    {"hl-filter's discriminator, 128 px", {64, 128}, discriminator},
    {"BigBiGAN, 128 px", {16, 64}, bigbigan},
    {"StyleGAN2 F, 512 px", {2, 8}, stylegan2_f},
    {"StyleGAN2 E, 256 px", {8, 32}, stylegan2_e},
    {"adversarial training, 128 px", {64}, gan},
    {"operation matrix", {1}, matrix},
    {.name = NULL},
};
