import Foundation

/// A folder of its own for one test, gone with the last reference to it. In memory where the system has such a place:
/// what is tested here is what is written, not how long a disk takes to sync it.
final class Scratch: Sendable {
    let folder: URL

    init() throws {
        let memory = URL(filePath: "/dev/shm")
        let root = FileManager.default.isWritableFile(atPath: memory.path) ? memory : .temporaryDirectory
        folder = root.appending(path: "seckill-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(at: folder) }

    var ledger: String { folder.appending(path: "ledger.sqlite").path }
}
