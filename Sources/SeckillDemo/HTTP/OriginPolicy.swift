internal import HTTPTypes
internal import Hummingbird

/// Which pages may make a browser change something: those of this very site. Requests that say nothing of where they
/// come from are no browser's, and carry no cookie that they were not given.
struct OriginPolicy: Sendable {
    /// The site's address, if it is known; otherwise whatever host the request asked for counts as this site.
    let publicURL: PublicURL?

    func check(_ request: Request) throws {
        if request.method == .get || request.method == .head { return }
        let fields = request.headers
        guard allows(fetchSite: fields[.secFetchSite], origin: fields[.origin], host: request.head.authority) else {
            throw Self.crossOrigin
        }
    }

    /// Whether a request that changes something may say this of where it comes from.
    func allows(fetchSite: String?, origin: String?, host: @autoclosure () -> String?) -> Bool {
        if let fetchSite, fetchSite != "same-origin", fetchSite != "none" { return false }
        guard let origin else { return true }
        return origin == publicURL?.origin ?? host().map { "http://\($0)" }
    }

    static let crossOrigin = Problem(
        .crossOrigin,
        "Only pages of this site may do that; if this is one, set --public-url to the address that browsers see."
    )
}
