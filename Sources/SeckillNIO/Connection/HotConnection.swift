/// Where the server behind stands with one connection: whether the next byte begins a request, and whether an answer of
/// its own is due. Only when neither is in doubt may anybody answer ahead of it. Does no I/O; ``HotRoutesHandler`` does.
///
/// Two tell it what happens: the handler what it passes on, and ``HotRoutesScout`` what the parser made of it. They must
/// agree on every request, or the connection is left to the server behind for good.
struct HotConnection {
    /// Bytes still to come of the body of the request that was passed on last.
    private(set) var bodyLeft = 0
    /// Something was passed on of which only the parser knows where it ends.
    private var isLost = false
    /// The server behind has the rest of the connection to itself.
    private(set) var isRetired = false

    /// Requests that the parser has read the head of.
    private(set) var heads = 0
    private var isArriving = false
    private var unanswered = 0
    private var expectedHeads: Int?

    /// The next byte is the first of a request.
    var isAtBoundary: Bool { !isRetired && !isLost && bodyLeft == 0 }
    /// The server behind owes no answer, and will not until it is passed a request.
    var isQuiet: Bool { unanswered == 0 && !isArriving }
    /// A request has come whole that the server behind has not answered.
    var owesAnswer: Bool { unanswered > (isArriving ? 1 : 0) }
    /// Whether a request that begins here may be answered ahead of the server behind.
    var mayAnswer: Bool { isAtBoundary && isQuiet }

    mutating func retire() { isRetired = true }

    // MARK: What is passed on

    /// A plain request with a body of `bodyLength` is about to be passed on, `count` bytes of the body included.
    mutating func willPass(bodyLength: Int, having count: Int) {
        expectedHeads = heads + 1
        bodyLeft = bodyLength - count
    }

    /// More of the body is about to be passed on.
    mutating func willPass(ofBody count: Int) { bodyLeft -= count }

    /// It was passed on, and the parser has spoken.
    mutating func didPass() {
        let agrees = (expectedHeads ?? heads) == heads && isArriving == (bodyLeft > 0)
        expectedHeads = nil
        if !agrees { retire() }
    }

    /// Something else was passed on. If it `endsInEmptyLine` and the parser is not within a request that has a head, it is
    /// not within one that has none yet either: an empty line is where a head ends.
    mutating func didPassUnread(endsInEmptyLine: Bool) {
        isLost = isArriving || !endsInEmptyLine
    }

    // MARK: What the scout sees

    /// The parser has read a head. - Parameter isLast: nothing else is asked on this connection.
    mutating func requestBegan(isLast: Bool) {
        heads += 1
        isArriving = true
        unanswered += 1
        if isLast { retire() }
    }

    mutating func requestEnded() { isArriving = false }

    mutating func responseBegan(isLast: Bool) {
        if isLast { retire() }
    }

    mutating func responseEnded() { unanswered -= 1 }
}
