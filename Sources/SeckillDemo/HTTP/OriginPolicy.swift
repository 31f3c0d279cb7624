internal import HTTPTypes
internal import Hummingbird

/// Which pages may make a browser change something: those of this very site. Requests that say nothing of where they
/// come from are no browser's, and carry no cookie that they were not given.
struct OriginPolicy: Sendable {
    /// The site's address, if it is known; otherwise whatever host the request asked for counts as this site.
    let publicURL: PublicURL?

    func check(_ request: Request) throws {
        if request.method == .get || request.method == .head { return }
        if let site = request.headers[.secFetchSite], site != "same-origin", site != "none" { throw Self.crossOrigin }
        if let origin = request.headers[.origin], origin != expected(by: request) { throw Self.crossOrigin }
    }

    private func expected(by request: Request) -> String? {
        if let publicURL { return publicURL.origin }
        return request.head.authority.map { "http://\($0)" }
    }

    private static let crossOrigin = Problem(
        .crossOrigin,
        "Only pages of this site may do that; if this is one, set --public-url to the address that browsers see."
    )
}
