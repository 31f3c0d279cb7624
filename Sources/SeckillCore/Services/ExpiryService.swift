/// Ends orders whose payment is overdue. Several may run at once: the ledger lets each order expire once.
struct ExpiryService: Sendable {
    private static let batch = 2000

    let ledger: any OrderLedger
    let clock: any SaleClock
    let events: OrderNews
    let pace: Pace
    let metrics: FunnelMetrics

    func run() async throws {
        try await pace.run("expiry") { try await expireAll() }
    }

    func expireAll() async throws {
        var expired: [Order]
        repeat {
            expired = try await ledger.expire(dueAt: clock.now, limit: Self.batch)
            metrics.count(expired)
            events.send(expired)
        } while expired.count == Self.batch
    }
}
