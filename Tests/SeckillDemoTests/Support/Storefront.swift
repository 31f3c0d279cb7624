import CoreMetrics
import HTTPTypes
import Hummingbird
import Logging
import NIOCore
import NIOEmbedded
import SeckillCore
import SeckillTesting

@testable import SeckillDemo

/// The demo without its server: requests go straight to the site, on a clock that stands still.
struct Storefront {
    static let token = "the-operators-token"
    static let secret = "a secret that is long enough to sign links with"

    /// One process has one metrics backend.
    private static let metrics: Void = MetricsSystem.bootstrap(PrometheusRegistry.shared)

    let clock: ManualClock
    /// The answers to what is drawn.
    let book = AnswerBook()
    var shop: Shop

    init(
        ledger: any OrderLedger = MemoryOrderLedger(),
        clock: ManualClock = ManualClock(),
        _ change: (inout Settings) -> Void = { _ in }
    ) throws {
        _ = Self.metrics
        var settings = Settings()
        settings.adminToken = Self.token
        settings.port = 0
        change(&settings)
        self.clock = clock
        shop = try Shop(
            settings,
            Backends(
                ledger: ledger,
                stock: settings.isDirect
                    ? DirectStockStore(ledger: ledger, clock: clock) : MemoryStockStore(clock: clock),
                sessions: MemorySessionStore(clock: clock),
                limiter: settings.rateLimit.map { MemoryRateLimiter($0, clock: clock) },
                clientLimiter: settings.clientRateLimit.map { MemoryRateLimiter($0, clock: clock) },
                pages: settings.pageCache == .off ? nil : MemoryPageCache(clock: clock),
                challenges: settings.asksChallenge
                    ? [
                        MemoryChallenge(book, clock: clock),
                        MemoryChallenge(try WorkPuzzle(bits: settings.workBits), clock: clock),
                    ] : []
            ),
            secrets: [Self.secret],
            clock: clock,
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        )
    }

    /// A shop with one sale.
    static func selling(
        _ sale: String = "tea",
        stock: Int = 3,
        more: String = "",
        ledger: any OrderLedger = MemoryOrderLedger(),
        _ change: (inout Settings) -> Void = { _ in }
    ) async throws -> Storefront {
        let front = try Storefront(ledger: ledger, change)
        let answer = try await front.admin(
            .post,
            "/admin/sales",
            #"{"id":"\#(sale)","title":"Tea","price":100,"stock":\#(stock)\#(more)}"#
        )
        guard answer.status == 201 else { throw Unexpected(answer: answer) }
        return front
    }

    func send(
        _ method: HTTPRequest.Method,
        _ path: String,
        _ body: String? = nil,
        _ fields: HTTPFields = [:]
    ) async throws -> Answer {
        var fields = fields
        if let body { fields[.contentLength] = String(body.utf8.count) }
        let request = Request(
            head: HTTPRequest(method: method, scheme: "http", authority: "shop.test", path: path, headerFields: fields),
            body: RequestBody(buffer: ByteBuffer(string: body ?? ""))
        )
        let source = ApplicationRequestContextSource(channel: EmbeddedChannel(), logger: shop.logger)
        let response = try await shop.site.respond(to: request, context: ShopContext(source: source))
        let collector = Collector()
        try await response.body.write(collector)
        return Answer(status: response.status.code, fields: response.headers, body: collector.body)
    }

    func admin(_ method: HTTPRequest.Method, _ path: String, _ body: String? = nil) async throws -> Answer {
        try await send(method, path, body, [.authorization: "Bearer \(Self.token)"])
    }

    /// Logs in; the field that a browser would send from then on.
    func logIn(_ user: String) async throws -> HTTPFields {
        let answer = try await send(.post, "/api/session", #"{"user":"\#(user)"}"#)
        guard answer.status == 204, let cookie = answer.fields[.setCookie]?.split(separator: ";").first else {
            throw Unexpected(answer: answer)
        }
        return [.cookie: String(cookie)]
    }

    /// The address of a new purchase link.
    func link(_ sale: String = "tea", _ buyer: HTTPFields) async throws -> String {
        let answer = try await send(.post, "/api/sales/\(sale)/link", "{}", buyer)
        guard answer.status == 200, let href = answer["href"].text else { throw Unexpected(answer: answer) }
        return href
    }

    /// Buys one and waits until the ledger has it, with the services running. Its address.
    func buyRecorded(_ sale: String = "tea", _ buyer: HTTPFields) async throws -> String {
        let answer = try await send(.post, link(sale, buyer), nil, buyer)
        guard answer.status == 202, let order = answer["order"].text else { throw Unexpected(answer: answer) }
        let recorded = try await eventually {
            try await send(.get, "/api/orders/\(order)", nil, buyer)["status"] != "queued"
        }
        guard recorded else { throw Unexpected(answer: answer) }
        return "/api/orders/\(order)"
    }

    /// Runs `body` with the work behind the routes going on.
    func whileWorking<Result: Sendable>(_ body: () async throws -> Result) async throws -> Result {
        let work = Task { try await shop.flashSale.run() }
        defer { work.cancel() }
        return try await body()
    }
}

/// An answer that a test could not go on from.
struct Unexpected: Error {
    var answer: Answer
}

private final class Collector: ResponseBodyWriter {
    private(set) var body: [UInt8] = []

    func write(_ buffer: ByteBuffer) { body += buffer.readableBytesView }
    func finish(_ trailingHeaders: HTTPFields?) {}
}
