import BenchmarkSupport
import Foundation
import Logging
import SeckillCore
import SeckillJournal

/// A million orders go into a file, and a new process's worth of memory is made from it again: once as they were
/// appended, and once compacted.
func measureRestart() async throws {
    let path = "\(folder)/restart"
    let quiet = Logger(label: "benchmark") { _ in SwiftLogNoOpLogHandler() }
    var stores: EmbeddedStores? = try await EmbeddedStores.open(
        at: path,
        ledger: ledger,
        outboxLimit: 10_000_000,
        logger: quiet
    )
    try await install(crowd.orders.count, into: stores!.stock)
    _ = await crowd.reserve(crowd.orders.count, callers: 4096, from: stores!.stock)
    await stores!.close()
    stores = nil
    let size = try FileManager.default.attributesOfItem(atPath: "\(path)/stock.journal")[.size] as? Int ?? 0
    let before = residentBytes()
    let clock = ContinuousClock()
    let start = clock.now
    let again = try await EmbeddedStores.open(
        at: path,
        ledger: ledger,
        outboxLimit: 10_000_000,
        logger: quiet
    )
    var record = SaleRecord(
        try Sale(id: sale, title: "Phone", price: 1, stock: crowd.orders.count, opensAt: Timestamp(milliseconds: 0)),
        epoch: 1,
        sequence: crowd.orders.count
    )
    record.installed = crowd.orders.count
    let outcome = try await again.stock.claim(record, identity: again.stock.identity(), lifetime: .seconds(1))
    let time = start.duration(to: clock.now)
    check(outcome == .current, "every order is there")
    let ids = crowd.orders.reduce(0) { $0 + $1.text.utf8.count } + crowd.users.reduce(0) { $0 + $1.text.utf8.count }
    let each = Double(residentBytes() - before) / Double(crowd.orders.count)
    print("\n### Restart with \(crowd.orders.count) orders, all of them in the outbox\n")
    print("File \(size >> 20) MiB, open and sold from after \(time).")
    print(
        "Resident memory grew by \(Int(each)) bytes an order; its id and its user's are \(ids / crowd.orders.count) of them as text."
    )
    await again.close()
}

func residentBytes() -> Int {
    guard let status = try? String(contentsOfFile: "/proc/self/statm", encoding: .utf8),
        let pages = status.split(separator: " ").dropFirst().first.flatMap({ Int($0) })
    else { return 0 }
    return pages * 4096
}
