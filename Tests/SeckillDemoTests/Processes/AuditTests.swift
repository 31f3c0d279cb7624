import Foundation
import GRDB
import HTTPTypes
import SeckillCore
import Testing

@testable import SeckillDemo

/// `SeckillDemo audit`, as scripts use it.
struct AuditTests {
    private let folder = TemporaryFolder()
    private var ledger: String { folder.path("ledger.sqlite") }

    private func audit() async throws -> Program.End {
        try await Program.run(["audit", "--ledger", ledger], in: folder)
    }

    @Test func aServersLedgerIsFoundInOrderAndAViolationIsNamed() async throws {
        let sale = #"{"id":"tea","title":"Tea","price":1,"stock":2}"#
        let (server, port) = try await Program.serve(["--sale", sale], in: folder)
        let alice = try await Buyer("alice", WebClient.connect(to: port))
        #expect(try await alice.buy("tea").status == 202)
        // Beside the server at work.
        #expect(try await audit().status == 0)
        #expect(await server.stop().status == 0)
        let clean = try await audit()
        #expect(clean.status == 0 && clean.err.isEmpty)
        #expect(
            clean.out == """
                sale tea: stock 2, awaiting 1, paid 0, returning 0, expired 0, cancelled 0, rejected 0, deadLettered 0, \
                epoch 1, remaining 1, pending 0
                sales: 1, violations: 0

                """
        )

        try await DatabaseQueue(path: ledger).write { db in
            try db.execute(sql: "UPDATE purchase SET status = 'paid', settled_at = 1")
        }
        let altered = try await audit()
        #expect(altered.status == 1 && altered.out.contains("VIOLATION ") && altered.out.contains(" in sale tea: "))
    }

    @Test func anOrderThatTheJournalKnowsAndTheLedgerLacksIsNamed() async throws {
        let sale = #"{"id":"tea","title":"Tea","price":1,"stock":2}"#
        let (server, port) = try await Program.serve(["--sale", sale], in: folder)
        let shopkeeper = try await Operator(client: WebClient.connect(to: port))
        let installed = try await eventually { try await shopkeeper.report("tea")["epoch"] == 1 }
        #expect(installed)
        #expect(await server.stop().status == 0)
        let backup = try Data(contentsOf: URL(fileURLWithPath: ledger))

        let (again, newPort) = try await Program.serve(in: folder)
        let alice = try await Buyer("alice", WebClient.connect(to: newPort))
        let bought = await eventually { (try? await alice.buy("tea").status) == 202 }
        #expect(bought)
        #expect(await again.stop().status == 0)
        #expect(try await audit().status == 0)

        // A ledger as it was before, and in itself in order.
        try backup.write(to: URL(fileURLWithPath: ledger))
        let behind = try await audit()
        #expect(behind.status == 1 && behind.out.contains("VIOLATION ledger_lost_orders in sale tea: "), "\(behind)")
    }

    @Test func aLedgerThatCannotBeReadIsSaid() async throws {
        for end in [
            try await audit(), try await Program.run(["audit", "--ledger", folder.path("")], in: folder),
            try await Program.run(["audit"], environment: ["SECKILL_LEDGER": ledger], in: folder),
        ] { #expect(end.status == 2 && end.out.isEmpty && end.err.hasPrefix("Error: ledger \(folder.path(""))")) }
        #expect(!FileManager.default.fileExists(atPath: ledger))
    }
}

extension Program {
    /// What the server left keeps the promises.
    func expectCleanAudit(sourceLocation: SourceLocation = #_sourceLocation) async throws {
        let audit = try await Program.run(["audit", "--ledger", folder.path("ledger.sqlite")], in: folder)
        #expect(audit.status == 0, "\(audit.out)\(audit.err)", sourceLocation: sourceLocation)
    }
}
