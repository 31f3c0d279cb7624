import BenchmarkSupport
import Foundation
import Logging
import SeckillCore
import SeckillJournal

// The embedded mode on this disk: durable reservations at growing numbers of callers beside what the disk does raw and
// what memory does, refusals beside the memory store's, and a restart with a million orders in the file.
//
//     JournalBench [rounds] [folder] [reservations] [refusals] [restart]

let arguments = Array(CommandLine.arguments.dropFirst())
let rounds = arguments.first.flatMap { Int($0) } ?? 5
let parent = arguments.count > 1 ? arguments[1] : FileManager.default.temporaryDirectory.path
let folder = "\(parent)/seckill-journal-\(UUID().uuidString)"
try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
defer { try? FileManager.default.removeItem(atPath: folder) }

let sale = SaleID("sale")!
/// The ledger that all journals of this benchmark belong to.
let ledger = LedgerID("benchmark")!
let crowd = try Crowd(1_000_000)

let parts = arguments.count > 2 ? Array(arguments[2...]) : ["reservations", "refusals", "restart"]
if parts.contains("reservations") { try await compareReservations(rounds: rounds) }
if parts.contains("refusals") { try await compareRefusals(rounds: rounds) }
if parts.contains("restart") { try await measureRestart() }

/// A journal of its own, with one sale of `stock` units installed.
func openJournal(stock: Int) async throws -> EmbeddedStores {
    let stores = try await EmbeddedStores.open(
        at: "\(folder)/\(UUID().uuidString)",
        ledger: ledger,
        outboxLimit: 10_000_000,
        logger: Logger(label: "benchmark") { _ in SwiftLogNoOpLogHandler() }
    )
    try await install(stock, into: stores.stock)
    return stores
}

func install(_ units: Int, into store: some StockStore) async throws {
    try await store.install(sale, units: units, limitPerUser: 1)
}
