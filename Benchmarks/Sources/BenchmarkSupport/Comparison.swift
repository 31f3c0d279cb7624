#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// Measures several ways of doing the same thing side by side: rounds in rotating order, so that a machine whose speed
/// drifts slows all of them alike, and medians of the rounds.
public struct Comparison {
    /// One way of doing it.
    struct Contestant {
        var name: String
        var body: () async throws -> Measurement
        var samples: [Measurement] = []
    }

    /// What one round of one contestant saw.
    public struct Measurement: Sendable {
        /// Operations done, as counted afterwards from their effects.
        public var operations: Int
        /// Time it took.
        public var wall: Duration
        /// Processor time of this process, all threads.
        public var cpu: Duration
        /// Latencies, sorted, where the contestant takes them.
        public var latencies: [Duration] = []

        /// A measurement made elsewhere.
        public init(operations: Int, wall: Duration, cpu: Duration, latencies: [Duration] = []) {
            self.operations = operations
            self.wall = wall
            self.cpu = cpu
            self.latencies = latencies
        }

        /// Operations a second.
        public var rate: Double { Double(operations) / wall.seconds }
        /// Processor time of one operation.
        public var microseconds: Double { cpu.seconds * 1e6 / Double(operations) }
    }

    let title: String
    let rounds: Int
    var contestants: [Contestant] = []

    /// A comparison without contestants.
    public init(_ title: String, rounds: Int = 5) {
        self.title = title
        self.rounds = rounds
    }

    /// Adds a contestant that times itself.
    public mutating func add(_ name: String, _ body: @escaping () async throws -> Measurement) {
        contestants.append(Contestant(name: name, body: body))
    }

    /// Runs all of them, one warm-up round first, and prints a Markdown table of medians.
    public mutating func run() async throws {
        for round in 0...rounds {
            for offset in contestants.indices {
                let index = (round + offset) % contestants.count
                let sample = try await contestants[index].body()
                if round > 0 { contestants[index].samples.append(sample) }
            }
        }
        print("\n### \(title)\n\nMedians of \(rounds) rounds in rotating order.\n")
        print("| | operations/s | CPU µs each | p50 µs | p99 µs | slowest to fastest round |")
        print("|---|---:|---:|---:|---:|---|")
        for contestant in contestants {
            let rates = contestant.samples.map(\.rate).sorted()
            let cpu = contestant.samples.map(\.microseconds).sorted()
            let p50 = contestant.samples.compactMap { $0.latencies.percentile(0.5) }.sorted()
            let p99 = contestant.samples.compactMap { $0.latencies.percentile(0.99) }.sorted()
            print(
                "| \(contestant.name) | \(grouped(rates.median)) | \(rounded(cpu.median)) |",
                "\(p50.isEmpty ? "" : rounded(p50.median.seconds * 1e6)) |",
                "\(p99.isEmpty ? "" : rounded(p99.median.seconds * 1e6)) |",
                "\(grouped(rates[0])) to \(grouped(rates[rates.count - 1])) |"
            )
        }
    }
}

/// Times `body`, which returns how many operations it did.
public func measure(_ body: () async throws -> Int) async rethrows -> Comparison.Measurement {
    let clock = ContinuousClock()
    let cpu = processorTime()
    let start = clock.now
    let operations = try await body()
    let wall = start.duration(to: clock.now)
    return Comparison.Measurement(operations: operations, wall: wall, cpu: processorTime() - cpu)
}

/// User and system time of this process so far, all threads.
public func processorTime() -> Duration {
    var now = timespec()
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now)
    return .seconds(now.tv_sec) + .nanoseconds(now.tv_nsec)
}

/// Stops the program if the effects of a benchmark are not there: a figure for work not done is worth nothing.
public func check(_ holds: Bool, _ what: String) {
    guard holds else {
        print("EFFECT MISSING: \(what)")
        exit(1)
    }
}

extension Duration {
    /// Seconds as a floating-point number.
    public var seconds: Double { Double(components.seconds) + Double(components.attoseconds) / 1e18 }
}

extension Array where Element: Comparable {
    /// The element at this fraction of a sorted array.
    func percentile(_ fraction: Double) -> Element? {
        isEmpty ? nil : self[Swift.min(count - 1, Int(Double(count) * fraction))]
    }

    /// The middle of a sorted array.
    var median: Element { self[count / 2] }
}

private func rounded(_ value: Double) -> String {
    let tenths = Int((value * 10).rounded())
    return "\(tenths / 10).\(tenths % 10)"
}

private func grouped(_ value: Double) -> String {
    var digits = String(Int(value.rounded()))
    var groups: [String] = []
    while digits.count > 3 {
        groups.insert(String(digits.suffix(3)), at: 0)
        digits.removeLast(3)
    }
    return ([digits] + groups).joined(separator: ",")
}
