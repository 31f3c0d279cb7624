internal import SeckillCore

/// How long to rest between attempts to connect: twice as long each time up to a longest rest, less a random half, so
/// that the nodes of a shop do not return in step.
struct Backoff {
    /// The longest rest while a server is away.
    static let away: Duration = .seconds(1)
    /// The longest rest while a server denies this user what it asks for: only an operator can change that.
    static let denied: Duration = .seconds(60)

    private static let first: Duration = .milliseconds(50)

    private var ceiling = Self.first

    mutating func next(_ random: some RandomSource, longest: Duration = Self.away) -> Duration {
        let rest = min(ceiling, longest)
        ceiling = min(rest * 2, longest)
        let fraction = Int(random.next() % 1024)
        return rest / 2 + rest * fraction / 2048
    }

    mutating func reset() { ceiling = Self.first }
}
