import HTTPTypes
import Testing

@testable import SeckillDemo

/// Where those are answered who watch over the server.
struct OperationTests {
    private static let paths = ["/health", "/ready", "/metrics"]

    @Test func theyAreAnsweredWithTheRestByDefault() async throws {
        let front = try await Storefront.selling()
        for path in Self.paths { #expect(try await front.send(.get, path).problem != .notFound, "\(path)") }
        #expect(front.shop.operationsSite == nil && front.shop.operationsApplication() == nil)
    }

    @Test func withAPortOfTheirOwnTheRestDoesNotAnswerThem() async throws {
        var front = try await Storefront.selling { $0.operationsPort = 0 }
        #expect(try await front.send(.get, "/health").status == 200)
        for path in ["/ready", "/metrics"] { #expect(try await front.send(.get, path).problem == .notFound, "\(path)") }
        front.shop.site = try #require(front.shop.operationsSite)
        for path in Self.paths { #expect(try await front.send(.get, path).problem != .notFound, "\(path)") }
        for path in ["/", "/api/sales", "/admin"] {
            #expect(try await front.send(.get, path).problem == .notFound, "\(path)")
        }
    }
}
