import HTTPTypes
import NIOCore
import SeckillCore
import SeckillTesting
import Testing

@testable import SeckillDemo

/// Logins and challenges are limited by client.
struct ClientTests {
    @Test func aClientIsAnAddressOr64BitsOfOne() throws {
        func client(_ text: String) throws -> String? {
            ClientAddress(try SocketAddress(ipAddress: text, port: 4711))?.description
        }
        #expect(try client("192.0.2.7") == "192.0.2.7")
        #expect(try client("::ffff:192.0.2.7") == "192.0.2.7")
        #expect(try client("2001:db8:1:2:3:4:5:6") == client("2001:db8:1:2:ffff::1"))
        #expect(try client("2001:db8:1:2::") != client("2001:db8:1:3::"))
        #expect(ClientAddress(try SocketAddress(unixDomainSocketPath: "/tmp/x")) == nil)
        #expect(ClientAddress(lastIn: "10.0.0.1, 192.0.2.7")?.description == "192.0.2.7")
        for text in ["", ",", "unknown", "192.0.2.7, evil", "192.0.2.7:80", "[::1]:80"] {
            #expect(ClientAddress(lastIn: text) == nil, "\(text)")
        }
    }

    private let forwarded = HTTPField.Name("X-Forwarded-For")!

    @Test func loginsAreLimitedByWhomTheProxyNames() async throws {
        let front = try await Storefront.selling {
            $0.clientRateLimit = Rate(3, per: .seconds(60))
            $0.clientHeader = HTTPField.Name("X-Forwarded-For")
        }
        func logIn(from clients: String) async throws -> Answer {
            try await front.send(.post, "/api/session", #"{"user":"alice"}"#, [forwarded: clients])
        }
        // What the client itself writes in front changes nothing.
        for number in 1...3 { #expect(try await logIn(from: "1.1.1.\(number), 192.0.2.7").status == 204) }
        let refused = try await logIn(from: "192.0.2.7")
        #expect(refused.problem == .rateLimited && refused.fields[.retryAfter] == "60")
        #expect(try await logIn(from: "192.0.2.8").status == 204)
        front.clock.advance(by: .seconds(60))
        #expect(try await logIn(from: "192.0.2.7").status == 204)
    }

    @Test func challengesAreLimitedByUserAndByClient() async throws {
        let front = try await Storefront.selling {
            $0.asksChallenge = true
            $0.workBits = 6
            $0.rateLimit = Rate(2, per: .seconds(5))
            $0.clientRateLimit = Rate(4, per: .seconds(60))
            $0.clientHeader = HTTPField.Name("X-Forwarded-For")
        }
        func ask(_ buyer: HTTPFields, from client: String) async throws -> Answer {
            var fields = buyer
            fields[forwarded] = client
            return try await front.send(.post, "/api/sales/tea/challenge", #"{"kind":"captcha"}"#, fields)
        }
        let alice = try await front.logIn("alice")
        for _ in 1...2 { #expect(try await ask(alice, from: "192.0.2.7").status == 200) }
        let byUser = try await ask(alice, from: "192.0.2.8")
        #expect(byUser.problem == .rateLimited && byUser.fields[.retryAfter] == "5")
        let bob = try await front.logIn("bob")
        for _ in 1...2 { #expect(try await ask(bob, from: "192.0.2.7").status == 200) }
        let byClient = try await ask(front.logIn("carol"), from: "192.0.2.7")
        #expect(byClient.problem == .rateLimited && byClient.fields[.retryAfter] == "60")
    }
}
