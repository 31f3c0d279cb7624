import SeckillCore
import SeckillSQLite
import SeckillTesting
import Testing

@Suite("SQLiteOrderLedger keeps the ledger's contract")
struct LedgerConformanceTests {
    @Test(arguments: OrderLedgerConformance.checks)
    func conforms(_ check: OrderLedgerConformance.Check) async throws {
        let scratch = try Scratch()
        let suite = OrderLedgerConformance { try await SQLiteOrderLedger.open(path: scratch.ledger) }
        try await suite.run(check)
    }
}
