package import Foundation

/// A file system in memory, small enough to be filled. Linux, and only for who may mount.
package final class SmallDisk: Sendable {
    package static let isAvailable = (try? SmallDisk(kilobytes: 64)) != nil

    package let folder: URL
    package var ledger: String { folder.appending(path: "ledger.sqlite").path }
    private var ballast: URL { folder.appending(path: "ballast") }

    package init(kilobytes: Int) throws {
        folder = .temporaryDirectory.appending(path: "seckill-disk-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        do {
            try Self.run("mount", "-t", "tmpfs", "-o", "size=\(kilobytes)k", "seckill", folder.path)
        } catch {
            try? FileManager.default.removeItem(at: folder)
            throw error
        }
    }

    deinit {
        // Lazily: a connection that is still closing must not keep it.
        try? Self.run("umount", "-l", folder.path)
        try? FileManager.default.removeItem(at: folder)
    }

    /// Takes every byte that is left.
    package func fill() throws {
        guard FileManager.default.createFile(atPath: ballast.path, contents: nil) else { throw Failure() }
        let file = try FileHandle(forWritingTo: ballast)
        defer { try? file.close() }
        for size in [4096, 1] {
            while (try? file.write(contentsOf: Data(repeating: 1, count: size))) != nil {}
        }
    }

    /// Gives back what ``fill()`` took.
    package func clear() throws { try FileManager.default.removeItem(at: ballast) }

    package func setReadOnly(_ readOnly: Bool) throws {
        try Self.run("mount", "-o", "remount,\(readOnly ? "ro" : "rw")", folder.path)
    }

    struct Failure: Error {}

    private static func run(_ arguments: String...) throws {
        let process = Process()
        process.executableURL = URL(filePath: "/usr/bin/env")
        process.arguments = arguments
        process.standardError = FileHandle.nullDevice
        try process.run()
        process.waitUntilExit()
        guard process.terminationStatus == 0 else { throw Failure() }
    }
}
