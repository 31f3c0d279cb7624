internal import ArgumentParser
internal import Foundation
internal import NIOPosix
internal import UnixSignals

/// One crowd against one server, from the sale's creation to the report.
struct Rehearsal {
    let target: Target
    let plan: Plan

    init(_ target: Target, _ plan: Plan) {
        self.target = target
        self.plan = plan
    }

    /// Ends when everybody has, or at the first SIGINT.
    /// - Throws: `ValidationError` that says why it cannot begin.
    func run(creating stock: Int) async throws -> Report {
        try allowDescriptors(plan.buyers + 64)
        let server = Server(target, timeout: plan.timeout)
        let before = try await server.open(stock: stock)
        let solver = try await server.asksForWork() ? WorkSolver() : nil
        let (scoreboard, unmeasured) = (Scoreboard(), Scoreboard())
        let signals = await UnixSignalsSequence(trapping: .sigint)
        let progress = ProgressBar(plan, scoreboard)
        await withTaskGroup(of: Void.self) { tasks in
            tasks.addTask { await play(scoreboard, unmeasured, solver) }
            tasks.addTask {
                for await _ in signals { return }
            }
            tasks.addTask {
                await progress.show()
                // Only the crowd and the signal end a rehearsal.
                try? await Task.sleep(for: .seconds(1_000_000))
            }
            await tasks.next()
            tasks.cancelAll()
        }
        progress.end()
        let elapsed = scoreboard.snapshot.begun.map { ContinuousClock.now - $0 } ?? .zero
        let after = try? await server.settledCounts()
        let state = scoreboard.snapshot
        return Report(
            target: target,
            plan: plan,
            state: state,
            preparation: unmeasured.snapshot,
            elapsed: elapsed,
            work: solver?.snapshot,
            exactness: after.map { Exactness(before: before, after: $0, state) }
        )
    }

    private func play(_ scoreboard: Scoreboard, _ unmeasured: Scoreboard, _ solver: WorkSolver?) async {
        let group = MultiThreadedEventLoopGroup.singleton
        // Every rehearsal has users of its own, or the limits of the last one would meet them.
        let run = "r\(UInt32.random(in: .min ... .max))"
        let gate = StartingGate(for: plan.buyers)
        await withDiscardingTaskGroup { tasks in
            for number in 0..<plan.buyers {
                let client = Client(
                    number: number,
                    run: run,
                    target: target,
                    plan: plan,
                    solver: solver,
                    group: group
                )
                tasks.addTask { await client.play(scoreboard, unmeasured, gate: gate) }
            }
        }
    }

    /// Every connection needs a descriptor.
    private func allowDescriptors(_ count: Int) throws {
        var limit = rlimit()
        let kind = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)
        getrlimit(kind, &limit)
        if limit.rlim_cur >= count { return }
        guard limit.rlim_max >= count else {
            throw ValidationError("\(count) files must be open at once and \(limit.rlim_max) may be: raise ulimit -n")
        }
        limit.rlim_cur = rlim_t(count)
        setrlimit(kind, &limit)
    }
}
