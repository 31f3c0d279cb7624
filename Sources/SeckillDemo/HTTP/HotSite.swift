internal import NIOCore
internal import SeckillCore
internal import SeckillNIO

/// What a crowd asks for, answered ahead of ``Site``, and as ``Site`` would: purchases, the pages that are at hand, and
/// static files.
struct HotSite: HotRoutes {
    private let purchases: PurchaseRoute
    private let pages: HotPages
    private let origins: OriginPolicy
    private let dates: DateTeller
    private let crossOrigin = ConstantResponse(EncodedResponse(Reply(OriginPolicy.crossOrigin)))

    init(flashSale: FlashSale, pages: Pages, cookie: SessionCookie, origins: OriginPolicy, dates: DateTeller) {
        let answers = PurchaseAnswers(dates)
        purchases = PurchaseRoute(flashSale, cookie: cookie.name) { answers.bytes($0) }
        self.pages = HotPages(pages, dates)
        self.origins = origins
        self.dates = dates
    }

    func answer(_ request: HotRequest) -> HotAnswer {
        switch request.method {
        case .get, .head: return pages.answer(request)
        case .delete: return .elsewhere
        case .post:
            guard let purchase = purchases.call(of: request) else { return .elsewhere }
            guard origins.allows(fetchSite: request.fetchSite, origin: request.origin, host: request.host) else {
                return .now(crossOrigin.bytes(dates.date))
            }
            return purchases.answer(purchase)
        }
    }
}

/// Leaves every request to the server behind.
struct ColdSite: HotRoutes {
    func answer(_ request: HotRequest) -> HotAnswer { .elsewhere }
}

/// Pages and files as bytes, for as long as they stay the same.
private final class HotPages: Sendable {
    /// One version of a page.
    private struct Version: Sendable {
        var etag: String
        var whole: ConstantResponse
        var head: ConstantResponse
        var notModified: ConstantResponse

        init(_ page: Page) {
            etag = page.etag
            let reply = Reply(page, .everybody)
            whole = ConstantResponse(EncodedResponse(reply))
            head = ConstantResponse(EncodedResponse(reply, isHead: true))
            notModified = ConstantResponse(EncodedResponse(Reply(page, .everybody, known: KnownTags("*"))))
        }
    }

    private static let limit = 1024
    private let pages: Pages
    private let dates: DateTeller
    private let versions = Locked<[String: Version]>([:])
    private let files = Asset.byAddress.mapValues { file in
        (
            whole: ConstantResponse(EncodedResponse(Reply(file))),
            head: ConstantResponse(EncodedResponse(Reply(file), isHead: true))
        )
    }

    init(_ pages: Pages, _ dates: DateTeller) {
        self.pages = pages
        self.dates = dates
    }

    func answer(_ request: HotRequest) -> HotAnswer {
        let path = request.path
        if let file = files[path] {
            return .now((request.method == .head ? file.head : file.whole).bytes(dates.date))
        }
        guard let page = pages.peek(path) else { return .elsewhere }
        let version = version(page, of: path)
        let response =
            if let tags = request.ifNoneMatch, KnownTags(tags).contain(page.etag) {
                version.notModified
            } else {
                request.method == .head ? version.head : version.whole
            }
        return .now(response.bytes(dates.date))
    }

    private func version(_ page: Page, of path: String) -> Version {
        if let version = versions.withLock({ $0[path] }), version.etag == page.etag { return version }
        let version = Version(page)
        versions.withLock { versions in
            // Sales that nobody looks at any more.
            if versions.count >= Self.limit { versions.removeAll() }
            versions[path] = version
        }
        return version
    }
}

/// The answers to a purchase as bytes. Most differ in the order's id and the sequence alone.
private final class PurchaseAnswers: Sendable {
    /// What makes two answers the same, but for those.
    private struct Kind: Hashable, Sendable {
        var refusal: Refusal?
        var status: OrderStatus?
        var idLength = 0
        var sequenceLength = 0
    }

    private let dates: DateTeller
    private let templates = Locked<[Kind: ResponseTemplate]>([:])

    init(_ dates: DateTeller) { self.dates = dates }

    func bytes(_ outcome: PurchaseOutcome) -> ByteBuffer {
        var kind = Kind()
        var texts: [String] = []
        switch outcome {
        case .accepted(let order):
            // As it stands at the end of the body: the digits alone might be those of another number.
            texts = [order.id.text, "\"sequence\":\(order.sequence)}"]
            kind.status = order.status
            kind.idLength = texts[0].utf8.count
            kind.sequenceLength = texts[1].utf8.count
        case .refused(let refusal, let order):
            guard refusal.isConstant else { return EncodedResponse(Reply(outcome)).bytes(dates.date) }
            kind.refusal = refusal
            if let order {
                texts = [order.text]
                kind.idLength = order.text.utf8.count
            }
        }
        return template(kind, outcome, texts).bytes(dates.date, texts: texts)
    }

    private func template(_ kind: Kind, _ outcome: PurchaseOutcome, _ texts: [String]) -> ResponseTemplate {
        if let known = templates.withLock({ $0[kind] }) { return known }
        let template = ResponseTemplate(EncodedResponse(Reply(outcome)), texts: texts)
        templates.withLock { $0[kind] = template }
        return template
    }
}

extension Refusal {
    /// Whether there is no more to it than its name.
    fileprivate var isConstant: Bool {
        switch self {
        case .rateLimited, .notOpen, .unavailable: false
        default: true
        }
    }
}
