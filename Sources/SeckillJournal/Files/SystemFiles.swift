#if canImport(Darwin)
    internal import Darwin
#elseif canImport(Musl)
    internal import Musl
#else
    internal import Glibc
#endif

/// The operating system's files.
struct SystemFiles: FileSystem {
    func makeDirectory(_ path: String) throws(FileError) {
        guard mkdir(path, 0o700) == 0 || errno == EEXIST else { throw .system("make directory", path) }
    }

    func resolve(_ path: String) throws(FileError) -> String {
        guard let resolved = realpath(path, nil) else { throw .system("resolve", path) }
        defer { free(resolved) }
        return String(cString: resolved)
    }

    func lock(_ path: String) throws(FileError) -> any FileLock { try SystemLock(path) }

    func open(_ path: String, writing: Bool) throws(FileError) -> (any File)? {
        do {
            return try SystemFile(path, writing ? O_RDWR : O_RDONLY)
        } catch {
            guard error.code == ENOENT else { throw error }
            return nil
        }
    }

    func create(_ path: String) throws(FileError) -> any File { try SystemFile(path, O_RDWR | O_CREAT | O_TRUNC) }

    func rename(_ path: String, to other: String) throws(FileError) {
        guard systemRename(path, other) == 0 else { throw .system("rename", path) }
    }

    func remove(_ path: String) throws(FileError) {
        guard unlink(path) == 0 || errno == ENOENT else { throw .system("remove", path) }
    }

    func syncDirectory(_ path: String) throws(FileError) { try SystemFile(path, O_RDONLY).syncMetadata() }
}

/// A descriptor and its operations, whole and uninterrupted.
private final class SystemFile: File {
    let path: String
    let descriptor: Int32

    init(_ path: String, _ flags: Int32) throws(FileError) {
        self.path = path
        descriptor = systemOpen(path, flags | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw .system("open", path) }
    }

    deinit { close(descriptor) }

    func isNamed(_ path: String) throws(FileError) -> Bool {
        var (own, named) = (stat(), stat())
        guard fstat(descriptor, &own) == 0 else { throw .system("examine", path) }
        guard stat(path, &named) == 0 else {
            guard errno == ENOENT || errno == ENOTDIR else { throw .system("examine", path) }
            return false
        }
        return own.st_dev == named.st_dev && own.st_ino == named.st_ino
    }

    func size() throws(FileError) -> Int {
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw .system("examine", path) }
        return Int(status.st_size)
    }

    func read(into buffer: UnsafeMutableRawBufferPointer, at offset: Int) throws(FileError) -> Int {
        var done = 0
        while done < buffer.count {
            let count = pread(descriptor, buffer.baseAddress! + done, buffer.count - done, off_t(offset + done))
            if count == 0 { break }
            if count > 0 { done += count } else if errno != EINTR { throw .system("read", path) }
        }
        return done
    }

    func write(_ bytes: UnsafeRawBufferPointer, at offset: Int) throws(FileError) {
        var done = 0
        while done < bytes.count {
            let count = pwrite(descriptor, bytes.baseAddress! + done, bytes.count - done, off_t(offset + done))
            if count >= 0 { done += count } else if errno != EINTR { throw .system("write", path) }
        }
    }

    func resize(to size: Int) throws(FileError) {
        while ftruncate(descriptor, off_t(size)) != 0 {
            guard errno == EINTR else { throw .system("resize", path) }
        }
    }

    func sync() throws(FileError) {
        while syncData(descriptor) != 0 {
            guard errno == EINTR else { throw .system("sync", path) }
        }
    }

    func syncMetadata() throws(FileError) {
        while fsync(descriptor) != 0 {
            guard errno == EINTR else { throw .system("sync", path) }
        }
    }
}

/// `flock`: the kernel drops it with the last descriptor of the open file, however the process ends. The holder's id
/// inside is for the message only.
private final class SystemLock: FileLock {
    private let file: SystemFile

    func isNamed(_ path: String) throws(FileError) -> Bool { try file.isNamed(path) }

    init(_ path: String) throws(FileError) {
        file = try SystemFile(path, O_RDWR | O_CREAT)
        while flock(file.descriptor, LOCK_EX | LOCK_NB) != 0 {
            if errno == EINTR { continue }
            guard errno == EWOULDBLOCK else { throw .system("lock", path) }
            throw FileError(operation: "lock", path: path, reason: "held", lockHolder: try Self.holder(file))
        }
        try file.resize(to: 0)
        try file.write(Array("\(getpid())\n".utf8), at: 0)
    }

    private static func holder(_ file: SystemFile) throws(FileError) -> Int {
        var bytes = [UInt8](repeating: 0, count: 20)
        let count = try file.read(into: &bytes, at: 0)
        return Int(String(decoding: bytes.prefix(count).prefix { $0 != UInt8(ascii: "\n") }, as: UTF8.self)) ?? 0
    }
}

extension FileError {
    fileprivate static func system(_ operation: String, _ path: String) -> FileError {
        let code = errno
        return FileError(operation: operation, path: path, code: code, reason: String(cString: strerror(code)))
    }
}
