import Foundation
import Logging
import NIOCore
import NIOEmbedded
import NIOHTTP1
import SeckillCore
import Testing

@testable import SeckillNIO

/// Which connections are closed when there are too many.
struct ServerConnectionsTests {
    private let loop = EmbeddedEventLoop()

    private func servers(_ count: Int, of connections: ServerConnections) throws -> [Server] {
        try (0..<count).map { _ in
            // One after the other: the first has been idle longest.
            loop.advanceTime(by: .seconds(1))
            return try Server(in: connections, on: loop)
        }
    }

    private func open(_ servers: [Server]) -> [Bool] { servers.map(\.channel.isActive) }

    @Test func theOneThatHasBeenIdleLongestMakesRoom() throws {
        let connections = ServerConnections(limit: 3)
        var servers = try servers(3, of: connections)
        for server in servers { try server.hear(plain("GET", "/hot")) }
        try servers[0].hear(plain("GET", "/hot"))
        servers += try self.servers(1, of: connections)
        #expect(open(servers) == [true, false, true, true])
        #expect(connections.count == 3)
        try servers[3].hear(plain("GET", "/hot"))
        servers += try self.servers(1, of: connections)
        #expect(open(servers) == [true, false, false, true, true])
    }

    @Test func bytesThatAreNoRequestDoNotKeepAConnectionOpen() throws {
        let connections = ServerConnections(limit: 2)
        var servers = try servers(2, of: connections)
        for byte in "GET /hot HTTP/1.1" { try servers[0].hear(String(byte)) }
        servers += try self.servers(1, of: connections)
        #expect(open(servers) == [false, true, true])
    }

    /// Clients that connect and are silent do not push out those that buy, nor the other way round.
    @Test func theLargerGroupMakesRoom() throws {
        let connections = ServerConnections(limit: 4)
        let buyers = try servers(2, of: connections)
        for buyer in buyers { try buyer.hear(plain("GET", "/hot")) }
        let silent = try servers(100, of: connections)
        #expect(open(buyers) == [true, true])
        #expect(open(Array(silent.suffix(2))) == [true, true])
        // Many that have asked once and keep their connections leave room for others.
        var others: [Server] = []
        for _ in 0..<100 {
            others += try servers(1, of: connections)
            try others.last!.hear(plain("GET", "/hot"))
        }
        let newcomer = try servers(1, of: connections)
        #expect(open(newcomer) == [true] && open(buyers) == [false, false])
        #expect(connections.count == 4)
    }

    @Test func aConnectionThatIsOwedAnAnswerStays() throws {
        let routes = Sample()
        let connections = ServerConnections(limit: 3)
        let here = try Server(routes, in: connections, on: loop)
        try here.hear(plain("GET", "/later"))
        loop.run()
        let behind = try Server(in: connections, on: loop)
        try behind.hear(plain("GET", "/cold"))
        let servers = try servers(50, of: connections)
        #expect(here.channel.isActive && behind.channel.isActive && servers.last!.channel.isActive)
        routes.gate.open()
        loop.run()
        behind.behind.answer()
        #expect(try here.said() == "/later;" && behind.said().contains("behind /cold;"))
        // Now they are idle as others are.
        var others: [Server] = []
        for _ in 0..<3 {
            others += try self.servers(1, of: connections)
            try others.last!.hear(plain("GET", "/hot"))
        }
        #expect(!here.channel.isActive && !behind.channel.isActive)
    }

    @Test func whoComesWhenNobodyIsIdleIsRefused() throws {
        let connections = ServerConnections(limit: 2)
        let busy = try servers(2, of: connections)
        for server in busy { try server.hear(plain("GET", "/cold")) }
        let late = try servers(3, of: connections)
        #expect(open(busy + late) == [true, true, false, false, false])
        #expect(connections.count == 2)
    }

    @Test func aClientThatDoesNotTakeItsAnswerIsIdle() throws {
        let connections = ServerConnections(limit: 2)
        let deaf = try servers(1, of: connections)[0]
        try deaf.hear(plain("GET", "/cold"))
        deaf.isJammed = true
        let others = try servers(2, of: connections)
        #expect(open([deaf] + others) == [false, true, true])
    }

