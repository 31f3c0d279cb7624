/// Randomness, as the library sees it. Injected; ``SystemRandom`` is the real one.
public protocol RandomSource: Sendable {
    /// 64 unpredictable bits. Called from any thread.
    func next() -> UInt64
}

extension RandomSource {
    /// `count` random bytes.
    public func bytes(_ count: Int) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(count + 7)
        while bytes.count < count {
            withUnsafeBytes(of: next()) { bytes.append(contentsOf: $0) }
        }
        return Array(bytes.prefix(count))
    }
}

/// The operating system's cryptographic generator: the one place in the library that reads real randomness.
public struct SystemRandom: RandomSource {
    /// The operating system's generator.
    public init() {}

    /// 64 bits from the operating system.
    public func next() -> UInt64 {
        var generator = SystemRandomNumberGenerator()
        return generator.next()
    }
}

extension RandomSource where Self == SystemRandom {
    /// The operating system's generator.
    public static var system: SystemRandom { SystemRandom() }
}

/// A source as the standard library wants it, for its ranges and shuffles.
struct RandomGenerator: RandomNumberGenerator {
    private let source: any RandomSource

    init(_ source: any RandomSource) { self.source = source }

    func next() -> UInt64 { source.next() }
}
