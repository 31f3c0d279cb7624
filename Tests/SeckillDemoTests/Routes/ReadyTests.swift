import HTTPTypes
import SeckillCore
import SeckillTesting
import Testing

@testable import SeckillDemo

/// What `/ready` says, and why.
struct ReadyTests {
    @Test func aNodeWhoseSalesSellIsReady() async throws {
        let front = try await Storefront.selling()
        #expect(try await front.send(.get, "/ready").status == 503, "nothing has been looked at yet")
        try await front.whileWorking {
            let isReady = try await eventually { try await front.send(.get, "/ready").status == 200 }
            #expect(isReady)
            let answer = try await front.send(.get, "/ready")
            #expect(answer["status"] == "ready")
            #expect(answer["reasons"] == .array([]) && answer["troubles"] == .array([]))
        }
    }

    /// One sick sale among healthy ones is named, and the node goes on.
    @Test func aSaleThatAnotherStoreHoldsIsNamed() async throws {
        let ledger = MemoryOrderLedger()
        let front = try await Storefront.selling(ledger: ledger)
        _ = try await front.admin(.post, "/admin/sales", #"{"id":"cake","title":"Cake","price":1,"stock":1}"#)
        _ = try await ledger.transfer(SaleID("cake")!, to: StoreName("elsewhere"), takeover: 9)
        try await front.whileWorking {
            let isNamed = try await eventually {
                front.clock.advance(by: .milliseconds(250))
                return try await front.send(.get, "/ready")["troubles"].elements?.first?["trouble"] == "held_elsewhere"
            }
            #expect(isNamed)
            let answer = try await front.send(.get, "/ready")
            #expect(answer.status == 200)
            let trouble = try #require(answer["troubles"].elements?.first)
            #expect(trouble["sale"] == "cake" && trouble["detail"].text?.contains("elsewhere") == true)
            // With no other left that sells, the node is not ready.
            _ = try await front.admin(.post, "/admin/sales/tea/close")
            let none = try await front.send(.get, "/ready")
            #expect(none.problem == .unavailable && none.fields[.retryAfter] != nil)
            #expect(none["troubles"].elements?.first?["sale"] == "cake")
        }
    }

    @Test func aLedgerThatDoesNotAnswerIsTheReason() async throws {
        let clock = ManualClock()
        let faults = Faults(clock: clock)
        let front = try Storefront(ledger: faults.wrap(MemoryOrderLedger()), clock: clock)
        faults.inject(.failBefore, into: "sales", probability: 1)
        let answer = try await front.send(.get, "/ready")
        #expect(answer.problem == .unavailable && answer["reasons"].elements?.count == 1)
    }
}
