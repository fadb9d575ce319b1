// Encoders (HLEncoders/Networks) and what hl-filter judges by (HLEncoders/Discriminator).
#include <stdio.h>

#include "networks.h"

// - Parameter first: passes of the stem, whose input gradient only walkers need.
static void resnet(const caller *to, int depth, int side, int first) {
    static const int counts[2][4] = {{2, 2, 2, 2}, {3, 4, 6, 3}};
    const int has_bottlenecks = depth == 50;
    side = convolve(to, first, 3, side, 64, 7, 2, 3, "conv1");
    side = (side + 2 - 3) / 2 + 1;
    int channels = 64;
    for (int stage = 0; stage < 4; stage++) {
        const int inner = 64 << stage, outer = has_bottlenecks ? 4 * inner : inner;
        for (int block = 0; block < counts[depth > 18][stage]; block++) {
            const int stride = stage > 0 && block == 0 ? 2 : 1, input = side;
            char name[32];
            snprintf(name, sizeof name, "layer%d.%d", stage + 1, block);
            if (has_bottlenecks) {
                convolve(to, TRAINED, channels, input, inner, 1, 1, 0, "%s.conv1", name);
                side = convolve(to, TRAINED, inner, input, inner, 3, stride, 1, "%s.conv2", name);
                convolve(to, TRAINED, inner, side, outer, 1, 1, 0, "%s.conv3", name);
            } else {
                side = convolve(to, TRAINED, channels, input, inner, 3, stride, 1, "%s.conv1", name);
                convolve(to, TRAINED, inner, side, inner, 3, 1, 1, "%s.conv2", name);
            }
            if (stride > 1 || channels != outer)
                convolve(to, TRAINED, channels, input, outer, 1, stride, 0, "%s.downsample.0", name);
            channels = outer;
        }
    }
}

#define RESNET(depth, side) \
    void resnet##depth##_##side(const caller *to) { resnet(to, depth, side, FORWARD | WEIGHT_GRADIENT); }
#define ESTIMATOR(depth, side) \
    void estimator##depth##_##side(const caller *to) { resnet(to, depth, side, TRAINED); }
RESNET(18, 112)
RESNET(18, 224)
RESNET(50, 112)
RESNET(50, 224)
ESTIMATOR(18, 112)
ESTIMATOR(50, 112)
ESTIMATOR(18, 448)
ESTIMATOR(50, 448)

// EfficientNet-Lite0 with the padding of TensorFlow, which is 0 + 1 in the stem. Depthwise convolutions are not the
// library's.
void efficientnet(const caller *to) {
    static const int stages[][4] = {{1, 1, 1, 16},  {2, 2, 6, 24},  {2, 2, 6, 40}, {3, 2, 6, 80},
                                    {3, 1, 6, 112}, {4, 2, 6, 192}, {1, 1, 6, 320}};
    int side = 224, channels = 32;
    const hl_cuda_convolution stem = {.batch = to->batch,
                                      .inputs = 3,
                                      .height = side,
                                      .width = side,
                                      .outputs = 32,
                                      .rows = side / 2,
                                      .columns = side / 2,
                                      .kernel = 3,
                                      .stride = 2,
                                      .trailing = 1};
    to->visitor(to->context, "conv_stem", &stem, TRAINED);
    side /= 2;
    for (int stage = 0; stage < 7; stage++) {
        const int *of = stages[stage];
        for (int block = 0; block < of[0]; block++) {
            const int inner = of[2] * channels;
            if (of[2] > 1) convolve(to, TRAINED, channels, side, inner, 1, 1, 0, "blocks.%d.%d.conv_pw", stage, block);
            if (block == 0) side = (side + of[1] - 1) / of[1];
            convolve(to, TRAINED, inner, side, of[3], 1, 1, 0, "blocks.%d.%d.conv_pw%s", stage, block,
                     of[2] > 1 ? "l" : "");
            channels = of[3];
        }
    }
    convolve(to, TRAINED, channels, side, 1280, 1, 1, 0, "conv_head");
}

// What hl-filter judges by (HLEncoders/Discriminator), 16 channels at first.
void discriminator(const caller *to) {
    int side = 128, channels = 3;
    for (int stage = 0; stage < 5; stage++) {
        const int next = 16 << (stage < 3 ? stage : 3);
        side = convolve(to, stage ? TRAINED : FORWARD | WEIGHT_GRADIENT, channels, side, next, 3, 2, 1,
                        "stages.%d.conv", stage);
        channels = next;
    }
}
