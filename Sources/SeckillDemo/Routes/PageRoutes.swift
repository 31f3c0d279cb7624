internal import HTTPTypes
internal import Hummingbird
internal import NIOCore
internal import SeckillCore

/// What people open in a browser.
struct PageRoutes: Sendable {
    let pages: Pages
    /// Whether there is a page for the operator.
    let hasAdmin: Bool

    private static let files = Dictionary(uniqueKeysWithValues: Asset.all.map { ($0.address, $0) })

    var resources: [Resource] {
        [
            Resource("/", [.get: { call in call.answer(try await pages.list(), .everybody) }]),
            Resource("/sales/{sale}", [.get: sale]),
            Resource("/orders", [.get: { $0.answer(Template.orders.page(tab: "My orders – Seckill"), .nobody) }]),
            Resource("/assets/{file}", [.get: file]),
        ]
            + (hasAdmin
                ? [Resource("/admin", [.get: { $0.answer(Template.admin.page(tab: "Operator – Seckill"), .nobody) }])]
                : [])
    }

    private func sale(_ call: Call) async throws -> Response {
        do {
            guard let id = call.sale else { throw Problem.noSale }
            return call.answer(try await pages.sale(id), .everybody)
        } catch let problem as Problem where problem.code == .noSale {
            return call.answer(Template.missing.page(tab: "No such sale – Seckill"), .nobody, .notFound)
        }
    }

    private func file(_ call: Call) async throws -> Response {
        guard let file = Self.files["/assets/\(call.parameters["file"] ?? "")"] else {
            throw Problem(.notFound, "This file is of another version of the site: load the page again.")
        }
        return Response(
            status: .ok,
            headers: [.contentType: file.contentType, .cacheControl: "public, max-age=31536000, immutable"],
            body: ResponseBody(byteBuffer: ByteBuffer(bytes: file.bytes))
        )
    }
}

/// Who may keep a page.
private enum Keeping: String {
    /// For a second: then it must be asked whether it changed.
    case everybody = "public, max-age=1"
    /// A visitor's own things will be on it.
    case nobody = "no-store"
}

extension Call {
    fileprivate func answer(_ page: Page, _ keeping: Keeping, _ status: HTTPResponse.Status = .ok) -> Response {
        var headers: HTTPFields = [
            .cacheControl: keeping.rawValue,
            .contentSecurityPolicy: """
            default-src 'none'; script-src 'self'; worker-src 'self'; style-src 'self'; img-src 'self'; \
            connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'
            """,
            .referrerPolicy: "same-origin",
        ]
        if keeping == .everybody {
            headers[.eTag] = page.etag
            if knows(page.etag) { return Response(status: .notModified, headers: headers) }
        }
        headers[.contentType] = page.contentType
        return Response(status: status, headers: headers, body: ResponseBody(byteBuffer: ByteBuffer(bytes: page.body)))
    }

    /// Whether the client has what `tag` is the validator of.
    func knows(_ tag: String) -> Bool {
        let strong = tag.hasPrefix("W/") ? tag.dropFirst(2) : tag[...]
        return request.headers[values: .ifNoneMatch].joined(separator: ",").split(separator: ",")
            .map { $0.filter { $0 != " " && $0 != "\t" } }
            .contains { $0 == "*" || ($0.hasPrefix("W/") ? $0.dropFirst(2) : $0[...]) == strong }
    }
}

extension HTTPField.Name {
    fileprivate static let referrerPolicy = HTTPField.Name("Referrer-Policy")!
}
