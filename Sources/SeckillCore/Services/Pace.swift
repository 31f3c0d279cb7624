internal import Logging
internal import ServiceLifecycle

/// Does the same thing again and again, at an interval, until shutdown. A turn that fails does not end it; an outage is
/// logged as ``OutageLog`` does.
struct Pace: Sendable {
    let clock: any SaleClock
    let interval: Duration
    let logger: Logger

    func run(_ name: String, _ turn: () async throws -> Void) async throws {
        let outage = OutageLog(
            logger,
            clock: clock,
            began: "failing",
            ended: "works again",
            metadata: ["seckill.service": "\(name)"]
        )
        while !Task.isCancelled, !Task.isShuttingDownGracefully {
            do {
                try await turn()
                outage.succeeded()
            } catch is CancellationError {
                break
            } catch {
                outage.failed(error)
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
