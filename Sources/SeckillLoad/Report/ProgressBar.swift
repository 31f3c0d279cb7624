internal import Foundation
internal import SeckillProcess

/// The live line: how far, and at which rates. On a terminal it is drawn over and over, elsewhere now and then.
struct ProgressBar: Sendable {
    private let plan: Plan
    private let scoreboard: Scoreboard
    private let isTerminal = isatty(STDERR_FILENO) == 1

    init(_ plan: Plan, _ scoreboard: Scoreboard) {
        self.plan = plan
        self.scoreboard = scoreboard
    }

    /// Until cancelled.
    func show() async {
        var last = (scoreboard.snapshot, ContinuousClock.now)
        while !Task.isCancelled {
            try? await Task.sleep(for: isTerminal ? .milliseconds(250) : .seconds(5))
            if Task.isCancelled { return }
            let now = (scoreboard.snapshot, ContinuousClock.now)
            write(line(now.0, since: last.0, in: now.1 - last.1))
            last = now
        }
    }

    func end() { if isTerminal { StandardStreams.note("\r\u{1B}[K") } }

    private func line(_ now: Scoreboard.State, since last: Scoreboard.State, in time: Duration) -> String {
        guard now.begun != nil else { return "preparing: sessions and links for \(plan.purchases) purchases" }
        let share = min(1, Double(now.purchasesEnded) / Double(plan.purchases))
        let full = Int(share * 20)
        let bar = String(repeating: "█", count: full) + String(repeating: "░", count: 20 - full)
        func rate(_ count: (StepRecord) -> Int) -> String {
            let records = (now.steps[.purchase], last.steps[.purchase])
            return String(Int(Double((records.0.map(count) ?? 0) - (records.1.map(count) ?? 0)) / time.inSeconds))
        }
        let accepted = rate(\.done)
        let refused = rate { $0.count - $0.done - $0.failed }
        let failed = now.steps.values.reduce(0) { $0 + $1.failed }
        return "\(bar) \(Int(share * 100))%  \(accepted) accepted/s  \(refused) refused/s  \(failed) failed"
    }

    private func write(_ line: String) {
        StandardStreams.note(isTerminal ? "\r\u{1B}[K\(line)" : "\(line)\n")
    }
}
