internal import Crypto
internal import Histogram
internal import SeckillCore

/// Does the proofs of work that the sale asks of the crowd, and keeps count of what they cost this machine.
///
/// In slices, between which others have their turn: a crowd that computes must still notice its answers.
final class WorkSolver: Sendable {
    struct Record: Sendable {
        var hashes = 0
        var latency = Histogram<UInt64>(numberOfSignificantValueDigits: .three)
    }

    private static let slice = 2_000
    private let record = Locked(Record())

    var snapshot: Record { record.withLock(\.self) }

    /// The first number that will do, in digits; nil if cancelled.
    func solve(prefix: String, bits: Int) async -> String? {
        let start = ContinuousClock.now
        var number = 0
        while !Task.isCancelled {
            if let found = Self.search(prefix, bits, from: number) {
                record.withLock { record in
                    record.hashes += found + 1
                    record.latency.record((ContinuousClock.now - start).inMicroseconds)
                }
                return String(found)
            }
            number += Self.slice
            await Task.yield()
        }
        return nil
    }

    private static func search(_ prefix: String, _ bits: Int, from first: Int) -> Int? {
        var text = Array(prefix.utf8)
        for number in first..<first + slice {
            text.replaceSubrange(prefix.utf8.count..., with: String(number).utf8)
            let head = SHA256.hash(data: text).withUnsafeBytes { $0.loadUnaligned(as: UInt32.self).bigEndian }
            if head.leadingZeroBitCount >= bits { return number }
        }
        return nil
    }
}
