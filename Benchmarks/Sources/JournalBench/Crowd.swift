import BenchmarkSupport
import SeckillCore
import Synchronization

/// Order ids and users, minted before the clock runs. Stores are called as the funnel calls them: not knowing which.
struct Crowd: Sendable {
    private(set) var orders: [OrderID] = []
    private(set) var users: [UserID] = []

    init(_ count: Int) throws {
        let signer = try LinkSigner(secrets: [Array(repeating: 7, count: 32)])
        for index in 0..<count {
            let user = UserID("user-\(index)")!
            users.append(user)
            orders.append(signer.mintOrder(sale: SaleID("sale")!, epoch: 1, user: user))
        }
    }

    /// The first `count` of them reserve a unit each, split among concurrent callers. All latencies, sorted.
    func reserve(_ count: Int, callers: Int, from store: any StockStore) async -> [Duration] {
        let clock = ContinuousClock()
        return await withTaskGroup(of: [Duration].self) { group in
            for caller in 0..<callers {
                let range = (caller * count / callers)..<((caller + 1) * count / callers)
                group.addTask {
                    var latencies: [Duration] = []
                    latencies.reserveCapacity(range.count)
                    for index in range {
                        let start = clock.now
                        let outcome = try? await store.reserve(orders[index], for: users[index])
                        latencies.append(start.duration(to: clock.now))
                        guard case .reserved = outcome else { preconditionFailure("\(String(describing: outcome))") }
                    }
                    return latencies
                }
            }
            var all: [Duration] = []
            for await latencies in group { all += latencies }
            return all.sorted()
        }
    }

    /// The same, from a store that has nothing left. How many were told so.
    func beRefused(_ count: Int, callers: Int, by store: any StockStore) async -> Int {
        await withTaskGroup(of: Int.self) { group in
            for caller in 0..<callers {
                let range = (caller * count / callers)..<((caller + 1) * count / callers)
                group.addTask {
                    var refused = 0
                    for index in range {
                        if case .soldOut = try? await store.reserve(orders[index], for: users[index]) { refused += 1 }
                    }
                    return refused
                }
            }
            return await group.reduce(0, +)
        }
    }
}
