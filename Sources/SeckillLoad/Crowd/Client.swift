internal import NIOCore

/// One of the crowd: a connection, and one user after the other on it.
struct Client: Sendable {
    let number: Int
    let run: String
    let target: Target
    let plan: Plan
    let solver: WorkSolver?
    let group: any EventLoopGroup

    /// Everything that this client does. With `gate`, what is prepared waits there for the clock to start.
    func play(_ scoreboard: Scoreboard, _ quiet: Scoreboard, gate: StartingGate) async {
        let line = Line(target, timeout: plan.timeout, on: group)
        defer { line.close() }
        var prepared: [Visit] = []
        if plan.isPrepared {
            for loop in 0..<plan.loops where !Task.isCancelled {
                var visit = Visit(user(loop), at: target, plan, over: line, solver, quiet)
                if await visit.prepare(from: .now) {
                    prepared.append(visit)
                } else {
                    scoreboard.endPurchase()
                }
            }
        }
        let begun = await gate.pass()
        scoreboard.begin(at: begun)
        for loop in 0..<plan.loops where !Task.isCancelled {
            var start = ContinuousClock.now
            if let due = plan.start(ofLoop: loop, by: number) {
                try? await Task.sleep(until: begun + due, clock: .continuous)
                // From when it was due, not from when there was time for it.
                start = plan.arrivals == nil ? .now : begun + due
            } else if plan.think > .zero {
                try? await Task.sleep(for: plan.think)
                start = .now
            }
            if Task.isCancelled { return }
            if plan.isPrepared {
                guard loop < prepared.count else { return }
                _ = await prepared[loop].measured(by: scoreboard).buy(from: start)
            } else {
                var visit = Visit(user(loop), at: target, plan, over: line, solver, scoreboard)
                var address: String?
                if await visit.prepare(from: start) {
                    address = await visit.buy(from: .now)
                } else {
                    scoreboard.endPurchase()
                }
                if plan.arrivals != nil, !Task.isCancelled {
                    scoreboard.add(.visit, address == nil ? .refused("no order") : .done, from: start)
                }
                if let address { await visit.settle(address) }
            }
        }
    }

    private func user(_ loop: Int) -> String { "\(run)-\(number)-\(loop)" }
}
