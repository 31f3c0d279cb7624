import BenchmarkSupport
import SeckillCore
import SeckillJournal

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

func compareReservations(rounds: Int) async throws {
    var comparison = Comparison("Durable reservations", rounds: rounds)
    for (count, callers) in [(2_000, 1), (60_000, 64), (200_000, 256), (300_000, 1024)] {
        comparison.add("journal, \(callers) callers") {
            let stores = try await openJournal(stock: count)
            var latencies: [Duration] = []
            var measurement = await measure {
                latencies = await crowd.reserve(count, callers: callers, from: stores.stock)
                return count
            }
            measurement.latencies = latencies
            let snapshot = try await stores.stock.snapshot(of: sale)!
            check(snapshot.remaining == 0 && snapshot.pending == count, "every unit is in the outbox")
            await stores.close()
            return measurement
        }
    }
    comparison.add("memory store, 256 callers") {
        let store = MemoryStockStore(outboxLimit: 10_000_000)
        try await install(200_000, into: store)
        var latencies: [Duration] = []
        var measurement = await measure {
            latencies = await crowd.reserve(200_000, callers: 256, from: store)
            return 200_000
        }
        measurement.latencies = latencies
        return measurement
    }
    for size in [128, 25_000] {
        comparison.add("raw append and fdatasync, \(size) bytes") { rawAppends(2_000, of: size) }
    }
    try await comparison.run()
}

func compareRefusals(rounds: Int) async throws {
    let count = 1_000_000
    var comparison = Comparison("Refusals, sold out", rounds: rounds)
    for callers in [1, 256] {
        comparison.add("journal, \(callers) callers") {
            let stores = try await openJournal(stock: 0)
            let measurement = await measure {
                check(await crowd.beRefused(count, callers: callers, by: stores.stock) == count, "all are refused")
                return count
            }
            await stores.close()
            return measurement
        }
        comparison.add("memory store, \(callers) callers") {
            let store = MemoryStockStore()
            try await install(0, into: store)
            return await measure {
                check(await crowd.beRefused(count, callers: callers, by: store) == count, "all are refused")
                return count
            }
        }
    }
    try await comparison.run()
}

/// What the disk does by itself: one write at the end of a file and one sync, again and again.
private func rawAppends(_ count: Int, of size: Int) -> Comparison.Measurement {
    let file = open("\(folder)/raw", O_RDWR | O_CREAT | O_TRUNC, 0o600)
    check(file >= 0, "the raw file can be made")
    defer { close(file) }
    let bytes = [UInt8](repeating: 7, count: size)
    let clock = ContinuousClock()
    let cpu = processorTime()
    var latencies: [Duration] = []
    let start = clock.now
    for _ in 0..<count {
        let before = clock.now
        check(write(file, bytes, size) == size && fdatasync(file) == 0, "it is written")
        latencies.append(before.duration(to: clock.now))
    }
    let wall = start.duration(to: clock.now)
    return Comparison.Measurement(
        operations: count,
        wall: wall,
        cpu: processorTime() - cpu,
        latencies: latencies.sorted()
    )
}
