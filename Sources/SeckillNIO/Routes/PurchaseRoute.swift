public import NIOCore
public import SeckillCore

/// `POST {prefix}{sale}/purchase/{token}` without a body: the route that a crowd storms.
///
/// What ``FlashSale/beginPurchase(_:of:by:)`` decides is answered at once, the rest when it is decided. How an answer looks
/// is the embedding server's.
public struct PurchaseRoute: Sendable {
    private let flashSale: FlashSale
    private let prefix: String
    private let cookie: String
    private let encode: @Sendable (PurchaseOutcome) -> ByteBuffer

    /// The route of `flashSale`.
    ///
    /// - Parameters:
    ///   - prefix: what the path begins with.
    ///   - cookie: the name of the cookie that holds the ``SessionToken``.
    ///   - encode: a whole response of HTTP/1.1, see ``EncodedResponse``. Called on event loops.
    public init(
        _ flashSale: FlashSale,
        under prefix: String = "/api/sales/",
        cookie: String,
        encode: @escaping @Sendable (PurchaseOutcome) -> ByteBuffer
    ) {
        self.flashSale = flashSale
        self.prefix = prefix
        self.cookie = cookie
        self.encode = encode
    }

    /// A purchase that was asked for.
    public struct Call: Sendable {
        let sale: SaleID
        let token: String
        let session: SessionToken?
    }

    /// The purchase that `request` asks for; nil if it is another request, or its path needs decoding.
    public func call(of request: HotRequest) -> Call? {
        guard request.method == .post else { return nil }
        let address = request.withPath { path -> (sale: String, token: String)? in
            guard path.starts(with: prefix.utf8) else { return nil }
            let sale = path[prefix.utf8.count...].prefix { $0 != UInt8(ascii: "/") }
            let rest = path[sale.endIndex...]
            guard rest.starts(with: "/purchase/".utf8) else { return nil }
            let token = rest.dropFirst("/purchase/".utf8.count)
            guard token.allSatisfy({ $0 != UInt8(ascii: "/") && $0 != UInt8(ascii: "%") && $0 != UInt8(ascii: "?") })
            else { return nil }
            return (String(decoding: sale, as: UTF8.self), String(decoding: token, as: UTF8.self))
        }
        guard let address, let sale = SaleID(address.sale) else { return nil }
        return Call(
            sale: sale,
            token: address.token,
            session: request.cookie(named: cookie).flatMap { SessionToken($0) }
        )
    }

    /// What becomes of it.
    public func answer(_ call: Call) -> HotAnswer {
        switch flashSale.beginPurchase(call.token, of: call.sale, by: .session(call.session)) {
        case .decided(let outcome): .now(encode(outcome))
        case .undecided(let attempt): .later { encode(await flashSale.finish(attempt)) }
        }
    }
}

extension PurchaseRoute: HotRoutes {
    /// What becomes of a purchase; anything else is answered elsewhere.
    public func answer(_ request: HotRequest) -> HotAnswer { call(of: request).map { answer($0) } ?? .elsewhere }
}
