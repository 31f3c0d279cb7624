public import SeckillCore

/// Randomness that can be replayed: SplitMix64 (Steele, Lea and Flood, "Fast splittable pseudorandom number
/// generators", OOPSLA 2014). Copies draw from one stream; for tests only.
public struct SeededRandom: RandomSource, RandomNumberGenerator {
    private let state: Locked<UInt64>

    /// The stream that `seed` stands for.
    public init(_ seed: UInt64) { state = Locked(seed) }

    /// The next 64 bits.
    public func next() -> UInt64 {
        var bits = state.withLock { state in
            state &+= 0x9E37_79B9_7F4A_7C15
            return state
        }
        bits = (bits ^ (bits >> 30)) &* 0xBF58_476D_1CE4_E5B9
        bits = (bits ^ (bits >> 27)) &* 0x94D0_49BB_1331_11EB
        return bits ^ (bits >> 31)
    }
}
