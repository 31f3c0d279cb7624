import SeckillCore

/// A stock store that can lose everything at once, as a Redis does that comes back empty: another store from then on.
///
/// Calls that were under way end on the store they began on.
final class LosableStockStore: DecoratedStore {
    let name: StoreName
    private let clock: any SaleClock
    private let current: Locked<MemoryStockStore>

    init(name: StoreName = StoreName("losable"), clock: any SaleClock) {
        self.name = name
        self.clock = clock
        current = Locked(MemoryStockStore(name: name, clock: clock))
    }

    func lose() { current.withLock { $0 = MemoryStockStore(name: name, clock: clock) } }

    var base: any StockStore { current.withLock { $0 } }
    var isInProcess: Bool { false }
    var outbox: any OrderSource { LosableOutbox(store: self) }
}

/// The outbox of the store of the moment, call by call.
private struct LosableOutbox: DecoratedSource {
    let store: LosableStockStore

    var base: any OrderSource { store.base.outbox }
}
