internal import Hummingbird
internal import SeckillCore

/// A user's own orders. Another's is as good as none.
struct OrderRoutes: Sendable {
    let flashSale: FlashSale
    let visitors: Visitors

    var resources: [Resource] {
        [
            Resource("/api/orders", [.get: list]),
            Resource("/api/orders/{order}", [.get: show, .delete: cancel]),
            Resource("/api/orders/{order}/payment", [.post: pay]),
        ]
    }

    private func list(_ call: Call) async throws -> Response {
        let orders = try await flashSale.orders(of: visitors.user(of: call))
        return Response(.ok, ["orders": .array(orders.map { .order($0) })])
    }

    private func show(_ call: Call) async throws -> Response {
        let (id, user) = try await addressed(call)
        guard let order = try await flashSale.order(id, of: user) else { throw Problem.noOrder }
        return Response(.ok, .order(order))
    }

    private func pay(_ call: Call) async throws -> Response {
        let (id, user) = try await addressed(call)
        return try answer(try await flashSale.pay(id, of: user))
    }

    private func cancel(_ call: Call) async throws -> Response {
        let (id, user) = try await addressed(call)
        return try answer(try await flashSale.cancel(id, of: user))
    }

    private func addressed(_ call: Call) async throws -> (OrderID, UserID) {
        let user = try await visitors.user(of: call)
        guard let id = call.parameters["order"].flatMap({ OrderID($0) }) else { throw Problem.noOrder }
        return (id, user)
    }

    private func answer(_ outcome: SettleOutcome?) throws -> Response {
        switch outcome {
        case .done(let order): return Response(.ok, .order(order))
        case .refused(let order):
            let detail =
                order.status == .queued
                ? "It is queued; wait until it awaits payment."
                : "It is \(order.status.rawValue) and stays so."
            throw Problem(.notPayable, detail)
        case .unknown, nil: throw Problem.noOrder
        }
    }
}
