internal import GRDB
internal import SeckillCore

#if canImport(FoundationEssentials)
    internal import FoundationEssentials
#else
    internal import Foundation
#endif

extension SeckillError {
    /// What kept the ledger at `path` from opening, and what to do about it.
    static func opening(_ path: String, _ error: any Error) -> SeckillError {
        switch error {
        case let error as SeckillError:
            SeckillError(error.code, "ledger \(path): \(error.message)", underlying: error.underlying)
        case let error as DatabaseError:
            explain(path, error)
        default:
            SeckillError(.unavailable, "ledger \(path): it cannot be opened", underlying: error)
        }
    }

    private static let fullDisk = "its disk is full; free some space and start again"

    private static func explain(_ path: String, _ error: DatabaseError) -> SeckillError {
        let (code, advice): (Code, String) =
            switch error.resultCode {
            case .SQLITE_NOTADB: (.invalid, "it is not an SQLite file; name another path")
            case .SQLITE_CORRUPT: (.invalid, "it is damaged; restore it from a backup")
            case .SQLITE_FULL: (.unavailable, fullDisk)
            case .SQLITE_BUSY, .SQLITE_LOCKED:
                (.unavailable, "another process holds it locked; stop that one, or start again later")
            default: (.unavailable, accessAdvice(path) ?? "it cannot be opened")
            }
        return SeckillError(code, "ledger \(path): \(advice)", underlying: error)
    }

    /// What the file system says about the path, as far as it explains a failure.
    private static func accessAdvice(_ path: String) -> String? {
        let files = FileManager.default
        let directory = URL(filePath: path).deletingLastPathComponent().path
        var isDirectory = false
        if files.fileExists(atPath: path, isDirectory: &isDirectory) {
            if isDirectory { return "it is a directory; name a file in it" }
            if !files.isReadableFile(atPath: path) { return "it cannot be read; check its owner and mode" }
            if !files.isWritableFile(atPath: path) { return "it is read-only; check its owner, mode and mount" }
        } else if !files.fileExists(atPath: directory) {
            return "the directory \(directory) does not exist; create it"
        } else if files.isWritableFile(atPath: directory) {
            return "there is no such file; name another path"
        }
        if !files.isWritableFile(atPath: directory) {
            return "the directory \(directory) is read-only; SQLite must be able to create files beside the ledger"
        }
        // SQLite calls it an I/O error where the file that does not fit is one of its own, beside the ledger.
        let space = try? files.attributesOfFileSystem(forPath: directory)[.systemFreeSize] as? Int
        return space.flatMap { $0 < 100_000 ? fullDisk : nil }
    }
}
