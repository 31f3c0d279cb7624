internal import NIOCore

/// The connections of one server that live on one event loop: which are idle, and which wait for their turn. Used on that
/// loop alone.
final class LoopConnections {
    private unowned let server: ServerConnections
    private let loop: any EventLoop
    /// Idle connections that have not asked for anything yet.
    private let newcomers = IdleList()
    /// Idle connections that have.
    private let known = IdleList()

    init(_ server: ServerConnections, _ loop: any EventLoop) {
        self.server = server
        self.loop = loop
    }

    // MARK: Room

    /// Counts a connection, which is idle, and closes one if there are too many now: this one if no other is idle.
    func opened(_ connection: IdleList.Member) {
        let isTooMany = server.opened()
        newcomers.append(connection)
        if isTooMany { closeLongestIdle(for: connection) }
    }

    func closed(_ connection: IdleList.Member) {
        connection.leave()
        server.closedOne()
    }

    func timedOut() { server.closing(.idle, on: loop) }

    /// Puts a connection that is idle behind all others.
    func idles(_ connection: IdleList.Member, isKnown: Bool) { (isKnown ? known : newcomers).append(connection) }

    /// Closes the connection that has been idle longest. False if none is idle.
    ///
    /// - Parameter newest: the connection that needs the room.
    @discardableResult
    func closeLongestIdle(for newest: IdleList.Member?) -> Bool {
        let larger = newcomers.count > known.count ? newcomers : known
        let smaller = larger === known ? newcomers : known
        guard let connection = larger.first ?? smaller.first else { return false }
        connection.leave()
        server.closing(connection === newest ? .refused : .evicted, on: loop)
        connection.close()
        return true
    }

    // MARK: Turns

    /// How many connections are served in a row before the loop looks at the network again.
    private static let turnsAtOnce = 32
    private static let pause: TimeAmount = .microseconds(100)
    private static let longestPause: TimeAmount = .milliseconds(100)
    private var waiting: CircularBuffer<HotRoutesHandler> = []
    private var isTurnDue = false
    /// How many requests that were passed on in a turn the server behind may work on at once. Others are as many as there
    /// are connections, and must not wait for those.
    static let unansweredTurns = 4
    private var turnsLeft = unansweredTurns
    /// By how much the last turns were late.
    private var lateness: TimeAmount = .zero

    /// Calls `takeTurn` of `connection` after the loop has looked at the network and all that wait already had their turn.
    ///
    /// A loop runs all tasks that are ready before it looks at the network. So one task serves some connections and is
    /// scheduled again a moment later. If it runs late, the loop has much else to do, and the moment is longer next time.
    func waitForTurn(_ connection: HotRoutesHandler) {
        waiting.append(connection)
        scheduleTurns()
    }

    /// The server behind has begun to answer what it was passed in a turn, or its client has gone.
    func turnAnswered() {
        turnsLeft += 1
        scheduleTurns()
    }

    private func scheduleTurns() {
        guard !isTurnDue, turnsLeft > 0, !waiting.isEmpty else { return }
        isTurnDue = true
        let due = loop.now + Self.pause + min(lateness * 4, Self.longestPause)
        loop.assumeIsolated().scheduleTask(deadline: due) { self.takeTurns(due) }
    }

    private func takeTurns(_ due: NIODeadline) {
        isTurnDue = false
        lateness = loop.now - due
        var served = 0
        while served < Self.turnsAtOnce, turnsLeft > 0, let connection = waiting.popFirst() {
            served += 1
            if connection.takeTurn() { turnsLeft -= 1 }
        }
        scheduleTurns()
    }
}
