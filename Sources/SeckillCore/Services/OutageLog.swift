package import Logging
internal import Synchronization

/// Logs an outage in two lines, however many calls fail in it: the first error when it begins, and the number of failures
/// when it is over.
///
/// It is over when a call succeeds and none has failed for ``quiet``. So what fails every now and then is one outage, and
/// not many short ones.
///
/// **Cost**: one atomic read for a success outside an outage.
package final class OutageLog: Sendable {
    private struct Outage: Sendable {
        let beganAt: Duration
        var lastFailureAt: Duration
        var failures = 1
    }

    /// How long nothing may have failed before an outage is over.
    package static let quiet: Duration = .seconds(5)

    private let logger: Logger
    private let clock: any SaleClock
    private let level: Logger.Level
    private let began: Logger.Message
    private let ended: Logger.Message
    private let metadata: Logger.Metadata
    private let outage = Locked<Outage?>(nil)
    /// Whether ``outage`` is set: successes look at this alone.
    private let isFailing = Atomic(false)

    /// A log of the outages of one thing.
    /// - Parameters:
    ///   - level: of the line that says that an outage has begun; the other is a notice.
    ///   - began: what is wrong in an outage.
    ///   - ended: what is right again after it.
    ///   - metadata: goes with both lines.
    package init(
        _ logger: Logger,
        clock: any SaleClock,
        level: Logger.Level = .warning,
        began: Logger.Message,
        ended: Logger.Message,
        metadata: Logger.Metadata = [:]
    ) {
        self.logger = logger
        self.clock = clock
        self.level = level
        self.began = began
        self.ended = ended
        self.metadata = metadata
    }

    /// Notes a failure, and logs it if it is the first of an outage.
    package func failed(_ error: @autoclosure () -> Any) {
        let now = clock.uptime
        let isFirst = outage.withLock { outage in
            outage?.failures += 1
            outage?.lastFailureAt = now
            guard outage == nil else { return false }
            outage = Outage(beganAt: now, lastFailureAt: now)
            isFailing.store(true, ordering: .relaxed)
            return true
        }
        guard isFirst else { return }
        logger.log(level: level, began, metadata: metadata.merging(["error": "\(error())"]) { $1 })
    }

    /// Notes a success, and logs the end of an outage if nothing has failed for long enough.
    package func succeeded() {
        guard isFailing.load(ordering: .relaxed) else { return }
        let now = clock.uptime
        let over = outage.withLock { outage -> Outage? in
            guard let over = outage, now - over.lastFailureAt >= Self.quiet else { return nil }
            outage = nil
            isFailing.store(false, ordering: .relaxed)
            return over
        }
        guard let over else { return }
        let figures: Logger.Metadata = [
            "seckill.failures": "\(over.failures)",
            "seckill.seconds": "\((over.lastFailureAt - over.beganAt).components.seconds)",
        ]
        logger.notice(ended, metadata: metadata.merging(figures) { $1 })
    }
}
