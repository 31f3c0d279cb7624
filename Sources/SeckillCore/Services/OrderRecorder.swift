/// Puts reservations into the ledger and tells who listens. Shared by the worker and the rebuild.
struct OrderRecorder: Sendable {
    let ledger: any OrderLedger
    let clock: any SaleClock
    let events: OrderNews
    let metrics: FunnelMetrics

    /// What could not be recorded, though the ledger answers.
    struct Leftover: Sendable {
        /// Orders that this ledger can never record as they are.
        var invalid: [Reservation] = []
        /// Orders of sales whose rows are damaged.
        var damaged: [Reservation] = []
    }

    /// Records all of them in one transaction. If the ledger finds one invalid, it records each on its own; if a sale is
    /// damaged, each sale on its own, so that one sick sale keeps no other waiting.
    /// - Throws: what the ledger throws when it cannot be reached. Everything may then be repeated.
    func record(_ reservations: [Reservation]) async throws -> Leftover {
        guard !reservations.isEmpty else { return Leftover() }
        do {
            announce(try await ledger.record(reservations, at: clock.now))
            return Leftover()
        } catch let error as SeckillError where error.code == .damaged {
            let sales = Dictionary(grouping: reservations, by: \.order.sale).sorted { $0.key.text < $1.key.text }
            guard sales.count > 1 else { return Leftover(damaged: reservations) }
            return try await record(each: sales.map(\.value))
        } catch let error as SeckillError where error.code == .invalid {
            guard reservations.count > 1 else { return Leftover(invalid: reservations) }
            return try await record(each: reservations.map { [$0] })
        }
    }

    private func record(each parts: [[Reservation]]) async throws -> Leftover {
        var leftover = Leftover()
        for part in parts {
            let own = try await record(part)
            leftover.invalid += own.invalid
            leftover.damaged += own.damaged
        }
        return leftover
    }

    /// Records that `reservation` is rejected. False if the ledger cannot take even that.
    func reject(_ reservation: Reservation, because reason: RejectionReason) async throws -> Bool {
        do {
            announce([try await ledger.reject(reservation, because: reason, at: clock.now)])
            return true
        } catch let error as SeckillError where error.code == .invalid {
            return false
        }
    }

    private func announce(_ orders: [Order]) {
        metrics.count(orders)
        events.send(orders)
    }
}
