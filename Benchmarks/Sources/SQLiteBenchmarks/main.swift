import BenchmarkSupport
import Foundation
import GRDBSQLite
import SeckillCore
import SeckillSQLite

// Rows a second into the order ledger, a hundred a commit, beside the same bytes through SQLite's C API: one table, one
// prepared statement, `synchronous=FULL`. What lies between the two is the guards, the counters and the returns.

let rounds = CommandLine.arguments.dropFirst().first.flatMap { Int($0) } ?? 5
let batch = 100
let count = 50_000
let folder = FileManager.default.temporaryDirectory.appending(path: "seckill-benchmark-\(UUID().uuidString)")
try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
defer { try? FileManager.default.removeItem(at: folder) }

let sale = SaleID("sale")!
let signer = try LinkSigner(secrets: [Array(repeating: 7, count: 32)])
let reservations = (1...count).map { sequence in
    let user = UserID("user-\(sequence)")!
    return Reservation(
        order: signer.mintOrder(sale: sale, epoch: 1, user: user),
        user: user,
        sequence: sequence,
        reservedAt: Timestamp(milliseconds: 1_800_000_000_000)
    )
}

func file() -> String { folder.appending(path: "\(UUID().uuidString).sqlite").path }

var comparison = Comparison("Ledger, \(batch) rows a commit, synchronous=FULL", rounds: rounds)
comparison.add("SQLiteOrderLedger.record") {
    let ledger = try await SQLiteOrderLedger.open(path: file())
    let now = Timestamp(milliseconds: 1_800_000_000_000)
    _ = try await ledger.create(Sale(id: sale, title: "Phone", price: 1, stock: count, opensAt: now))
    _ = try await ledger.beginEpoch(after: 0, of: sale)
    let measurement = try await measure {
        for start in stride(from: 0, to: count, by: batch) {
            _ = try await ledger.record(Array(reservations[start..<start + batch]), at: now)
        }
        return count
    }
    check(try await ledger.totals(of: sale)?.awaiting == count, "every row is there")
    return measurement
}
comparison.add("C API, insert only") {
    let raw = RawTable(path: file())
    let measurement = await measure {
        for start in stride(from: 0, to: count, by: batch) { raw.insert(reservations[start..<start + batch]) }
        return count
    }
    check(raw.count == count, "every row is there")
    return measurement
}
try await comparison.run()

/// The least that a ledger could do.
final class RawTable {
    private var database: OpaquePointer?
    private var statement: OpaquePointer?
    private let transient = unsafeBitCast(-1, to: sqlite3_destructor_type.self)

    init(path: String) {
        check(sqlite3_open(path, &database) == SQLITE_OK, "the file opens")
        run("PRAGMA journal_mode=WAL")
        run("PRAGMA synchronous=FULL")
        run(
            "CREATE TABLE orders (id TEXT PRIMARY KEY, user TEXT, sequence INTEGER, payBy INTEGER) WITHOUT ROWID, STRICT"
        )
        sqlite3_prepare_v2(database, "INSERT INTO orders VALUES (?, ?, ?, ?)", -1, &statement, nil)
    }

    deinit {
        sqlite3_finalize(statement)
        sqlite3_close(database)
    }

    func insert(_ rows: ArraySlice<Reservation>) {
        run("BEGIN IMMEDIATE")
        for row in rows {
            sqlite3_bind_text(statement, 1, row.order.text, -1, transient)
            sqlite3_bind_text(statement, 2, row.user.text, -1, transient)
            sqlite3_bind_int64(statement, 3, Int64(row.sequence))
            sqlite3_bind_int64(statement, 4, row.reservedAt.milliseconds)
            check(sqlite3_step(statement) == SQLITE_DONE, "a row is inserted")
            sqlite3_reset(statement)
        }
        run("COMMIT")
    }

    var count: Int {
        var query: OpaquePointer?
        sqlite3_prepare_v2(database, "SELECT count(*) FROM orders", -1, &query, nil)
        defer { sqlite3_finalize(query) }
        sqlite3_step(query)
        return Int(sqlite3_column_int64(query, 0))
    }

    private func run(_ sql: String) { check(sqlite3_exec(database, sql, nil, nil, nil) == SQLITE_OK, sql) }
}
