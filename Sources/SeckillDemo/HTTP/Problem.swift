internal import HTTPTypes
internal import SeckillCore

/// An error answer: an RFC 9457 problem document. Thrown by whatever finds the problem, answered by
/// ``Site``.
struct Problem: Error, Hashable {
    /// What is wrong, in the words of the API: stable, and one status each.
    enum Code: String, CaseIterable {
        case badRequest = "bad_request"
        case unauthorized
        case noSession = "no_session"
        case crossOrigin = "cross_origin"
        case badLink = "bad_link"
        case challengeFailed = "challenge_failed"
        case notFound = "not_found"
        case noSale = "no_sale"
        case noOrder = "no_order"
        case methodNotAllowed = "method_not_allowed"
        case timeout
        case saleExists = "sale_exists"
        case soldOut = "sold_out"
        case limitReached = "limit_reached"
        case paused
        case notPayable = "not_payable"
        case closed
        case linkExpired = "link_expired"
        case tooLarge = "too_large"
        case unsupportedMediaType = "unsupported_media_type"
        case notOpen = "not_open"
        case rateLimited = "rate_limited"
        case headTooLarge = "head_too_large"
        case internalError = "internal_error"
        case unavailable
    }

    var code: Code
    /// What to do about it, for a person.
    var detail: String
    /// Where the order of a well-signed link is to be looked up.
    var order: OrderID?
    var retryAfter: Duration?
    /// The methods that a resource has; for `method_not_allowed`.
    var allow: String?
    /// Further members of the document.
    var members: [JSON.Member] = []

    init(_ code: Code, _ detail: String, order: OrderID? = nil, retryAfter: Duration? = nil, allow: String? = nil) {
        self.code = code
        self.detail = detail
        self.order = order
        self.retryAfter = retryAfter
        self.allow = allow
    }
}

extension Problem {
    var fields: HTTPFields {
        var fields: HTTPFields = [.contentType: "application/problem+json"]
        if let allow { fields[.allow] = allow }
        if let retryAfter { fields[.retryAfter] = String(retryAfter.wholeSecondsUp) }
        if code == .unauthorized { fields[.wwwAuthenticate] = #"Bearer realm="admin""# }
        return fields
    }

    var body: [UInt8] {
        var members: [JSON.Member] = [
            .init(name: "type", value: .string("urn:seckill:problem:\(code.rawValue)")),
            .init(name: "title", value: .string(code.title)),
            .init(name: "status", value: .integer(code.status.code)),
            .init(name: "detail", value: .string(detail)),
            .init(name: "code", value: .string(code.rawValue)),
        ]
        if let order { members.append(.init(name: "order", value: .string("/api/orders/\(order)"))) }
        return JSON.object(members + self.members).bytes
    }
}

extension Problem.Code {
    var status: HTTPResponse.Status {
        switch self {
        case .badRequest: .badRequest
        case .unauthorized, .noSession: .unauthorized
        case .crossOrigin, .badLink, .challengeFailed: .forbidden
        case .notFound, .noSale, .noOrder: .notFound
        case .methodNotAllowed: .methodNotAllowed
        case .timeout: .requestTimeout
        case .saleExists, .soldOut, .limitReached, .paused, .notPayable: .conflict
        case .closed, .linkExpired: .gone
        case .tooLarge: .contentTooLarge
        case .unsupportedMediaType: .unsupportedMediaType
        case .notOpen: .tooEarly
        case .rateLimited: .tooManyRequests
        case .headTooLarge: .requestHeaderFieldsTooLarge
        case .internalError: .internalServerError
        case .unavailable: .serviceUnavailable
        }
    }

    var title: String {
        switch self {
        case .badRequest: "The request is not understood"
        case .unauthorized: "The operator's token is needed"
        case .noSession: "Nobody is logged in"
        case .crossOrigin: "The request comes from another site"
        case .badLink: "The purchase link is not good"
        case .challengeFailed: "The challenge was not answered rightly"
        case .notFound: "There is nothing here"
        case .noSale: "There is no such sale"
        case .noOrder: "There is no such order"
        case .methodNotAllowed: "The resource has no such method"
        case .timeout: "The request took too long to arrive"
        case .saleExists: "Another sale has this id"
        case .soldOut: "The sale is sold out"
        case .limitReached: "The limit per user is reached"
        case .paused: "The sale is paused"
        case .notPayable: "The order cannot be changed now"
        case .closed: "The sale is over"
        case .linkExpired: "The purchase link is no longer good"
        case .tooLarge: "The body is too large"
        case .unsupportedMediaType: "The body is not JSON"
        case .notOpen: "The sale is not open yet"
        case .rateLimited: "Too many requests"
        case .headTooLarge: "The head of the request is too large"
        case .internalError: "The server failed"
        case .unavailable: "Try again later"
        }
    }
}

extension Duration {
    /// For `Retry-After`: never sooner than asked, and never zero.
    fileprivate var wholeSecondsUp: Int64 {
        let (seconds, attoseconds) = components
        return max(1, seconds + (attoseconds > 0 ? 1 : 0))
    }
}
