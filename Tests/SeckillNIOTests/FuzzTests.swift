import NIOCore
import NIOEmbedded
import NIOHTTP1
import SeckillCore
import SeckillTesting
import Testing

@testable import SeckillNIO

/// Whoever reads bytes before the parser must read them as the parser does: random requests, plain, odd and broken, held
/// against NIO's own.
struct FuzzTests {
    /// What is taken for plain is what the parser finds, and ends where the parser ends it.
    @Test(arguments: 1...8 as ClosedRange<UInt64>) func aPlainRequestIsThatOfTheParser(seed: UInt64) throws {
        var random = Generator(seed)
        var plainOnes = 0
        for _ in 0..<1500 {
            let bytes = random.request()
            guard let request = bytes.withUnsafeBytes({ PlainRequest($0) }) else { continue }
            let length = request.length + request.bodyLength
            guard length <= bytes.count else { continue }
            plainOnes += 1
            let reference = try Parser()
            try reference.hear(bytes[..<(length - 1)])
            #expect(reference.ends == 0, "\(String(decoding: bytes, as: UTF8.self))")
            try reference.hear(bytes[(length - 1)..<length])
            let next = Array(plain("GET", "/next").utf8)
            try reference.hear(next[...])
            #expect(reference.errors == 0 && reference.ends == 2 && reference.heads.count == 2)
            let head = try #require(reference.heads.first)
            func text(_ span: PlainRequest.Span) -> String? {
                span.isEmpty ? nil : String(decoding: bytes[span.start..<span.end], as: UTF8.self)
            }
            #expect(
                head.version == .http1_1 && head.isKeepAlive && head.method.rawValue == "\(request.method)".uppercased()
            )
            #expect(head.uri == text(request.path) && reference.bodyLength == request.bodyLength)
            for (name, span) in [
                ("host", request.host), ("cookie", request.cookie), ("origin", request.origin),
                ("sec-fetch-site", request.fetchSite), ("if-none-match", request.ifNoneMatch),
            ] {
                #expect(head.headers[name] == (text(span).map { [$0] } ?? []), "\(name)")
            }
            #expect(!head.headers.contains(name: "transfer-encoding") && !head.headers.contains(name: "expect"))
            #expect(reference.heads.last?.uri == "/next")
        }
        #expect(plainOnes > 300)
    }

    /// However a connection's bytes are cut into reads, the same requests are seen in the same order as by a parser that
    /// reads them all.
    @Test(arguments: 1...8 as ClosedRange<UInt64>) func aConnectionIsReadAsByTheParser(seed: UInt64) throws {
        var random = Generator(seed)
        var hotOnes = 0
        for _ in 0..<300 {
            let isPrompt = random.number(below: 4) > 0
            // Now and then more than are taken in one turn.
            let most = isPrompt && random.number(below: 8) == 0 ? 100 : 6
            let requests = (0...random.number(below: most)).map { _ in random.request() }
            let stream = requests.flatMap { $0 }
            let reference = try Parser()
            try reference.hear(stream[...])
            let log = Log()
            let channel = EmbeddedChannel()
            defer { _ = try? channel.finish(acceptAlreadyClosed: true) }
            try channel.pipeline.syncOperations.configureHTTPServerPipeline(
                withPipeliningAssistance: false,
                withErrorHandling: false
            )
            try channel.pipeline.syncOperations.addHandler(Echo(log, isPrompt: isPrompt))
            try channel.pipeline.syncOperations.addHotRoutes(
                LoggedRoutes(log: log),
                in: ServerConnections(limit: 10)
            )
            for bytes in random.number(below: 2) == 0 ? requests : [stream] {
                var rest = bytes[...]
                let isCut = random.number(below: 2) == 0
                while !rest.isEmpty {
                    let count = isCut ? 1 + random.number(below: rest.count) : rest.count
                    _ = try? channel.writeInbound(ByteBuffer(bytes: rest.prefix(count)))
                    rest = rest.dropFirst(count)
                }
            }
            channel.embeddedEventLoop.advanceTime(by: .seconds(1))
            hotOnes += log.hot
            #expect(log.seen == reference.heads.map { "\($0.method.rawValue) \($0.uri)" })
            #expect((log.errors > 0) == (reference.errors > 0))
        }
        #expect(hotOnes > 40)
    }
}

/// Makes requests: mostly plain ones, each with a small chance of every oddity.
private struct Generator {
    private var random: SeededRandom
    private var isOdd = false

    init(_ seed: UInt64) { random = SeededRandom(seed) }

    mutating func number(below limit: Int) -> Int {
        Int(random.next() % UInt64(limit))
    }

    private mutating func pick(_ usual: String, _ odd: [String], oneIn rarity: Int = 20) -> String {
        isOdd && number(below: rarity) == 0 ? odd[number(below: odd.count)] : usual
    }

