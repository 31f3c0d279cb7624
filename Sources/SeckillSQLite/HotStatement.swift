internal import GRDB
internal import GRDBSQLite

/// A statement that runs for every row of a batch, driven by SQLite's own functions: GRDB's arguments, rows and
/// bookkeeping cost as much as such a run itself.
///
/// Bind all parameters, then run it. The text of errors holds no values, as GRDB's do not.
struct HotStatement {
    private let statement: Statement
    private let db: Database
    private var handle: OpaquePointer { statement.sqliteStatement }

    init(_ sql: String, _ db: Database) throws {
        statement = try db.cachedStatement(sql: sql)
        self.db = db
    }

    /// Binds the parameter at `index`, from 1.
    func bind(_ number: Int64?, at index: Int32) {
        if let number {
            sqlite3_bind_int64(handle, index, number)
        } else {
            sqlite3_bind_null(handle, index)
        }
    }

    /// Binds the parameter at `index`, from 1.
    func bind(_ text: String?, at index: Int32) {
        guard var text else {
            sqlite3_bind_null(handle, index)
            return
        }
        text.withUTF8 { bytes in
            _ = bytes.withMemoryRebound(to: CChar.self) { characters in
                sqlite3_bind_text(handle, index, characters.baseAddress, Int32(characters.count), Self.copied)
            }
        }
    }

    /// Runs a statement that has no result.
    func execute() throws { _ = try number() }

    /// Runs the statement. The first column of the first row, if there is one.
    func number() throws -> Int64? {
        let number = sqlite3_step(handle) == SQLITE_ROW ? sqlite3_column_int64(handle, 0) : nil
        guard sqlite3_reset(handle) == SQLITE_OK else {
            throw DatabaseError(
                resultCode: ResultCode(rawValue: sqlite3_extended_errcode(db.sqliteConnection)),
                message: db.lastErrorMessage,
                sql: statement.sql
            )
        }
        return number
    }

    /// SQLITE_TRANSIENT, a cast that Swift does not import: SQLite copies the bytes before the call returns.
    private static var copied: sqlite3_destructor_type { unsafeBitCast(-1, to: sqlite3_destructor_type.self) }
}
