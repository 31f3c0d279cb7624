import NIOCore
import NIOEmbedded
import NIOHTTP1
import Testing

@testable import SeckillNIO

/// What is not plain, whole and hot is the server's behind, to the byte, and so is a connection that ends.
struct PassingOnTests {
    @Test(arguments: [
        "GET /hot HTTP/1.0\r\nHost: a\r\n\r\n", "GET /hot HTTP/1.1\r\n\r\n", "GET /hot HTTP/1.1\nHost: a\n\n",
        "GET /hot HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", "GET /hot HTTP/1.1\r\nHost:a\r\n\r\n",
        "GET /hot HTTP/1.1\r\nHost: a\r\nX: a\r\n b\r\n\r\n", "GET  /hot HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET /hot HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", "GET /hot HTTP/1.1\r\nHost : a\r\n\r\n",
        "GET /hot HTTP/1.1\r\nHost: a\r\nConnection: keep-alive, x\r\n\r\n",
        "GET /hot HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\r\n",
        "POST /hot HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "POST /hot HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 0\r\n\r\n",
        "POST /hot HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\nContent-Length: 0\r\n\r\n",
        "POST /hot HTTP/1.1\r\nHost: a\r\nContent-Length: +0\r\n\r\n",
        "POST /hot HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\na",
        "GET http://a/hot HTTP/1.1\r\nHost: a\r\n\r\n", "GET /hot\u{1} HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET /hot HTTP/1.1\r\nHost: a\r\nX: \u{e9}\r\n\r\n", "PUT /hot HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET /hot HTTP/1.1\r\nHost: a\r\nCookie: a=b\r\nCookie: c=d\r\n\r\n",
        "\r\nGET /hot HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET /hot HTTP/1.1\r\nHost: a\r\n" + String(repeating: "X: a\r\n", count: 70) + "\r\n",
        "GET /hot HTTP/1.1\r\nHost: a\r\nX: \(String(repeating: "a", count: 9000))\r\n\r\n",
    ])
    func whatIsNotPlainGoesOnAsItCame(_ text: String) throws {
        let seen = ByteCollector()
        let server = try Server()
        let decoder = try server.channel.pipeline.syncOperations.handler(
            type: ByteToMessageHandler<HTTPRequestDecoder>.self
        )
        try server.channel.pipeline.syncOperations.addHandler(seen, position: .before(decoder))
        try server.hear(text)
        #expect(try server.said() == "")
        #expect(seen.text == text)
    }

    /// At every byte, and at every two.
    @Test func aRequestThatComesInPiecesIsTheServersBehind() throws {
        let request = plain("POST", "/hot", "Content-Length: 0\r\n")
        for cut in 1..<request.utf8.count {
            let server = try Server()
            try server.hear(String(request.prefix(bytes: cut)))
            try server.hear(String(request.dropFirst(bytes: cut)))
            #expect(try server.said() == "", "at \(cut)")
            #expect(server.behind.paths == ["/hot"] && server.behind.ends == 1, "at \(cut)")
            server.behind.answer()
            _ = try server.said()
            // The parser is where it was: at the beginning of a request, if it was seen to end.
            try server.hear(plain("GET", "/hot2"))
            let isSeen = cut <= request.utf8.count - 4
            #expect(try server.said() == (isSeen ? "/hot2;" : ""), "at \(cut)")
            #expect(server.behind.paths == (isSeen ? ["/hot"] : ["/hot", "/hot2"]), "at \(cut)")
        }
    }

    /// The rest of a request that looks like one of its own is not taken for one.
    @Test func whatLooksLikeARequestWithinAnotherIsNone() throws {
        for start in [
            "POST /cold HTTP/1.1\r\nHost: a\r\nContent-Length: 200\r\n\r\n", "GET /cold HTTP/1.1\r\nHost: a\r\nX: ",
            "POST /cold HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n40\r\n",
            plain("GET", "/cold1") + "GET /cold2 HTTP/1.1\r\nX: ",
            plain("GET", "/cold1") + "POST /cold2 HTTP/1.1\r\nHost: a\r\nContent-Length: 200\r\n\r\n\r\n\r\n",
        ] {
            let server = try Server()
            try server.hear(start)
            for _ in server.behind.heads { server.behind.answer() }
            server.takeTurns()
            _ = try server.said()
            try server.hear(plain("GET", "/hot"))
            server.takeTurns()
            #expect(try server.said() == "", "\(start)")
        }
    }

    @Test func bodiesGoOnWhole() throws {
        let body = "{}\r\n\r\n" + plain("GET", "/hot")
        let first = plain("POST", "/cold", body: body)
        for cut in 1...60 {
            let server = try Server()
            let text = first + plain("GET", "/hot2")
            try server.hear(String(text.prefix(bytes: cut)))
            try server.hear(String(text.dropFirst(bytes: cut)))
            #expect(try server.said() == "", "at \(cut)")
            // Where the head is cut, what follows is passed on unread.
            let isRead = cut >= first.utf8.count - body.utf8.count
            #expect(server.behind.paths == (isRead ? ["/cold"] : ["/cold", "/hot2"]), "at \(cut)")
            #expect(server.behind.ends == server.behind.paths.count && server.behind.bodies == body, "at \(cut)")
            server.behind.answer()
            server.takeTurns()
            #expect(try server.said().hasSuffix(isRead ? "behind /cold;/hot2;" : "behind /cold;"), "at \(cut)")
        }
        let server = try Server()
        try server.hear(plain("POST", "/cold", body: "{}"))
        server.behind.answer()
        _ = try server.said()
        try server.hear(plain("GET", "/hot"))
        #expect(try server.said() == "/hot;")
    }

    @Test(arguments: [
        "GET /cold HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", "GET /cold HTTP/1.0\r\nHost: a\r\n\r\n",
        "GET /cold HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n", "NOPE /cold HTTP/1.1\r\n\r\n",
    ])
    func afterALastRequestNothingIsAnswered(_ last: String) throws {
        let server = try Server()
        try server.hear(last)
        for _ in server.behind.heads { server.behind.answer() }
        _ = try server.said()
        try server.hear(plain("GET", "/hot"))
        #expect(try server.said() == "")
    }

    @Test func afterALastAnswerNothingIsAnswered() throws {
        let server = try Server()
        try server.hear(plain("GET", "/cold"))
        server.behind.answer(closing: true)
        _ = try server.said()
        try server.hear(plain("GET", "/hot"))
        #expect(try server.said() == "")
    }
}

extension String {
    func prefix(bytes count: Int) -> Substring { Substring(utf8.prefix(count)) }
    func dropFirst(bytes count: Int) -> Substring { Substring(utf8.dropFirst(count)) }
}

private final class ByteCollector: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    private(set) var text = ""

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        text += String(buffer: unwrapInboundIn(data))
        context.fireChannelRead(data)
    }
}
