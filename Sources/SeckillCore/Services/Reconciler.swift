internal import Logging

/// Watches over the stock store: installs what is missing, brings changed terms, confirms sold-out flags, and pulls the
/// tripwires that say that something was lost without being noticed.
struct Reconciler: Sendable {
    private static let patience: Duration = .seconds(2)

    let stock: any StockStore
    let rebuild: StockRebuild
    let catalog: Catalog
    let soldOut: SoldOutFlags
    let board: SaleBoard
    let clock: any SaleClock
    let pace: Pace
    let logger: Logger

    /// What was seen of one sale on earlier rounds.
    struct Memory {
        var epoch = 0
        var recorded = 0
        /// Since when the store has been ahead of the ledger with nothing on its way.
        var aheadSince: Duration?
    }

    func run() async throws {
        var memories: [SaleID: Memory] = [:]
        try await pace.run("reconciler") { try await look(&memories) }
    }

    func look(_ memories: inout [SaleID: Memory]) async throws {
        var attempts = Attempts()
        // The snapshot is read between two reads of the ledger: the one before bounds what the store must know, the one
        // after what the ledger must.
        var snapshots: [SaleID: StockSnapshot] = [:]
        var unseen: Set<SaleID> = []
        for sale in memories.keys {
            if try await !attempts.make({ snapshots[sale] = try await stock.snapshot(of: sale) }) {
                unseen.insert(sale)
            }
        }
        for record in try await catalog.refresh() where !unseen.contains(record.sale.id) {
            _ = try await attempts.make { try await look(at: record, snapshots[record.sale.id], &memories) }
        }
        try attempts.end()
    }

    private func look(
        at record: SaleRecord,
        _ snapshot: StockSnapshot?,
        _ memories: inout [SaleID: Memory]
    ) async throws {
        let sale = record.sale.id
        var memory = memories[sale] ?? Memory()
        if memories[sale] != nil { board.show(SaleStatus(record, snapshot, at: clock.now)) }
        if let snapshot, snapshot.epoch == record.epoch {
            try await compare(record, snapshot, &memory)
        } else {
            memory = Memory()
            _ = try await rebuild.ensure(sale)
        }
        memory.recorded = memory.epoch == record.epoch ? max(memory.recorded, record.sequence) : record.sequence
        memory.epoch = record.epoch
        memories[sale] = memory
    }

    private func compare(_ record: SaleRecord, _ snapshot: StockSnapshot, _ memory: inout Memory) async throws {
        let sale = record.sale.id
        if snapshot.revision < record.revision { try await stock.update(record.terms) }
        if snapshot.remaining == 0 {
            soldOut.set(for: sale, version: snapshot.version)
        } else {
            soldOut.clear(for: sale, version: snapshot.version)
        }
        if memory.epoch == record.epoch, snapshot.sequence < memory.recorded {
            try await distrust(record, "the store has forgotten orders that the ledger knows")
        } else if snapshot.sequence > record.sequence, snapshot.pending == 0 {
            let since = memory.aheadSince ?? clock.uptime
            memory.aheadSince = since
            if clock.uptime - since >= Self.patience {
                memory.aheadSince = nil
                try await distrust(record, "orders have left the outbox without reaching the ledger")
            }
        } else {
            memory.aheadSince = nil
        }
    }

    private func distrust(_ record: SaleRecord, _ why: String) async throws {
        logger.error("rebuilding stock", metadata: ["seckill.sale": "\(record.sale.id)", "seckill.reason": "\(why)"])
        try await stock.distrust(record.sale.id, epoch: record.epoch)
        _ = try await rebuild.ensure(record.sale.id)
    }
}
