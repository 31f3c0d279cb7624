internal import HTTPTypes
internal import Hummingbird
internal import SeckillCore

/// The way to a unit: a link, then a purchase with it.
struct PurchaseRoutes: Sendable {
    let flashSale: FlashSale
    let visitors: Visitors

    var resources: [Resource] {
        [
            Resource("/api/sales/{sale}/link", [.post: link]),
            Resource("/api/sales/{sale}/purchase/{token}", [.post: purchase]),
        ]
    }

    private func link(_ call: Call) async throws -> Response {
        let answer = try challengeAnswer(try call.fields(canBeEmpty: true))
        guard let sale = call.sale else { throw Problem(.noSale) }
        switch await flashSale.link(to: sale, for: visitors.caller(of: call), answer: answer) {
        case .refused(let refusal): throw Problem(refusal)
        case .granted(let link):
            return Response(
                .ok,
                [
                    "href": .string("/api/sales/\(sale)/purchase/\(link.token)"),
                    "order": .string(link.order.text),
                    "expiresAt": .moment(link.expiresAt),
                ]
            )
        }
    }

    private func challengeAnswer(_ fields: Fields) throws -> ChallengeAnswer? {
        let id = try fields.string(ifPresent: "challenge", "the id of a challenge")
        let text = try fields.string(ifPresent: "answer", "text")
        guard let id, let text else { return nil }
        return ChallengeAnswer(id: id, text: text)
    }

    private func purchase(_ call: Call) async throws -> Response {
        guard let sale = call.sale else { throw Problem(.noSale) }
        // What is not well encoded is no token.
        let token = call.parameters["token"] ?? ""
        return Response(Reply(await flashSale.purchase(token, of: sale, by: visitors.caller(of: call))))
    }
}

extension Reply {
    /// What a buyer is told.
    init(_ outcome: PurchaseOutcome) {
        switch outcome {
        case .refused(let refusal, let order): self.init(Problem(refusal, order: order))
        case .accepted(let order):
            self.init(
                .accepted,
                [
                    "order": .string(order.id.text),
                    "status": .string(order.status.rawValue),
                    "sequence": .integer(order.sequence),
                ],
                [.location: "/api/orders/\(order.id)"]
            )
        }
    }
}
