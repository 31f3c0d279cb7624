internal import GRDB
internal import SeckillCore

/// The columns of a row, one after the other. A column of the wrong type is damage, where GRDB's subscripts would trap.
struct Columns {
    private let row: Row
    private var index: Int

    init(_ row: Row, from index: Int = 0) {
        self.row = row
        self.index = index
    }

    mutating func next<Value: DatabaseValueConvertible & StatementColumnConvertible>() throws -> Value {
        defer { index += 1 }
        do {
            return try row.decode(atIndex: index)
        } catch is RowDecodingError {
            throw LedgerDamage(what: "a row")
        }
    }
}

/// A row that no ledger writes: the file was damaged, or altered by another program.
struct LedgerDamage: Error, CustomStringConvertible {
    var what: String
    var description: String { "\(what) is not as the ledger wrote it" }
}

extension SeckillError {
    /// What a failure of the ledger's file lets the caller conclude.
    ///
    /// - Parameter committing: whether it came while committing. A disk that fails then may have kept the commit all
    ///   the same; a full one has not, for the last frame of a commit is the one that counts.
    static func ledger(_ error: any Error, committing: Bool = false) -> any Error {
        switch error {
        case let error as SeckillError: return error
        case let error as LedgerDamage:
            return SeckillError(.damaged, "\(error): run the audit")
        case let error as DatabaseError:
            let (code, message) = error.meaning
            guard committing, code == .unavailable, !error.provesNoCommit else {
                return SeckillError(code, message, underlying: error)
            }
            return SeckillError(.outcomeUnknown, "the end of a commit was not seen: \(message)", underlying: error)
        default: return error
        }
    }
}

extension DatabaseError {
    fileprivate var meaning: (SeckillError.Code, String) {
        switch resultCode {
        case .SQLITE_BUSY, .SQLITE_LOCKED: (.unavailable, "the ledger is locked by another process")
        case .SQLITE_FULL: (.unavailable, "the ledger's disk is full")
        case .SQLITE_READONLY: (.unavailable, "the ledger has become read-only")
        case .SQLITE_IOERR: (.unavailable, "the ledger's disk fails")
        case .SQLITE_CANTOPEN: (.unavailable, "the ledger's file cannot be opened")
        case .SQLITE_INTERRUPT: (.unavailable, "the ledger is too slow")
        case .SQLITE_CORRUPT, .SQLITE_NOTADB: (.unavailable, "the ledger is damaged: run the audit")
        case .SQLITE_CONSTRAINT, .SQLITE_TOOBIG, .SQLITE_MISMATCH: (.invalid, "the ledger's rules do not allow this")
        default: (.unavailable, "the ledger does not answer")
        }
    }

    fileprivate var provesNoCommit: Bool { resultCode == .SQLITE_FULL || resultCode == .SQLITE_BUSY }
}
