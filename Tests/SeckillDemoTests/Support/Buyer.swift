import HTTPTypes
import SeckillCore

@testable import SeckillDemo

/// A user at a running server.
struct Buyer: Sendable {
    private(set) var client: WebClient
    let user: String
    let fields: HTTPFields

    init(_ user: String, _ client: WebClient) async throws {
        (self.client, self.user) = (client, user)
        let answer = try await client.sendUntilDecided(.post, "/api/session", #"{"user":"\#(user)"}"#)
        guard answer.status == 204, let cookie = answer.fields[.setCookie]?.split(separator: ";").first else {
            throw Unexpected(answer: answer)
        }
        fields = [.cookie: String(cookie)]
    }

    /// The same session on another connection.
    func on(_ client: WebClient) -> Buyer {
        var buyer = self
        buyer.client = client
        return buyer
    }

    func send(_ method: HTTPRequest.Method, _ path: String, _ body: String? = nil) async throws -> Answer {
        try await client.send(method, path, body, fields)
    }

    /// Posts a purchase link until it is decided.
    func post(_ link: String) async throws -> Answer { try await client.sendUntilDecided(.post, link, nil, fields) }

    func link(_ sale: String) async throws -> String {
        let answer = try await client.sendUntilDecided(.post, "/api/sales/\(sale)/link", "{}", fields)
        guard answer.status == 200, let href = answer["href"].text else { throw Unexpected(answer: answer) }
        return href
    }

    func buy(_ sale: String) async throws -> Answer { try await post(link(sale)) }
}

extension WebClient {
    /// Sends, and again while the shop cannot decide, as the answer asks for: a busy machine's disk may hold the journal
    /// up. Not for ever: the last answer, whatever it is.
    fileprivate func sendUntilDecided(
        _ method: HTTPRequest.Method,
        _ path: String,
        _ body: String?,
        _ fields: HTTPFields = [:]
    ) async throws -> Answer {
        var answer = try await send(method, path, body, fields)
        for _ in 0..<100 where answer.problem == .unavailable {
            try await SystemClock().sleep(for: .milliseconds(100))
            answer = try await send(method, path, body, fields)
        }
        return answer
    }
}

/// An operator at a running server.
struct Operator: Sendable {
    let client: WebClient

    func send(_ method: HTTPRequest.Method, _ path: String, _ body: String? = nil) async throws -> Answer {
        try await client.send(method, path, body, [.authorization: "Bearer \(Storefront.token)"])
    }

    func report(_ sale: String) async throws -> Report { Report(try await send(.get, "/admin/sales/\(sale)").json) }
}

/// What `GET /admin/sales/{sale}` says.
struct Report: Sendable {
    private let json: JSON

    init(_ json: JSON) { self.json = json }

    subscript(name: String) -> Int { json[name].number ?? -1 }

    /// Promise 2.
    var accountsForAll: Bool {
        ["remaining", "pending", "awaiting", "paid", "returning"].reduce(0) { $0 + self[$1] } == self["stock"]
    }
}

extension Sequence where Element: Sendable {
    /// Does `body` for all elements at once. The results, in no order.
    func concurrently<Result: Sendable>(
        _ body: @escaping @Sendable (Element) async throws -> Result
    ) async throws -> [Result] {
        try await withThrowingTaskGroup(of: Result.self) { group in
            for element in self { group.addTask { try await body(element) } }
            return try await group.reduce(into: []) { $0.append($1) }
        }
    }
}
