internal import CoreMetrics

/// What the funnel counts, created once. Labels are bounded: routes, refusals and statuses, never users or orders.
///
/// `seckill_requests_total{route}`, `seckill_refusals_total{route,reason}`, `seckill_request_seconds{route}`,
/// `seckill_sessions`, `seckill_orders_total{status}`, `seckill_returned_units_total`, `seckill_queue_depth`,
/// `seckill_queue_age_seconds`, `seckill_rebuilds_total`.
struct FunnelMetrics: Sendable {
    let login = Route("login")
    let challenge = Route("challenge")
    let link = Route("link")
    let purchase = Route("purchase")
    let returned = Counter(label: "seckill_returned_units_total")
    let rebuilds = Counter(label: "seckill_rebuilds_total")
    let sessions = Gauge(label: "seckill_sessions")
    let depth = Gauge(label: "seckill_queue_depth")
    let age = Gauge(label: "seckill_queue_age_seconds")
    private let statuses = Dictionary(
        uniqueKeysWithValues: OrderStatus.allCases.map {
            ($0, Counter(label: "seckill_orders_total", dimensions: [("status", $0.rawValue)]))
        }
    )

    func observe(_ backlog: QueueDepth) {
        depth.record(backlog.count)
        age.record(backlog.age.inSeconds)
    }

    func count(_ orders: [Order]) {
        for order in orders { statuses[order.status]?.increment() }
    }

    /// One route of the funnel.
    struct Route: Sendable {
        private let arrivals: Counter
        private let seconds: Timer
        private let refusals: [String: Counter]

        init(_ route: String) {
            arrivals = Counter(label: "seckill_requests_total", dimensions: [("route", route)])
            seconds = Timer(label: "seckill_request_seconds", dimensions: [("route", route)])
            refusals = Dictionary(
                uniqueKeysWithValues: Refusal.reasons.map {
                    ($0, Counter(label: "seckill_refusals_total", dimensions: [("route", route), ("reason", $0)]))
                }
            )
        }

        func measure<Outcome: Sendable>(
            _ clock: any SaleClock,
            _ decide: () async -> Outcome,
            refusal: (Outcome) -> Refusal?
        ) async -> Outcome {
            let start = begin(clock)
            let outcome = await decide()
            end(clock, since: start, refusal(outcome))
            return outcome
        }

        /// Counts a request. When it came.
        func begin(_ clock: any SaleClock) -> Duration {
            arrivals.increment()
            return clock.uptime
        }

        func end(_ clock: any SaleClock, since start: Duration, _ refusal: Refusal?) {
            let spent = clock.uptime - start
            seconds.recordNanoseconds(Int64(spent.inSeconds * 1e9))
            if let refusal { refusals[refusal.reason]?.increment() }
        }
    }
}

extension Refusal {
    /// The stable name of the refusal: the `code` of problem documents and the label of metrics.
    public var reason: String {
        switch self {
        case .noSale: "no_sale"
        case .badLink: "bad_link"
        case .linkExpired: "link_expired"
        case .noSession: "no_session"
        case .challengeFailed: "challenge_failed"
        case .rateLimited: "rate_limited"
        case .soldOut: "sold_out"
        case .limitReached: "limit_reached"
        case .notOpen: "not_open"
        case .paused: "paused"
        case .closed: "closed"
        case .unavailable: "unavailable"
        }
    }

    static let reasons = [
        "no_sale", "bad_link", "link_expired", "no_session", "challenge_failed", "rate_limited", "sold_out",
        "limit_reached", "not_open", "paused", "closed", "unavailable",
    ]
}
