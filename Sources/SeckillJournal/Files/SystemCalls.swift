// What differs between the platforms, and nothing else.

#if canImport(Darwin)
    internal import Darwin

    /// Only `F_FULLFSYNC` empties the drive's own cache. Where a file system does not know it, `fsync` must do.
    func syncData(_ descriptor: Int32) -> Int32 {
        if fcntl(descriptor, F_FULLFSYNC) == 0 { return 0 }
        guard errno == ENOTSUP || errno == EINVAL else { return -1 }
        return fsync(descriptor)
    }

    func systemOpen(_ path: String, _ flags: Int32, _ mode: mode_t) -> Int32 { Darwin.open(path, flags, mode) }
    func systemRename(_ path: String, _ other: String) -> Int32 { Darwin.rename(path, other) }
#elseif canImport(Musl)
    internal import Musl

    func syncData(_ descriptor: Int32) -> Int32 { fdatasync(descriptor) }
    func systemOpen(_ path: String, _ flags: Int32, _ mode: mode_t) -> Int32 { Musl.open(path, flags, mode) }
    func systemRename(_ path: String, _ other: String) -> Int32 { Musl.rename(path, other) }
#else
    internal import Glibc

    func syncData(_ descriptor: Int32) -> Int32 { fdatasync(descriptor) }
    func systemOpen(_ path: String, _ flags: Int32, _ mode: mode_t) -> Int32 { Glibc.open(path, flags, mode) }
    func systemRename(_ path: String, _ other: String) -> Int32 { Glibc.rename(path, other) }
#endif

/// The first byte from `start` on that is not zero.
func firstUsedByte(in bytes: UnsafeRawBufferPointer, from start: Int) -> Int? {
    guard let first = bytes.baseAddress.map({ $0 + start }), start < bytes.count else { return nil }
    if bytes[start] != 0 { return start }
    // Zero all along if it equals itself one byte on.
    if memcmp(first, first + 1, bytes.count - start - 1) == 0 { return nil }
    return bytes[start...].firstIndex { $0 != 0 }
}
