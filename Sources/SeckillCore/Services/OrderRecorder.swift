internal import Logging

/// Puts reservations into the ledger and tells who listens. Shared by the worker and the rebuild.
struct OrderRecorder: Sendable {
    let ledger: any OrderLedger
    let clock: any SaleClock
    let events: OrderNews
    let metrics: FunnelMetrics
    let logger: Logger

    /// Records all of them in one transaction, or, if the ledger finds one invalid, each on its own.
    /// The ones that cannot be recorded, even alone.
    /// - Throws: what the ledger throws when it cannot be reached. Everything may then be repeated.
    func record(_ reservations: [Reservation]) async throws -> [Reservation] {
        guard !reservations.isEmpty else { return [] }
        do {
            try await recordTogether(reservations)
            return []
        } catch let error as SeckillError where error.code == .invalid {
            guard reservations.count > 1 else {
                logger.error(
                    "order cannot be recorded",
                    metadata: ["seckill.order": "\(reservations[0].order)", "error": "\(error)"]
                )
                return reservations
            }
        }
        var invalid: [Reservation] = []
        for reservation in reservations { invalid += try await record([reservation]) }
        return invalid
    }

    /// Records that `reservation` comes to nothing. False if the ledger cannot take even that.
    func reject(_ reservation: Reservation, because reason: RejectionReason) async throws -> Bool {
        do {
            announce([try await ledger.reject(reservation, because: reason, at: clock.now)])
            return true
        } catch let error as SeckillError where error.code == .invalid {
            logger.error(
                "order cannot even be rejected",
                metadata: ["seckill.order": "\(reservation.order)", "error": "\(error)"]
            )
            return false
        }
    }

    private func recordTogether(_ reservations: [Reservation]) async throws {
        announce(try await ledger.record(reservations, at: clock.now))
    }

    private func announce(_ orders: [Order]) {
        metrics.count(orders)
        events.send(orders)
    }
}
