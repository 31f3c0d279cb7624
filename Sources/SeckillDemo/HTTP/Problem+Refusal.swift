internal import SeckillCore

extension Problem {
    /// The answer to a buyer whom the funnel turned away.
    init(_ refusal: Refusal, order: OrderID? = nil) {
        switch refusal {
        case .noSale: self.init(.noSale, "No sale has this id.")
        case .badLink: self.init(.badLink, "It was altered, or is not yours: ask for a link of your own.")
        case .linkExpired: self.init(.linkExpired, "Its time is over, or the sale was restarted: ask for a new link.")
        case .noSession: self.init(.noSession, "Log in with POST /api/session.")
        case .challengeFailed: self.init(.challengeFailed, "Ask for a new challenge: POST /api/sales/{sale}/challenge.")
        case .rateLimited(let wait):
            self.init(.rateLimited, "Come back when Retry-After says.", retryAfter: wait)
        case .soldOut: self.init(.soldOut, "All units are taken. Some may come back.")
        case .limitReached: self.init(.limitReached, "You hold as many units as the sale allows.")
        case .notOpen(let opensAt): self.init(.notOpen, "It opens at \(opensAt.iso8601).")
        case .paused: self.init(.paused, "The operator has paused it.")
        case .closed: self.init(.closed, "It sells no more.")
        case .unavailable(let wait):
            self.init(
                .unavailable,
                "It could not be decided just now; the same request may be repeated.",
                retryAfter: wait
            )
        }
        self.order = order
    }

    /// The answer where an error left something undecided.
    init(_ error: SeckillError) {
        if error.code == .invalid {
            self.init(.badRequest, error.message)
        } else {
            self.init(.unavailable(retryAfter: .seconds(1)))
        }
    }

    static let noSession = Problem(.noSession)
    static let noSale = Problem(.noSale)
    static let noOrder = Problem(.noOrder, "You have no order of this id.")
}
