internal import CoreMetrics
internal import Logging

/// Tells how full the session store is, long before sessions must end to make room.
struct SessionWatch: Sendable {
    /// Often enough to be told in time, and seldom enough to cost nothing.
    static let interval: Duration = .seconds(10)

    let sessions: any SessionStore
    let metrics: FunnelMetrics
    let pace: Pace
    let logger: Logger

    func run() async throws {
        var isNearlyFull = false
        try await pace.run("sessions") {
            let occupancy = try await sessions.occupancy()
            metrics.sessions.record(occupancy.count)
            let percent = occupancy.count * 100 / max(occupancy.limit, 1)
            let figures: Logger.Metadata = [
                "seckill.sessions": "\(occupancy.count)", "seckill.limit": "\(occupancy.limit)",
            ]
            if !isNearlyFull, percent >= 80 {
                isNearlyFull = true
                logger.warning("sessions: more than 80 % of the limit; unused ones will end first", metadata: figures)
            } else if isNearlyFull, percent < 70 {
                isNearlyFull = false
                logger.notice("sessions: less than 70 % of the limit again", metadata: figures)
            }
        }
    }
}
