import GRDB
import HTTPTypes
import SeckillCore
import Testing

@testable import SeckillDemo

/// The ledger's file in trouble while the real server runs.
@Suite(.timeLimit(.minutes(2)))
struct LedgerTroubleTests {
    @Test func whileTheLedgerIsLockedNothingIsLost() async throws {
        let folder = TemporaryFolder()
        let sale = #"{"id":"tea","title":"Tea","price":1,"stock":100,"limitPerUser":100}"#
        let (server, port) = try await Program.serve(["--rate-limit", "off", "--sale", sale], in: folder)
        let client = try await WebClient.connect(to: port)
        let (alice, shopkeeper) = (try await Buyer("alice", client), Operator(client: client))
        let paid = try await alice.buy("tea")["order"].text!
        let recorded = try await eventually { try await shopkeeper.report("tea")["awaiting"] == 1 }
        #expect(recorded)

        var configuration = Configuration()
        configuration.allowsUnsafeTransactions = true
        let other = try DatabaseQueue(path: folder.path("ledger.sqlite"), configuration: configuration)
        try await other.writeWithoutTransaction { db in try db.execute(sql: "BEGIN IMMEDIATE") }
        // Buying needs no ledger; what does need it says so, and changes nothing.
        let bought = try await (0..<20).concurrently { _ in try await alice.buy("tea") }
        #expect(bought.allSatisfy { $0.status == 202 })
        let second = Operator(client: try await WebClient.connect(to: port))
        async let payment = alice.send(.post, "/api/orders/\(paid)/payment")
        async let restock = second.send(.post, "/admin/sales/tea/restock", #"{"add":1}"#)
        for answer in try await [payment, restock] {
            #expect(answer.problem == .unavailable && answer.fields[.retryAfter] == "1")
        }
        #expect(try await shopkeeper.report("tea")["pending"] == 20)
        try await other.writeWithoutTransaction { db in try db.execute(sql: "ROLLBACK") }

        let healed = try await eventually {
            let report = try await shopkeeper.report("tea")
            return report["awaiting"] == 21 && report["pending"] == 0
        }
        #expect(healed)
        #expect(try await alice.send(.post, "/api/orders/\(paid)/payment")["status"] == "paid")
        let report = try await shopkeeper.report("tea")
        #expect(report.accountsForAll && report["stock"] == 100 && report["rejected"] == 0)
        #expect(await server.stop().status == 0)
        try await server.expectCleanAudit()
    }
}
