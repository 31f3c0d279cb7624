internal import SystemPackage

#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Musl)
    internal import Musl
#else
    internal import Darwin
#endif

/// Keeps a second server away from a ledger whose stock is counted in this process's memory: the two would rebuild each
/// other's stock without end. The lock is the operating system's, so it ends with the process, however that ends.
final class LedgerLock: Sendable {
    private let file: FileDescriptor

    /// Takes the lock beside `ledger`.
    init(ledger: String) throws {
        let path = ledger + ".lock"
        do {
            file = try FileDescriptor.open(
                FilePath(path),
                .readWrite,
                options: [.create, .closeOnExec],
                permissions: .ownerReadWrite
            )
        } catch {
            throw StartError("\(path) cannot be opened (\(error)); name another --ledger")
        }
        guard flock(file.rawValue, LOCK_EX | LOCK_NB) == 0 else {
            let owner = Self.text(of: file)
            try? file.close()
            throw StartError("process \(owner) serves from \(ledger); stop it, or name another --ledger")
        }
        // Only for the message above: who has the lock does not depend on it.
        _ = ftruncate(file.rawValue, 0)
        _ = try? file.writeAll(toAbsoluteOffset: 0, "\(getpid())".utf8)
    }

    deinit { try? file.close() }

    private static func text(of file: FileDescriptor) -> String {
        let bytes = [UInt8](unsafeUninitializedCapacity: 20) { buffer, count in
            count = (try? file.read(fromAbsoluteOffset: 0, into: UnsafeMutableRawBufferPointer(buffer))) ?? 0
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}
