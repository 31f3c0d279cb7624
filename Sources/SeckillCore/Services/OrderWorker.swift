internal import Logging
internal import ServiceLifecycle

/// Moves orders from the source to the ledger, in batches, at a set rate: what shaves the peak.
///
/// Recording comes before acknowledging, always. A batch that the ledger cannot take now is kept and tried again; one
/// entry that it can never take is put aside after ``FlashSale/Configuration/maxDeliveries`` deliveries, with a
/// rejection that its buyer sees and a return for its unit.
struct OrderWorker: Sendable {
    let source: any OrderSource
    let recorder: OrderRecorder
    let configuration: FlashSale.Configuration
    let clock: any SaleClock
    let logger: Logger
    /// When shutdown must be done with; nil before it begins.
    private let end = Locked<Duration?>(nil)

    func run() async throws {
        try await withGracefulShutdownHandler {
            try await work()
        } onGracefulShutdown: {
            end.withLock { $0 = clock.uptime + configuration.drainLimit }
        }
    }

    private func work() async throws {
        var takenOverAt = clock.uptime
        while !Task.isCancelled, !Task.isShuttingDownGracefully {
            if clock.uptime - takenOverAt >= configuration.takeOver / 4 {
                takenOverAt = clock.uptime
                await settle {
                    try await source.takeOver(batch, idle: configuration.takeOver, as: configuration.consumer)
                }
            }
            let settled = await settle {
                // Cancelled, receive holds nothing; so shutdown may interrupt it, and nothing after it.
                try await cancelWhenGracefulShutdown {
                    try await source.receive(batch, as: configuration.consumer, wait: .seconds(1))
                }
            }
            if configuration.ledgerRate == nil, (1..<batch).contains(settled) { await rest(configuration.linger) }
        }
        try Task.checkCancellation()
        await drain()
    }

    /// What is queued when shutdown begins, as far as the limit allows. The rest stays in the source.
    private func drain() async {
        while !Task.isCancelled, timeLeft > .zero {
            let settled = await settle {
                try await source.receive(batch, as: configuration.consumer, wait: .zero)
            }
            if settled == 0, timeLeft > .zero { return }
        }
        logger.warning("the limit for shutdown is over; orders that are still queued wait for the next start")
    }

    /// What shutdown may still spend; no end to it before shutdown begins.
    private var timeLeft: Duration { end.withLock { $0.map { $0 - clock.uptime } ?? .seconds(Int.max) } }

    /// Small enough that a rate is kept within any second.
    private var batch: Int {
        guard let rate = configuration.ledgerRate else { return configuration.batch }
        return max(1, min(configuration.batch, rate / 20))
    }

    /// Receives, records, acknowledges; waits as the rate demands. How many entries it saw.
    @discardableResult
    private func settle(_ receive: () async throws -> [Delivery]) async -> Int {
        let start = clock.uptime
        do {
            let deliveries = try await receive()
            guard !deliveries.isEmpty else { return 0 }
            try await recordUntilDone(deliveries)
            if let rate = configuration.ledgerRate {
                let due = start + .seconds(1) * deliveries.count / rate
                if due > clock.uptime { try await clock.sleep(for: due - clock.uptime) }
            }
            return deliveries.count
        } catch is CancellationError {
            return 0
        } catch {
            logger.warning("orders wait where they are", metadata: ["error": "\(error)"])
            await rest(configuration.sweep)
            return 0
        }
    }

    private func rest(_ duration: Duration) async {
        // Only cancellation and shutdown end the rest early, and both loops look at them.
        try? await cancelWhenGracefulShutdown { try await clock.sleep(for: duration) }
    }

    /// - Throws: only cancellation and, once shutdown has taken its time, what the ledger or the source throws: what is held
    ///   then is taken over, here or elsewhere.
    private func recordUntilDone(_ deliveries: [Delivery]) async throws {
        var delay: Duration = .milliseconds(10)
        while true {
            do {
                return try await record(deliveries)
            } catch let error as CancellationError {
                throw error
            } catch {
                logger.warning(
                    "ledger or source unavailable, orders wait",
                    metadata: ["seckill.orders": "\(deliveries.count)", "error": "\(error)"]
                )
                guard timeLeft > .zero else { throw error }
                try await clock.sleep(for: min(delay, timeLeft))
                delay = min(delay * 2, .seconds(1))
            }
        }
    }

    private func record(_ deliveries: [Delivery]) async throws {
        var reservations: [Reservation] = []
        var deliveryOf: [OrderID: Delivery] = [:]
        for delivery in deliveries {
            switch delivery.content {
            case .reservation(let reservation):
                reservations.append(reservation)
                deliveryOf[reservation.order] = delivery
            case .unreadable(let what):
                logger.error("unreadable entry put aside", metadata: ["seckill.entry": "\(what)"])
                try await source.deadLetter(delivery, because: "unreadable: \(what)")
            }
        }
        let invalid = try await recorder.record(reservations)
        let held = Set(invalid.map(\.order))
        for reservation in invalid {
            guard let delivery = deliveryOf[reservation.order] else { continue }
            // Held, not acknowledged: it comes again by take-over, until it has come often enough.
            guard delivery.count >= configuration.maxDeliveries else { continue }
            if try await recorder.reject(reservation, because: .undeliverable) {
                try await source.deadLetter(delivery, because: "cannot be recorded")
            }
        }
        try await source.acknowledge(
            deliveries.filter {
                guard case .reservation(let reservation) = $0.content else { return false }
                return !held.contains(reservation.order)
            }
        )
    }
}
