internal import Crypto

/// A proof of work: find a number such that SHA-256 of `prefix` and its decimal digits begins with `bits` zero bits.
///
/// Fields `prefix` and `bits`. Solving takes 2^`bits` hashes on average, checking one: for people who cannot see a drawn
/// puzzle, and for programs that are welcome at a price.
public struct WorkPuzzle: Puzzle {
    private let bits: Int

    /// A puzzle of this difficulty. One more bit is twice the work; a phone does some 300,000 hashes a second.
    /// - Throws: `invalid` if `bits` is not 1 to 32.
    public init(bits: Int = 18) throws(SeckillError) {
        guard (1...32).contains(bits) else { throw SeckillError(.invalid, "a proof of work has 1 to 32 bits") }
        self.bits = bits
    }

    /// `work`.
    public var kind: String { "work" }

    /// A new prefix.
    public func make(from random: any RandomSource) -> (fields: [String: String], solution: String) {
        let prefix = Base64URL.encode(random.bytes(15)) + "."
        // Of its own difficulty, should the operator change it meanwhile.
        return (["prefix": prefix, "bits": String(bits)], "\(bits) \(prefix)")
    }

    /// 1 to 20 digits, hashed once.
    public func accepts(_ answer: String, for solution: String) -> Bool {
        let parts = solution.split(separator: " ", maxSplits: 1)
        guard (1...20).contains(answer.utf8.count), answer.utf8.allSatisfy({ (0x30...0x39).contains($0) }),
            parts.count == 2, let bits = Int(parts[0])
        else { return false }
        let hash = SHA256.hash(data: Array((parts[1] + answer).utf8))
        return hash.prefix(4).reduce(0 as UInt32) { $0 << 8 | UInt32($1) }.leadingZeroBitCount >= bits
    }
}
