import ArgumentParser
import Testing

@testable import SeckillLoad

struct ReportTests {
    private func report(sale: String = "s", arrivals: Double? = nil, _ fill: (Scoreboard) -> Void) throws -> Report {
        let scoreboard = Scoreboard()
        scoreboard.begin(at: .now)
        fill(scoreboard)
        let crowd = try CrowdOptions.parse(["--buyers", "2", "--loops", "1"])
        return Report(
            target: try Target("http://localhost", sale: sale, adminToken: nil, isRemoteAllowed: false),
            plan: Plan(crowd, arrivals: arrivals, isPrepared: false, pays: false),
            state: scoreboard.snapshot,
            preparation: scoreboard.snapshot,
            elapsed: .seconds(2),
            isComplete: false,
            work: nil,
            exactness: nil
        )
    }

    @Test func rowsAreStepsInTheirOrder() throws {
        let report = try report { board in
            board.add(.purchase, .refused("sold_out"), from: .now)
            board.add(.session, .done, from: .now)
            board.endPurchase()
        }
        #expect(report.rows.map(\.step) == [.session, .purchase])
        #expect(report.rows[1].rate == 0.5)
        #expect(report.text.contains("\npurchase not done: sold_out 1"))
        #expect(report.text.contains("before the clock ran, purchase not done: sold_out 1"))
        #expect(report.headline.hasSuffix("ended early"))
    }

    @Test func theHTMLNeedsNothingElseAndNamesAreInert() throws {
        let html = try report(sale: "<script>") { $0.add(.purchase, .failed("a<b"), from: .now) }.html
        #expect(!html.contains("<script") && html.contains("&lt;script>") && html.contains("a&lt;b"))
        #expect(!html.contains("http:") && !html.contains("src=") && !html.contains("@import"))
        #expect(html.contains("<svg"))
    }

    @Test func anOpenLoopIsCorrectWhereItIsTimedFromWhenItWasDue() throws {
        let steps: [Step] = [.session, .purchase, .visit]
        let fill: (Scoreboard) -> Void = { board in for step in steps { board.add(step, .done, from: .now) } }
        #expect(try report(fill).rows.allSatisfy { $0.corrected99 != nil })
        let open = try report(arrivals: 10, fill)
        #expect(open.rows.map { $0.corrected99 != nil } == [true, false, true])
        #expect(open.text.contains(/\npurchase .* -\n/) && open.html.contains("<td>-"))
    }

    @Test func nothingSeenIsAReportToo() throws {
        let report = try report { _ in }
        #expect(report.rows.isEmpty && report.html.contains("<svg") && !report.html.contains("nan"))
    }
}
