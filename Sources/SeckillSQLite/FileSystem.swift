internal import SeckillCore

#if canImport(Darwin)
    internal import Darwin
#elseif canImport(Musl)
    internal import Musl
#else
    internal import Glibc
#endif

/// What the operating system says about a file at this moment.
struct FileStatus: Equatable, Sendable {
    /// Device and inode: the same for every name of one file, and for no other file.
    var device: UInt64
    var inode: UInt64
    /// How many names a file has; a directory has one.
    var names: Int
    /// In bytes.
    var size: Int

    /// The status of the file that `path` names, through symbolic links; nil if there is none.
    init?(_ path: String) {
        var status = stat()
        guard stat(path, &status) == 0 else { return nil }
        device = UInt64(truncatingIfNeeded: status.st_dev)
        inode = UInt64(truncatingIfNeeded: status.st_ino)
        names = status.st_mode & S_IFMT == S_IFREG ? Int(status.st_nlink) : 1
        size = Int(status.st_size)
    }

    func isSameFile(as other: FileStatus) -> Bool { device == other.device && inode == other.inode }
}

enum FileSystem {
    private static let maxSymbolicLinks = 40

    /// The one absolute path of the file that `path` names, whether it exists yet or not: symbolic links of the
    /// directory and of the file itself are followed.
    ///
    /// A path whose directory does not exist comes back as it was: opening it says what is wrong.
    static func resolve(_ path: String) -> String {
        var path = path
        for _ in 0..<maxSymbolicLinks {
            let (directory, name) = split(path)
            guard let parent = realPath(directory) else { return path }
            path = parent == "/" ? "/\(name)" : "\(parent)/\(name)"
            guard let target = symbolicLink(at: path) else { break }
            path = target.hasPrefix("/") ? target : "\(parent)/\(target)"
        }
        // Names like "." and "..", which only the file system can resolve.
        return realPath(path) ?? path
    }

    /// The directory part of a path, and the name in it.
    static func split(_ path: String) -> (directory: String, name: String) {
        guard let slash = path.lastIndex(of: "/") else { return (".", path) }
        let directory = path[..<slash]
        return (directory.isEmpty ? "/" : String(directory), String(path[path.index(after: slash)...]))
    }

    /// Creates an empty file that only its owner may read. Fails if there is something of this name.
    static func create(_ path: String) throws {
        let descriptor = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw FileSystemError("create", path) }
        close(descriptor)
    }

    /// Writes what the system still holds in memory of a file, or of the names in a directory, to the disk.
    ///
    /// Never for a file that SQLite has open in this process: closing any descriptor of it drops SQLite's locks.
    static func sync(_ path: String) throws {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw FileSystemError("open", path) }
        defer { close(descriptor) }
        guard fsync(descriptor) == 0 else { throw FileSystemError("sync", path) }
    }

    /// Gives a file a second name. Fails if there is something of that name.
    static func link(_ path: String, as other: String) throws {
        guard systemLink(path, other) == 0 else { throw FileSystemError("link", other) }
    }

    /// Gives a file another name, in place of what had that name.
    static func rename(_ path: String, to other: String) throws {
        guard systemRename(path, other) == 0 else { throw FileSystemError("rename", path) }
    }

    /// Removes a name. Does nothing if there is none.
    static func remove(_ path: String) throws {
        guard unlink(path) == 0 || errno == ENOENT else { throw FileSystemError("remove", path) }
    }

    private static func realPath(_ path: String) -> String? {
        guard let resolved = realpath(path, nil) else { return nil }
        defer { free(resolved) }
        return String(cString: resolved)
    }

    private static func symbolicLink(at path: String) -> String? {
        var buffer = [UInt8](repeating: 0, count: Int(PATH_MAX))
        let count = buffer.withUnsafeMutableBytes { bytes in
            readlink(path, bytes.baseAddress!.assumingMemoryBound(to: CChar.self), bytes.count)
        }
        guard count > 0 else { return nil }
        return String(decoding: buffer[..<count], as: UTF8.self)
    }
}

/// A failed system call, in words.
struct FileSystemError: Error, CustomStringConvertible {
    let description: String
    let code: Int32

    /// The failure that `errno` names.
    init(_ action: String, _ path: String) {
        code = errno
        description = "cannot \(action) \(path): \(String(cString: strerror(code)))"
    }
}

#if canImport(Darwin)
    private func systemLink(_ path: String, _ other: String) -> Int32 { Darwin.link(path, other) }
    private func systemRename(_ path: String, _ other: String) -> Int32 { Darwin.rename(path, other) }
#elseif canImport(Musl)
    private func systemLink(_ path: String, _ other: String) -> Int32 { Musl.link(path, other) }
    private func systemRename(_ path: String, _ other: String) -> Int32 { Musl.rename(path, other) }
#else
    private func systemLink(_ path: String, _ other: String) -> Int32 { Glibc.link(path, other) }
    private func systemRename(_ path: String, _ other: String) -> Int32 { Glibc.rename(path, other) }
#endif
