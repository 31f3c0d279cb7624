internal import Logging

/// Watches over the stock store: installs what is missing, brings changed terms, confirms sold-out flags, and compares the
/// counts of store and ledger, which tell that something was lost or altered without being noticed.
struct Reconciler: Sendable {
    let stock: any StockStore
    let rebuild: StockRebuild
    let catalog: Catalog
    let soldOut: SoldOutFlags
    let board: SaleBoard
    let troubles: SaleTroubles
    let clock: any SaleClock
    let pace: Pace
    let logger: Logger

    /// What was seen of one sale on earlier rounds.
    struct Memory {
        /// The record as it was before the snapshot of this round was read.
        var record: SaleRecord?
        /// How soon the next rebuild may follow the last.
        var rebuilds = Backoff()
        /// When a sale that an operator must see to is compared again.
        var recheckAt: Duration?
    }

    private static let recheckInterval: Duration = .seconds(2)

    func run() async throws {
        var memories: [SaleID: Memory] = [:]
        try await pace.run("reconciler") { try await look(&memories) }
    }

    func look(_ memories: inout [SaleID: Memory]) async throws {
        var attempts = Attempts()
        // The snapshot is read between two reads of the ledger: the one before says what the store must know, the one
        // after what the ledger must.
        var snapshots: [SaleID: StockSnapshot] = [:]
        var unseen: Set<SaleID> = []
        for sale in memories.keys.sorted(by: { $0.text < $1.text }) {
            if try await !attempts.make({ snapshots[sale] = try await stock.snapshot(of: sale) }) {
                unseen.insert(sale)
            }
        }
        let listing = try await catalog.refresh()
        for record in listing.records where !unseen.contains(record.sale.id) {
            _ = try await attempts.make { try await look(at: record, snapshots[record.sale.id], &memories) }
        }
        for sale in listing.damaged {
            troubles.note(.damaged, of: sale)
            _ = try await attempts.make { try await rebuild.close(sale) }
        }
        let known = Set(listing.records.map(\.sale.id) + listing.damaged)
        memories = memories.filter { known.contains($0.key) }
        troubles.keep(known)
        try attempts.end()
    }

    private func look(
        at record: SaleRecord,
        _ snapshot: StockSnapshot?,
        _ memories: inout [SaleID: Memory]
    ) async throws {
        let sale = record.sale.id
        var memory = memories[sale] ?? Memory()
        defer { memories[sale] = memory }
        if memory.record != nil { board.show(SaleStatus(record, snapshot, at: clock.now)) }
        let before = memory.record
        memory.record = record
        if let snapshot, snapshot.epoch == record.epoch, record.holder == stock.name, troubles[sale] == nil {
            if let loss = Self.loss(snapshot, before, record) {
                logger.error(
                    "sale closed for a rebuild",
                    metadata: ["seckill.sale": "\(sale)", "seckill.reason": "\(loss)"]
                )
                try await stock.distrust(sale, epoch: record.epoch)
            } else {
                try await confirm(record, snapshot)
                return
            }
        }
        let now = clock.uptime
        guard memory.rebuilds.isDue(at: now), memory.recheckAt ?? now <= now else { return }
        memory.recheckAt = nil
        switch try await rebuild.ensure(sale) {
        case .current, .busy: break
        case .rebuilt: memory.rebuilds.note(at: clock.uptime)
        case .failed(let error):
            memory.rebuilds.note(at: clock.uptime)
            throw error
        case .refused: memory.recheckAt = clock.uptime + Self.recheckInterval
        }
    }

    /// What store and ledger contradict each other in, or nil: sums that hold at any instant of an epoch.
    static func loss(_ snapshot: StockSnapshot, _ before: SaleRecord?, _ after: SaleRecord) -> String? {
        if let before, before.epoch == snapshot.epoch, snapshot.sequence < before.recorded {
            return "the store has \(snapshot.sequence) orders of this epoch and the ledger \(before.recorded)"
        }
        if snapshot.settled > after.recorded {
            return "\(snapshot.settled) orders have left the outbox, and the ledger has \(after.recorded) of them"
        }
        if snapshot.installed != after.installed {
            return "the store's counts add up to \(snapshot.installed) units, and \(after.installed) were installed"
        }
        if snapshot.revision > after.revision {
            return "the store has terms of revision \(snapshot.revision), and the ledger is at \(after.revision)"
        }
        return nil
    }

    private func confirm(_ record: SaleRecord, _ snapshot: StockSnapshot) async throws {
        if snapshot.revision < record.revision { try await stock.update(record.terms) }
        if snapshot.remaining == 0 {
            soldOut.set(for: record.sale.id, version: snapshot.version)
        } else {
            soldOut.clear(for: record.sale.id, version: snapshot.version)
        }
    }
}

/// Spaces the rebuilds of one sale: the first few at once, then ever further apart, so that a fault that lasts is not
/// a rebuild at every sweep.
struct Backoff: Sendable {
    /// As many in a row wait for nothing: a store may be lost twice.
    private static let free = 3
    private static let longest: Duration = .seconds(30)
    /// A rebuild that comes this much later than it might have begins a new row.
    private static let quiet: Duration = .seconds(5)

    private var count = 0
    private var lastAt: Duration = .zero

    /// Whether another rebuild may begin.
    func isDue(at now: Duration) -> Bool { now - lastAt >= wait }

    /// Notes that a rebuild has ended.
    mutating func note(at now: Duration) {
        if now - lastAt >= wait + Self.quiet { count = 0 }
        count += 1
        lastAt = now
    }

    private var wait: Duration {
        guard count >= Self.free else { return .zero }
        return min(.milliseconds(500) * (1 << min(count - Self.free, 10)), Self.longest)
    }
}
