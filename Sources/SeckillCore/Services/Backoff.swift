/// Spaces the rebuilds of one sale: the first few at once, then ever further apart, so that a fault that lasts is not
/// a rebuild at every sweep.
struct Backoff: Sendable {
    /// As many in a row wait for nothing: a store may be lost twice.
    private static let free = 3
    private static let longest: Duration = .seconds(30)
    /// A rebuild that comes this much later than it might have begins a new row.
    private static let quiet: Duration = .seconds(5)

    private var count = 0
    private var lastAt: Duration = .zero

    /// When the next rebuild may begin.
    var dueAt: Duration { lastAt + wait }

    /// Whether the next rebuild begins a new row.
    func isOver(at now: Duration) -> Bool { now >= dueAt + Self.quiet }

    /// Notes that a rebuild has ended.
    mutating func note(at now: Duration) {
        if isOver(at: now) { count = 0 }
        count += 1
        lastAt = now
    }

    private var wait: Duration {
        guard count >= Self.free else { return .zero }
        return min(.milliseconds(500) * (1 << min(count - Self.free, 10)), Self.longest)
    }
}
