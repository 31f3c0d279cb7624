internal import ArgumentParser
internal import Foundation
internal import NIOCore
internal import NIOHTTP1
internal import NIOPosix

/// The server's own word about the sale.
struct Server {
    /// What the server counts.
    struct Counts: Sendable {
        /// Reservations since the sale began, if the operator may know.
        var sequence: Int?
        var remaining: Int
        /// Orders on their way to the ledger, if the operator may know.
        var pending: Int?
        /// Live orders in the ledger and the stock, if the operator may know.
        var live: Int?
        var stock: Int
    }

    private struct PublicSale: Decodable {
        var remaining: Int?
        var stock: Int
    }

    private struct AdminSale: Decodable {
        var stock: Int
        var remaining: Int?
        var pending: Int?
        var awaiting: Int
        var paid: Int
        var sequence: Int?
    }

    let target: Target
    let timeout: Duration

    init(_ target: Target, timeout: Duration) {
        self.target = target
        self.timeout = timeout
    }

    /// Creates the sale if it is not there and there is a token, and waits until it sells.
    func open(stock: Int) async throws -> Counts {
        let line = line()
        defer { line.close() }
        do {
            if let token = target.adminToken {
                let body = #"{"id":"\#(target.sale)","title":"Rehearsal","price":100,"stock":\#(stock)}"#
                let answer = try await line.call(.POST, "/admin/sales", token: token, body: body)
                guard [200, 201, 409].contains(answer.status) else {
                    throw ValidationError("creating the sale was answered \(answer.status): \(text(answer))")
                }
            }
            let end = ContinuousClock.now + .seconds(10)
            while true {
                let answer = try await line.call(.GET, "/api/sales/\(target.sale)")
                guard answer.status == 200 else {
                    throw ValidationError(
                        """
                        there is no sale '\(target.sale)' (\(answer.status)); name one with --sale, or let it be \
                        created with --admin-token
                        """
                    )
                }
                if try decode(PublicSale.self, answer).remaining != nil { break }
                guard ContinuousClock.now < end else { throw ValidationError("the sale is not ready after 10 s") }
                try await Task.sleep(for: .milliseconds(100))
            }
            return try await counts(line)
        } catch let silence as Silence {
            throw ValidationError("http://\(target.host):\(target.port): \(silence.rawValue)")
        }
    }

    /// Whether there is no link without a challenge.
    func asksForWork() async throws -> Bool {
        let line = line()
        defer { line.close() }
        do {
            let user = "r\(UInt32.random(in: .min ... .max))"
            let session = try await line.call(.POST, "/api/session", body: #"{"user":"\#(user)"}"#)
            let path = "/api/sales/\(target.sale)/challenge"
            let cookie = session.cookie.map { String($0.prefix { $0 != ";" }) }
            return try await line.call(.POST, path, cookie: cookie, body: #"{"kind":"work"}"#).status == 200
        } catch let silence as Silence {
            throw ValidationError("http://\(target.host):\(target.port): \(silence.rawValue)")
        }
    }

    /// The counts once nothing is on its way to the ledger any more, or after a minute.
    func settledCounts() async throws -> Counts {
        let line = line()
        defer { line.close() }
        let end = ContinuousClock.now + .seconds(60)
        while true {
            let counts = try await counts(line)
            if counts.pending ?? 0 == 0 || .now >= end { return counts }
            try await Task.sleep(for: .milliseconds(100))
        }
    }

    private func counts(_ line: Line) async throws -> Counts {
        guard let token = target.adminToken else {
            let sale = try decode(PublicSale.self, try await line.call(.GET, "/api/sales/\(target.sale)"))
            return Counts(sequence: nil, remaining: sale.remaining ?? 0, pending: nil, live: nil, stock: sale.stock)
        }
        let sale = try decode(AdminSale.self, try await line.call(.GET, "/admin/sales/\(target.sale)", token: token))
        return Counts(
            sequence: sale.sequence,
            remaining: sale.remaining ?? 0,
            pending: sale.pending,
            live: sale.awaiting + sale.paid,
            stock: sale.stock
        )
    }

    private func line() -> Line { Line(target, timeout: timeout, on: MultiThreadedEventLoopGroup.singleton) }

    private func decode<Value: Decodable>(_ type: Value.Type, _ answer: Answer) throws -> Value {
        do {
            return try JSONDecoder().decode(type, from: Data(answer.body.readableBytesView))
        } catch {
            throw ValidationError("the server does not speak this API: \(answer.status) \(text(answer))")
        }
    }

    private func text(_ answer: Answer) -> String {
        String(decoding: answer.body.readableBytesView.prefix(300), as: UTF8.self)
    }
}
