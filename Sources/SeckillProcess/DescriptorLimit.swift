#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Musl)
    internal import Musl
#else
    internal import Darwin
#endif

/// How many descriptors the process may have open at once: every connection needs one.
package enum DescriptorLimit {
    #if canImport(Glibc)
        private static let kind = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)
    #else
        private static let kind = RLIMIT_NOFILE
    #endif
    /// More than any process needs; a limit may also be infinite.
    private static let most: rlim_t = 1 << 20

    /// Raises the limit as far as this process may, which is what `ulimit -Hn` says. The limit.
    package static func raise() -> Int {
        var limit = rlimit()
        guard getrlimit(kind, &limit) == 0 else { return 0 }
        let before = limit.rlim_cur
        // macOS refuses more than the constant in any case.
        for goal in [min(limit.rlim_max, most), 10_240] where goal > before {
            limit.rlim_cur = goal
            if setrlimit(kind, &limit) == 0 { return Int(goal) }
        }
        return Int(min(before, most))
    }
}
