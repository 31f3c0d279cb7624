internal import Crypto

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

/// Much randomness out of little, as the standard library wants it for its ranges and shuffles: SHA-256 of 32 bytes from a
/// source and a counter. The operating system is asked four times, and not for each number, which costs it more than hashing.
struct RandomGenerator: RandomNumberGenerator {
    private let seed: [UInt8]
    private var counter: UInt64 = 0
    /// The numbers of the last block that were not given yet.
    private var numbers: [UInt64] = []

    init(_ source: any RandomSource) { seed = source.bytes(32) }

    mutating func next() -> UInt64 {
        if let number = numbers.popLast() { return number }
        var hash = SHA256()
        hash.update(data: seed)
        withUnsafeBytes(of: counter.littleEndian) { hash.update(bufferPointer: $0) }
        counter += 1
        hash.finalize().withUnsafeBytes { block in
            numbers.append(contentsOf: (0..<4).map { block.loadUnaligned(fromByteOffset: $0 * 8, as: UInt64.self) })
        }
        return numbers.removeLast()
    }
}
