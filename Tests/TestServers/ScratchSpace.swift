package import Foundation

extension URL {
    /// Where tests put the files of what they start. In memory where the system has such a place with room enough: these
    /// tests kill processes, not power, and how long a disk takes to sync is none of theirs. Short, for sockets.
    package static let scratch: URL = {
        let memory = URL(filePath: "/dev/shm")
        let free = try? FileManager.default.attributesOfFileSystem(forPath: memory.path)[.systemFreeSize] as? NSNumber
        let isUsable = FileManager.default.isWritableFile(atPath: memory.path) && (free?.int64Value ?? 0) >= 1 << 30
        return isUsable ? memory : .temporaryDirectory
    }()
}
