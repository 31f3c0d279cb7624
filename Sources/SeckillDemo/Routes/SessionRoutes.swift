internal import Hummingbird
internal import SeckillCore

/// Logging in and out. A stand-in for a real login: whoever asks to be somebody is.
struct SessionRoutes: Sendable {
    let flashSale: FlashSale
    let visitors: Visitors

    var resources: [Resource] { [Resource("/api/session", [.get: show, .post: logIn, .delete: logOut])] }

    private func show(_ call: Call) async throws -> Response {
        Response(.ok, ["user": .string(try await visitors.user(of: call).text)])
    }

    private func logIn(_ call: Call) async throws -> Response {
        let rule = "1 to 128 bytes of UTF-8 without control characters"
        guard let user = UserID(try call.fields().string("user", rule)) else {
            throw Problem(.badRequest, "user must be \(rule)")
        }
        switch await flashSale.logIn(user, from: call.client?.description) {
        case .refused(let refusal): throw Problem(refusal)
        case .granted(let token): return Response(status: .noContent, headers: visitors.cookie.setting(token))
        }
    }

    private func logOut(_ call: Call) async throws -> Response {
        if let token = visitors.cookie.token(of: call.request) { try await flashSale.logOut(token) }
        return Response(status: .noContent, headers: visitors.cookie.clearing)
    }
}
