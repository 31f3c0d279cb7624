internal import Logging
public import ServiceLifecycle

extension FlashSale: Service {
    /// The work behind the routes, until graceful shutdown or cancellation: orders into the ledger, deadlines, returns,
    /// and the watch over the stock store.
    ///
    /// At graceful shutdown it goes on recording until nothing is queued or ``Configuration/drainLimit`` is over, so
    /// stop taking requests first; what the ledger does not take by then stays queued. Failures of backends are logged
    /// and tried again; it returns only when told to.
    public func run() async throws {
        try await withThrowingDiscardingTaskGroup { group in
            group.addTask { try await self.reconciler.run() }
            group.addTask { await self.listenToRestocks() }
            group.addTask { await self.tellOfOrders() }
            group.addTask { try await self.backlogPace.run("backlog") { _ = try await self.backlog() } }
            if configuration.role != .worker { group.addTask { try await self.sessionWatch.run() } }
            if configuration.role != .worker, !stock.isInProcess {
                group.addTask { await self.soldOutService.run() }
            }
            if configuration.role != .web {
                group.addTask { try await self.worker.run() }
                group.addTask { try await self.expiry.run() }
                group.addTask { try await self.returns.run() }
            }
        }
    }

    var recorder: OrderRecorder {
        OrderRecorder(ledger: ledger, clock: clock, events: events, metrics: metrics)
    }
    var rebuild: StockRebuild {
        StockRebuild(
            stock: stock,
            ledger: ledger,
            recorder: recorder,
            clock: clock,
            metrics: metrics,
            health: health,
            logger: logger
        )
    }
    var worker: OrderWorker {
        OrderWorker(
            source: stock.outbox,
            recorder: recorder,
            ledger: ledger,
            configuration: configuration,
            clock: clock,
            logger: logger
        )
    }
    var returns: ReturnService {
        ReturnService(stock: stock, ledger: ledger, catalog: catalog, pace: pace, metrics: metrics)
    }
    var expiry: ExpiryService {
        ExpiryService(ledger: ledger, clock: clock, events: events, pace: pace, metrics: metrics)
    }
    var reconciler: Reconciler {
        Reconciler(
            stock: stock,
            ledger: ledger,
            rebuild: rebuild,
            catalog: catalog,
            requested: requested,
            soldOut: soldOut,
            board: board,
            health: health,
            clock: clock,
            pace: pace,
            logger: logger
        )
    }
    private var sessionWatch: SessionWatch {
        SessionWatch(
            sessions: sessions,
            metrics: metrics,
            pace: Pace(clock: clock, interval: SessionWatch.interval, logger: logger),
            logger: logger
        )
    }
    private var soldOutService: SoldOutService {
        SoldOutService(
            stock: stock,
            soldOut: soldOut,
            signals: signals,
            board: board,
            clock: clock,
            outage: OutageLog(
                logger,
                clock: clock,
                began: "orders of sold-out sales cannot be listed; their refusals cost the store a look each",
                ended: "orders of sold-out sales are listed again"
            )
        )
    }
    /// Every node tells how much the store's outbox holds; the one that works on it looks most often.
    private var backlogPace: Pace {
        let interval = configuration.role == .web ? max(.seconds(2), configuration.sweep) : configuration.sweep
        return Pace(clock: clock, interval: interval, logger: logger)
    }
    private var pace: Pace { Pace(clock: clock, interval: configuration.sweep, logger: logger) }

    private func tellOfOrders() async {
        await cancelWhenGracefulShutdown {
            await self.events.forward { try? await self.signals.send($0) }
        }
    }

    private func listenToRestocks() async {
        await cancelWhenGracefulShutdown {
            for await restock in self.stock.restocks() {
                self.soldOut.clear(for: restock.sale, version: restock.version)
                // Whatever this misses, the reconciler sees on its next round.
                _ = try? await self.look(at: restock.sale)
            }
        }
    }
}
