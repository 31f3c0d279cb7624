internal import GRDB
public import SeckillCore

/// What the rows of a ledger's file say about the library's promises.
///
/// Reads only, from one consistent snapshot, while servers run or not. Nothing that a ledger writes is a violation, at
/// any instant; what other hands wrote is one as far as rows, sums and fingerprints contradict each other.
public struct LedgerAudit: Hashable, Sendable {
    /// One sale, as its rows add up.
    public struct AuditedSale: Hashable, Sendable {
        /// Its record, as the ledger keeps it.
        public var record: SaleRecord
        /// The sums of its rows, counted anew.
        public var totals: SaleTotals
        /// What its stock store says, if it was asked; pending are only those that have no row.
        public var stock: StockSnapshot?
    }

    /// Something that no ledger writes.
    public struct Violation: Hashable, Sendable, CustomStringConvertible {
        /// What kind. Stable: scripts may rely on the raw values.
        public enum Name: String, Hashable, Sendable, CaseIterable {
            /// Promise 1: more live orders than stock.
            case oversold
            /// Promise 1: the stock is not what was declared and added.
            case wrongStock = "wrong_stock"
            /// Promise 2: a unit is neither held nor for sale nor on its way back.
            case strandedUnit = "stranded_unit"
            /// Promise 2: a unit goes back that is held still, or went back before.
            case doubleReturn = "double_return"
            /// Promise 2: ledger and stock store do not add up to the stock.
            case unbalanced
            /// Promise 3: an order that was recorded has no row.
            case lostOrder = "lost_order"
            /// Promise 3: a stock store knows more recorded orders than the ledger has: it was restored from a backup, or
            /// rows were lost.
            case ledgerLostOrders = "ledger_lost_orders"
            /// Promise 3: a sale that was created has no row.
            case lostSale = "lost_sale"
            /// Promise 3: one order has several rows.
            case duplicateOrder = "duplicate_order"
            /// Promise 4: a user holds more live orders than the sale allows.
            case overLimit = "over_limit"
            /// An order has a row that the ledger did not write.
            case forgedOrder = "forged_order"
            /// An order is not as it was recorded.
            case alteredOrder = "altered_order"
            /// An order's status, times and epochs contradict each other.
            case inconsistentOrder = "inconsistent_order"
            /// A sale's row is not as the ledger wrote it.
            case alteredSale = "altered_sale"
            /// The sums beside the rows are not those of the rows.
            case miscounted
            /// An order or a return is of an epoch that its sale has not reached.
            case wrongEpoch = "wrong_epoch"
            /// A row refers to one that is not there.
            case danglingRow = "dangling_row"
            /// Tables or indexes are not those of a ledger.
            case alteredSchema = "altered_schema"
            /// SQLite finds the file damaged.
            case corruptFile = "corrupt_file"
        }

        /// What kind.
        public var name: Name
        /// The sale's id, where it is about one.
        public var sale: SaleID?
        /// What was found, in one sentence.
        public var detail: String

        /// Name, sale and sentence in one line.
        public var description: String {
            "\(name.rawValue)\(sale.map { " in sale \($0)" } ?? ""): \(detail)"
        }
    }

    /// The ledger's identity; nil if it cannot be read.
    public internal(set) var ledger: LedgerID?
    /// The sales, by id.
    public internal(set) var sales: [AuditedSale] = []
    /// What is wrong, the same kinds together. Empty if nothing is.
    public internal(set) var violations: [Violation] = []

    /// Audits the ledger at `path`.
    /// - Throws: ``SeckillError`` that says why the file cannot be read, or is no ledger.
    public static func run(path: String) async throws -> LedgerAudit { try await inspect(path, beside: []) }

