import Logging
import SeckillCore
import SeckillTesting
import Testing

/// What an outage leaves in the log, by counting lines.
struct OutageLogTests {
    private let clock = ManualClock()
    private let log = LogLines()

    private func outage() -> OutageLog {
        OutageLog(log.logger(from: .info), clock: clock, began: "away", ended: "back", metadata: ["what": "it"])
    }

    @Test func anOutageIsTwoLinesHoweverManyCallsFail() {
        let outage = outage()
        for _ in 1...3 { outage.succeeded() }
        #expect(log.lines.isEmpty)
        for number in 1...4000 {
            outage.failed("failure \(number)")
            clock.advance(by: .milliseconds(1))
        }
        outage.succeeded()
        #expect(log.take() == ["warning away error=failure 1 what=it"])
        clock.advance(by: OutageLog.quiet)
        for _ in 1...3 { outage.succeeded() }
        #expect(log.take() == ["notice back seckill.failures=4000 seckill.seconds=3 what=it"])
        outage.failed("another")
        #expect(log.take() == ["warning away error=another what=it"])
    }

    @Test func whatFailsNowAndThenIsOneOutage() {
        let outage = outage()
        for _ in 1...1000 {
            outage.failed("now and then")
            clock.advance(by: OutageLog.quiet - .milliseconds(1))
            outage.succeeded()
        }
        #expect(log.lines.count == 1)
        clock.advance(by: .milliseconds(1))
        outage.succeeded()
        #expect(log.lines.count == 2)
    }

    /// The ledger and the store are away: every buyer is refused, and every service fails at each of its turns.
    @Test func aShopWithoutItsBackendsLogsAFewLines() async throws {
        let faults = Faults(clock: clock)
        let shop = try await Shop(
            stock: 10,
            clock: clock,
            ledger: faults.wrap(MemoryOrderLedger()),
            wrapping: { faults.wrap($0) },
            logger: log.logger(from: .info)
        )
        let link = try await shop.link(for: "alice")
        try await shop.running {
            _ = log.take()
            for call in ["reserve", "snapshots", "receive", "sales", "depth", "expire", "pendingReturns"] {
                faults.inject(.failBefore, into: call, probability: 1)
            }
            for _ in 1...1000 {
                _ = await shop.flashSale.purchase(link.token, of: shop.sale, by: .user(UserID("alice")!))
                _ = await shop.flashSale.link(to: shop.sale, for: .user(UserID("alice")!))
                clock.advance(by: .milliseconds(10))
            }
            let lines = log.take()
            #expect(lines.filter { $0.contains("requests cannot be decided") }.count == 1)
            // The requests, and each service once.
            #expect(lines.count <= 8, "\(lines)")
            faults.heal()
            clock.advance(by: .seconds(10))
            _ = try await shop.buy(link, as: "alice")
            #expect(log.take().filter { $0.contains("requests are decided again seckill.failures=2000") }.count == 1)
        }
    }
}
