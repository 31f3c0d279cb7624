import NIOCore
import NIOEmbedded
import NIOHTTP1
import Testing

@testable import SeckillNIO

/// How connections end: by shutdown, by the client's last word, by idleness.
struct EndTests {
    @Test(arguments: End.allCases)
    func theEndReachesTheServerBehindAfterTheAnswersThatAreDue(_ end: End) throws {
        let routes = Sample()
        let server = try Server(routes)
        try server.hear(plain("GET", "/later") + plain("GET", "/hot"))
        server.run()
        self.end(server, by: end)
        #expect(server.behind.events.isEmpty)
        routes.gate.open()
        server.run()
        #expect(try server.said() == "/later;/hot;")
        #expect(server.behind.events == [end.rawValue])
        // From then on the connection is the other's.
        try server.hear(plain("GET", "/hot2"))
        #expect(try server.said() == "")
        #expect(server.behind.paths == (end == .quiesce ? ["/hot2"] : []))
    }

    @Test(arguments: End.allCases)
    func theEndWaitsUntilTheClientHasItsAnswers(_ end: End) throws {
        let jam = Jam()
        let server = try Server()
        try server.channel.pipeline.syncOperations.addHandler(jam, position: .first)
        try server.hear(plain("GET", "/hot"))
        self.end(server, by: end)
        #expect(server.behind.events.isEmpty)
        jam.clear()
        #expect(try server.said() == "/hot;")
        #expect(server.behind.events == [end.rawValue])
    }

    enum End: String, CaseIterable { case quiesce, inputClosed }

    private func end(_ server: Server, by end: End) {
        switch end {
        case .quiesce: server.channel.pipeline.fireUserInboundEventTriggered(ChannelShouldQuiesceEvent())
        case .inputClosed: server.channel.pipeline.fireUserInboundEventTriggered(ChannelEvent.inputClosed)
        }
    }

    @Test func theServerBehindThatEndsTheConnectionHasTheLastWord() throws {
        let server = try Server()
        try server.hear(plain("GET", "/cold"))
        server.behind.answer()
        server.behind.close(.output)
        _ = try server.said()
        try server.hear(plain("GET", "/hot"))
        #expect(try server.said() == "")
    }

    @Test func aConnectionOnWhichNothingHappensIsClosed() throws {
        let server = try Server(idleTimeout: .seconds(60))
        let loop = server.channel.embeddedEventLoop
        loop.advanceTime(by: .seconds(50))
        try server.hear(plain("GET", "/hot"))
        loop.advanceTime(by: .seconds(50))
        try server.hear(plain("GET", "/cold"))
        loop.advanceTime(by: .seconds(200))
        // The server behind takes its time.
        #expect(server.channel.isActive)
        server.behind.answer()
        loop.advanceTime(by: .seconds(59))
        #expect(server.channel.isActive)
        loop.advanceTime(by: .seconds(1))
        #expect(!server.channel.isActive)
    }

    @Test func aConnectionIsNotIdleWhileAnAnswerIsDueFromHere() throws {
        let routes = Sample()
        let server = try Server(routes, idleTimeout: .seconds(60))
        try server.hear(plain("GET", "/later"))
        server.run()
        server.channel.embeddedEventLoop.advanceTime(by: .seconds(300))
        #expect(server.channel.isActive)
        routes.gate.open()
        server.run()
        #expect(try server.said() == "/later;")
        server.channel.embeddedEventLoop.advanceTime(by: .seconds(60))
        #expect(!server.channel.isActive)
    }

    @Test func whatHasLeftHTTPIsLeftAlone() throws {
        let server = try Server(idleTimeout: .seconds(60))
        try server.hear("GET /chat HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n")
        server.channel.embeddedEventLoop.advanceTime(by: .seconds(300))
        #expect(server.channel.isActive)
    }
}

/// Keeps what is written, as a client's full socket would.
private final class Jam: ChannelOutboundHandler {
    typealias OutboundIn = ByteBuffer
    private var waiting: [(NIOAny, EventLoopPromise<Void>?)] = []
    private var context: ChannelHandlerContext?

    func handlerAdded(context: ChannelHandlerContext) { self.context = context }
    func handlerRemoved(context: ChannelHandlerContext) { self.context = nil }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        waiting.append((data, promise))
    }

    func clear() {
        for (data, promise) in waiting { context?.write(data, promise: promise) }
        waiting = []
        context?.flush()
    }
}
