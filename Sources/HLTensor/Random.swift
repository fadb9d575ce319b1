import CKernels

/// What a random number is for. Two purposes never share numbers, whatever their seeds: with one default seed for every
/// program, shared numbers would make z⁺ = 2z.
package enum RandomPurpose: UInt32, Sendable, CaseIterable {
    case anchor = 1
    case perturbation = 2
    case augmentation = 3
    case initialisation = 4
    /// The order in which a data set is read.
    case shuffle = 5
    case noiseImage = 6
    case mixing = 7
    /// The order of a training file's samples in an epoch.
    case trainingOrder = 8
    /// The order of the samples in an epoch of a probe.
    case probeOrder = 9
    /// Which part of a batch a key of MoCo is made in.
    case keyOrder = 10
    /// Which images of a data set without published splits are for training.
    case split = 11
    /// Which train samples of a probe choose its penalty.
    case probeSplit = 12
    /// Which train samples a probe of few shots learns from.
    case probeShots = 13
    /// Which samples are in a subset of the kernel distance.
    case kernelSubset = 14
    /// The latents that a generator is trained on.
    case trainingLatents = 20
    /// What happens to images before the discriminator of a generator's training sees them.
    case adversarialAugmentation = 21
    /// The latents by which a trained generator's statistics are settled.
    case standingLatents = 22
    /// Whether a group of chunks moves in a view, and by which σ.
    case noiseVariation = 16
    /// The directions along which LeJEPA looks at embeddings in a step.
    case slices = 15
}

/// A key of the counter-based generator Philox4x32-10 (Salmon et al., *Parallel random numbers: as easy as 1, 2, 3*,
/// SC 2011). With a sample's id it names one endless sequence of words that nothing else shares and that depends on no
/// batch size, thread or shard.
///
/// The key is the first half of the Philox block at counter (purpose, view, group, epoch) under the seed; the words of
/// sample `id` are the blocks at counters (0…, 0, id low, id high) under that key.
package struct RandomKey: Sendable, Hashable {
    package let low: UInt32
    package let high: UInt32

    package init(seed: UInt64, purpose: RandomPurpose, view: Int = 0, group: Int = 0, epoch: Int = 0) {
        var counter = (
            purpose.rawValue, UInt32(truncatingIfNeeded: view), UInt32(truncatingIfNeeded: group),
            UInt32(truncatingIfNeeded: epoch)
        )
        withUnsafeMutableBytes(of: &counter) {
            hl_philox4x32(
                UInt32(truncatingIfNeeded: seed), UInt32(truncatingIfNeeded: seed >> 32),
                $0.bindMemory(to: UInt32.self).baseAddress!)
        }
        low = counter.0
        high = counter.1
    }

    /// The sequence of one sample.
    package func sequence(id: Int64) -> RandomSequence { RandomSequence(key: self, id: id) }
}

/// The words of one key and sample id, in order.
package struct RandomSequence: RandomNumberGenerator, Sendable {
    /// Whose sequence it is.
    package let key: RandomKey
    /// The sample.
    package let id: UInt64
    private var block: UInt32 = 0
    private var words: (UInt32, UInt32, UInt32, UInt32) = (0, 0, 0, 0)
    private var used = 4

    init(key: RandomKey, id: Int64) {
        self.key = key
        self.id = UInt64(bitPattern: id)
    }

    package mutating func nextWord() -> UInt32 {
        if used == 4 {
            words = (block, 0, UInt32(truncatingIfNeeded: id), UInt32(truncatingIfNeeded: id >> 32))
            withUnsafeMutableBytes(of: &words) {
                hl_philox4x32(key.low, key.high, $0.bindMemory(to: UInt32.self).baseAddress!)
            }
            block &+= 1
            used = 0
        }
        defer { used += 1 }
        switch used {
        case 0: return words.0
        case 1: return words.1
        case 2: return words.2
        default: return words.3
        }
    }

    package mutating func next() -> UInt64 {
        let low = UInt64(nextWord())
        return low | UInt64(nextWord()) << 32
    }

    /// Uniform in [0, 1), 24 bits.
    package mutating func uniform() -> Float { Float(nextWord() >> 8) * 0x1p-24 }

    /// Uniform in [low, high).
    package mutating func uniform(_ low: Float, _ high: Float) -> Float { low + (high - low) * uniform() }
}
