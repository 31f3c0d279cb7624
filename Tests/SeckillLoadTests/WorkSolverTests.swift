import Histogram
import SeckillCore
import Testing

@testable import SeckillLoad

struct WorkSolverTests {
    @Test(arguments: [1, 8, 13]) func whatItFindsIsAccepted(bits: Int) async throws {
        let puzzle = try WorkPuzzle(bits: bits)
        let solver = WorkSolver()
        for _ in 1...3 {
            let (fields, solution) = puzzle.make(from: .system)
            let prefix = try #require(fields["prefix"])
            let answer = try #require(await solver.solve(prefix: prefix, bits: bits))
            #expect(puzzle.accepts(answer, for: solution))
        }
        let record = solver.snapshot
        #expect(record.latency.totalCount == 3 && record.hashes >= 3)
    }

    @Test func itEndsWhenItIsCancelled() async throws {
        let work = Task { await WorkSolver().solve(prefix: "x.", bits: 33) }
        work.cancel()
        #expect(await work.value == nil)
    }
}
