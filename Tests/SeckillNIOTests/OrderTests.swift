import NIOCore
import NIOEmbedded
import NIOHTTP1
import Testing

@testable import SeckillNIO

/// Answers leave in the order in which they were asked for, whoever gives them.
struct OrderTests {
    @Test func whatIsHotIsAnsweredAheadAndNothingElse() throws {
        let server = try Server()
        try server.hear(plain("GET", "/hot"))
        #expect(try server.said() == "/hot;")
        #expect(server.behind.paths.isEmpty)
        try server.hear(plain("GET", "/cold"))
        #expect(try server.said() == "")
        #expect(server.behind.paths == ["/cold"])
    }

    @Test func pipelinedRequestsAreAnsweredInTurn() throws {
        let server = try Server()
        try server.hear(["/hot1", "/hot2", "/cold1", "/hot3", "/cold2"].map { plain("GET", $0) }.joined())
        #expect(try server.said() == "/hot1;/hot2;")
        // Behind a request that is not answered yet, everything waits.
        server.takeTurns()
        #expect(try server.behind.paths == ["/cold1"] && server.said() == "")
        server.behind.answer()
        server.takeTurns()
        #expect(try server.said().hasSuffix("behind /cold1;/hot3;"))
        #expect(server.behind.paths == ["/cold1", "/cold2"])
        server.behind.answer()
        #expect(try server.said().hasSuffix("behind /cold2;"))
        try server.hear(plain("GET", "/hot4"))
        #expect(try server.said() == "/hot4;")
    }

    @Test func nothingIsAnsweredAheadWhileTheServerBehindOwesAnAnswer() throws {
        let server = try Server()
        try server.hear(plain("GET", "/cold"))
        try server.hear(plain("GET", "/hot"))
        server.takeTurns()
        #expect(try server.said() == "")
        #expect(server.behind.paths == ["/cold"])
        server.behind.answer()
        server.takeTurns()
        #expect(try server.said().hasSuffix("behind /cold;/hot;"))
        try server.hear(plain("GET", "/hot2"))
        #expect(try server.said() == "/hot2;" && server.behind.paths.count == 1)
    }

    @Test func whatComesAfterAnAnswerThatTakesItsTimeWaitsForIt() throws {
        let routes = Sample()
        let server = try Server(routes)
        try server.hear(plain("GET", "/hot1") + plain("GET", "/later") + plain("GET", "/hot2") + plain("GET", "/cold"))
        server.run()
        try server.hear(plain("GET", "/hot3"))
        #expect(try server.said() == "/hot1;")
        #expect(server.behind.paths.isEmpty)
        routes.gate.open()
        server.run()
        #expect(try server.said() == "/later;/hot2;")
        #expect(server.behind.paths == ["/cold"])
        server.behind.answer()
        server.takeTurns()
        #expect(try server.said().hasSuffix("behind /cold;/hot3;"))
    }

    @Test func nothingIsReadWhileSomethingIsHeld() throws {
        let routes = Sample()
        let counter = OutboundCounter()
        let server = try Server(routes)
        try server.channel.pipeline.syncOperations.addHandler(counter, position: .first)
        try server.hear(plain("GET", "/later"))
        server.run()
        counter.reads = 0
        // The next request may come; it waits for its turn, and no other is read.
        server.channel.read()
        #expect(counter.reads == 1)
        try server.hear(plain("GET", "/hot"))
        counter.reads = 0
        server.channel.read()
        server.channel.read()
        #expect(try counter.reads == 0 && server.said() == "")
        routes.gate.open()
        server.run()
        #expect(try counter.reads == 1 && server.said() == "/later;/hot;")
    }

    @Test func anAnswerThatWaitsForNothingIsGivenAtOnce() throws {
        let counter = OutboundCounter()
        let server = try Server()
        try server.channel.pipeline.syncOperations.addHandler(counter, position: .first)
        try server.hear(plain("GET", "/soon1") + plain("GET", "/hot2") + plain("GET", "/soon3") + plain("GET", "/cold"))
        #expect(try server.said() == "/soon1;/hot2;/soon3;")
        #expect(server.behind.paths == ["/cold"])
        #expect(counter.flushes == 1)
    }

    @Test func aClientThatDoesNotTakeItsAnswersGetsNoMoreOfThem() throws {
        let server = try Server()
        server.channel.isWritable = false
        try server.hear(plain("GET", "/hot1") + plain("GET", "/hot2"))
        try server.hear(plain("GET", "/cold"))
        #expect(try server.said() == "" && server.behind.paths.isEmpty)
        server.channel.isWritable = true
        server.channel.pipeline.fireChannelWritabilityChanged()
        #expect(try server.said() == "/hot1;/hot2;")
        #expect(server.behind.paths == ["/cold"])
    }

    @Test func anAnswerForAClientThatHasGoneIsDropped() async throws {
        let routes = Sample()
        let server = try Server(routes)
        try server.hear(plain("GET", "/later") + plain("GET", "/hot"))
        server.run()
        server.channel.pipeline.fireChannelInactive()
        routes.gate.open()
        server.run()
        #expect(try server.said() == "")
    }

    @Test func oneReadIsOneFlush() throws {
        let counter = OutboundCounter()
        let server = try Server()
        try server.channel.pipeline.syncOperations.addHandler(counter, position: .first)
        try server.hear((0..<10).map { plain("GET", "/hot\($0)") }.joined())
        #expect(counter.flushes == 1)
    }
}

/// Counts what goes out to the network's side.
private final class OutboundCounter: ChannelOutboundHandler {
    typealias OutboundIn = ByteBuffer
    var reads = 0
    var flushes = 0

    func read(context: ChannelHandlerContext) {
        reads += 1
        context.read()
    }

    func flush(context: ChannelHandlerContext) {
        flushes += 1
        context.flush()
    }
}
