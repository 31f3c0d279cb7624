import BenchmarkSupport
import GRDBSQLite
import SeckillCore

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
