#if HL_ONEDNN
    import COneDNN
    import HLTensor

    /// Layouts and algorithms, functions of shape, instruction set and version of the library.
    struct OneDNNChoices {
        private let block = Int(hl_dnn_block())
        /// Whether activations of BF16 lie channels last, of any number of channels: AMX's kernels take nothing else.
        let hasNarrowLast = hl_dnn_narrow_wants_channels_last() != 0

        /// That in which activations travel.
        func activationLayout(_ channels: Int, _ type: ElementType) -> CPUStorage.Layout {
            if type == .bf16 && hasNarrowLast { return .channelsLast }
            return channels % block == 0 ? .blocked(block) : .plain
        }

        /// The layout of both sides of a depthwise convolution, for which the library has fast kernels for whole blocks alone.
        func depthwiseLayout(_ channels: Int, _ type: ElementType) -> CPUStorage.Layout {
            channels % block == 0 ? activationLayout(channels, type) : .plain
        }

        /// The layouts of a convolution's two sides: channels last where AMX computes; else blocked where both fill whole
        /// blocks, since the library has fast kernels for nothing else there, and row-major with its general ones where they do
        /// not. Images are the exception: the first convolution's kernels read them as they are, and give their gradient in
        /// blocks.
        func layouts(
            _ inChannels: Int, _ outChannels: Int, _ type: ElementType, _ pass: hl_dnn_pass
        ) -> (input: CPUStorage.Layout, output: CPUStorage.Layout) {
            if type == .bf16 && hasNarrowLast { return (.channelsLast, .channelsLast) }
            let isImage = inChannels < 4
            guard outChannels % block == 0, isImage || inChannels % block == 0 else { return (.plain, .plain) }
            return (isImage && pass != HL_BACKWARD_DATA ? .plain : .blocked(block), .blocked(block))
        }

        /// Whether Winograd's algorithm is worth its transforms, measured on AVX-512 with version 2.6: from 64 channels
        /// on in every pass, and for weight gradients always, since the direct kernel is slow for few channels.
        func prefersWinograd(_ inChannels: Int, _ outChannels: Int, _ window: Window, _ pass: hl_dnn_pass) -> Bool {
            window.size == 3 && window.stride == 1 && inChannels % block == 0 && outChannels % block == 0
                && (pass == HL_BACKWARD_WEIGHTS || min(inChannels, outChannels) >= 64)
        }

        /// Winograd's weights take 16 floats for 4 of a kernel's 9, and are made anew in every call. Where a large kernel
        /// meets few tiles of 4 × 4 positions, as in the first blocks of a generator, that costs more than it saves, and
        /// hundreds of megabytes.
        func isWorthTransforming(_ input: [Int], _ outChannels: Int, _ pass: hl_dnn_pass) -> Bool {
            let tiles = input[0] * ((input[2] + 3) / 4) * ((input[3] + 3) / 4)
            if pass == HL_BACKWARD_WEIGHTS || tiles >= 48 { return true }
            return tiles >= 24 && input[1] * outChannels * 36 * 4 < 64 << 20
        }

        /// Whether Winograd's algorithm in F32, with the conversions that it takes, is faster than BF16's direct one: from 64
        /// pixels a side on, measured on AVX-512 BF16 with version 2.6 (30 against 41 ms for 512 channels at 64 pixels, 10
        /// against 10 at 32); never than AMX's. Its weights are not rounded.
        func isFasterWide(_ input: [Int], _ outChannels: Int, _ window: Window, _ pass: hl_dnn_pass) -> Bool {
            !hasNarrowLast && hl_dnn_has_winograd() != 0 && min(input[2], input[3]) >= 64
                && prefersWinograd(input[1], outChannels, window, pass)
        }
    }

    extension CPUStorage.Layout {
        /// What the library is asked for.
        var channelBlock: Int32 {
            switch self {
            case .plain: 1
            case .blocked(let block): Int32(block)
            case .channelsLast: Int32(HL_CHANNELS_LAST)
            case .library: preconditionFailure("weights are no activations")
            }
        }
    }
#endif
