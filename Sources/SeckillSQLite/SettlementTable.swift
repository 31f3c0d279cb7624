internal import GRDB
internal import SeckillCore

/// The statements that run for every order which ends and for every return, prepared once per transaction and sale.
struct SettlementTable {
    private let db: Database
    private let settlement: HotStatement
    private let insertion: HotStatement
    private let markOrder: HotStatement
    private let markRestock: HotStatement

    init(_ db: Database) throws {
        self.db = db
        settlement = try HotStatement(
            "UPDATE purchase SET status = ?, settled_at = ? WHERE key = ? AND status = 'awaiting_payment'",
            db
        )
        insertion = try HotStatement(
            "INSERT INTO stock_return (sale, epoch, units, purchase, restock, state) VALUES (?, ?, ?, ?, ?, 'open')",
            db
        )
        let mark = "UPDATE stock_return SET state = 'done' WHERE sale = ? AND epoch = ? AND state = 'open'"
        markOrder = try HotStatement("\(mark) AND purchase = ? RETURNING units", db)
        markRestock = try HotStatement("\(mark) AND restock = ? RETURNING units", db)
    }

    /// The compare-and-set that payment, cancellation and expiry race for. False if the order no longer awaits payment.
    func settle(_ order: Int64, as status: OrderStatus, at now: Timestamp) throws -> Bool {
        settlement.bind(status.rawValue, at: 1)
        settlement.bind(now.milliseconds, at: 2)
        settlement.bind(order, at: 3)
        try settlement.execute()
        return db.changesCount == 1
    }

    /// Adds a pending return of an order or a restock.
    func addReturn(units: Int, of sale: SaleBook, purchase: Int64?, restock: String?) throws {
        insertion.bind(sale.key, at: 1)
        insertion.bind(Int64(sale.record.epoch), at: 2)
        insertion.bind(Int64(units), at: 3)
        insertion.bind(purchase, at: 4)
        insertion.bind(restock, at: 5)
        try insertion.execute()
    }

    /// Marks the pending return of an order as applied. How many units it had; 0 if it was not pending.
    func markApplied(order: Int64, of sale: SaleBook) throws -> Int {
        markOrder.bind(order, at: 3)
        return try mark(markOrder, of: sale)
    }

    /// Marks the pending return of a restock as applied. How many units it had; 0 if it was not pending.
    func markApplied(restock: String, of sale: SaleBook) throws -> Int {
        markRestock.bind(restock, at: 3)
        return try mark(markRestock, of: sale)
    }

    private func mark(_ statement: HotStatement, of sale: SaleBook) throws -> Int {
        statement.bind(sale.key, at: 1)
        statement.bind(Int64(sale.record.epoch), at: 2)
        return Int(try statement.number() ?? 0)
    }
}
