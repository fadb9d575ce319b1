// Generators (HLGenerators), and both networks of adversarial training (HLAdversarial).
#include "networks.h"

// BigBiGAN at 128 px: 96 channels at last, attention at 64 px. Upsampling convolutions are of 2 x 2 by phases.
void bigbigan(const caller *to) {
    static const int channels[] = {16 * 96, 16 * 96, 8 * 96, 4 * 96, 2 * 96, 96};
    int side = 4;
    for (int block = 0; block < 5; block++) {
        const int inputs = channels[block], outputs = channels[block + 1];
        convolve(to, RENDERED, inputs, side, 4 * outputs, 2, 1, 1, "blocks.%d.0.conv1", block);
        convolve(to, RENDERED, inputs, side, outputs, 1, 1, 0, "blocks.%d.0.conv_sc", block);
        side *= 2;
        convolve(to, RENDERED, outputs, side, outputs, 3, 1, 1, "blocks.%d.0.conv2", block);
        if (side == 64) {
            const int depth = outputs / 8, width = outputs / 2;
            convolve(to, RENDERED, outputs, side, 2 * depth + width, 1, 1, 0, "blocks.%d.1.theta+phi+g", block);
            convolve(to, RENDERED, width, side, outputs, 1, 1, 0, "blocks.%d.1.o", block);
        }
    }
    convolve(to, RENDERED, 96, side, 16, 3, 1, 1, "output_layer.2");
}

// - Parameter base: channels times side, 32768 of configuration F and 16384 of E.
static void stylegan2(const caller *to, int largest, int base) {
    int inputs = 512;
    for (int side = 4; side <= largest; side *= 2) {
        const int outputs = base / side < 512 ? base / side : 512, half = side / 2;
        if (side >= 128)
            // By phases.
            convolve(to, RENDERED, inputs, half, 4 * outputs, 3, 1, 1, "synthesis.b%d.conv0", side);
        else if (side > 4)
            // A transposed one: what goes in is its y.
            convolve(to, RENDERED, outputs, 2 * half + 1, inputs, 3, 2, 0, "synthesis.b%d.conv0", side);
        convolve(to, RENDERED, outputs, side, outputs, 3, 1, 1, "synthesis.b%d.conv1", side);
        inputs = outputs;
    }
}

void stylegan2_f(const caller *to) { stylegan2(to, 512, 32768); }

void stylegan2_e(const caller *to) { stylegan2(to, 256, 16384); }

// MARK: Adversarial training (HLAdversarial)

// Both networks for 128 px, 96 channels. The discriminator sees twice the batch, and once the batch on the generator's
// way back.
void gan(const caller *to) {
    static const int factors[] = {16, 16, 8, 4, 2, 1}, judges[] = {1, 2, 4, 8, 16, 16};
    int side = 4;
    for (int block = 0; block < 5; block++) {
        const int inputs = factors[block] * 96, outputs = factors[block + 1] * 96;
        convolve(to, TRAINED, inputs, side, outputs, 1, 1, 0, "G.blocks.%d.0.conv_sc", block);
        // Upsampling and a convolution of 3 x 3 in one, transposed.
        convolve(to, TRAINED, outputs, 2 * side, inputs, 4, 2, 1, "G.blocks.%d.0.conv1", block);
        side *= 2;
        convolve(to, TRAINED, outputs, side, outputs, 3, 1, 1, "G.blocks.%d.0.conv2", block);
    }
    convolve(to, TRAINED, 96, side, 16, 3, 1, 1, "G.output_layer.2");
    for (int times = 1; times <= 2; times++) {
        const caller judge = {times * to->batch, to->visitor, to->context};
        int channels = 3;
        side = 128;
        for (int block = 0; block < 6; block++) {
            const int outputs = judges[block] * 96, halves = block < 5;
            const int passes = times == 1 ? RENDERED : TRAINED;
            // Images themselves get a gradient on the generator's way back alone.
            const int first = block > 0 || times == 1 ? passes : FORWARD | WEIGHT_GRADIENT;
            convolve(&judge, first, channels, side, outputs, 3, 1, 1, "D.blocks.%d.0.conv1", block);
            convolve(&judge, passes, outputs, side, outputs, halves ? 4 : 3, halves ? 2 : 1, 1, "D.blocks.%d.0.conv2",
                     block);
            if (halves) side /= 2;
            if (halves || channels != outputs)
                convolve(&judge, first, channels, side, outputs, 1, 1, 0, "D.blocks.%d.0.conv_sc", block);
            channels = outputs;
        }
    }
}
