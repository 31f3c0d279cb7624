import HTTPTypes
import SeckillCore
import SeckillTesting
import Testing

@testable import SeckillDemo

struct SessionTests {
    @Test func everyLoginIsASessionOfItsOwn() async throws {
        let front = try await Storefront.selling()
        let answer = try await front.send(.post, "/api/session", #"{"user":"alice"}"#)
        #expect(answer.status == 204 && answer.body.isEmpty)
        #expect(answer.fields[.setCookie]!.hasSuffix("; Path=/; HttpOnly; SameSite=Lax"))
        let (first, second) = (try await front.logIn("alice"), try await front.logIn("alice"))
        #expect(first != second)
        let out = try await front.send(.delete, "/api/session", nil, first)
        #expect(out.status == 204)
        #expect(out.fields[.setCookie] == "session=; Path=/; HttpOnly; SameSite=Lax; Max-Age=0")
        #expect(try await front.send(.get, "/api/orders", nil, first).problem == .noSession)
        #expect(try await front.send(.get, "/api/orders", nil, second).status == 200)
        #expect(try await front.send(.delete, "/api/session").status == 204)
    }

    @Test func behindHTTPSTheCookieIsLockedToTheHost() async throws {
        let front = try Storefront { $0.publicURL = PublicURL("https://shop.example") }
        let answer = try await front.send(.post, "/api/session", #"{"user":"alice"}"#)
        let cookie = answer.fields[.setCookie]!
        #expect(cookie.hasPrefix("__Host-session=") && cookie.hasSuffix("; Path=/; HttpOnly; SameSite=Lax; Secure"))
        let pair = String(cookie.split(separator: ";")[0])
        #expect(try await front.send(.get, "/api/orders", nil, [.cookie: pair]).status == 200)
        let unlocked = pair.replacing("__Host-", with: "")
        #expect(try await front.send(.get, "/api/orders", nil, [.cookie: unlocked]).problem == .noSession)
    }

    @Test func theCookieIsFoundAmongOthers() async throws {
        let front = try Storefront()
        let pair = try await front.logIn("alice")[.cookie]!
        for cookies in ["a=b; \(pair)", "\(pair); a=b", "a=\"b;c\";\(pair)", "xsession=1; \(pair)"] {
            #expect(try await front.send(.get, "/api/orders", nil, [.cookie: cookies]).status == 200, "\(cookies)")
        }
        var separate: HTTPFields = [.cookie: "a=b"]
        separate.append(HTTPField(name: .cookie, value: pair))
        #expect(try await front.send(.get, "/api/orders", nil, separate).status == 200)
    }

    @Test(arguments: ["session", "session=", "session=x", "session=AAAAAAAAAAAAAAAAAAAAAAAA", "SESSION=1", "=", ";;;"])
    func aForgedCookieOpensNothing(_ cookie: String) async throws {
        let front = try Storefront()
        let answer = try await front.send(.get, "/api/orders", nil, [.cookie: cookie])
        #expect(answer.problem == .noSession)
    }

    @Test func sessionsLastAsLongAsTheyAreUsed() async throws {
        let front = try Storefront { $0.sessionTTL = .seconds(10) }
        let used = try await front.logIn("alice")
        let unused = try await front.logIn("alice")
        for _ in 0..<5 {
            front.clock.advance(by: .seconds(6))
            #expect(try await front.send(.get, "/api/orders", nil, used).status == 200)
        }
        #expect(try await front.send(.get, "/api/orders", nil, unused).problem == .noSession)
        front.clock.advance(by: .seconds(10))
        #expect(try await front.send(.get, "/api/orders", nil, used).problem == .noSession)
    }

    @Test func usersAreAnyTextWithoutControls() async throws {
        let front = try Storefront()
        for user in ["a", "é", "\u{1F600}", "a b", "'; DROP TABLE--", "{}", String(repeating: "x", count: 128)] {
            let body = (["user": .string(user)] as JSON).bytes
            #expect(try await front.send(.post, "/api/session", String(decoding: body, as: UTF8.self)).status == 204)
        }
        for user in [
            "", "\0", "a\n", "\u{7F}", "\u{85}", String(repeating: "x", count: 129), String(repeating: "é", count: 65),
        ] {
            let body = (["user": .string(user)] as JSON).bytes
            let answer = try await front.send(.post, "/api/session", String(decoding: body, as: UTF8.self))
            #expect(answer.problem == .badRequest && answer["detail"].text!.contains("user"))
        }
    }
}
