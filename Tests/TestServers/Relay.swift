internal import Foundation
internal import SeckillCore

/// A socket that passes everything on to a server's, as a proxy or a firewall does, and can fall silent or speak itself.
///
/// One thread, which polls every few milliseconds; enough for tests.
package final class Relay: Sendable {
    private struct State: Sendable {
        var isSilent = false
        var isOver = false
        var injected: [UInt8] = []
        var connections = 0
    }

    package let path: String
    private let target: String
    private let listener: CInt
    private let state = Locked(State())

    /// Listens at `path` for what is meant for the server at `target`, both sockets of this machine.
    package init(at path: String, to target: String) throws {
        self.path = path
        self.target = target
        listener = try Self.open(path) { bind($0, $1, $2) }
        guard listen(listener, 64) == 0 else { throw CocoaError(.fileWriteUnknown) }
        _ = fcntl(listener, F_SETFL, O_NONBLOCK)
        Thread.detachNewThread { [self] in run() }
    }

    /// Connections made so far.
    package var connections: Int { state.withLock(\.connections) }

    /// Swallows what either side sends, and closes nothing, as a firewall does that has forgotten a connection.
    package func fallSilent(_ isSilent: Bool = true) { state.withLock { $0.isSilent = isSilent } }

    /// Sends this to every client that is connected, as if the server had.
    package func inject(_ text: String) { state.withLock { $0.injected = Array(text.utf8) } }

    package func close() { state.withLock { $0.isOver = true } }

    private func run() {
        // Each client with its own connection to the server. Connections made in silence stay silent.
        var pairs: [(client: CInt, server: CInt, isDead: Bool)] = []
        while !state.withLock(\.isOver) {
            usleep(2000)
            let (isSilent, injected) = state.withLock { state in
                defer { state.injected = [] }
                return (state.isSilent, state.injected)
            }
            let client = accept(listener, nil, nil)
            if client >= 0, let server = try? Self.open(target, { connect($0, $1, $2) }) {
                state.withLock { $0.connections += 1 }
                for descriptor in [client, server] { _ = fcntl(descriptor, F_SETFL, O_NONBLOCK) }
                pairs.append((client, server, isSilent))
            }
            for index in pairs.indices.reversed() {
                if isSilent { pairs[index].isDead = true }
                let pair = pairs[index]
                if !injected.isEmpty, !pair.isDead { _ = send(pair.client, injected, injected.count, Self.noSignal) }
                let isOpen =
                    Self.pass(from: pair.client, to: pair.server, pair.isDead)
                    && Self.pass(from: pair.server, to: pair.client, pair.isDead)
                if !isOpen {
                    for descriptor in [pair.client, pair.server] { _ = Foundation.close(descriptor) }
                    pairs.remove(at: index)
                }
            }
        }
        for pair in pairs { for descriptor in [pair.client, pair.server] { _ = Foundation.close(descriptor) } }
        _ = Foundation.close(listener)
    }

    /// False once the sender has hung up.
    private static func pass(from sender: CInt, to receiver: CInt, _ isDead: Bool) -> Bool {
        var buffer = [UInt8](repeating: 0, count: 65_536)
        while true {
            let count = recv(sender, &buffer, buffer.count, 0)
            if count == 0 { return false }
            if count < 0 { return errno == EAGAIN }
            var sent = isDead ? count : 0
            while sent < count {
                let written = buffer[sent..<count].withUnsafeBytes {
                    send(receiver, $0.baseAddress, $0.count, noSignal)
                }
                if written < 0, errno != EAGAIN { return false }
                sent += max(0, written)
            }
        }
    }

    #if canImport(Glibc)
        private static let noSignal = CInt(MSG_NOSIGNAL)
        private static let stream = CInt(SOCK_STREAM.rawValue)
    #else
        private static let noSignal: CInt = 0
        private static let stream = SOCK_STREAM
    #endif

    private static func open(
        _ path: String,
        _ act: (CInt, UnsafePointer<sockaddr>, socklen_t) -> CInt
    ) throws -> CInt {
        let descriptor = socket(AF_UNIX, stream, 0)
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8.prefix($0.count - 1)) }
        let size = socklen_t(MemoryLayout<sockaddr_un>.size)
        let code = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { act(descriptor, $0, size) }
        }
        guard code == 0 else {
            _ = Foundation.close(descriptor)
            throw CocoaError(.fileReadUnknown)
        }
        return descriptor
    }
}