    @Test func whatLeftHTTPStays() throws {
        let connections = ServerConnections(limit: 2)
        let chat = try servers(1, of: connections)[0]
        try chat.hear("GET /chat HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n")
        chat.behind.answer(.switchingProtocols)
        try chat.hear("no HTTP any more")
        let others = try servers(5, of: connections)
        #expect(chat.channel.isActive && open(others) == [false, false, false, false, true])
    }

    @Test func theLogTellsTheBeginningAndTheEnd() throws {
        let log = LogRecorder()
        let connections = ServerConnections(limit: 10, logger: Logger(label: "test") { _ in log })
        var servers = try servers(10, of: connections)
        #expect(log.lines.isEmpty)
        servers += try self.servers(1000, of: connections)
        #expect(log.lines.count == 1)
        loop.advanceTime(by: .seconds(20))
        #expect(log.lines.count == 2)
        #expect(log.lines.last?["seckill.evicted"] == "1000")
        // The next time is told again.
        servers += try self.servers(3, of: connections)
        #expect(log.lines.count == 3)
        for server in servers { try? server.channel.close().wait() }
        #expect(connections.count == 0)
    }

    @Test func withoutDescriptorsAnEighthIsClosedAndAcceptingGoesOn() throws {
        let connections = ServerConnections(limit: 100)
        let servers = try servers(80, of: connections)
        let reads = ReadCounter()
        let listener = EmbeddedChannel(handlers: [reads, ListenerHandler(connections)], loop: loop)
        try listener.connect(to: SocketAddress(ipAddress: "127.0.0.1", port: 1)).wait()
        listener.pipeline.fireErrorCaught(IOError(errnoCode: EMFILE, reason: "accept"))
        loop.run()
        #expect(connections.count == 70 && open(servers).prefix(10).allSatisfy { !$0 })
        reads.count = 0
        listener.read()
        listener.read()
        #expect(reads.count == 0)
        loop.advanceTime(by: .milliseconds(100))
        #expect(reads.count == 1)
        #expect(listener.isActive)
        // A client that has gone already is no reason to rest.
        listener.pipeline.fireErrorCaught(IOError(errnoCode: ECONNABORTED, reason: "accept"))
        listener.read()
        #expect(reads.count == 2)
        try listener.throwIfErrorCaught()
    }

    @Test func noMoreAreAcceptedThanCanBeCounted() throws {
        let reads = ReadCounter()
        let listener = EmbeddedChannel(handlers: [reads, ListenerHandler(ServerConnections(limit: 10))], loop: loop)
        try listener.connect(to: SocketAddress(ipAddress: "127.0.0.1", port: 1)).wait()
        // Their event loop is busy: none of them is counted.
        let accepted = (0..<10 + ListenerHandler.slack).map { _ in EmbeddedChannel(handlers: [], loop: loop) }
        reads.count = 0
        for channel in accepted {
            listener.read()
            try listener.writeInbound(channel as any Channel)
        }
        #expect(reads.count == accepted.count)
        listener.read()
        #expect(reads.count == accepted.count)
        try accepted[0].close().wait()
        loop.run()
        #expect(reads.count == accepted.count + 1)
        for channel in accepted { _ = try? channel.finish(acceptAlreadyClosed: true) }
    }
}

private final class ReadCounter: ChannelOutboundHandler {
    typealias OutboundIn = Never
    var count = 0

    func read(context: ChannelHandlerContext) {
        count += 1
        context.read()
    }
}

/// Keeps what is logged.
private struct LogRecorder: LogHandler {
    private let recorded = Locked<[Logger.Metadata]>([])
    var logLevel = Logger.Level.trace
    var metadata: Logger.Metadata = [:]

    var lines: [Logger.Metadata] { recorded.withLock { $0 } }

    subscript(metadataKey key: String) -> Logger.MetadataValue? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) { recorded.withLock { $0.append(event.metadata ?? [:]) } }
}
