import NIOCore
import NIOEmbedded
import NIOHTTP1
import Testing

@testable import SeckillNIO

/// Clients that send many requests at once wait for each other, and for those that send one.
struct TurnTests {
    private let loop = EmbeddedEventLoop()
    private let connections = ServerConnections(limit: 1000)

    private func requests(_ count: Int, _ path: String) -> String {
        (0..<count).map { plain("GET", "\(path)\($0)") }.joined()
    }

    private func count(_ text: String) -> Int { text.split(separator: ";").count }

    @Test(arguments: ["/hot", "/soon"]) func otherConnectionsComeFirstAfterSomeRequests(_ path: String) throws {
        let greedy = try (0..<100).map { _ in try Server(in: connections, on: loop) }
        for server in greedy { try server.hear(requests(500, path)) }
        let turn = HotRoutesHandler.turn
        #expect(try greedy.allSatisfy { try count($0.said()) == turn })
        // Before anybody has a second turn.
        let polite = try Server(in: connections, on: loop)
        try polite.hear(plain("GET", "/hot"))
        #expect(try polite.said() == "/hot;")
        // The loop looks at the network after some of them had theirs.
        loop.advanceTime(by: .microseconds(100))
        let served = try greedy.filter { try count($0.said()) == turn }.count
        #expect(served == 32)
        // In the end everything is answered, in order.
        loop.advanceTime(by: .seconds(1))
        var last = ""
        for server in greedy { last = try server.said() }
        #expect(last.hasSuffix("\(path)498;\(path)499;"))
    }

    @Test func nothingIsReadBetweenTurns() throws {
        let reads = Reads()
        let server = try Server(in: connections, on: loop)
        try server.channel.pipeline.syncOperations.addHandler(reads, position: .first)
        try server.hear(requests(100, "/hot"))
        reads.count = 0
        server.channel.read()
        #expect(reads.count == 0)
        loop.advanceTime(by: .seconds(1))
        #expect(try reads.count == 1 && count(server.said()) == 100)
    }

    @Test(arguments: ["", "X:y\r\n"]) func theServerBehindGetsOneRequestAtATime(_ oddity: String) throws {
        let reads = Reads()
        let server = try Server(in: connections, on: loop)
        try server.channel.pipeline.syncOperations.addHandler(reads, position: .first)
        let request = plain("GET", "/cold", oddity)
        try server.hear(String(repeating: request, count: 1000))
        loop.advanceTime(by: .seconds(1))
        // One, or as many as are in the bytes that are passed on unread at once.
        let most = oddity.isEmpty ? 1 : 4096 / request.utf8.count + 1
        reads.count = 0
        server.channel.read()
        #expect(reads.count == 0)
        for answered in 0..<1000 {
            #expect((answered + 1...answered + most).contains(server.behind.heads.count))
            server.behind.answer()
            loop.advanceTime(by: .milliseconds(1))
        }
        #expect(server.behind.heads.count == 1000 && reads.count == 1)
        try server.hear(plain("GET", "/hot"))
        #expect(try server.said().hasSuffix("/hot;"))
    }

    @Test func theServerBehindWorksOnFewRequestsOfThoseThatSendMany() throws {
        let greedy = try (0..<100).map { _ in try Server(in: connections, on: loop) }
        for server in greedy { try server.hear(requests(3, "/cold")) }
        func passedOn() -> Int { greedy.reduce(0) { $0 + $1.behind.heads.count } }
        // The first of each is like that of anybody.
        #expect(passedOn() == 100)
        for server in greedy { server.behind.answer() }
        loop.advanceTime(by: .seconds(1))
        #expect(passedOn() == 100 + LoopConnections.unansweredTurns)
        let polite = try Server(in: connections, on: loop)
        try polite.hear(plain("GET", "/cold"))
        #expect(polite.behind.heads.count == 1)
        // An answer, and a client that goes, make room.
        let busy = greedy.filter { $0.behind.heads.count == 2 }
        busy[0].behind.answer()
        try busy[1].channel.close().wait()
        loop.advanceTime(by: .seconds(1))
        #expect(passedOn() == 100 + LoopConnections.unansweredTurns + 2)
        for _ in 0..<100 {
            for server in greedy where server.behind.isAsked { server.behind.answer() }
            loop.advanceTime(by: .milliseconds(1))
        }
        #expect(passedOn() == 300 - 1)
    }

    @Test func aClientThatLeavesBetweenTurnsIsForgotten() throws {
        let server = try Server(in: connections, on: loop)
        try server.hear(requests(100, "/hot"))
        server.channel.pipeline.fireChannelInactive()
        loop.advanceTime(by: .seconds(1))
        #expect(try count(server.said()) == HotRoutesHandler.turn)
    }

    @Test func theEndWaitsForThoseThatWaitForTheirTurn() throws {
        let server = try Server(in: connections, on: loop)
        try server.hear(requests(100, "/hot"))
        server.channel.pipeline.fireUserInboundEventTriggered(ChannelShouldQuiesceEvent())
        #expect(server.behind.events.isEmpty)
        loop.advanceTime(by: .seconds(1))
        #expect(try count(server.said()) == 100 && server.behind.events == ["quiesce"])
    }
}

private final class Reads: ChannelOutboundHandler {
    typealias OutboundIn = ByteBuffer
    var count = 0

    func read(context: ChannelHandlerContext) {
        count += 1
        context.read()
    }
}
