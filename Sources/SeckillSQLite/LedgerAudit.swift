internal import GRDB
public import SeckillCore

/// What a ledger's file says about promises 1 to 4, found by reading every row of it.
///
/// Reads one consistent state, changes nothing, and may run at any time, beside servers at work. The sums and
/// fingerprints that a ledger keeps with its rows betray rows that were lost, added or altered by other hands.
public struct LedgerAudit: Hashable, Sendable {
    /// A promise that what is stored does not keep.
    public struct Violation: Hashable, Sendable, CustomStringConvertible {
        /// What kind: stable, for scripts.
        public var name: String
        /// The sale; nil where the whole file is concerned.
        public var sale: SaleID?
        /// What was found, in a sentence.
        public var detail: String

        /// Kind, sale and sentence in one line.
        public var description: String { "\(name)\(sale.map { " in sale \($0)" } ?? ""): \(detail)" }
    }

    /// One sale, as its rows add up.
    public struct AuditedSale: Hashable, Sendable {
        /// The sale's record.
        public var record: SaleRecord
        /// The sums of its rows, counted anew.
        public var totals: SaleTotals
    }

    /// All sales, by id.
    public private(set) var sales: [AuditedSale] = []
    /// Everything that was found; none, and the promises hold.
    public private(set) var violations: [Violation] = []

    /// Audits the ledger at `path`.
    /// - Throws: ``SeckillError`` if the file cannot be read, or is not a ledger that this version knows.
    public static func run(path: String) async throws -> LedgerAudit {
        try await offPool {
            do {
                var configuration = Configuration()
                configuration.readonly = true
                return try DatabaseQueue(path: path, configuration: configuration).read { db in
                    guard try Schema.recognize(db) == Schema.version else {
                        throw SeckillError(.invalid, "it is not a ledger of this version; start the server on it once")
                    }
                    return try LedgerAudit(db)
                }
            } catch {
                throw SeckillError.opening(path, error)
            }
        }
    }

    /// Compares what a stock store holds with the ledger: promise 2, in the quiet. Both must have been read while
    /// nothing moved; a store in another epoch says nothing.
    public mutating func check(_ stock: StockSnapshot, of sale: SaleID) {
        guard let audited = sales.first(where: { $0.record.sale.id == sale }), stock.epoch == audited.record.epoch
        else {
            return
        }
        let totals = audited.totals
        let units = stock.remaining + stock.pending + totals.awaiting + totals.paid + totals.returning
        guard units != totals.stock else { return }
        violations.append(
            Violation(
                name: units > totals.stock ? "surplus_units" : "missing_units",
                sale: sale,
                detail: "stock, orders and returns add up to \(units) units of \(totals.stock)"
            )
        )
    }

    private init(_ db: Database) throws {
        for problem in try String.fetchAll(db, sql: "PRAGMA integrity_check(20)") where problem != "ok" {
            violations.append(Violation(name: "damaged_file", sale: nil, detail: problem))
        }
        if try Row.fetchOne(db, sql: "PRAGMA foreign_key_check") != nil {
            violations.append(
                Violation(name: "orphaned_row", sale: nil, detail: "a row names a sale or order that is gone")
            )
        }
        for id in try String.fetchAll(db, sql: "SELECT id FROM sale ORDER BY id") {
            do {
                guard let sale = SaleID(id), let book = try SaleBook.open(sale, db) else {
                    throw LedgerDamage(what: id)
                }
                let audit = try SaleAudit(book)
                sales.append(AuditedSale(record: book.record, totals: audit.totals))
                violations += audit.violations
            } catch let damage as LedgerDamage {
                violations.append(Violation(name: "altered_sale", sale: SaleID(id), detail: "\(damage)"))
            }
        }
    }
}
