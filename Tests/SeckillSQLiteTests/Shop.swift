import GRDB
import SeckillCore
import SeckillSQLite
import SeckillTesting
import Synchronization
import Testing

/// Short ways to say what happens to a ledger's file.
struct Shop: Sendable {
    static let start = Timestamp(milliseconds: 1_800_000_000_000)
    static let due = start + .seconds(60)
    // A fixed secret of the right length: orders of tests are worth nothing.
    private static let signer = try! LinkSigner(secrets: [Array(repeating: 7, count: 32)], random: SeededRandom(1))

    let path: String
    let ledger: SQLiteOrderLedger

    init(_ path: String, patience: Duration = .seconds(5)) async throws {
        self.path = path
        ledger = try await SQLiteOrderLedger.open(path: path, patience: patience)
    }

    /// Adds a sale and begins its first epoch.
    @discardableResult
    func open(_ id: SaleID = .shoes, stock: Int = 10, limit: Int = 2) async throws -> SaleRecord {
        let sale = try Sale(
            id: id,
            title: "Shoes",
            price: 4999,
            stock: stock,
            limitPerUser: limit,
            opensAt: Self.start,
            paymentWindow: .seconds(60)
        )
        _ = try await ledger.create(sale)
        _ = try await ledger.transfer(id, to: .test, takeover: 1)
        _ = try await ledger.beginEpoch(after: 0, of: id, in: .test)
        return try #require(await ledger.sale(id))
    }

    static func reservation(
        _ sequence: Int,
        by user: String? = nil,
        of sale: SaleID = .shoes,
        epoch: Int = 1
    ) -> Reservation {
        let user = UserID(user ?? "user-\(sequence)")!
        let order = signer.mintOrder(sale: sale, epoch: epoch, user: user)
        return Reservation(order: order, user: user, sequence: sequence, reservedAt: start)
    }

    func record(_ reservations: [Reservation], at now: Timestamp = start) async throws -> [Order] {
        try await ledger.record(reservations, at: now)
    }

    func audit() async throws -> LedgerAudit { try await LedgerAudit.run(path: path) }

    /// One number from the file.
    func number(_ sql: String) throws -> Int {
        try DatabaseQueue(path: path).read { db in try Int.fetchOne(db, sql: sql) ?? 0 }
    }

    /// What other hands do to the file: no rule of the schema is enforced.
    func plant(_ sql: String) throws {
        var configuration = Configuration()
        configuration.foreignKeysEnabled = false
        configuration.busyMode = .timeout(5)
        let queue = try DatabaseQueue(path: path, configuration: configuration)
        try queue.writeWithoutTransaction { db in
            try db.execute(sql: "PRAGMA ignore_check_constraints = ON")
            try db.execute(sql: sql)
        }
    }
}

/// What another process does to a ledger that works: it holds the write lock for as long as it likes.
struct OtherProcess: Sendable {
    private let queue: DatabaseQueue

    init(_ path: String) throws {
        var configuration = Configuration()
        configuration.allowsUnsafeTransactions = true
        queue = try DatabaseQueue(path: path, configuration: configuration)
    }

    func lock() async throws {
        try await queue.writeWithoutTransaction { db in try db.execute(sql: "BEGIN IMMEDIATE") }
    }

    /// Begins to read, and holds what there is at this moment.
    func beginReading() async throws {
        try await queue.writeWithoutTransaction { db in
            try db.execute(sql: "BEGIN")
            _ = try Int.fetchOne(db, sql: "SELECT count(*) FROM purchase")
        }
    }

    func unlock() async throws {
        try await queue.writeWithoutTransaction { db in try db.execute(sql: "ROLLBACK") }
    }
}

extension StoreName {
    static let test = StoreName("test")
}

extension SaleID {
    static let shoes = SaleID("shoes")!
    static let hats = SaleID("hats")!
}

/// Tells tasks that they may end.
final class SharedFlag: Sendable {
    private let flag = Mutex(false)
    var isSet: Bool { flag.withLock { $0 } }
    func set() { flag.withLock { $0 = true } }
}
