import BenchmarkSupport
import Foundation
import SeckillCore
import SeckillSQLite

/// Does to a sale with `rows` orders whatever reads or changes many of them, and prints what each takes, and how long
/// another write had to wait beside it.
func measureSettling(_ rows: Int) async throws {
    let scratch = try ScratchLedger()
    let sale = ScratchLedger.sale
    let ledger = try await scratch.open(stock: rows, limitPerUser: 10)
    var mint = OrderMint(sale: sale, users: rows)
    var orders: [Order] = []
    // A third are due a second before the others, at most 100,000; as many are paid.
    let count = min(100_000, rows / 3_000 * 1_000)
    for first in stride(from: 0, to: rows, by: 1_000) {
        let now = first < count ? ScratchLedger.now + .seconds(-1) : ScratchLedger.now
        orders += try await ledger.record(mint.reservations(1_000), at: now)
    }
    let one = UserID("one")!
    let due = ScratchLedger.now + .seconds(899)
    // As many at once as the services take.
    let batch = 2_000
    print("\n### A ledger of \(rows) orders of one sale\n")
    print("| | times | s | a second | CPU µs each | longest wait of another write, ms |")
    print("|---|---:|---:|---:|---:|---:|")

    try await row("payments by 1,000 callers at once", in: ledger) {
        let paid = Array(orders.suffix(count))
        let results = try await withThrowingTaskGroup(of: Int.self) { group in
            for caller in 0..<1_000 {
                group.addTask {
                    var done = 0
                    for index in stride(from: caller, to: paid.count, by: 1_000) {
                        let outcome = try await ledger.pay(paid[index].id, at: ScratchLedger.now)
                        if case .done = outcome { done += 1 }
                    }
                    return done
                }
            }
            return try await group.reduce(0, +)
        }
        check(results == count, "all are paid")
        return count
    }
    let stock = MemoryStockStore()
    try await stock.install(sale, units: rows, limitPerUser: 10)
    try await row("orders that expire, and whose units are on sale again", in: ledger) {
        async let expired: Void = {
            while try await ledger.expire(dueAt: due, limit: batch).count == batch {}
        }()
        var given = 0
        while given < count {
            let returns = try await ledger.pendingReturns(limit: batch)
            given += try await stock.giveBack(returns).count { $0 == .applied }
            try await ledger.markReturnsApplied(returns)
        }
        try await expired
        return given
    }
    try await row("rejections recorded, in batches of 1,000", in: ledger) {
        for _ in 0..<100 {
            let reservations = mint.reservations(1_000, user: one)
            _ = try await ledger.record(reservations, at: ScratchLedger.now)
        }
        return 100_000
    }
    try await row("rejections(of:limit: 100)", in: ledger) {
        for _ in 0..<100 { check(try await ledger.rejections(of: sale, limit: 100).count == 100, "rejections") }
        return 100
    }
    try await row("orders(of:limit: 50) of a user with 100,000", in: ledger) {
        for _ in 0..<20 { check(try await ledger.orders(of: one, limit: 50).count == 50, "orders of a user") }
        return 20
    }
    try await row("lookUp(_:)", in: ledger) {
        for order in orders.prefix(10_000) { check(try await ledger.lookUp(order.id).order != nil, "an order") }
        return min(10_000, orders.count)
    }
    try await row("totals(of:)", in: ledger) {
        for _ in 0..<1_000 { check(try await ledger.totals(of: sale) != nil, "totals") }
        return 1_000
    }
    try await row("pendingReturns(limit: 1,000)", in: ledger) {
        for _ in 0..<20 { check(try await ledger.pendingReturns(limit: 1_000).count == 1_000, "returns") }
        return 20
    }
    try await row("beginEpoch(after:of:in:)", in: ledger) {
        guard case .begun = try await ledger.beginEpoch(after: 1, of: sale, in: ScratchLedger.store) else {
            check(false, "an epoch")
            return 0
        }
        return 1
    }
}

/// Runs `body` once, while another task pays an order that does not exist, again and again.
private func row(_ name: String, in ledger: SQLiteOrderLedger, _ body: () async throws -> Int) async throws {
    let signer = try LinkSigner(secrets: [Array(repeating: 8, count: 32)])
    let probe = Task {
        var longest = Duration.zero
        while !Task.isCancelled {
            let order = signer.mintOrder(sale: ScratchLedger.sale, epoch: 1, user: UserID("nobody")!)
            let start = ContinuousClock.now
            _ = try? await ledger.pay(order, at: ScratchLedger.now)
            longest = max(longest, ContinuousClock.now - start)
            try? await Task.sleep(for: .milliseconds(5))
        }
        return longest
    }
    let measurement = try await measure(body)
    probe.cancel()
    let longest = await probe.value
    print(
        "| \(name) | \(measurement.operations) | \(String(format: "%.2f", measurement.wall.seconds))",
        "| \(Int(measurement.rate)) | \(tenths(measurement.microseconds)) | \(tenths(longest.seconds * 1e3)) |"
    )
}
