import HTTPTypes
import SeckillCore
import SeckillTesting
import Testing

@testable import SeckillDemo

struct PageTests {
    /// Markup, quotes, a quote that is one character with its accent, marks that turn the direction around.
    static let hostile =
        "<script>x()</script>\"'><img src=x onerror=x()>&lt;\"\u{301} onclick=x() <\u{338}b>\u{202E}{{id}}"

    @Test func publicPagesHaveAValidator() async throws {
        let front = try await Storefront.selling()
        for path in ["/", "/sales/tea"] {
            let page = try await front.send(.get, path)
            #expect(page.status == 200 && page.fields[.contentType] == "text/html; charset=utf-8")
            #expect(page.fields[.cacheControl] == "public, max-age=1")
            let tag = try #require(page.fields[.eTag])
            #expect(tag.hasPrefix("\"") && tag.hasSuffix("\""))
            let same = try await front.send(.get, path, nil, [.ifNoneMatch: "\"x\", \(tag)"])
            #expect(same.status == 304 && same.body.isEmpty && same.fields[.eTag] == tag)
            #expect(same.fields[.cacheControl] == "public, max-age=1")
            #expect(try await front.send(.get, path, nil, [.ifNoneMatch: "\"x\""]).status == 200)
        }
    }

    @Test func everyPageIsUnderAStrictPolicy() async throws {
        let front = try await Storefront.selling()
        for path in ["/", "/sales/tea", "/sales/none", "/orders", "/admin"] {
            let page = try await front.send(.get, path)
            let policy = try #require(page.fields[.contentSecurityPolicy])
            #expect(policy.hasPrefix("default-src 'none'; script-src 'self';"))
            #expect(policy.contains("base-uri 'none'; frame-ancestors 'none'") && !policy.contains("unsafe"))
            #expect(page.fields[.xContentTypeOptions] == "nosniff")
            // Nothing that the policy would stop: no script and no style but those of files.
            #expect(!page.text.contains("<script>") && !page.text.contains("<style") && !page.text.contains(" style="))
            #expect(page.text.firstMatch(of: /<[^>]* on[a-z]+=/) == nil)
        }
    }

    @Test func shellsOfWhatIsPersonalAreNotKept() async throws {
        let front = try await Storefront.selling()
        for path in ["/orders", "/admin", "/sales/none"] {
            #expect(try await front.send(.get, path).fields[.cacheControl] == "no-store")
        }
        #expect(try await front.send(.get, "/sales/none").status == 404)
        #expect(try await Storefront { $0.adminToken = nil }.send(.get, "/admin").problem == .notFound)
    }

    /// Two users never see a byte of each other's: pages are the same for everybody, to the byte.
    @Test func pagesHoldNothingOfAnyUser() async throws {
        let front = try await Storefront.selling()
        let alice = try await front.logIn("alice-and-nobody-else")
        try await front.whileWorking {
            _ = try await front.buyRecorded("tea", alice)
            let bob = try await front.logIn("bob")
            for path in ["/", "/sales/tea", "/orders", "/admin"] {
                let pages = [
                    try await front.send(.get, path, nil, alice), try await front.send(.get, path, nil, bob),
                    try await front.send(.get, path),
                ]
                for page in pages {
                    #expect(page.body == pages[0].body && page.fields[.eTag] == pages[0].fields[.eTag])
                    #expect(!page.fields.contains(.setCookie) && !page.text.contains("alice-and"))
                }
            }
            // And what is personal is in nobody's cache.
            for path in ["/api/orders", "/api/session"] {
                #expect(try await front.send(.get, path, nil, alice).fields[.cacheControl] == "no-store")
            }
        }
    }

    @Test func aHostileTitleIsInert() async throws {
        let front = try Storefront()
        let body = JSON.object([
            .init(name: "id", value: "tea"), .init(name: "title", value: .string(Self.hostile)),
            .init(name: "price", value: 100), .init(name: "stock", value: 1),
        ])
        #expect(try await front.admin(.post, "/admin/sales", String(decoding: body.bytes, as: UTF8.self)).status == 201)
        for path in ["/", "/sales/tea"] {
            let page = try await front.send(.get, path).text
            // By scalars, as browsers read, not by characters.
            let text = Array(page.unicodeScalars)
            #expect(text.split(separator: "<").allSatisfy { !$0.starts(with: "img".unicodeScalars) })
            let escaped = "&lt;/script&gt;&quot;&#39;&gt;&lt;img src=x onerror=x()&gt;&amp;lt;&quot;\u{301}"
            #expect(text.contains(Array(escaped.unicodeScalars)))
            #expect(!text.contains(["\"", "\u{301}"]) && !text.contains(["<", "\u{338}"]))
            #expect(page.contains("{{id}}"))
            // A tab's name cannot be isolated from what follows it.
            let tab = page.split(separator: "<title>")[1].split(separator: "</title>")[0]
            #expect(!tab.unicodeScalars.contains("\u{202E}"))
        }
    }

    @Test func aChangedSaleIsAnotherPageAtOnce() async throws {
        let front = try await Storefront.selling(stock: 2)
        try await front.whileServing { _, _ in
            func shows(_ text: String) async throws -> Bool {
                try await eventually {
                    let (list, sale) = (
                        try await front.send(.get, "/").text, try await front.send(.get, "/sales/tea").text
                    )
                    return list.contains(text) && sale.contains(text)
                }
            }
            // The clock stands still: no page ages, they are dropped.
            #expect(try await shows("2 of 2 left"))
            _ = try await front.admin(.post, "/admin/sales/tea/restock", #"{"add":5}"#)
            #expect(try await shows("7 of 7 left"))
            _ = try await front.admin(.post, "/admin/sales/tea/pause")
            #expect(try await shows(">Paused<"))
            _ = try await front.admin(.post, "/admin/sales/tea/close")
            #expect(try await shows(">Over<"))
        }
    }

    @Test func staticFilesMayBeKeptForEver() async throws {
        let front = try await Storefront.selling()
        let page = try await front.send(.get, "/sales/tea").text
        let addresses = page.matches(of: /"(\/assets\/[^"]+)"/).map { String($0.output.1) }
        #expect(addresses.count >= 5)
        for address in addresses {
            let file = try await front.send(.get, address)
            #expect(file.status == 200 && !file.body.isEmpty)
            #expect(file.fields[.cacheControl] == "public, max-age=31536000, immutable")
        }
        #expect(try await front.send(.get, "/assets/style-AAAAAAAAAAAA.css").problem == .notFound)
        #expect(try await front.send(.get, "/assets/..%2F..%2FPackage.swift").problem == .notFound)
        #expect(Asset("a", "js", "", [1]).address != Asset("a", "js", "", [2]).address)
    }

    @Test(arguments: [
        (9900, "USD", "99.00 USD"), (5, "EUR", "0.05 EUR"), (0, "USD", "0.00 USD"), (1500, "JPY", "1500 JPY"),
        (12_345, "KWD", "12.345 KWD"), (1_000_000_000_000, "USD", "10000000000.00 USD"),
    ])
    func moneyIsWrittenByItsCurrency(_ amount: Int, _ currency: String, _ text: String) {
        #expect(Money(amount, currency).text == text)
    }
}
