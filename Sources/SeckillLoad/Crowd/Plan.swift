/// What a rehearsal does.
struct Plan: Sendable {
    var buyers: Int
    var rampUp: Duration
    var loops: Int
    var think: Duration
    var timeout: Duration
    /// Purchases begun a second, whatever the answers take; nil: each client begins when it has ended (closed loop).
    var arrivals: Double?
    /// Only purchases are measured; sessions and links are there before the clock runs.
    var isPrepared: Bool
    var pays: Bool

    init(_ options: CrowdOptions, arrivals: Double?, isPrepared: Bool, pays: Bool) {
        buyers = options.buyers
        rampUp = .seconds(options.rampUp)
        loops = options.loops
        think = .seconds(options.think)
        timeout = .seconds(options.timeout)
        self.arrivals = arrivals
        self.isPrepared = isPrepared
        self.pays = pays
    }

    var purchases: Int { buyers * loops }

    /// Whether `step` is timed from when it was due, however late the client came to it.
    func isTimedFromDue(_ step: Step) -> Bool {
        guard arrivals != nil else { return false }
        return isPrepared ? step == .purchase : step == .session || step == .visit
    }

    /// When a client's purchase is to begin, counted from the start; nil: when the one before it has ended.
    func start(ofLoop loop: Int, by client: Int) -> Duration? {
        if let arrivals { return .seconds(Double(loop * buyers + client) / arrivals) }
        return loop == 0 ? rampUp * client / buyers : nil
    }
}
