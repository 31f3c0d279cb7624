internal import Foundation
internal import NIOPosix
internal import SeckillProcess
internal import UnixSignals

/// One crowd against one server, from the sale's creation to the report.
struct Rehearsal {
    let target: Target
    let plan: Plan

    init(_ target: Target, _ plan: Plan) {
        self.target = target
        self.plan = plan
    }

    /// Ends when everybody has, or at the first SIGINT; the second ends the program.
    /// - Throws: `ValidationError` that says why it cannot begin.
    func run(creating stock: Int) async throws -> Report {
        try DescriptorLimit.allow(plan.buyers + 64)
        let server = Server(target, timeout: plan.timeout)
        let before = try await server.open(stock: stock)
        let solver = try await server.asksForWork() ? WorkSolver() : nil
        let (scoreboard, unmeasured) = (Scoreboard(), Scoreboard())
        let signals = await UnixSignalsSequence(trapping: .sigint)
        let (interrupted, interrupt) = AsyncStream.makeStream(of: Void.self)
        let listening = Task {
            var isFirst = true
            for await _ in signals {
                guard isFirst else { exit(128 + SIGINT) }
                isFirst = false
                interrupt.finish()
            }
        }
        defer { listening.cancel() }
        let progress = ProgressBar(plan, scoreboard)
        let isComplete = await withTaskGroup(of: Bool.self) { tasks in
            tasks.addTask {
                await play(scoreboard, unmeasured, solver)
                return true
            }
            tasks.addTask {
                for await _ in interrupted {}
                return false
            }
            tasks.addTask {
                await progress.show()
                // Only the crowd and the signal end a rehearsal.
                try? await Task.sleep(for: .seconds(1_000_000))
                return false
            }
            defer { tasks.cancelAll() }
            return await tasks.next() ?? true
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
            isComplete: isComplete,
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
}
