internal import Logging
internal import SeckillCore
internal import SeckillJournal
internal import ServiceLifecycle

/// Notices what concerns this process and no single sale: files that were removed or replaced, a wall clock that jumps,
/// and nodes that sign with other secrets.
///
/// Each trouble is logged when it begins and when it ends, and named by `/ready` while it lasts.
final class ServerWatch: Service, Sendable {
    private static let interval: Duration = .milliseconds(250)
    /// How often the nodes look at each other.
    private static let nodeInterval: Duration = .seconds(2)
    private static let secretsDiffer = """
        other nodes of this shop sign links with a secret that this node does not accept, or do not accept its own: give \
        all nodes the same --secret, the new one first and the former ones after it (a node that was killed counts as one \
        for 10 s)
        """

    /// What there is one trouble with at a time.
    private enum Subject: CaseIterable {
        case ledger, journals, secrets
    }

    private struct State: Sendable {
        var troubles: [Subject: String] = [:]
        var nodesDueAt: Duration = .zero
        var jump: Duration?
    }

    private let flashSale: FlashSale
    private let stock: any StockStore
    private let checkLedger: (@Sendable () async throws -> Void)?
    private let files: EmbeddedStores?
    private let nodes: NodeRegister?
    private let clock: any SaleClock
    /// By how much the wall clock is ahead of the time that this process goes by; nil while they agree.
    private let jump: @Sendable () -> Duration?
    private let logger: Logger
    private let state = Locked(State())

    init(
        flashSale: FlashSale,
        stock: any StockStore,
        checkLedger: (@Sendable () async throws -> Void)?,
        files: EmbeddedStores?,
        nodes: NodeRegister?,
        clock: any SaleClock,
        jump: @escaping @Sendable () -> Duration? = { SystemClock.jump },
        logger: Logger
    ) {
        self.flashSale = flashSale
        self.stock = stock
        self.checkLedger = checkLedger
        self.files = files
        self.nodes = nodes
        self.clock = clock
        self.jump = jump
        self.logger = logger
    }

    /// Why this node cannot answer purchases, whatever the sales; empty if it can.
    var reasons: [String] { state.withLock { state in Subject.allCases.compactMap { state.troubles[$0] } } }

    /// Joins the nodes of the shop.
    /// - Throws: ``StartError`` if this node and another do not accept each other's links.
    func join() async throws {
        guard let nodes, let agrees = try? await nodes.agrees(), !agrees else { return }
        await nodes.leave()
        throw StartError(Self.secretsDiffer)
    }

    /// Leaves them, so that this node counts no longer.
    func leave() async { await nodes?.leave() }

    func run() async throws {
        while !Task.isCancelled, !Task.isShuttingDownGracefully {
            await look()
            // Only cancellation and shutdown end the sleep early, and the loop looks at both.
            try? await cancelWhenGracefulShutdown { try await self.clock.sleep(for: Self.interval) }
        }
    }

    func look() async {
        // What is accepted without the ledger's files could not be recorded, and nobody would find it.
        if let checkLedger, await !passes(checkLedger, .ledger) { await closeSales() }
        // The journals refuse by themselves.
        if let files { _ = await passes(files.check, .journals) }
        if let nodes, isTimeForNodes(), let agrees = try? await nodes.agrees() {
            note(agrees ? nil : Self.secretsDiffer, of: .secrets)
        }
        checkClock()
    }

    /// Notes what `check` throws, if anything.
    /// - Returns: whether it succeeded, or was cancelled.
    private func passes(_ check: () async throws -> Void, _ subject: Subject) async -> Bool {
        do {
            try await check()
            note(nil, of: subject)
        } catch is CancellationError {
            return true
        } catch {
            note((error as? SeckillError)?.message ?? "\(error)", of: subject)
            return false
        }
        return true
    }

    private func note(_ trouble: String?, of subject: Subject) {
        let before = state.withLock { state in
            defer { state.troubles[subject] = trouble }
            return state.troubles[subject]
        }
        guard before != trouble else { return }
        if let trouble {
            logger.error("this node cannot sell", metadata: ["seckill.reason": "\(trouble)"])
        } else {
            logger.notice("this node may sell again", metadata: ["seckill.reason.was": "\(before ?? "")"])
        }
    }

    /// Closes all sales until they are rebuilt from the ledger.
    private func closeSales() async {
        for sale in (try? await flashSale.sales(limit: .max)) ?? [] {
            guard let epoch = sale.stock?.epoch else { continue }
            // Tried again at the next look.
            try? await stock.distrust(sale.record.sale.id, epoch: epoch)
        }
    }

    private func isTimeForNodes() -> Bool {
        let now = clock.uptime
        return state.withLock { state in
            guard now >= state.nodesDueAt else { return false }
            state.nodesDueAt = now + Self.nodeInterval
            return true
        }
    }

    private func checkClock() {
        let jump = jump()
        let before = state.withLock { state in
            defer { state.jump = jump }
            return state.jump
        }
        guard before != jump else { return }
        if let jump {
            logger.error(
                "the wall clock has jumped and is not followed: set it right, or restart the server to adopt its time",
                metadata: ["seckill.jump": "\(jump)"]
            )
        } else {
            logger.notice("the wall clock is right again")
        }
    }
}
