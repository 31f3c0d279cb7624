internal import Foundation
internal import NIOCore
internal import NIOHTTP1

/// One user's way through the sale, from the login to the payment.
struct Visit {
    /// A purchase that is not answered, and whatever is refused with 503, is asked for again at most this often.
    private static let retries = 3
    private static let pollEvery: Duration = .milliseconds(200)

    let user: String
    let target: Target
    let plan: Plan
    let line: Line
    /// Set where the sale asks for a proof of work before a link.
    let solver: WorkSolver?
    private(set) var scoreboard: Scoreboard
    private(set) var cookie: String?
    private(set) var link: Link?

    init(
        _ user: String,
        at target: Target,
        _ plan: Plan,
        over line: Line,
        _ solver: WorkSolver?,
        _ scoreboard: Scoreboard
    ) {
        self.user = user
        self.target = target
        self.plan = plan
        self.line = line
        self.solver = solver
        self.scoreboard = scoreboard
    }

    func measured(by scoreboard: Scoreboard) -> Visit {
        var copy = self
        copy.scoreboard = scoreboard
        return copy
    }

    struct Link: Decodable {
        var href: String
        var order: String
    }

    private struct Challenge: Decodable {
        var id: String
        var prefix: String
        var bits: Int
    }

    private struct OrderState: Decodable {
        var order: String
        var status: String
    }

    private struct Problem: Decodable {
        var code: String
    }

    /// Logs in, does the work that is asked, and gets a link. False if there is none to be had.
    mutating func prepare(from start: ContinuousClock.Instant) async -> Bool {
        let session = await insist(.session, .POST, "/api/session", body: #"{"user":"\#(user)"}"#, from: start)
        guard let session, session.status == 204, let cookie = session.cookie else { return false }
        self.cookie = String(cookie.prefix { $0 != ";" })
        guard let proof = await proof() else { return false }
        let answer = await insist(.link, .POST, "/api/sales/\(target.sale)/link", body: proof, from: .now)
        guard let answer, answer.status == 200 else { return false }
        link = try? decode(Link.self, answer)
        return link != nil
    }

    /// What a request for a link must say; nil if that cannot be had.
    private func proof() async -> String? {
        guard let solver else { return "{}" }
        let path = "/api/sales/\(target.sale)/challenge"
        guard let answer = await insist(.challenge, .POST, path, body: #"{"kind":"work"}"#, from: .now),
            answer.status == 200, let challenge = try? decode(Challenge.self, answer),
            let solution = await solver.solve(prefix: challenge.prefix, bits: challenge.bits)
        else { return nil }
        return #"{"challenge":"\#(challenge.id)","answer":"\#(solution)"}"#
    }

    /// Buys with the link. A purchase that is not answered is posted again: the link is the idempotency key. The
    /// order's address if it was accepted.
    ///
    /// A refusal says nothing of the attempts before it: if one was not answered, or could not be decided, it may have
    /// taken a unit. Then the order is looked up.
    func buy(from start: ContinuousClock.Instant) async -> String? {
        guard let link else { return nil }
        defer { scoreboard.endPurchase() }
        let address = "/api/orders/\(link.order)"
        var start = start
        var mayHaveBought = false
        for attempt in 0...Self.retries {
            if attempt > 0 {
                try? await Task.sleep(for: .milliseconds(100 << attempt))
                start = .now
            }
            guard let answer = await ask(.purchase, .POST, link.href, from: start) else {
                mayHaveBought = true
                if Task.isCancelled { break }
                continue
            }
            if answer.status == 202 {
                scoreboard.acknowledge(link.order)
                return address
            }
            guard answer.status == 503 else { break }
            mayHaveBought = true
        }
        guard mayHaveBought else { return nil }
        if !Task.isCancelled, let answer = await ask(.order, .GET, address, from: .now), answer.status == 200 {
            scoreboard.acknowledge(link.order)
            return address
        }
        scoreboard.leaveUnknown(link.order)
        return nil
    }

    /// Waits for the ledger, and pays.
    func settle(_ address: String) async {
        let end = ContinuousClock.now + plan.timeout
        var status = "queued"
        while status == "queued", .now < end, !Task.isCancelled {
            if let answer = await ask(.order, .GET, address, from: .now), answer.status == 200,
                let order = try? decode(OrderState.self, answer)
            {
                status = order.status
            }
            if status == "queued" { try? await Task.sleep(for: Self.pollEvery) }
        }
        if plan.pays, status == "awaiting_payment" {
            _ = await ask(.payment, .POST, "\(address)/payment", from: .now)
        }
    }

    /// Asks again, a little later, where the server says that it cannot now.
    private func insist(
        _ step: Step,
        _ method: HTTPMethod,
        _ path: String,
        body: String,
        from start: ContinuousClock.Instant
    ) async -> Answer? {
        var answer = await ask(step, method, path, body: body, from: start)
        for attempt in 1...Self.retries where answer?.status == 503 {
            try? await Task.sleep(for: .milliseconds(100 << attempt))
            answer = await ask(step, method, path, body: body, from: .now)
        }
        return answer
    }

    private func ask(
        _ step: Step,
        _ method: HTTPMethod,
        _ path: String,
        body: String? = nil,
        from start: ContinuousClock.Instant
    ) async -> Answer? {
        do {
            let answer = try await line.call(method, path, cookie: cookie, body: body)
            scoreboard.add(step, outcome(of: answer), from: start)
            return answer
        } catch {
            // What was under way when the rehearsal was ended says nothing of the server.
            if !Task.isCancelled { scoreboard.add(step, .failed((error as? Silence ?? .broken).rawValue), from: start) }
            return nil
        }
    }

    private func outcome(of answer: Answer) -> Outcome {
        if (200..<300).contains(answer.status) { return .done }
        guard let problem = try? decode(Problem.self, answer) else { return .failed("status \(answer.status)") }
        return answer.status < 500 || answer.status == 503 ? .refused(problem.code) : .failed(problem.code)
    }

    private func decode<Value: Decodable>(_ type: Value.Type, _ answer: Answer) throws -> Value {
        try JSONDecoder().decode(type, from: Data(answer.body.readableBytesView))
    }
}
