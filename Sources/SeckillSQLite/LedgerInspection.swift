internal import GRDB
internal import SeckillCore

/// One look at a ledger: collects what is wrong, check after check, within one read transaction.
struct LedgerInspection {
    /// As many of one kind as are worth reading.
    private static let most = 100

    let db: Database
    var audit = LedgerAudit()
    private var found: [LedgerAudit.Violation.Name: Int] = [:]

    init(_ db: Database) { self.db = db }

    mutating func run(beside books: [StockBooks]) throws -> LedgerAudit {
        do {
            try checkFile()
            try checkSchema()
            try checkSales()
            for check in RowCheck.all { try run(check) }
            try compare(with: books)
        } catch let error as DatabaseError where error.isDamage {
            // The rest cannot be checked.
            if audit.violations.isEmpty { add(.corruptFile, nil, "\(error)") }
        } catch is RowDecodingError {
            add(.corruptFile, nil, "a row holds a value of the wrong type")
        }
        for name in LedgerAudit.Violation.Name.allCases {
            let unnamed = found[name, default: 0] - Self.most
            guard unnamed > 0 else { continue }
            audit.violations.append(
                LedgerAudit.Violation(name: name, sale: nil, detail: "and \(unnamed) more of this kind")
            )
        }
        return audit
    }

    /// Notes a violation, or only counts it if there are many of its kind.
    mutating func add(_ name: LedgerAudit.Violation.Name, _ sale: SaleID?, _ detail: String) {
        found[name, default: 0] += 1
        guard found[name, default: 0] <= Self.most else { return }
        audit.violations.append(LedgerAudit.Violation(name: name, sale: sale, detail: detail))
    }

    private mutating func run(_ check: RowCheck) throws {
        let rows = try Row.fetchCursor(db, sql: check.sql)
        while let row = try rows.next() {
            let sale: String? = try row.decode(atIndex: 0)
            add(check.name, sale.flatMap { SaleID($0) }, try row.decode(atIndex: 1))
        }
    }

    /// What SQLite itself can tell: pages, indexes, types, constraints and references.
    private mutating func checkFile() throws {
        for damage in try String.fetchAll(db, sql: "PRAGMA integrity_check") where damage != "ok" {
            add(.corruptFile, nil, damage)
        }
        let dangling = """
            SELECT NULL, printf('%d rows of %s name a %s that is not there', count(*), "table", parent)
            FROM pragma_foreign_key_check GROUP BY "table", parent
            """
        try run(RowCheck(name: .danglingRow, sql: dangling))
    }

    /// Tables, indexes and triggers must be ours to the letter, and no other trigger may act on its own. Other tables and
    /// indexes are not checked.
    private mutating func checkSchema() throws {
        let found = try Schema.objects(db)
        let expected = try DatabaseQueue().write(Schema.expectedObjects)
        for (name, sql) in expected.sorted(by: { $0.key < $1.key }) where found[name] != sql {
            add(.alteredSchema, nil, "the \(name) is \(found[name] == nil ? "missing" : "not as the ledger made it")")
        }
        // The table itself was checked above.
        if found["table ledger"] != nil, (try? Schema.identity(db)) == nil {
            add(.alteredSchema, nil, "the ledger's identity is missing or was altered")
        }
        for name in found.keys.sorted() where name.hasPrefix("trigger ") && expected[name] == nil {
            add(.alteredSchema, nil, "the \(name) changes rows without the ledger's knowledge")
        }
    }
}

extension DatabaseError {
    /// Whether the file itself is to blame.
    fileprivate var isDamage: Bool {
        resultCode == .SQLITE_CORRUPT || resultCode == .SQLITE_ERROR || resultCode == .SQLITE_NOTADB
    }
}