    static func inspect(_ path: String, beside books: [StockBooks]) async throws -> LedgerAudit {
        do {
            return try await offPool {
                var configuration = Configuration()
                configuration.readonly = true
                configuration.busyMode = .timeout(5)
                let queue = try DatabaseQueue(path: path, configuration: configuration)
                return try queue.unsafeRead { db in
                    try db.beginTransaction(.deferred)
                    // Nothing was written; and in a damaged file a commit, GRDB's way to end a read, fails.
                    defer { try? db.rollback() }
                    guard try Schema.recognize(db) == Schema.version else {
                        throw SeckillError(.invalid, "it is empty or of an older format; start a server on it once")
                    }
                    var inspection = LedgerInspection(db)
                    var audit = try inspection.run(beside: books)
                    audit.ledger = try? Schema.identity(db)
                    return audit
                }
            }
        } catch {
            throw SeckillError.opening(path, error)
        }
    }

    /// Adds what a stock store's snapshot contradicts: every unit must be for sale, held or on its way back.
    ///
    /// Only of a quiet system: while orders and returns are on their way from one to the other, they count in neither
    /// or in both. A store in an earlier epoch than the ledger is about to be rebuilt, and says nothing.
    public mutating func check(_ stock: StockSnapshot, of sale: SaleID) {
        guard let audited = sales.first(where: { $0.record.sale.id == sale }) else { return }
        let (record, totals) = (audited.record, audited.totals)
        if checkOrders(known: stock, orders: 0, of: record) { return }
        guard record.epoch == stock.epoch else { return }
        let units = stock.remaining &+ stock.pending &+ totals.awaiting &+ totals.paid &+ totals.returning
        let detail: String
        if units != totals.stock {
            detail = "stock store, orders and returns add up to \(units) units of \(totals.stock)"
        } else if stock.installed != record.installed {
            detail = stock.installedDetail(record)
        } else {
            return
        }
        violations.append(Violation(name: .unbalanced, sale: sale, detail: detail))
    }

    /// Adds that a stock store knows a later epoch of a sale, or more recorded orders, than the ledger. Read what it knows
    /// before the ledger is audited: that is so at any moment, whether the store sells the sale or not.
    ///
    /// - Parameters:
    ///   - epoch: the store's.
    ///   - orders: rows that the ledger had when that epoch began.
    ///   - settled: orders of the epoch that have left the outbox.
    public mutating func checkOrders(of sale: SaleID, epoch: Int, orders: Int, settled: Int) {
        guard let record = sales.first(where: { $0.record.sale.id == sale })?.record,
            !violations.contains(where: { $0.name == .ledgerLostOrders && $0.sale == sale })
        else { return }
        let known = StockSnapshot(
            epoch: epoch,
            remaining: 0,
            pending: 0,
            sequence: settled,
            version: 0,
            revision: 0,
            settled: settled
        )
        _ = checkOrders(known: known, orders: orders, of: record)
    }

    /// Adds that a stock store knows more than the ledger: its epoch, or how many orders were recorded. That is so at any
    /// moment, whether it sells or not, until an operator accepts the loss.
    ///
    /// - Parameter orders: rows that the ledger had when the store's epoch began, as far as the store keeps it.
    /// - Returns: Whether it is so.
    mutating func checkOrders(known stock: StockSnapshot, orders: Int, of record: SaleRecord) -> Bool {
        let detail: String
        if stock.epoch > record.epoch {
            detail = "the stock store is in epoch \(stock.epoch), the ledger in \(record.epoch)"
        } else if stock.epoch == record.epoch, stock.settled > record.recorded {
            detail =
                "the stock store knows \(stock.settled) recorded orders of this epoch, the ledger has \(record.recorded)"
        } else if stock.epoch >= record.restoredEpoch, orders &+ stock.settled > record.orders {
            detail = "the stock store knows \(orders &+ stock.settled) recorded orders, the ledger has \(record.orders)"
        } else {
            return false
        }
        violations.append(Violation(name: .ledgerLostOrders, sale: record.sale.id, detail: detail))
        return true
    }
}

extension StockSnapshot {
    /// That more or fewer units were sold than were installed, in words.
    func installedDetail(_ record: SaleRecord) -> String {
        "the stock store counts \(installed) units when the epoch began, the ledger gave it \(record.installed)"
    }
}
