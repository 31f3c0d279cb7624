import BenchmarkSupport
import SeckillCore

/// One sale of the memory store: units taken, and units refused once it is empty.
func compareReservations(rounds: Int) async throws {
    let count = 1_000_000
    let sale = SaleID("sale")!
    let ids = try OrderIDs(sale: sale, count: count)
    var comparison = Comparison("Memory store, one sale", rounds: rounds)
    for callers in [1, 256] {
        comparison.add("reserve, \(callers) callers") {
            let store = try await MemoryStockStore.installed(sale, stock: count, limit: count)
            let measurement = await measure {
                await fanOut(count, callers) { range in
                    for index in range { _ = try? await store.reserve(ids.orders[index], for: ids.users[index]) }
                }
                return count
            }
            let snapshot = try await store.snapshot(of: sale)!
            check(snapshot.remaining == 0 && snapshot.pending == count, "every unit is in the outbox")
            return measurement
        }
        comparison.add("refuse, \(callers) callers") {
            let store = try await MemoryStockStore.installed(sale, stock: 0, limit: 1)
            return await measure {
                let refused = Counter()
                await fanOut(count, callers) { range in
                    var seen = 0
                    for index in range {
                        if case .soldOut = try? await store.reserve(ids.orders[index], for: ids.users[index]) {
                            seen += 1
                        }
                    }
                    refused.add(seen)
                }
                check(refused.value == count, "every call was refused")
                return count
            }
        }
    }
    try await comparison.run()
}

extension MemoryStockStore {
    static func installed(_ sale: SaleID, stock: Int, limit: Int) async throws -> MemoryStockStore {
        let store = MemoryStockStore(outboxLimit: 10_000_000)
        try await store.install(sale, units: stock, limitPerUser: limit)
        return store
    }
}

/// Order ids and users, minted before the clock runs.
struct OrderIDs: Sendable {
    var orders: [OrderID] = []
    var users: [UserID] = []

    init(sale: SaleID, count: Int) throws {
        let signer = try LinkSigner(secrets: [Array(repeating: 7, count: 32)])
        for index in 0..<count {
            let user = UserID("user-\(index)")!
            users.append(user)
            orders.append(signer.mintOrder(sale: sale, epoch: 1, user: user))
        }
    }
}
