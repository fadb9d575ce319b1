#if HL_ONEDNN
    import COneDNN
    import HLTensor

    /// The fast CPU form: oneDNN's convolutions, Winograd's where it wins, on activations that stay in the blocked layout
    /// from layer to layer, or channels last where AMX's kernels ask for it. Some passes in BF16 are our own then
    /// (`AMXConvolutions`).
    package final class OneDNNConvolutions: ConvolutionEngine {
        package var aroundKernel: ((() -> Void) -> Void)?
        let choices: OneDNNChoices
        /// Our own kernels, which take BF16 where the library says that there is AMX.
        private let amx: AMXConvolutions?
        private var convolutions: [Key: Convolution] = [:]

        private struct Key: Hashable {
            let input: [Int]
            let outChannels: Int
            let window: Window
            let pass: UInt32
            let type: ElementType
            var isDepthwise = false
        }

        /// A primitive of the library, which also stands for the layout of its weights.
        final class Convolution: LibraryLayout {
            let handle: OpaquePointer
            let scratchBytes: Int
            let hasPlainWeights: Bool
            let isNarrow: Bool

            init(handle: OpaquePointer, isNarrow: Bool) {
                self.handle = handle
                self.isNarrow = isNarrow
                scratchBytes = hl_dnn_scratch_bytes(handle)
                hasPlainWeights = hl_dnn_weights_are_plain(handle) != 0
                super.init(byteCount: hl_dnn_weights_bytes(handle))
            }

            deinit { hl_dnn_destroy(handle) }

            override func isSame(as other: LibraryLayout) -> Bool {
                guard self !== other else { return true }
                return (other as? Convolution).map { hl_dnn_same_weights(handle, $0.handle) != 0 } ?? false
            }

            override func pack(_ plain: UnsafePointer<Float>, into packed: UnsafeMutablePointer<Float>) -> Bool {
                hl_dnn_pack(handle, plain, packed) == 0
            }

            override func unpack(_ packed: UnsafePointer<Float>, into plain: UnsafeMutablePointer<Float>) -> Bool {
                hl_dnn_unpack(handle, packed, plain) == 0
            }
        }

        /// - Parameter hasOwnKernels: without them all kernels are the library's, for a benchmark to compare with.
        /// - Throws: `Failure` where the library cannot be loaded.
        package init(threads: Int, hasOwnKernels: Bool = true) throws(Failure) {
            try Libraries.loadOneDNN(threads: threads)
            choices = OneDNNChoices()
            amx = hasOwnKernels && choices.hasNarrowLast ? AMXConvolutions() : nil
        }

        /// The library emulates it on AVX-512, more slowly than F32, and has nothing on AVX2.
        package var bf16: BF16Support { hl_dnn_computes_narrow() != 0 ? .native : .missing }

        package var summary: String? { "oneDNN \(String(cString: hl_dnn_version()))" }

        package func activationLayout(_ channels: Int, _ type: ElementType) -> CPUStorage.Layout {
            choices.activationLayout(channels, type)
        }

        package func convolution(_ x: Tensor, weight: Tensor, window: Window, on backend: any ConvolutionHost) -> Tensor
        {
            precondition(weight.shape == [weight.shape[0], x.shape[1], window.size, window.size])
            if x.type == .bf16, let amx, amx.takes(x.shape, weight.shape[0], window, .convolution) {
                return amx.convolution(x, weight: weight, window: window, on: backend, timed: running)
            }
            if x.type == .bf16 && choices.isFasterWide(x.shape, weight.shape[0], window, HL_FORWARD) {
                let wide = convolution(backend.converted(x, to: .f32), weight: weight, window: window, on: backend)
                return backend.converted(wide, to: .bf16)
            }
            let shape = [x.shape[0], weight.shape[0], window.output(x.shape[2]), window.output(x.shape[3])]
            let sides = choices.layouts(x.shape[1], weight.shape[0], x.type, HL_FORWARD)
            let result = backend.allocate(shape, sides.output, type: x.type)
            guard let convolution = prepared(x.shape, x.type, weight.shape[0], window, HL_FORWARD, backend) else {
                return result
            }
            let x = backend.laidOut(x, as: sides.input)
            run(convolution, x, packed(weight, for: convolution, backend), result, backend)
            return result
        }

        package func inputGradient(
            _ gradient: Tensor, weight: Tensor, inputShape: [Int], window: Window, on backend: any ConvolutionHost
        ) -> Tensor {
            precondition(
                weight.shape == [gradient.shape[1], inputShape[1], window.size, window.size]
                    && gradient.shape[0] == inputShape[0]
                    && Array(gradient.shape.dropFirst(2)) == inputShape.dropFirst(2).map(window.output))
            if gradient.type == .bf16, let amx, amx.takes(inputShape, weight.shape[0], window, .inputGradient) {
                return amx.inputGradient(
                    gradient, weight: weight, inputShape: inputShape, window: window, on: backend, timed: running)
            }
            if gradient.type == .bf16 && choices.isFasterWide(inputShape, weight.shape[0], window, HL_BACKWARD_DATA) {
                let wide = inputGradient(
                    backend.converted(gradient, to: .f32), weight: weight, inputShape: inputShape, window: window,
                    on: backend)
                return backend.converted(wide, to: .bf16)
            }
            let sides = choices.layouts(inputShape[1], weight.shape[0], gradient.type, HL_BACKWARD_DATA)
            let result = backend.allocate(inputShape, sides.input, type: gradient.type)
            guard
                let convolution = prepared(
                    inputShape, gradient.type, weight.shape[0], window, HL_BACKWARD_DATA, backend)
            else { return result }
            let gradient = backend.laidOut(gradient, as: sides.output)
            run(convolution, result, packed(weight, for: convolution, backend), gradient, backend)
            return result
        }

        package func weightGradient(
            _ gradient: Tensor, input: Tensor, weightShape: [Int], window: Window, on backend: any ConvolutionHost
        ) -> Tensor {
            precondition(
                weightShape == [gradient.shape[1], input.shape[1], window.size, window.size]
                    && gradient.shape[0] == input.shape[0]
                    && Array(gradient.shape.dropFirst(2)) == input.shape.dropFirst(2).map(window.output))
            if input.type == .bf16, let amx, amx.takes(input.shape, weightShape[0], window, .weightGradient) {
                return amx.weightGradient(
                    gradient, input: input, weightShape: weightShape, window: window, on: backend, timed: running)
            }
            guard
                let convolution = prepared(
                    input.shape, input.type, weightShape[0], window, HL_BACKWARD_WEIGHTS, backend)
            else { return backend.allocateFloats(weightShape) }
            let result = backend.allocateFloats(
                weightShape, convolution.hasPlainWeights ? .plain : .library(convolution))
            let sides = choices.layouts(input.shape[1], weightShape[0], input.type, HL_BACKWARD_WEIGHTS)
            let input = backend.laidOut(input, as: sides.input), gradient = backend.laidOut(gradient, as: sides.output)
            run(convolution, input, result.cpu, gradient, backend)
            return result
        }

        /// The convolution for this shape, made on first use.
        func prepared(
            _ input: [Int], _ type: ElementType, _ outChannels: Int, _ window: Window, _ pass: hl_dnn_pass,
            isDepthwise: Bool = false, _ backend: any ConvolutionHost
        ) -> Convolution? {
            let key = Key(
                input: input, outChannels: outChannels, window: window, pass: pass.rawValue, type: type,
                isDepthwise: isDepthwise)
            if let known = convolutions[key] { return known }
            // The library writes code at run time, and does not live through memory that it cannot have for it.
            if Memory.isShort { Memory.exhausted(0, for: "kernels of oneDNN") }
            let own = choices.depthwiseLayout(outChannels, type)
            let sides = isDepthwise ? (input: own, output: own) : choices.layouts(input[1], outChannels, type, pass)
            var shape = hl_dnn_shape(
                batch: Int32(input[0]), in_channels: Int32(input[1]), out_channels: Int32(outChannels),
                height: Int32(input[2]), width: Int32(input[3]), kernel: Int32(window.size),
                stride: Int32(window.stride), padding: Int32(window.padding), trailing: Int32(window.trailing),
                depthwise: isDepthwise ? 1 : 0,
                in_block: sides.input.channelBlock, out_block: sides.output.channelBlock, narrow: type == .bf16 ? 1 : 0,
                winograd: type == .f32 && !isDepthwise && choices.prefersWinograd(input[1], outChannels, window, pass)
                    && choices.isWorthTransforming(input, outChannels, pass) ? 1 : 0)
            var message = [CChar](repeating: 0, count: 256)
            guard let handle = hl_dnn_create(&shape, pass, &message, message.count) else {
                let text = message.withUnsafeBufferPointer { $0.baseAddress.map { String(cString: $0) } ?? "" }
                backend.fail(Failure(.software, text, "report this with the output of --version"))
                return nil
            }
            let convolution = Convolution(handle: handle, isNarrow: type == .bf16)
            convolutions[key] = convolution
            return convolution
        }

        /// The weights in the layout that a convolution wants; a copy is kept until they change.
        func packed(_ weight: Tensor, for convolution: Convolution, _ backend: any ConvolutionHost)
            -> CPUStorage
        {
            let storage = weight.cpu
            let wanted = convolution.hasPlainWeights ? CPUStorage.Layout.plain : .library(convolution)
            if storage.layout == wanted { return storage }
            let key = ObjectIdentifier(convolution)
            if let known = storage.packed[key], known.version == storage.version { return known.storage }
            let packed = storage.packed[key]?.storage ?? backend.storage(bytes: convolution.byteCount, wanted)
            if case .library(let layout) = storage.layout, let source = layout as? Convolution {
                check(hl_dnn_repack(source.handle, storage.bytes, convolution.handle, packed.bytes), backend)
            } else {
                let plain = backend.laidOut(weight, as: .plain)
                check(hl_dnn_pack(convolution.handle, plain.floats, packed.bytes), backend)
            }
            // Rounded weights stay a copy: what is frozen may be read, or used in F32, later.
            if storage.isFrozen && storage.layout == .plain && !convolution.isNarrow {
                storage.exchange(with: packed)
                return storage
            }
            storage.packed[key] = (storage.version, packed)
            return packed
        }

        func run(
            _ convolution: Convolution, _ input: Tensor, _ weights: CPUStorage, _ output: Tensor,
            _ backend: any ConvolutionHost
        ) {
            let scratch = convolution.scratchBytes > 0 ? backend.storage(bytes: convolution.scratchBytes, .plain) : nil
            var status: Int32 = 0
            running {
                status = hl_dnn_run(
                    convolution.handle, input.values(), weights.bytes, output.values(), scratch?.bytes)
            }
            check(status, backend)
        }

        private func check(_ status: Int32, _ backend: any ConvolutionHost) {
            if status != 0 { backend.fail(backend.libraryFailure) }
        }
    }
#endif
