internal import Synchronization

#if canImport(FoundationEssentials)
    internal import FoundationEssentials
#else
    internal import Foundation
#endif

/// The machine's clock: the one place in the library that reads real time.
///
/// ``now`` is the wall clock as it was when the process first read it, moved on by a clock that never jumps. Small
/// corrections, such as NTP makes, are followed slowly. A jump of one second or more is not followed until the next start,
/// so that it neither expires orders nor holds units; ``jump`` reports it.
public struct SystemClock: SaleClock {
    private static let start = ContinuousClock().now
    private static let time = SteadyTime()

    /// The machine's clock.
    public init() {}

    /// Wall-clock time in UTC, without the jumps that the wall clock has made since the process began.
    public var now: Timestamp { Self.time.now() }

    /// Time since first use in this process.
    public var uptime: Duration { Self.uptime }

    /// Sleeps for real.
    public func sleep(for duration: Duration) async throws {
        try await Task.sleep(for: duration)
    }

    /// By how much the wall clock is ahead of ``now``, negative if it is behind; nil if that is less than one second.
    ///
    /// The value changes only when the wall clock jumps, so log it when it differs from the one that was logged last. A
    /// restart adopts the wall clock.
    public static var jump: Duration? { time.jump() }

    /// How often the wall clock of this process has jumped; a jump back to where it was counts as another one.
    public static var jumps: Int { time.jumps() }

    fileprivate static var uptime: Duration { start.duration(to: ContinuousClock().now) }
}

/// The time of this process. A reading costs one clock and two atomic loads; ten times a second, it also compares the
/// clocks.
private final class SteadyTime: Sendable {
    private static let interval: Int64 = 100_000_000
    /// A thread that was suspended for longer between two readings has not read them at the same moment.
    private static let simultaneous: Duration = .milliseconds(20)

    private let watch: Locked<ClockWatch>
    /// Of the watch, in nanoseconds.
    private let offset: Atomic<Int64>
    /// The uptime, in nanoseconds, from which on the clocks are compared again.
    private let nextLook: Atomic<Int64>

    init() {
        // Readings that are far apart are repeated, a few times.
        var reading = Self.read()
        for _ in 1...10 where reading == nil { reading = Self.read() }
        let (wall, uptime) = reading ?? (Self.wall, SystemClock.uptime)
        let watch = ClockWatch(wall: wall, uptime: uptime)
        self.watch = Locked(watch)
        offset = Atomic(watch.offset.nanoseconds)
        nextLook = Atomic(uptime.nanoseconds + Self.interval)
    }

    func now() -> Timestamp {
        let uptime = SystemClock.uptime.nanoseconds
        if uptime >= nextLook.load(ordering: .relaxed) { look() }
        // Rounded down, also before 1970.
        let (milliseconds, rest) = (uptime + offset.load(ordering: .relaxed)).quotientAndRemainder(
            dividingBy: 1_000_000
        )
        return Timestamp(milliseconds: rest < 0 ? milliseconds - 1 : milliseconds)
    }

    func jump() -> Duration? {
        look()
        return watch.withLock { $0.jump }
    }

    func jumps() -> Int {
        look()
        return watch.withLock { $0.jumps }
    }

    private func look() {
        watch.withLock { watch in
            guard let (wall, uptime) = Self.read() else { return }
            watch.look(wall: wall, uptime: uptime)
            offset.store(watch.offset.nanoseconds, ordering: .relaxed)
            nextLook.store(uptime.nanoseconds + Self.interval, ordering: .relaxed)
        }
    }

    /// Both clocks, if they could be read at the same moment.
    private static func read() -> (wall: Duration, uptime: Duration)? {
        let before = SystemClock.uptime
        let wall = wall
        let after = SystemClock.uptime
        return after - before <= simultaneous ? (wall, before) : nil
    }

    private static var wall: Duration {
        // Within what 64 bits of nanoseconds hold, the years 1678 to 2262.
        .nanoseconds(Int64(min(max(Date().timeIntervalSince1970 * 1e9, -9.2e18), 9.2e18)))
    }
}

extension Duration {
    fileprivate var nanoseconds: Int64 {
        let (seconds, attoseconds) = components
        return seconds * 1_000_000_000 + attoseconds / 1_000_000_000
    }
}
