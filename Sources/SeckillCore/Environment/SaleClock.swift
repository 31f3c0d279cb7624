/// Time, as the library sees it. Injected everywhere; ``SystemClock`` is the real one, `ManualClock` of SeckillTesting
/// the one for tests.
public protocol SaleClock: Sendable {
    /// Wall-clock time: what is stored and compared with opening times and deadlines. May jump either way between two
    /// runs of a process; ``SystemClock`` does not let it jump within one.
    var now: Timestamp { get }
    /// Time since some fixed moment; never jumps. For measuring, limits and timeouts.
    var uptime: Duration { get }
    /// Waits for `duration` of ``uptime``.
    /// - Throws: `CancellationError` as soon as the task is cancelled.
    func sleep(for duration: Duration) async throws
}

extension SaleClock where Self == SystemClock {
    /// The machine's clock.
    public static var system: SystemClock { SystemClock() }
}
