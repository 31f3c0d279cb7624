import Logging
import SeckillCore
import SeckillTesting
import Testing

/// An answer is worth a link: it is used up by nothing else.
struct ChallengedTests {
    /// Asks for a word that everybody knows.
    private struct Riddle: Puzzle {
        var kind: String { "riddle" }
        func make(from random: any RandomSource) -> (fields: [String: String], solution: String) { ([:], "echo") }
        func accepts(_ answer: String, for solution: String) -> Bool { answer == solution }
    }

    private let faults: Faults
    private let stock: MemoryStockStore
    private let flashSale: FlashSale
    private let sale = SaleID("phone")!

    init() async throws {
        let clock = ManualClock()
        faults = Faults(clock: clock)
        stock = MemoryStockStore(clock: clock)
        flashSale = FlashSale(
            stock: faults.wrap(stock),
            ledger: MemoryOrderLedger(),
            sessions: MemorySessionStore(clock: clock),
            challenges: [MemoryChallenge(Riddle(), clock: clock)],
            signer: try Shop.signer(),
            clock: clock,
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        )
        _ = try await flashSale.create(Sale(id: sale, title: "Phone", price: 1, stock: 1, opensAt: clock.now))
        faults.inject(.delay(.zero), into: "snapshots", probability: 1)
    }

    private func link(_ session: SessionToken, _ answer: ChallengeAnswer?) async -> String {
        switch await flashSale.link(to: sale, for: .session(session), answer: answer) {
        case .granted: "granted"
        case .refused(let refusal): refusal.reason
        }
    }

    @Test func anAnswerIsNotUsedUpWhileNoLinkCanBeGiven() async throws {
        let session = try #require(await flashSale.logIn(UserID("alice")!).token)
        let prompt = try #require(await flashSale.challenge("riddle", for: session)?.prompt)
        let answer = ChallengeAnswer(id: prompt.id, text: "echo")
        faults.inject(.failBefore, into: "snapshots", calls: 1...1)
        #expect(await link(session, answer) == "unavailable")
        try await stock.distrust(sale, epoch: 1)
        #expect(await link(session, answer) == "unavailable")
        _ = try await flashSale.create(try #require(try await flashSale.status(of: sale)).record.sale)
        #expect(await link(session, answer) == "granted")
        #expect(await link(session, answer) == "challenge_failed")
    }

    @Test func whoeverDoesNotAnswerCostsTheStoreNothing() async throws {
        let session = try #require(await flashSale.logIn(UserID("alice")!).token)
        let before = faults.count(of: "snapshots")
        #expect(await link(session, nil) == "challenge_failed")
        #expect(faults.count(of: "snapshots") == before)
    }
}