    mutating func request() -> [UInt8] {
        isOdd = number(below: 3) == 0
        let method = ["GET", "POST", "HEAD", "DELETE"][number(below: 4)]
        let path = ["/", "/hot", "/hot/a.b-c_d~", "/a%20b?c=d&e+", "/hot//"][number(below: 5)]
        let body = [0, 0, 0, 2, 57][number(below: 5)]
        var lines = [
            pick(method, ["get", "PUT", "OPTIONS", "G ET", "", "PRI", "CONNECT", "\r\nGET"])
                + pick(" ", ["  ", "\t", ""])
                + pick(path, ["*", "", "/\"", "/é", "/a b", "http://x/hot", "/#x", "hot", "/{x}", "/hot\u{0}"])
                + pick(" ", ["  ", "", "\t"])
                + pick("HTTP/1.1", ["HTTP/1.0", "HTTP/2.0", "HTTP/1.10", "http/1.1", "HTTP/0.9"])
        ]
        lines.append(
            pick(
                "Host: a",
                ["Host:a", "host: a:80", "Host: ", "Host:\ta", "Host : a", "X: y", "Host: a\r\nHost: b", " Host: a"]
            )
        )
        for _ in 0..<number(below: 5) {
            let usual = [
                "Cookie: a=b; session=c", "Origin: http://a", "If-None-Match: \"x\", W/\"y\"", "Sec-Fetch-Site: none",
                "Connection: keep-alive", "connection: Keep-Alive", "Accept: */*;q=0.1", "User-Agent: x (y; z) \\ {}",
                "Upgrade-Insecure-Requests: 1", "Keep-Alive: timeout=5", "X-A: a", "TE: trailers", "Via: 1.1 x",
            ][number(below: 13)]
            lines.append(
                pick(
                    usual,
                    [
                        "Connection: close", "Connection: keep-alive, close", "Connection: upgrade", "Upgrade: h2c",
                        "Proxy-Connection: close", "Expect: 100-continue", "Transfer-Encoding: chunked", "Trailer: x",
                        "Transfer-Encoding: identity", "Content-Length: 3", "X: a\r\n b", "X:", ": a", "X\u{1}: a",
                        "X: a\u{1}",
                        "X: é", "X_Y: a", "X: a ", "X:  a", "X", "X: a\rb", "X: a\nb", "Cookie: a\tb",
                        "Content-Length : 0",
                    ],
                    oneIn: 12
                )
            )
        }
        if body > 0 || number(below: 2) == 0 {
            let length = pick(
                "\(body)",
                ["+\(body)", "0\(body)", "\(body),\(body)", "-1", "0x2", "99999999999999999999", "\(body + 1)"]
            )
            lines.append(pick("Content-Length: \(length)", ["content-length:\(length)", "Content-Length: \(length) "]))
        }
        let text = lines.joined(separator: pick("\r\n", ["\n", "\r", "\r\r\n"], oneIn: 30))
        let inBody = pick("GET /hot HTTP/1.1\r\nHost: a\r\nX: bcdefghijklmnopqrstuvwx\r\n\r\n", ["\r\n\r\n"], oneIn: 3)
        let content = String(repeating: inBody, count: 20).prefix(body)
        var bytes = Array((text + pick("\r\n\r\n", ["\n\n", "\r\n", "\r\n\n", "\n\r\n"], oneIn: 30) + content).utf8)
        while isOdd, number(below: 10) == 0, !bytes.isEmpty {
            let at = number(below: bytes.count)
            switch number(below: 3) {
            case 0: bytes[at] = UInt8(number(below: 256))
            case 1: bytes.remove(at: at)
            default: bytes.insert(UInt8(number(below: 256)), at: at)
            }
        }
        return bytes
    }
}

/// NIO's parser alone.
private final class Parser {
    private final class Collector: ChannelInboundHandler {
        typealias InboundIn = HTTPServerRequestPart
        var heads: [HTTPRequestHead] = []
        var bodyLength = 0
        var ends = 0
        var errors = 0

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            switch unwrapInboundIn(data) {
            case .head(let head): heads.append(head)
            case .body(let bytes): bodyLength += bytes.readableBytes
            case .end: ends += 1
            }
        }

        func errorCaught(context: ChannelHandlerContext, error: any Error) { errors += 1 }
    }

    private let channel = EmbeddedChannel()
    private let collector = Collector()

    init() throws {
        try channel.pipeline.syncOperations.addHandler(ByteToMessageHandler(HTTPRequestDecoder()))
        try channel.pipeline.syncOperations.addHandler(collector)
    }

    func hear(_ bytes: ArraySlice<UInt8>) throws { try channel.writeInbound(ByteBuffer(bytes: bytes)) }

    var heads: [HTTPRequestHead] { collector.heads }
    var bodyLength: Int { collector.bodyLength }
    var ends: Int { collector.ends }
    var errors: Int { collector.errors }

    deinit { _ = try? channel.finish(acceptAlreadyClosed: true) }
}

/// Requests in the order in which they were seen, here or behind.
private final class Log: Sendable {
    private let entries = Locked<(seen: [String], hot: Int, errors: Int)>(([], 0, 0))

    var seen: [String] { entries.withLock { $0.seen } }
    var hot: Int { entries.withLock { $0.hot } }
    var errors: Int { entries.withLock { $0.errors } }

    func see(_ method: String, _ path: String, isHot: Bool) {
        entries.withLock {
            $0.seen.append("\(method) \(path)")
            if isHot { $0.hot += 1 }
        }
    }

    func fail() { entries.withLock { $0.errors += 1 } }
}

private struct LoggedRoutes: HotRoutes {
    let log: Log

    func answer(_ request: HotRequest) -> HotAnswer {
        guard request.path.hasPrefix("/hot") else { return .elsewhere }
        log.see("\(request.method)".uppercased(), request.path, isHot: true)
        return .now(ByteBuffer(string: "x"))
    }
}

/// Answers at once, or never.
private final class Echo: ChannelInboundHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias OutboundOut = HTTPServerResponsePart

    private let log: Log
    private let isPrompt: Bool

    init(_ log: Log, isPrompt: Bool) {
        self.log = log
        self.isPrompt = isPrompt
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head(let head): log.see(head.method.rawValue, head.uri, isHot: false)
        case .body: break
        case .end:
            if isPrompt { return answer(context) }
            context.eventLoop.assumeIsolated().scheduleTask(in: .milliseconds(1)) { self.answer(context) }
        }
    }

    private func answer(_ context: ChannelHandlerContext) {
        context.write(wrapOutboundOut(.head(HTTPResponseHead(version: .http1_1, status: .noContent))), promise: nil)
        context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { log.fail() }
}
