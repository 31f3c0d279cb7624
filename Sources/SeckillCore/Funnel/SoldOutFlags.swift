/// The last cache level: what this node knows to be sold out, so that the crowd does not reach the store.
///
/// A flag holds for the restock version it was set at, and for one second unless a look at the store confirms it.
final class SoldOutFlags: Sendable {
    private struct Flag {
        var version: Int
        var seenAt: Duration?
    }

    private static let lifetime: Duration = .seconds(1)
    private let clock: any SaleClock
    private let flags = Locked<[SaleID: Flag]>([:])

    init(clock: any SaleClock) { self.clock = clock }

    func isSet(for sale: SaleID) -> Bool {
        let now = clock.uptime
        return flags.withLock { flags in
            guard let seenAt = flags[sale]?.seenAt else { return false }
            return now - seenAt < Self.lifetime
        }
    }

    /// The store said so. Ignored if a restock has been heard of since.
    func set(for sale: SaleID, version: Int) {
        let now = clock.uptime
        flags.withLock { flags in
            guard version >= flags[sale]?.version ?? 0 else { return }
            flags[sale] = Flag(version: version, seenAt: now)
        }
    }

    /// Units came back. Ignored if that was known already.
    func clear(for sale: SaleID, version: Int) {
        flags.withLock { flags in
            guard version > flags[sale]?.version ?? -1 else { return }
            flags[sale] = Flag(version: version, seenAt: nil)
        }
    }
}
