internal import SeckillCore

extension SaleClock {
    /// Asks again every few milliseconds, less often when there has been nothing for a while, until something is found or
    /// `wait` is over.
    ///
    /// Rather than block in Redis: a consumer that is cancelled must hold nothing, and a blocked read cannot be taken
    /// back. `look` must not be cancelled half-way, or what Redis has just handed out would be nobody's.
    func poll(for wait: Duration, _ look: () async throws -> [Delivery]) async throws -> [Delivery] {
        let end = uptime + wait
        var rest = Duration.milliseconds(10)
        while true {
            try Task.checkCancellation()
            let found = try await look()
            let left = end - uptime
            if !found.isEmpty || left <= .zero { return found }
            try await sleep(for: min(rest, left))
            rest = min(rest * 2, .milliseconds(50))
        }
    }
}

extension Duration {
    /// In whole milliseconds, as Redis takes the time for which a key stays: not negative, and a thousand years at most.
    var asLifetime: Int { Int(clamping: min(max(0, milliseconds), 31_536_000_000_000)) }
}

extension Array {
    /// Slices of at most `size` elements.
    func chunks(of size: Int) -> [ArraySlice<Element>] {
        stride(from: 0, to: count, by: size).map { self[$0..<Swift.min($0 + size, count)] }
    }

    /// In an order of chance's choosing.
    func shuffled(by random: any RandomSource) -> [Element] {
        var shuffled = self
        for index in shuffled.indices.dropFirst() {
            shuffled.swapAt(index, Int(random.next() % UInt64(index + 1)))
        }
        return shuffled
    }
}
