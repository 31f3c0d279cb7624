internal import SeckillCore

/// How long to rest between attempts to connect: twice as long each time up to a second, less a random half, so that
/// the nodes of a shop do not return in step.
struct Backoff {
    private static let first: Duration = .milliseconds(50)
    private static let longest: Duration = .seconds(1)

    private var ceiling = Self.first

    mutating func next(_ random: some RandomSource) -> Duration {
        defer { ceiling = min(ceiling * 2, Self.longest) }
        let fraction = Int(random.next() % 1024)
        return ceiling / 2 + ceiling * fraction / 2048
    }

    mutating func reset() { ceiling = Self.first }
}
