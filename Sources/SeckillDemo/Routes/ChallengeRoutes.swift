internal import Hummingbird
internal import SeckillCore

/// What comes before a link, where the server asks for it.
struct ChallengeRoutes: Sendable {
    let flashSale: FlashSale
    let visitors: Visitors

    var resources: [Resource] { [Resource("/api/sales/{sale}/challenge", [.post: ask])] }

    private func ask(_ call: Call) async throws -> Response {
        let rule = "captcha or work"
        let kind = try call.fields().string("kind", rule)
        guard ["captcha", "work"].contains(kind) else { throw Problem(.badRequest, "kind must be \(rule)") }
        guard let sale = call.sale, try await flashSale.status(of: sale) != nil else { throw Problem(.noSale) }
        let session = visitors.cookie.token(of: call.request)
        switch await flashSale.challenge(kind, for: session, from: call.client?.description) {
        case nil: throw Problem(.notFound, "This server asks no challenge: ask for the link.")
        case .refused(let refusal): throw Problem(refusal)
        case .granted(let prompt): return Response(.ok, .challenge(prompt))
        }
    }
}

extension JSON {
    /// A question, and what to answer it with.
    fileprivate static func challenge(_ prompt: ChallengePrompt) -> JSON {
        let members = prompt.fields.sorted { $0.key < $1.key }.map { name, text in
            Member(name: name, value: name == "bits" ? .count(Int(text)) : .string(text))
        }
        return .object([Member(name: "id", value: .string(prompt.id))] + members)
    }
}
