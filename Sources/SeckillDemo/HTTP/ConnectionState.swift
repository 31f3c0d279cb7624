/// Where a connection stands between request and response: which requests have been passed on, which is still arriving,
/// and whether anything more may be asked on it. Does no I/O; ``ConnectionGuard`` does what the actions say.
struct ConnectionState {
    enum Action: Equatable {
        case none
        /// Answer with this problem, then close.
        case refuse(Problem.Code)
        case close
    }

    /// Bytes of a request have come, but not all.
    private(set) var isArriving = false
    /// The head of the request that is arriving has been passed on.
    private(set) var hasPassedHead = false
    /// Requests passed on whose response is not finished.
    private var unanswered = 0
    /// A response has begun and not ended.
    private var isAnswering = false
    /// The response to what has been asked is the last.
    private var isLast = false
    /// The client has asked all it wanted.
    private var hasAskedAll = false
    /// What to answer once the responses before it are out.
    private var pending: Problem.Code?
    /// Nothing that comes or goes matters any more.
    private(set) var isOver = false

    private(set) var isStopping = false
    /// Nothing more is taken from the client.
    var isDeaf: Bool { isOver || pending != nil || hasAskedAll && !isArriving }
    /// No response is due to a request that was passed on.
    var isQuiet: Bool { unanswered == 0 }
    var isIdle: Bool { !isArriving && unanswered == 0 }

    /// Bytes came. True if they begin a request.
    mutating func bytesArrived() -> Bool {
        guard !isArriving, !isDeaf else { return false }
        isArriving = true
        return true
    }

    /// - Parameter isLast: whether the client wants no more than this answer.
    mutating func requestBegan(isLast: Bool) {
        isArriving = true
        hasPassedHead = true
        unanswered += 1
        if isLast {
            self.isLast = true
            hasAskedAll = true
        }
    }

    mutating func requestEnded() {
        isArriving = false
        hasPassedHead = false
    }

    /// A response's head goes out. Whether it must tell the client that it is the last.
    mutating func responseBegan() -> Bool {
        isAnswering = true
        return isLast && unanswered == 1
    }

    mutating func responseEnded() -> Action {
        isAnswering = false
        unanswered -= 1
        if let pending { return refuse(pending) }
        return isLast && unanswered == 0 ? over(.close) : .none
    }

    /// The server is stopping: what has been asked is answered, and a client that is about to ask gets one more chance.
    mutating func stop() {
        isStopping = true
        isLast = true
    }

    /// The request that is arriving cannot be taken.
    mutating func refuse(_ code: Problem.Code) -> Action {
        let own = hasPassedHead ? 1 : 0
        if unanswered > own {
            pending = code
            return .none
        }
        // Its answer has begun or is out already: there is nothing left to say.
        if hasPassedHead, isAnswering || unanswered == 0 { return over(.close) }
        return over(.refuse(code))
    }

    /// Time is up for a connection on which nothing happens.
    mutating func expire() -> Action { isIdle ? over(.close) : .none }

    private mutating func over(_ action: Action) -> Action {
        isOver = true
        return action
    }
}
