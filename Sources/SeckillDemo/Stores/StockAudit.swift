internal import Logging
internal import SeckillCore
internal import SeckillRedis
internal import SeckillSQLite

/// The audit of a ledger and of the Redis that its sales are counted in.
///
/// Units add up only where nothing is on its way from one to the other. So each sale is looked at until it stood still
/// from before to after, or adds up, for as long as an order may rest with a worker that died: then what is missing is
/// missing. A sale that is never still is not judged.
struct StockAudit {
    private static let patience: Duration = .seconds(10)

    let ledger: String
    let redis: RedisConfiguration
    /// Nil for the ledger's identity.
    let namespace: String?

    func run() async throws -> LedgerAudit {
        let connection = try await RedisConnection.connect(redis, logger: Logger(label: "seckill.redis"))
        do {
            let audit = try await audit(connection)
            await connection.close()
            return audit
        } catch {
            await connection.close()
            throw error
        }
    }

    private func audit(_ connection: RedisConnection) async throws -> LedgerAudit {
        let first = try await LedgerAudit.run(path: ledger)
        // What is wrong with a ledger without an identity is said, and nothing of it can be found in Redis.
        guard let identity = first.ledger else { return first }
        return try await audit(RedisStockStore(connection, ledger: identity, namespace: namespace))
    }

    private func audit(_ stock: RedisStockStore) async throws -> LedgerAudit {
        let clock = SystemClock()
        let end = clock.uptime + Self.patience
        while true {
            let sales = try await LedgerAudit.run(path: ledger).sales.map(\.record.sale.id)
            let before = try await snapshots(stock, of: sales)
            // Before the ledger is read: what has left an outbox by now has its row.
            var known: [(sale: SaleID, orders: RecordedOrders)] = []
            for sale in sales {
                if let orders = try await stock.recordedOrders(of: sale) { known.append((sale, orders)) }
            }
            var audit = try await LedgerAudit.run(path: ledger)
            let after = try await snapshots(stock, of: sales)
            let found = audit.violations.count
            for sale in sales {
                if let snapshot = after[sale], before[sale] == snapshot { audit.check(snapshot, of: sale) }
            }
            let isSettled = audit.violations.count == found || clock.uptime >= end
            for (sale, orders) in known {
                audit.checkOrders(of: sale, epoch: orders.epoch, orders: orders.before, settled: orders.settled)
            }
            if isSettled { return audit }
            try await clock.sleep(for: .milliseconds(200))
        }
    }

    private func snapshots(_ stock: RedisStockStore, of sales: [SaleID]) async throws -> [SaleID: StockSnapshot] {
        var snapshots: [SaleID: StockSnapshot] = [:]
        for sale in sales { snapshots[sale] = try await stock.inspect(sale) }
        return snapshots
    }
}
