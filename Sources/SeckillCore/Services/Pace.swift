internal import Logging
internal import ServiceLifecycle

/// Does the same thing again and again, at an interval, until shutdown; a failure is logged and the next turn goes on.
struct Pace: Sendable {
    let clock: any SaleClock
    let interval: Duration
    let logger: Logger

    func run(_ name: String, _ turn: () async throws -> Void) async throws {
        var failing = false
        while !Task.isCancelled, !Task.isShuttingDownGracefully {
            do {
                try await turn()
                if failing { logger.info("works again", metadata: ["seckill.service": "\(name)"]) }
                failing = false
            } catch is CancellationError {
                break
            } catch {
                // Once per outage: a database that is away for an hour is one event.
                if !failing {
                    logger.warning("failing", metadata: ["seckill.service": "\(name)", "error": "\(error)"])
                }
                failing = true
            }
            await rest()
        }
        try Task.checkCancellation()
    }

    private func rest() async {
        // Only cancellation and shutdown end the sleep early, and the loop looks at both.
        try? await cancelWhenGracefulShutdown { try await clock.sleep(for: interval) }
    }
}
