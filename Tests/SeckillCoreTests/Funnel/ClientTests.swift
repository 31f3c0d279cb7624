import Logging
import SeckillCore
import SeckillTesting
import Testing

/// What one client may ask for, and what is told of the session store before it is full.
struct ClientTests {
    private let clock = ManualClock()
    private let log = LogLines()
    private let flashSale: FlashSale
    private let alice = UserID("alice")!

    private struct Riddle: Puzzle {
        let kind = "riddle"
        func make(from random: any RandomSource) -> (fields: [String: String], solution: String) { ([:], "x") }
        func accepts(_ answer: String, for solution: String) -> Bool { answer == solution }
    }

    init() throws {
        flashSale = FlashSale(
            stock: MemoryStockStore(clock: clock),
            ledger: MemoryOrderLedger(),
            sessions: MemorySessionStore(clock: clock, limit: 1000),
            limiter: MemoryRateLimiter(Rate(2, per: .seconds(10))!, clock: clock),
            clientLimiter: MemoryRateLimiter(Rate(3, per: .seconds(60))!, clock: clock),
            challenges: [MemoryChallenge(Riddle(), clock: clock)],
            signer: try Shop.signer(),
            clock: clock,
            logger: log.logger(from: .info)
        )
    }

    @Test func loginsAreLimitedByClient() async {
        for _ in 1...3 { #expect(await flashSale.logIn(alice, from: "1.2.3.4").token != nil) }
        for _ in 1...3 {
            let refused = LoginOutcome.refused(.rateLimited(retryAfter: .seconds(60)))
            #expect(await flashSale.logIn(alice, from: "1.2.3.4") == refused)
        }
        #expect(await flashSale.logIn(alice, from: "1.2.3.5").token != nil)
        #expect(await flashSale.logIn(alice).token != nil)
        clock.advance(by: .seconds(60))
        #expect(await flashSale.logIn(alice, from: "1.2.3.4").token != nil)
    }

    @Test func challengesAreLimitedByUserAndClientApartFromAllElse() async throws {
        let session = try #require(await flashSale.logIn(alice, from: "a").token)
        let other = try #require(await flashSale.logIn(alice, from: "a").token)
        #expect(await flashSale.challenge("riddle", for: session, from: "a")?.prompt != nil)
        #expect(await flashSale.challenge("riddle", for: other, from: "a")?.prompt != nil)
        let byUser = ChallengeOutcome.refused(.rateLimited(retryAfter: .seconds(10)))
        #expect(await flashSale.challenge("riddle", for: session, from: "b") == byUser)
        clock.advance(by: .seconds(10))
        #expect(await flashSale.challenge("riddle", for: session, from: "a")?.prompt != nil)
        let byClient = ChallengeOutcome.refused(.rateLimited(retryAfter: .seconds(50)))
        #expect(await flashSale.challenge("riddle", for: session, from: "a") == byClient)
        // The client has a login left: they are counted apart.
        #expect(await flashSale.logIn(alice, from: "a").token != nil)
        #expect(await flashSale.challenge("riddle", for: nil) == .refused(.noSession))
        #expect(await flashSale.challenge("sum", for: session) == nil)
    }

    @Test func aStoreThatFillsUpIsToldOnceAndInTime() async throws {
        let work = Task { try await flashSale.run() }
        defer { work.cancel() }
        func look() async throws -> [String] {
            let asleep = clock.sleeperCount
            clock.advance(by: .seconds(10))
            for _ in 0..<2000 where clock.sleeperCount < asleep { await Task.yield() }
            for _ in 0..<200 { await Task.yield() }
            return log.take().filter { $0.contains("sessions:") }
        }
        try await clock.waitForSleepers(6)
        var tokens: [SessionToken] = []
        for number in 0..<799 { tokens.append(try #require(await flashSale.logIn(UserID("u\(number)")!).token)) }
        #expect(try await look().isEmpty)
        tokens.append(try #require(await flashSale.logIn(alice).token))
        #expect(try await look().count == 1)
        #expect(try await look().isEmpty)
        for token in tokens[..<101] { try await flashSale.logOut(token) }
        #expect(try await look().map { $0.hasPrefix("notice") } == [true])
    }
}
