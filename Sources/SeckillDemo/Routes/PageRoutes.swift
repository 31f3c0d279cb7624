internal import HTTPTypes
internal import Hummingbird
internal import SeckillCore

/// What people open in a browser.
struct PageRoutes: Sendable {
    let pages: Pages
    /// Whether there is a page for the operator.
    let hasAdmin: Bool

    var resources: [Resource] {
        [
            Resource("/", [.get: list]),
            Resource("/sales/{sale}", [.get: sale]),
            Resource(
                "/orders",
                [.get: { _ in Response(Reply(Template.orders.page(tab: "My orders – Seckill"), .nobody)) }]
            ),
            Resource("/assets/{file}", [.get: file]),
        ]
            + (hasAdmin
                ? [
                    Resource(
                        "/admin",
                        [.get: { _ in Response(Reply(Template.admin.page(tab: "Operator – Seckill"), .nobody)) }]
                    )
                ]
                : [])
    }

    private func list(_ call: Call) async throws -> Response {
        Response(Reply(try await pages.list(after: SalePage(call).after), .everybody, known: call.known))
    }

    private func sale(_ call: Call) async throws -> Response {
        do {
            guard let id = call.sale else { throw Problem.noSale }
            return Response(Reply(try await pages.sale(id), .everybody, known: call.known))
        } catch let problem as Problem where problem.code == .noSale {
            return Response(Reply(Template.missing.page(tab: "No such sale – Seckill"), .nobody, .notFound))
        }
    }

    private func file(_ call: Call) async throws -> Response {
        guard let file = Asset.byAddress["/assets/\(call.parameters["file"] ?? "")"] else {
            throw Problem(.notFound, "This file is of another version of the site: load the page again.")
        }
        return Response(Reply(file))
    }
}

extension Reply {
    /// A static file.
    init(_ file: Asset) {
        self.init(
            status: .ok,
            fields: [.contentType: file.contentType, .cacheControl: "public, max-age=31536000, immutable"],
            body: file.bytes
        )
    }

    /// Who may keep a page.
    enum Keeping: String {
        /// For a second: then it must be asked whether it changed.
        case everybody = "public, max-age=1"
        /// A visitor's own things will be on it.
        case nobody = "no-store"
    }

    /// A page, or that it is as it was for a client who has some already.
    init(_ page: Page, _ keeping: Keeping, _ status: HTTPResponse.Status = .ok, known: KnownTags = KnownTags("")) {
        var fields: HTTPFields = [
            .cacheControl: keeping.rawValue,
            .contentSecurityPolicy: """
            default-src 'none'; script-src 'self'; worker-src 'self'; style-src 'self'; img-src 'self'; \
            connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'
            """,
            .referrerPolicy: "same-origin",
        ]
        if keeping == .everybody {
            fields[.eTag] = page.etag
            if known.contain(page.etag) {
                self.init(status: .notModified, fields: fields)
                return
            }
        }
        fields[.contentType] = page.contentType
        self.init(status: status, fields: fields, body: page.body)
    }
}

/// What a client says in `If-None-Match` that it has.
struct KnownTags {
    private let text: String

    init(_ text: String) { self.text = text }

    /// Whether it has what `tag` is the validator of.
    func contain(_ tag: String) -> Bool {
        // Longer than what a browser sends that has every version of a page.
        guard !text.isEmpty, text.utf8.count <= 512 else { return false }
        let strong = tag.hasPrefix("W/") ? tag.dropFirst(2) : tag[...]
        return text.split(separator: ",")
            .map { $0.filter { $0 != " " && $0 != "\t" } }
            .contains { $0 == "*" || ($0.hasPrefix("W/") ? $0.dropFirst(2) : $0[...]) == strong }
    }
}

extension Call {
    var known: KnownTags { KnownTags(request.headers[values: .ifNoneMatch].joined(separator: ",")) }
}

extension HTTPField.Name {
    fileprivate static let referrerPolicy = HTTPField.Name("Referrer-Policy")!
}
