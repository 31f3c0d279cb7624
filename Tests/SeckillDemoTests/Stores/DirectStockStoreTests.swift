import HTTPTypes
import SeckillCore
import SeckillTesting
import Testing

@testable import SeckillDemo

/// `--direct`: the same answers without a queue.
struct DirectStockStoreTests {
    private func selling(_ stock: Int, more: String = "", ledger: any OrderLedger = MemoryOrderLedger()) async throws
        -> Storefront
    {
        try await Storefront.selling(stock: stock, more: more, ledger: ledger) {
            $0.isDirect = true
            $0.rateLimit = nil
        }
    }

    @Test func aPurchaseIsInTheLedgerWhenItIsAnswered() async throws {
        let front = try await selling(2)
        let alice = try await front.logIn("alice")
        let link = try await front.link("tea", alice)
        let bought = try await front.send(.post, link, nil, alice)
        #expect(bought.status == 202 && bought["sequence"] == 1)
        let order = "/api/orders/\(bought["order"].text!)"
        #expect(try await front.send(.get, order, nil, alice)["status"] == "awaiting_payment")
        let again = try await front.send(.post, link, nil, alice)
        #expect(again.status == 202 && again["order"] == bought["order"] && again["status"] == "awaiting_payment")
        #expect(try await front.send(.post, order + "/payment", nil, alice)["status"] == "paid")
        let report = try await front.admin(.get, "/admin/sales/tea")
        #expect(report["pending"] == 0 && report["paid"] == 1 && report["remaining"] == 1 && report["sequence"] == 1)
    }

    @Test func whoeverComesTooLateOrTooOftenIsRefusedWithoutARow() async throws {
        let front = try await selling(2)
        let alice = try await front.logIn("alice")
        let bob = try await front.logIn("bob")
        let carol = try await front.logIn("carol")
        #expect(try await front.send(.post, front.link("tea", alice), nil, alice).status == 202)
        #expect(try await front.send(.post, front.link("tea", alice), nil, alice).problem == .limitReached)
        #expect(try await front.send(.post, front.link("tea", bob), nil, bob).status == 202)
        #expect(try await front.send(.post, front.link("tea", carol), nil, carol).problem == .soldOut)
        let carols = try await front.link("tea", carol)
        #expect(try await front.admin(.post, "/admin/sales/tea/restock", #"{"add":1}"#)["remaining"] == 1)
        _ = try await front.admin(.post, "/admin/sales/tea/pause")
        #expect(try await front.send(.post, carols, nil, carol).problem == .paused)
        _ = try await front.admin(.post, "/admin/sales/tea/resume")
        #expect(try await front.send(.post, carols, nil, carol).status == 202)
        let report = try await front.admin(.get, "/admin/sales/tea")
        #expect(report["rejected"] == 0 && report["awaiting"] == 3 && report["stock"] == 3)
    }

    @Test func unpaidUnitsAreSoldAgain() async throws {
        let front = try await selling(1, more: #","paymentWindow":2"#)
        let alice = try await front.logIn("alice")
        let bob = try await front.logIn("bob")
        #expect(try await front.send(.post, front.link("tea", alice), nil, alice).status == 202)
        let link = try await front.link("tea", bob)
        #expect(try await front.send(.post, link, nil, bob).problem == .soldOut)
        try await front.whileWorking {
            let sold = try await eventually {
                front.clock.advance(by: .milliseconds(250))
                return try await front.send(.post, link, nil, bob).status == 202
            }
            #expect(sold)
        }
    }

    @Test func allAtOnceIsOneAfterTheOther() async throws {
        let front = try await selling(5)
        let answers = try await (0..<50).concurrently { number in
            let buyer = try await front.logIn("buyer \(number)")
            return try await front.send(.post, front.link("tea", buyer), nil, buyer)
        }
        #expect(answers.count { $0.status == 202 } == 5)
        #expect(answers.count { $0.problem == .soldOut } == 45)
        let report = try await front.admin(.get, "/admin/sales/tea")
        #expect(report["rejected"] == 0 && report["awaiting"] == 5)
    }

    @Test func aRestartChangesNothing() async throws {
        let ledger = MemoryOrderLedger()
        let front = try await selling(1, ledger: ledger)
        let link = try await front.link("tea", try await front.logIn("alice"))
        let next = try Storefront(ledger: ledger, clock: front.clock) { $0.isDirect = true }
        let alice = try await next.logIn("alice")
        #expect(try await next.send(.post, link, nil, alice).status == 202)
        #expect(try await next.admin(.get, "/admin/sales/tea")["epoch"] == 1)
    }
}
