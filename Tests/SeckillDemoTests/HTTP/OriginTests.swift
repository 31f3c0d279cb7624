import HTTPTypes
import Hummingbird
import Testing

@testable import SeckillDemo

struct OriginTests {
    private func isRefused(_ fields: HTTPFields, at url: String? = nil, _ method: HTTPRequest.Method = .post) -> Bool {
        let head = HTTPRequest(
            method: method,
            scheme: "http",
            authority: "shop.test:8080",
            path: "/",
            headerFields: fields
        )
        do {
            let policy = OriginPolicy(publicURL: url.map { PublicURL($0)! })
            try policy.check(Request(head: head, body: RequestBody(buffer: ByteBuffer())))
            return false
        } catch {
            return (error as? Problem)?.code == .crossOrigin
        }
    }

    @Test func onlyThisSitesPagesChangeAnything() {
        #expect(!isRefused([:]))
        #expect(!isRefused([.origin: "http://shop.test:8080"]))
        #expect(!isRefused([.secFetchSite: "same-origin"]))
        #expect(!isRefused([.secFetchSite: "none"]))
        for origin in ["http://evil.test", "https://shop.test:8080", "http://shop.test", "null", ""] {
            #expect(isRefused([.origin: origin]))
            #expect(isRefused([.origin: origin], .delete))
            #expect(!isRefused([.origin: origin], .get))
            #expect(!isRefused([.origin: origin], .head))
        }
        for site in ["cross-site", "same-site", ""] { #expect(isRefused([.secFetchSite: site])) }
        #expect(isRefused([.secFetchSite: "same-origin", .origin: "http://evil.test"]))
    }

    @Test func aKnownAddressIsTheOnlyOne() {
        #expect(!isRefused([.origin: "https://shop.example"], at: "https://Shop.Example:443/"))
        #expect(isRefused([.origin: "http://shop.test:8080"], at: "https://shop.example"))
        #expect(isRefused([.origin: "http://shop.example"], at: "https://shop.example"))
    }

    @Test func addressesAreReadAsBrowsersWriteThem() {
        #expect(PublicURL("HTTPS://Shop.Example/")?.origin == "https://shop.example")
        #expect(PublicURL("http://127.0.0.1:80")?.origin == "http://127.0.0.1")
        #expect(PublicURL("http://[::1]:8080")?.origin == "http://[::1]:8080")
        #expect(PublicURL("https://a:8443")?.origin == "https://a:8443")
        for text in [
            "", "shop.example", "ftp://a", "http://", "http://a/b", "http://a?b", "http://u@a", "http://a:",
            "http://a:0",
            "http://a:65536", "http://a:+1", "http://[::1", "http://[::1]x", "http://é",
        ] { #expect(PublicURL(text) == nil, "\(text)") }
    }
}
