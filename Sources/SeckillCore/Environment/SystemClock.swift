#if canImport(FoundationEssentials)
    internal import FoundationEssentials
#else
    internal import Foundation
#endif

/// The machine's clock: the one place in the library that reads real time.
public struct SystemClock: SaleClock {
    private static let start = ContinuousClock().now

    /// The machine's clock.
    public init() {}

    /// Wall-clock time in UTC.
    public var now: Timestamp { Timestamp(milliseconds: Int64(Date().timeIntervalSince1970 * 1000)) }

    /// Time since first use in this process.
    public var uptime: Duration { Self.start.duration(to: ContinuousClock().now) }

    /// Sleeps for real.
    public func sleep(for duration: Duration) async throws {
        try await Task.sleep(for: duration)
    }
}
