// All that differs between Linux and macOS.

internal import SeckillCore

#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Musl)
    internal import Musl
#else
    internal import Darwin
#endif

/// Wakes a thread that polls: one end is polled, a byte into the other ends the wait.
final class WakePipe: Sendable {
    let readEnd: CInt
    private let writeEnd: CInt

    init() throws(SeckillError) {
        var ends: (CInt, CInt) = (-1, -1)
        let made = withUnsafeMutableBytes(of: &ends) { pipe($0.assumingMemoryBound(to: CInt.self).baseAddress) }
        guard made == 0 else { throw SeckillError(.unavailable, "no pipe: \(String(cString: strerror(errno)))") }
        (readEnd, writeEnd) = ends
        for end in [readEnd, writeEnd] {
            _ = fcntl(end, F_SETFL, O_NONBLOCK)
            _ = fcntl(end, F_SETFD, FD_CLOEXEC)
        }
    }

    deinit {
        close(readEnd)
        close(writeEnd)
    }

    /// A full pipe has woken the reader already.
    func wake() {
        var byte: UInt8 = 0
        _ = write(writeEnd, &byte, 1)
    }

    func drain() {
        withUnsafeTemporaryAllocation(byteCount: 256, alignment: 1) { buffer in
            while read(readEnd, buffer.baseAddress, buffer.count) == buffer.count {}
        }
    }
}

/// What a poll saw.
struct Readiness {
    var isWoken = false
    var canRead = false
    var canWrite = false
}

/// Waits until the pipe is written to, the descriptor is ready, or `timeout` is over; nil is for ever.
func wait(on pipe: WakePipe, and link: HiredisLink?, timeout: Duration?) -> Readiness {
    var watched = [pollfd(fd: pipe.readEnd, events: Int16(POLLIN), revents: 0)]
    if let link, link.isAlive {
        var events: Int32 = 0
        if link.wantsToRead { events |= Int32(POLLIN) }
        if link.wantsToWrite { events |= Int32(POLLOUT) }
        watched.append(pollfd(fd: link.descriptor, events: Int16(events), revents: 0))
    }
    // Rounded up, or the last millisecond would be spent spinning.
    let milliseconds = timeout.map { CInt(clamping: max(0, ($0 + .microseconds(999)).milliseconds)) } ?? -1
    guard poll(&watched, nfds_t(watched.count), milliseconds) > 0 else { return Readiness() }
    var readiness = Readiness(isWoken: watched[0].revents != 0)
    if watched.count > 1 {
        let seen = Int32(watched[1].revents)
        // Errors are found by reading, or, while connecting, by writing.
        let broken = seen & Int32(POLLERR | POLLHUP | POLLNVAL) != 0
        readiness.canRead = seen & Int32(POLLIN) != 0 || broken && watched[1].events & Int16(POLLIN) != 0
        readiness.canWrite = seen & Int32(POLLOUT) != 0 || broken && watched[1].events & Int16(POLLOUT) != 0
    }
    return readiness
}

/// What has gone wrong on a socket, such as an attempt to connect; nil if nothing has.
func socketError(_ descriptor: CInt) -> String? {
    var code: CInt = 0
    var size = socklen_t(MemoryLayout<CInt>.size)
    guard getsockopt(descriptor, SOL_SOCKET, SO_ERROR, &code, &size) == 0 else {
        return String(cString: strerror(errno))
    }
    return code == 0 ? nil : String(cString: strerror(code))
}

/// The address with a numeric host, or without symbolic links in its path: two names of one server become one. The address
/// itself if it leads nowhere. Blocks while a host name is resolved.
///
/// Of several addresses it takes an IPv4 one before an IPv6 one, as hiredis does, and of those the first by their text, so
/// that all nodes take the same.
func resolved(_ address: RedisConfiguration.Address) -> RedisConfiguration.Address {
    switch address {
    case .unix(let path): return .unix(path: resolvedPath(path))
    case .tcp(let host, let port):
        for family in [AF_INET, AF_INET6] {
            if let numeric = numericAddresses(of: host, family).min() { return .tcp(host: numeric, port: port) }
        }
        return address
    }
}

private func numericAddresses(of host: String, _ family: CInt) -> [String] {
    var hints = addrinfo()
    hints.ai_family = family
    #if canImport(Glibc)
        hints.ai_socktype = CInt(SOCK_STREAM.rawValue)
    #else
        hints.ai_socktype = SOCK_STREAM
    #endif
    var list: UnsafeMutablePointer<addrinfo>?
    guard getaddrinfo(host, nil, &hints, &list) == 0 else { return [] }
    defer { freeaddrinfo(list) }
    var found: [String] = []
    var next = list
    while let entry = next {
        var text = [CChar](repeating: 0, count: 128)
        let (address, size) = (entry.pointee.ai_addr, entry.pointee.ai_addrlen)
        if getnameinfo(address, size, &text, socklen_t(text.count), nil, 0, NI_NUMERICHOST) == 0 {
            found.append(String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self))
        }
        next = entry.pointee.ai_next
    }
    return found
}

private func resolvedPath(_ path: String) -> String {
    guard let resolved = realpath(path, nil) else { return path }
    defer { free(resolved) }
    return String(cString: resolved)
}

/// Runs `body` on a thread of its own, which takes no signals: a peer that hangs up must not raise SIGPIPE.
func startThread(_ body: @escaping @Sendable () -> Void) throws(SeckillError) {
    let box = Unmanaged.passRetained(ThreadBody(body))
    #if canImport(Darwin)
        var thread: pthread_t?
    #else
        var thread = pthread_t()
    #endif
    let code = pthread_create(&thread, nil, { runThread($0) }, box.toOpaque())
    guard code == 0 else {
        box.release()
        throw SeckillError(.unavailable, "no thread: \(String(cString: strerror(code)))")
    }
    #if canImport(Darwin)
        pthread_detach(thread!)
    #else
        pthread_detach(thread)
    #endif
}

private final class ThreadBody: Sendable {
    let run: @Sendable () -> Void
    init(_ run: @escaping @Sendable () -> Void) { self.run = run }
}

private func runThread(_ argument: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? {
    var all = sigset_t()
    sigfillset(&all)
    pthread_sigmask(SIG_BLOCK, &all, nil)
    Unmanaged<ThreadBody>.fromOpaque(argument!).takeRetainedValue().run()
    return nil
}

/// Lets other threads run first.
func yieldProcessor() { sched_yield() }
