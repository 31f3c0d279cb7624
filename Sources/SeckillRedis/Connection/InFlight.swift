internal import DequeModule

/// Who waits for which answer: answers come in the order in which commands were sent, so this is a line.
/// A plain value, touched by the connection's thread only.
struct InFlight {
    enum Receiver {
        case caller(Reply)
        /// The connection itself: nil if the connection broke first.
        case own((RedisValue?) -> Void)
    }

    private struct Place {
        var receiver: Receiver
        var sentAt: Duration
    }

    private var line: Deque<Place> = []
    /// How many at the head of the line have been told that they waited long enough.
    private var givenUp = 0

    var count: Int { line.count }

    /// When the answer that comes next was asked for.
    var oldest: Duration? { line.first?.sentAt }

    mutating func append(_ receiver: Receiver, at now: Duration) {
        line.append(Place(receiver: receiver, sentAt: now))
    }

    /// Who the next answer is for.
    mutating func next() -> Receiver? {
        givenUp = max(0, givenUp - 1)
        return line.popFirst()?.receiver
    }

    /// Callers that have waited for `timeout`, once each. They keep their place in the line.
    mutating func overdue(at now: Duration, after timeout: Duration) -> [Reply] {
        var overdue: [Reply] = []
        while givenUp < line.count, now - line[givenUp].sentAt >= timeout {
            if case .caller(let reply) = line[givenUp].receiver { overdue.append(reply) }
            givenUp += 1
        }
        return overdue
    }

    /// When ``overdue(at:after:)`` will next have something to say.
    func nextOverdue(after timeout: Duration) -> Duration? {
        givenUp < line.count ? line[givenUp].sentAt + timeout : nil
    }
}
