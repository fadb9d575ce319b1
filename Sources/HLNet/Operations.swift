import HLCompute

/// Operations without parameters, each with its way back beside it.
extension Pass {
    /// A network's first activations in this pass's precision; all that is made of them follows. What comes back has the
    /// precision that x has.
    package func activations(_ x: Variable) -> Variable {
        backend.roundsToTF32 = precision == .tf32
        return converted(x, to: precision)
    }

    /// The same values in a precision. What comes back has the one that x has.
    package func converted(_ x: Variable, to precision: Precision) -> Variable {
        let backend = backend
        guard x.value.type != precision.type else { return x }
        return tape.result(backend.converted(x.value, to: precision.type), from: [x]) {
            [x = x.sink, type = x.value.type] gradient in
            x.receive(backend.converted(gradient, to: type), backend)
        }
    }

    /// Max pooling, [B, C, H, W] → [B, C, H', W'].
    package func maxPool(_ x: Variable, _ window: Window) -> Variable {
        let backend = backend
        let (y, chosen) = backend.maxPool(x.value, window: window)
        return tape.result(y, from: [x]) { [x = x.sink] gradient in
            x.receive(
                backend.maxPoolBackward(gradient, chosen: chosen, inputShape: x.shape, window: window), backend)
        }
    }

    /// Mean over all positions, [B, C, H, W] → [B, C].
    package func averagePool(_ x: Variable) -> Variable {
        let backend = backend
        return tape.result(backend.averagePool(x.value), from: [x]) { [x = x.sink, type = x.value.type] gradient in
            x.receive(backend.averagePoolBackward(gradient, inputShape: x.shape, type: type), backend)
        }
    }

    /// max(x, 0).
    package func relu(_ x: Variable) -> Variable {
        let backend = backend, y = backend.relu(x.value)
        return tape.result(y, from: [x]) { [x = x.sink] gradient in
            x.receive(backend.reluBackward(gradient, output: y), backend)
        }
    }

    /// Rows of [B, d] to unit length.
    package func normaliseRows(_ x: Variable) -> Variable {
        let backend = backend
        let (y, norms) = backend.normaliseRows(x.value)
        return tape.result(y, from: [x]) { [x = x.sink] gradient in
            x.receive(backend.normaliseRowsBackward(gradient, output: y, norms: norms), backend)
        }
    }

    /// x itself, whose gradient comes back with the other sign: what comes before ascends where the rest descends
    /// (Ganin & Lempitsky 2015).
    package func reversingGradient(_ x: Variable) -> Variable { scalingGradient(x, by: -1) }

    /// x itself, whose gradient comes back times `factor`: the weight of what follows in a sum of losses.
    package func scalingGradient(_ x: Variable, by factor: Float) -> Variable {
        let backend = backend
        return tape.result(x.value, from: [x]) { [x = x.sink] gradient in
            x.receive(backend.scale(gradient, by: factor), backend)
        }
    }

    /// Entries `range` of the first dimension.
    package func rows(_ x: Variable, _ range: Range<Int>) -> Variable {
        let backend = backend
        return tape.result(backend.rows(x.value, range), from: [x]) { [x = x.sink] gradient in
            let whole = backend.converted(backend.constant(0, shape: x.shape), to: gradient.type)
            backend.assignRows(gradient, to: whole, at: range.lowerBound)
            x.receive(whole, backend)
        }
    }

    /// Tensors of one row shape, one below the other.
    package func concatenate(_ parts: [Variable]) -> Variable {
        let backend = backend
        return tape.result(backend.concatenate(parts.map(\.value)), from: parts) {
            [sinks = parts.map(\.sink)] gradient in
            var start = 0
            for part in sinks {
                let rows = start..<start + part.shape[0]
                if part.requiresGradient { part.receive(backend.rows(gradient, rows), backend) }
                start = rows.upperBound
            }
        }
    }

    /// The rows of all ranks, [ranks · B, …] of `parts` equal parts of rows, such as views: all ranks' rows of the first part,
    /// in rank order, then those of the next. What comes back is taken for the gradient of one objective that every rank
    /// computes as a whole: each keeps that of its own rows.
    package func gatherRows(_ x: Variable, parts: Int) -> Variable {
        guard let ranks else { return x }
        let backend = backend, size = x.shape[0] / parts, whole = size * ranks.count
        let gathered = ranks.gatherRows(x.value)
        let value = backend.concatenate(
            (0..<parts).flatMap { part in
                (0..<ranks.count).map { rank in
                    let start = rank * x.shape[0] + part * size
                    return backend.rows(gathered, start..<start + size)
                }
            })
        return tape.result(value, from: [x]) { [x = x.sink] gradient in
            x.receive(
                backend.concatenate(
                    (0..<parts).map { part in
                        let start = part * whole + ranks.rank * size
                        return backend.rows(gradient, start..<start + size)
                    }), backend)
        }
    }

    /// Differentiable augmentation of images 0…1, values −1…1 (`Backend.augmentDifferentiably`).
    package func augmentDifferentiably(_ images: Variable, _ parameters: [DifferentiableAugmentation]) -> Variable {
        let backend = backend
        return tape.result(backend.augmentDifferentiably(images.value, parameters), from: [images]) {
            [images = images.sink] gradient in
            images.receive(backend.augmentDifferentiablyBackward(gradient, parameters), backend)
        }
    }

    /// Crops of `parameters`, which do nothing else, normalised (`Backend.augment`), F32 [B, 3, size, size].
    package func crop(
        _ images: Variable, _ parameters: [AugmentationParameters], size: Int, mean: [Float], deviation: [Float]
    ) -> Variable {
        let backend = backend
        let cropped = backend.augment(images.value, parameters, size: size, mean: mean, deviation: deviation)
        return tape.result(cropped, from: [images]) { [images = images.sink] gradient in
            images.receive(
                backend.augmentBackward(gradient, parameters, imageShape: images.shape, deviation: deviation), backend)
        }
    }
}
