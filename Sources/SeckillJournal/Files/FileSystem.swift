/// The file operations that a journal uses, each of which a test can make fail.
protocol FileSystem: Sendable {
    /// Makes the directory, unless it is there.
    func makeDirectory(_ path: String) throws(FileError)
    /// The one path of the directory, without symbolic links: two paths of one directory are the same here.
    func resolve(_ path: String) throws(FileError) -> String
    /// Takes the exclusive lock at `path` until the result is released or the process ends, however it ends.
    func lock(_ path: String) throws(FileError) -> any FileLock
    /// Opens a file, nil if there is none; an unwritable one only if `writing` is false.
    func open(_ path: String, writing: Bool) throws(FileError) -> (any File)?
    /// Makes an empty file, in place of any that is there.
    func create(_ path: String) throws(FileError) -> any File
    /// Gives a file another's name, in one step.
    func rename(_ path: String, to other: String) throws(FileError)
    /// Removes a file, if it is there.
    func remove(_ path: String) throws(FileError)
    /// Returns once the names in the directory are durable.
    func syncDirectory(_ path: String) throws(FileError)
}

/// An open file; closed when the last reference goes.
protocol File: AnyObject, Sendable {
    func size() throws(FileError) -> Int
    /// Whether `path` leads to this file: false once it was removed, moved or replaced.
    func isNamed(_ path: String) throws(FileError) -> Bool
    /// Fills as much of `buffer` as the file holds from `offset` on, and says how much that is.
    func read(into buffer: UnsafeMutableRawBufferPointer, at offset: Int) throws(FileError) -> Int
    /// Writes all of it or throws.
    func write(_ bytes: UnsafeRawBufferPointer, at offset: Int) throws(FileError)
    /// Cuts the file or lengthens it by zeros.
    func resize(to size: Int) throws(FileError)
    /// Returns once everything written, and the size, would survive a loss of power.
    func sync() throws(FileError)
}

extension File {
    func write(_ bytes: [UInt8], at offset: Int) throws(FileError) {
        try bytes.withUnsafeBufferPointer { (bytes) throws(FileError) in
            try write(UnsafeRawBufferPointer(bytes), at: offset)
        }
    }

    /// Fills as much of `bytes` as the file holds from `offset` on, and says how much that is.
    func read(into bytes: inout [UInt8], at offset: Int) throws(FileError) -> Int {
        try bytes.withUnsafeMutableBufferPointer { (bytes) throws(FileError) in
            try read(into: UnsafeMutableRawBufferPointer(bytes), at: offset)
        }
    }
}

/// A lock that is held. Released when the last reference goes.
protocol FileLock: AnyObject, Sendable {
    /// Whether `path` leads to the file that is locked: if not, another process can take the lock at the same path.
    func isNamed(_ path: String) throws(FileError) -> Bool
}

/// What the operating system said, and to what.
struct FileError: Error, CustomStringConvertible {
    var operation: String
    var path: String
    /// What `errno` was.
    var code: Int32 = 0
    var reason: String
    /// The process that holds the lock asked for; 0 if unknown, nil if that is not what went wrong.
    var lockHolder: Int?

    var description: String { "\(operation) \(path): \(reason)" }
}
