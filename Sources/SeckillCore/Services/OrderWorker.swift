internal import Logging
internal import ServiceLifecycle

/// Moves orders from the source to the ledger, in batches, at a set rate, which shaves the peak.
///
/// Recording comes before acknowledging, always. A batch that the ledger cannot take now is kept and tried again; one
/// entry that it can never take is dead-lettered after ``FlashSale/Configuration/maxDeliveries`` deliveries, with a
/// rejection that its buyer sees and a return for its unit.
struct OrderWorker: Sendable {
    let source: any OrderSource
    let recorder: OrderRecorder
    let ledger: any OrderLedger
    let configuration: FlashSale.Configuration
    let clock: any SaleClock
    let logger: Logger
    /// When shutdown must be done with; nil before it begins.
    private let end = Locked<Duration?>(nil)
    private let outage: OutageLog

    init(
        source: any OrderSource,
        recorder: OrderRecorder,
        ledger: any OrderLedger,
        configuration: FlashSale.Configuration,
        clock: any SaleClock,
        logger: Logger
    ) {
        self.source = source
        self.recorder = recorder
        self.ledger = ledger
        self.configuration = configuration
        self.clock = clock
        self.logger = logger
        outage = OutageLog(
            logger,
            clock: clock,
            began: "ledger or source unavailable, orders wait",
            ended: "orders are recorded again"
        )
    }

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
                await process {
                    try await source.takeOver(batch, idle: configuration.takeOver, as: configuration.consumer)
                }
            }
            let count = await process {
                // Cancelled, receive holds nothing; so shutdown may interrupt it, and nothing after it.
                try await cancelWhenGracefulShutdown {
                    try await source.receive(batch, as: configuration.consumer, wait: .seconds(1))
                }
            }
            if configuration.ledgerRate == nil, let count, (1..<batch).contains(count) {
                await rest(configuration.linger)
            }
        }
        try Task.checkCancellation()
        await drain()
    }

    /// What is queued when shutdown begins, as far as the limit allows. The rest stays in the source.
    private func drain() async {
        while !Task.isCancelled, timeLeft > .zero {
            let count = await process {
                try await source.receive(batch, as: configuration.consumer, wait: .zero)
            }
            if count == 0 { return }
            // A source that fails now may answer in a moment.
            if count == nil { try? await clock.sleep(for: min(.milliseconds(50), max(.zero, timeLeft))) }
        }
        let waiting = (try? await source.depth())?.count
        logger.warning(
            "the limit for shutdown is over; queued orders wait for the next start",
            metadata: ["seckill.orders": "\(waiting.map(String.init) ?? "unknown")"]
        )
    }

    /// What shutdown may still spend; without an end before shutdown begins.
    private var timeLeft: Duration { end.withLock { $0.map { $0 - clock.uptime } ?? .seconds(Int.max) } }

    /// Small enough that a rate is kept within any second.
    private var batch: Int {
        guard let rate = configuration.ledgerRate else { return configuration.batch }
        return max(1, min(configuration.batch, rate / 20))
    }

    /// Receives, records, acknowledges; waits as the rate demands.
    /// - Returns: how many entries it received; nil if it failed.
    @discardableResult
    private func process(_ receive: () async throws -> [Delivery]) async -> Int? {
        let start = clock.uptime
        do {
            let deliveries = try await receive()
            guard !deliveries.isEmpty else {
                outage.succeeded()
                return 0
            }
            try await recordUntilDone(deliveries)
            outage.succeeded()
            if let rate = configuration.ledgerRate {
                let due = start + .seconds(1) * deliveries.count / max(1, rate)
                if due > clock.uptime { try await clock.sleep(for: due - clock.uptime) }
            }
            return deliveries.count
        } catch is CancellationError {
            return nil
        } catch {
            outage.failed(error)
            if timeLeft > .seconds(1) { await rest(configuration.sweep) }
            return nil
        }
    }

    private func rest(_ duration: Duration) async {
        // Only cancellation and shutdown end the rest early, and both loops check for them.
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
                outage.failed(error)
                guard timeLeft > .zero else { throw error }
                try await clock.sleep(for: min(delay, timeLeft))
                delay = min(delay * 2, .seconds(1))
            }
        }
    }

    private func record(_ deliveries: [Delivery]) async throws {
        var reservations: [Reservation] = []
        for delivery in deliveries {
            switch delivery.content {
            case .reservation(let reservation): reservations.append(reservation)
            case .unreadable(let what):
                logger.error("unreadable entry dead-lettered", metadata: ["seckill.entry": "\(what)"])
                try await source.deadLetter(delivery, because: "unreadable: \(what)")
            }
        }
        let leftover = try await recorder.record(reservations)
        let invalid = Set(leftover.invalid.map(\.order))
        // Held, not acknowledged: they come again by take-over.
        let kept = invalid.union(leftover.damaged.map(\.order))
        for delivery in deliveries {
            guard case .reservation(let reservation) = delivery.content, invalid.contains(reservation.order),
                delivery.count >= configuration.maxDeliveries
            else { continue }
            try await giveUp(reservation, in: delivery)
        }
        try await source.acknowledge(
            deliveries.filter {
                guard case .reservation(let reservation) = $0.content else { return false }
                return !kept.contains(reservation.order)
            }
        )
    }

    /// Dead-letters an order that cannot be recorded: with its rejection in the ledger, or, if the ledger does not have
    /// its sale, without one. An order of a later epoch than the ledger's waits until the reconciler has raised that.
    private func giveUp(_ reservation: Reservation, in delivery: Delivery) async throws {
        if try await recorder.reject(reservation, because: .undeliverable) {
            try await source.deadLetter(delivery, because: "cannot be recorded")
        } else if try await ledger.sale(reservation.order.sale) == nil {
            logger.error(
                "order dead-lettered: the ledger does not have its sale",
                metadata: ["seckill.sale": "\(reservation.order.sale)"]
            )
            try await source.deadLetter(delivery, because: "the ledger does not have the sale")
        }
    }
}
