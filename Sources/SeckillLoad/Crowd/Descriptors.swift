internal import ArgumentParser
internal import Foundation

/// How many files may be open: every connection needs one.
enum Descriptors {
    #if canImport(Glibc)
        private static let kind = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)
    #else
        private static let kind = RLIMIT_NOFILE
    #endif

    /// - Throws: `ValidationError` if `count` cannot be had.
    static func allow(_ count: Int) throws {
        var limit = rlimit()
        getrlimit(kind, &limit)
        if limit.rlim_cur >= count { return }
        guard limit.rlim_max >= count else {
            throw ValidationError("\(count) files must be open at once and \(limit.rlim_max) may be: raise ulimit -n")
        }
        limit.rlim_cur = rlim_t(count)
        setrlimit(kind, &limit)
    }
}
