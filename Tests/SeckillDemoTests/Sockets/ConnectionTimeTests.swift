import HTTPTypes
import Logging
import NIOCore
import NIOEmbedded
import NIOHTTP1
import NIOHTTPTypes
import NIOHTTPTypesHTTP1
import SeckillNIO
import Testing

@testable import SeckillDemo

/// What ``ConnectionGuard`` does when time is up, on a clock that is moved by hand.
struct ConnectionTimeTests {
    private let channel = EmbeddedChannel()
    private let behind = Behind()

    init() throws {
        let pipeline = channel.pipeline.syncOperations
        try pipeline.configureHTTPServerPipeline(withPipeliningAssistance: false, withErrorHandling: false)
        try pipeline.addHandler(HTTP1ToHTTPServerCodec(secure: false))
        try pipeline.addHandler(
            ConnectionGuard(
                in: ServerConnections(limit: 10, logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
            )
        )
        try pipeline.addHandler(behind)
        try channel.connect(to: SocketAddress(ipAddress: "127.0.0.1", port: 1)).wait()
    }

    private func hear(_ text: String) throws { try channel.writeInbound(ByteBuffer(string: text)) }

    private func said() throws -> String {
        var text = ""
        while let bytes = try channel.readOutbound(as: ByteBuffer.self) { text += String(buffer: bytes) }
        return text
    }

    private func advance(_ time: TimeAmount) { channel.embeddedEventLoop.advanceTime(by: time) }

    private func stop() { channel.pipeline.fireUserInboundEventTriggered(ChannelShouldQuiesceEvent()) }

    private static let ask = "GET /a HTTP/1.1\r\nHost: a\r\n\r\n"
    private static let starts = [
        "G", "GET /health HTTP/1.1\r\nHost: a\r\n",
        "POST /api/session HTTP/1.1\r\nHost: a\r\nContent-Length: 12\r\n\r\n{",
        "POST /api/session HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n{\r\n",
    ]

    @Test(arguments: starts) func aRequestThatDoesNotArriveIsDropped(_ start: String) throws {
        try hear(start)
        advance(.seconds(9))
        #expect(try said() == "")
        advance(.seconds(1))
        let heard = try said()
        #expect(heard.hasPrefix("HTTP/1.1 408 ") && heard.contains(#""code":"timeout""#))
        advance(.seconds(1))
        #expect(!channel.isActive)
    }

    @Test(arguments: starts) func soIsOneThatBeganBehindAnother(_ start: String) throws {
        try hear(Self.ask + start)
        behind.answer()
        #expect(try said().hasPrefix("HTTP/1.1 200 "))
        // Its time begins when the answer before it is out and others had their turn.
        advance(.seconds(10) + .milliseconds(1))
        #expect(try said().hasPrefix("HTTP/1.1 408 "))
    }

    @Test(arguments: [
        ask, ask + ask, "POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n{}",
        "POST /a HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
    ])
    func timeBetweenRequestsIsNotTimeToArrive(_ whole: String) throws {
        // In one piece, and in two.
        for pieces in [[whole], [String(whole.dropLast()), String(whole.suffix(1))]] {
            for piece in pieces { try hear(piece) }
            while behind.hasQuestion { behind.answer() }
            _ = try said()
            advance(.seconds(50))
            #expect(try said() == "" && channel.isActive)
        }
    }

    @Test(arguments: ["G", "GET /a HTTP/1.1\r\n", "POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n{"])
    func shutdownDoesNotWaitForWhoDoesNotAsk(_ part: String) throws {
        try hear(part)
        stop()
        advance(.milliseconds(500))
        #expect(try said().hasPrefix("HTTP/1.1 408 "))
        // Time to read it, though nobody reads.
        advance(.milliseconds(250))
        #expect(!channel.isActive)
    }

    @Test func shutdownDoesNotWaitForWhoDoesNotRead() throws {
        try hear(Self.ask)
        channel.isWritable = false
        stop()
        advance(.seconds(1))
        #expect(channel.isActive)
        advance(.seconds(1))
        #expect(!channel.isActive)
    }

    @Test func shutdownWaitsForAnAnswerThatIsDue() throws {
        try hear(Self.ask)
        stop()
        advance(.seconds(5))
        #expect(channel.isActive)
        behind.answer()
        #expect(try said().contains("onnection: close"))
        #expect(!channel.isActive)
    }
}

/// Answers when it is told to.
private final class Behind: ChannelInboundHandler {
    typealias InboundIn = HTTPRequestPart
    typealias OutboundOut = HTTPResponsePart

    private var asked = 0
    private var context: ChannelHandlerContext?

    var hasQuestion: Bool { asked > 0 }

    func handlerAdded(context: ChannelHandlerContext) { self.context = context }
    func handlerRemoved(context: ChannelHandlerContext) { self.context = nil }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        if case .head = unwrapInboundIn(data) { asked += 1 }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {}

    func answer() {
        asked -= 1
        let head = HTTPResponse(status: .ok, headerFields: [.contentLength: "0"])
        context?.write(wrapOutboundOut(.head(head)), promise: nil)
        context?.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
    }
}
