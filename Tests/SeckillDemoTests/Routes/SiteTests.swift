import HTTPTypes
import SeckillCore
import SeckillTesting
import Testing

@testable import SeckillDemo

struct SiteTests {
    @Test func salesAreForEverybodyAndMayBeCached() async throws {
        let front = try await Storefront.selling("tea")
        for path in ["/api/sales", "/api/sales/tea"] {
            let answer = try await front.send(.get, path)
            #expect(answer.status == 200 && answer.fields[.cacheControl] == "public, max-age=1")
            let tag = answer.fields[.eTag]!
            front.clock.advance(by: .seconds(1))
            for known in [tag, "\"other\", \(tag)", "*", String(tag.dropFirst(2))] {
                let unchanged = try await front.send(.get, path, nil, [.ifNoneMatch: known])
                #expect(unchanged.status == 304 && unchanged.body.isEmpty && unchanged.fields[.eTag] == tag)
            }
            #expect(try await front.send(.get, path, nil, [.ifNoneMatch: "\"other\""]).status == 200)
            _ = try await front.admin(.post, "/admin/sales/tea/restock", #"{"add":1}"#)
            #expect(try await front.send(.get, path, nil, [.ifNoneMatch: tag]).status == 200)
        }
        #expect(try await front.send(.get, "/api/sales")["sales"].elements?.first?["id"] == "tea")
        #expect(try await front.send(.get, "/api/sales/none").problem == .noSale)
    }

    @Test(arguments: [
        "%00", "te%2Fa", "%2F", "%", "%zz", "..", "%2e%2e", "t%C3%A9", "", String(repeating: "a", count: 65),
    ])
    func whatIsNoIdNamesNoSale(_ id: String) async throws {
        let front = try await Storefront.selling()
        let alice = try await front.logIn("alice")
        #expect(try await front.send(.get, "/api/sales/\(id)").problem == .noSale)
        #expect(try await front.send(.post, "/api/sales/\(id)/link", "{}", alice).problem == .noSale)
        #expect(try await front.send(.get, "/api/orders/\(id)", nil, alice).problem == .noOrder)
        #expect(try await front.admin(.post, "/admin/sales/\(id)/close").problem == .noSale)
    }

    @Test func escapedIdsAreTheSameIds() async throws {
        let front = try await Storefront.selling()
        #expect(try await front.send(.get, "/api/sales/%74e%61")["id"] == "tea")
        #expect(try await front.send(.get, "/api/sales/tea?x=%zz#y")["id"] == "tea")
    }

    @Test func whatIsNotThereIsAProblem() async throws {
        let front = try Storefront()
        for path in ["/nope", "/api", "/api/sales/tea/nope", "/admin/nope", "/assets/nope", "*", "/health/"] {
            #expect(try await front.send(.get, path).problem == .notFound)
        }
        let answer = try await front.send(.put, "/api/session", "{}")
        #expect(answer.problem == .methodNotAllowed && answer.fields[.allow] == "DELETE, GET, HEAD, POST")
        for method in ["PATCH", "OPTIONS", "TRACE", "QUERY", "PROPFIND"] {
            let answer = try await front.send(HTTPRequest.Method(method)!, "/api/sales")
            #expect(answer.problem == .methodNotAllowed && answer.fields[.allow] == "GET, HEAD")
        }
    }

    @Test func headIsGetWithoutABody() async throws {
        let front = try await Storefront.selling()
        for path in [
            "/", "/health", "/ready", "/metrics", "/api/sales", "/api/sales/tea", "/api/sales/none", "/api/orders",
        ] {
            let (get, head) = (try await front.send(.get, path), try await front.send(.head, path))
            #expect(head.status == get.status && head.body.isEmpty)
            #expect(head.fields[.contentType] == get.fields[.contentType])
            #expect(head.fields[.eTag] == get.fields[.eTag])
        }
    }

    @Test func everyAnswerIsTakenAsWhatItSays() async throws {
        let front = try await Storefront.selling()
        let alice = try await front.logIn("alice")
        for path in ["/", "/health", "/metrics", "/api/sales", "/api/sales/none", "/api/orders", "/nope"] {
            let answer = try await front.send(.get, path, nil, alice)
            #expect(answer.fields[.xContentTypeOptions] == "nosniff" && answer.fields[.cacheControl] != nil)
        }
        #expect(try await front.send(.get, "/api/orders", nil, alice).fields[.cacheControl] == "no-store")
        let page = try await front.send(.get, "/")
        #expect(page.fields[.contentType] == "text/html; charset=utf-8" && page.text.contains("/sales/tea"))
        #expect(page.fields[.contentSecurityPolicy]?.contains("default-src 'none'") == true)
    }

    @Test(arguments: [
        "application/json", "Application/JSON", "application/json; charset=utf-8", "application/json;charset=\"UTF-8\"",
        "application/json ; profile=x",
    ])
    func jsonIsWelcome(_ type: String) async throws {
        let front = try Storefront()
        #expect(try await front.send(.post, "/api/session", #"{"user":"a"}"#, [.contentType: type]).status == 204)
    }

    @Test(arguments: [
        "text/plain", "application/x-www-form-urlencoded", "application/json; charset=latin1", "application/jsonp",
        "json",
        "application/problem+json", "", ";", "application/xml",
    ])
    func anotherTypeIsNot(_ type: String) async throws {
        let front = try Storefront()
        let answer = try await front.send(.post, "/api/session", #"{"user":"a"}"#, [.contentType: type])
        #expect(answer.problem == .unsupportedMediaType)
    }

    @Test(arguments: [
        "", "{", "[]", "null", "\"user\"", "{\"user\":\"a\"}x", "{\"user\":\"a\",\"user\":\"b\"}", "{\"user\":1}", "{}",
    ])
    func aBadBodyIsAProblem(_ body: String) async throws {
        let front = try Storefront()
        #expect(try await front.send(.post, "/api/session", body).problem == .badRequest)
    }

    @Test func bodiesAreBounded() async throws {
        let front = try Storefront()
        let start = #"{"user":"a"}"#
        let fits = start + String(repeating: " ", count: Site.bodyLimit - start.utf8.count)
        #expect(try await front.send(.post, "/api/session", fits).status == 204)
        #expect(try await front.send(.post, "/api/session", fits + " ").problem == .tooLarge)
        #expect(try await front.send(.get, "/health", fits + " ").problem == .tooLarge)
        // Without a length to go by, too.
        #expect(
            try await front.send(.post, "/api/session", fits + " ", [.transferEncoding: "chunked"]).problem == .tooLarge
        )
    }

    @Test func otherSitesPagesChangeNothing() async throws {
        let front = try await Storefront.selling()
        var alice = try await front.logIn("alice")
        alice[.origin] = "http://evil.test"
        #expect(try await front.send(.post, "/api/sales/tea/link", "{}", alice).problem == .crossOrigin)
        #expect(try await front.send(.delete, "/api/session", nil, alice).problem == .crossOrigin)
        #expect(try await front.send(.get, "/api/orders", nil, alice).status == 200)
        alice[.origin] = "http://shop.test"
        #expect(try await front.send(.post, "/api/sales/tea/link", "{}", alice).status == 200)
    }
}
