import BenchmarkSupport
import Foundation
import SeckillCore
import SeckillSQLite

/// Rows a second into the order ledger, a hundred a commit, beside the same bytes through SQLite's C API: one table, one
/// prepared statement, `synchronous=FULL`. What lies between the two is the guards, the counters and the seals.
func compareLedgers(rounds: Int) async throws {
    let batch = 100
    let count = 50_000
    let folder = FileManager.default.temporaryDirectory.appending(path: "seckill-benchmark-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }

    let sale = SaleID("sale")!
    let now = Timestamp(milliseconds: 1_800_000_000_000)
    let reservations = try reservations(of: sale, count, at: now)
    var comparison = Comparison("Ledger, \(batch) rows a commit, synchronous=FULL", rounds: rounds)
    comparison.add("SQLiteOrderLedger.record") {
        let ledger = try await SQLiteOrderLedger.open(path: folder.appending(path: "\(UUID()).sqlite").path)
        _ = try await ledger.create(Sale(id: sale, title: "Phone", price: 1, stock: count, opensAt: now))
        let store = StoreName("benchmark")
        _ = try await ledger.transfer(sale, to: store, takeover: 1)
        _ = try await ledger.beginEpoch(after: 0, of: sale, in: store)
        let measurement = try await measure {
            for start in stride(from: 0, to: count, by: batch) {
                _ = try await ledger.record(Array(reservations[start..<start + batch]), at: now)
            }
            return count
        }
        check(try await ledger.totals(of: sale)?.awaiting == count, "every row is there")
        return measurement
    }
    comparison.add("C API, insert only") {
        let raw = RawTable(path: folder.appending(path: "\(UUID()).sqlite").path)
        let measurement = await measure {
            for start in stride(from: 0, to: count, by: batch) { raw.insert(reservations[start..<start + batch]) }
            return count
        }
        check(raw.count == count, "every row is there")
        return measurement
    }
    try await comparison.run()
}

private func reservations(of sale: SaleID, _ count: Int, at now: Timestamp) throws -> [Reservation] {
    let signer = try LinkSigner(secrets: [Array(repeating: 7, count: 32)])
    return (1...count).map { sequence in
        let user = UserID("user-\(sequence)")!
        return Reservation(
            order: signer.mintOrder(sale: sale, epoch: 1, user: user),
            user: user,
            sequence: sequence,
            reservedAt: now
        )
    }
}
