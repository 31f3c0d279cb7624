import HTTPTypes
import SeckillCore

@testable import SeckillDemo

/// What the buyers of a server know, kept where no killed server can lose it.
final class ClientLog: Sendable {
    /// One order, as far as its buyer was told.
    struct Entry: Sendable {
        let buyer: Buyer
        let sale: String
        let link: String
        /// No answer has come yet.
        var isOpen = true
        /// A 202 has come.
        var isAccepted = false
        /// What an answer has said became of it for good.
        var settled: String?
    }

    private struct State: Sendable {
        var entries: [String: Entry] = [:]
        var buyers: [Buyer] = []
        var answers = 0
        var undecided = 0
    }

    private let state = Locked(State())

    /// By order, everything that was ever posted.
    var entries: [String: Entry] { state.withLock { $0.entries } }
    /// Orders whose purchase got no answer.
    var unanswered: [(order: String, entry: Entry)] {
        entries.filter(\.value.isOpen).map { ($0.key, $0.value) }
    }
    /// Answers of any kind so far: the clock by which servers are killed.
    var answers: Int { state.withLock { $0.answers } }

    /// Purchases that were answered "not now".
    var undecided: Int { state.withLock { $0.undecided } }

    /// Logs somebody in, for good.
    func logIn(_ user: String, _ client: WebClient) async throws -> Buyer {
        let buyer = try await Buyer(user, client)
        state.withLock { state in
            state.buyers.append(buyer)
            state.answers += 1
        }
        return buyer
    }

    /// Somebody who has been logged in for a while.
    func regular(on client: WebClient) -> Buyer { state.withLock { $0.buyers.randomElement()! }.on(client) }

    private func tick() { state.withLock { $0.answers += 1 } }

    func willPost(_ order: String, _ entry: Entry) {
        state.withLock { $0.entries[order] = entry }
    }

    /// The purchase was answered: accepted, or refused for good.
    private func answered(_ order: String, isAccepted: Bool) {
        state.withLock { state in
            state.entries[order]?.isOpen = false
            state.entries[order]?.isAccepted = isAccepted
        }
    }

    private func settled(_ order: String, as status: String) { state.withLock { $0.entries[order]?.settled = status } }
}

extension ClientLog {
    /// Buys, and now and then pays or cancels, until the server or the session is gone, or the task is cancelled.
    func shop(as buyer: Buyer, in sales: [String], seed: Int) async {
        var round = seed
        while !Task.isCancelled {
            round += 1
            do {
                try await buy(as: buyer, in: sales[round % sales.count], settling: round % 4)
            } catch {
                return
            }
        }
    }

    private func buy(as buyer: Buyer, in sale: String, settling: Int) async throws {
        let link = try await send(.post, "/api/sales/\(sale)/link", "{}", as: buyer)
        if link.problem == .noSession { throw Unexpected(answer: link) }
        guard let href = link["href"].text, let order = link["order"].text else { return }
        willPost(order, Entry(buyer: buyer, sale: sale, link: href))
        guard try await post(order, href, as: buyer) else { return }
        switch settling {
        case 1: try await settle(order, .post, "/payment", as: "paid", by: buyer)
        case 2: try await settle(order, .delete, "", as: "cancelled", by: buyer)
        default: break
        }
    }

    /// Posts a link. Whether it was accepted.
    @discardableResult
    func post(_ order: String, _ link: String, as buyer: Buyer) async throws -> Bool {
        let answer = try await send(.post, link, as: buyer)
        switch (answer.status, answer.problem) {
        case (202, _): answered(order, isAccepted: answer["order"].text == order)
        // Of a link that was overtaken by a rebuild, the order's address says what became of it.
        case (409, .soldOut?), (410, .linkExpired?): answered(order, isAccepted: false)
        case (503, _): state.withLock { $0.undecided += 1 }
        default: throw Unexpected(answer: answer)
        }
        return answer.status == 202
    }

    private func settle(
        _ order: String,
        _ method: HTTPRequest.Method,
        _ path: String,
        as status: String,
        by buyer: Buyer
    ) async throws {
        let answer = try await send(method, "/api/orders/\(order)\(path)", as: buyer)
        // Still queued, or too late: nothing was said of the order.
        if answer.status == 200, answer["status"].text == status { settled(order, as: status) }
    }

    private func send(
        _ method: HTTPRequest.Method,
        _ path: String,
        _ body: String? = nil,
        as buyer: Buyer
    ) async throws -> Answer {
        let answer = try await buyer.send(method, path, body)
        tick()
        return answer
    }
}
