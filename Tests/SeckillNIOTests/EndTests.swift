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

    @Test func aClientThatDoesNotTakeItsAnswersIsIdle() throws {
        let server = try Server(idleTimeout: .seconds(60))
        let loop = server.channel.embeddedEventLoop
        try server.hear(plain("GET", "/cold"))
        loop.advanceTime(by: .seconds(110))
        server.isJammed = true
        loop.advanceTime(by: .seconds(59))
        // It takes its time, but takes.
        #expect(server.channel.isActive)
        server.isJammed = false
        loop.advanceTime(by: .seconds(59))
        server.isJammed = true
        loop.advanceTime(by: .seconds(59))
        #expect(server.channel.isActive)
        loop.advanceTime(by: .seconds(1))
        #expect(!server.channel.isActive)
    }

    @Test func aRequestOfWhichNoMoreComesIsIdle() throws {
        let server = try Server(idleTimeout: .seconds(60))
        let loop = server.channel.embeddedEventLoop
        try server.hear("POST /cold HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n12")
        loop.advanceTime(by: .seconds(59))
        try server.hear("34")
        loop.advanceTime(by: .seconds(59))
        #expect(server.channel.isActive)
        loop.advanceTime(by: .seconds(1))
        #expect(!server.channel.isActive)
    }

    @Test(arguments: [
        ("GET", HTTPResponseStatus.switchingProtocols, true), ("GET", .ok, false),
        ("CONNECT", .ok, true), ("CONNECT", .methodNotAllowed, false),
    ])
    func whatLeavesHTTPIsLeftAlone(_ method: String, _ status: HTTPResponseStatus, leaves: Bool) throws {
        let server = try Server(idleTimeout: .seconds(60))
        try server.hear("\(method) /chat HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n")
        server.channel.embeddedEventLoop.advanceTime(by: .seconds(300))
        // The server behind has not said yet.
        #expect(server.channel.isActive)
        server.behind.answer(status)
        server.channel.embeddedEventLoop.advanceTime(by: .seconds(300))
        #expect(server.channel.isActive == leaves)
    }

    @Test func atShutdownAClientThatDoesNotTakeItsAnswersIsClosed() throws {
        let server = try Server()
        server.isJammed = true
        // Held, and the end behind it.
        try server.hear(plain("GET", "/hot"))
        self.end(server, by: .quiesce)
        server.channel.embeddedEventLoop.advanceTime(by: .seconds(1))
        #expect(server.channel.isActive && server.behind.events.isEmpty)
        server.channel.embeddedEventLoop.advanceTime(by: .seconds(1))
        #expect(!server.channel.isActive)
    }

    @Test func atShutdownAnAnswerThatIsNotOutIsNotWaitedForLong() throws {
        let server = try Server()
        try server.channel.pipeline.syncOperations.addHandler(Jam(), position: .first)
        try server.hear(plain("GET", "/hot"))
        self.end(server, by: .quiesce)
        server.channel.embeddedEventLoop.advanceTime(by: .seconds(2))
        #expect(!server.channel.isActive)
    }

    @Test func atShutdownAnAnswerThatIsDueFromHereIsWaitedFor() throws {
        let routes = Sample()
        let server = try Server(routes)
        try server.hear(plain("GET", "/later"))
        self.end(server, by: .quiesce)
        server.channel.embeddedEventLoop.advanceTime(by: .seconds(5))
        #expect(server.channel.isActive)
        routes.gate.open()
        server.run()
        #expect(try server.said() == "/later;")
        #expect(server.behind.events == ["quiesce"])
        server.channel.embeddedEventLoop.advanceTime(by: .seconds(5))
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
