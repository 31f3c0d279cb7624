import HTTPTypes
import Logging
import SeckillCore
import SeckillTesting
import Testing

@testable import SeckillDemo

/// What a server notices of itself, once for each trouble.
struct ServerWatchTests {
    private let log = LogLines()
    private let trouble = Locked<SeckillError?>(nil)
    private let jump = Locked<Duration?>(nil)

    private func watch(_ front: Storefront) -> ServerWatch {
        ServerWatch(
            flashSale: front.shop.flashSale,
            stock: front.shop.backends.stock,
            checkLedger: { [trouble] in if let error = trouble.withLock(\.self) { throw error } },
            files: nil,
            nodes: nil,
            clock: front.clock,
            jump: { [jump] in jump.withLock(\.self) },
            logger: log.logger()
        )
    }

    @Test func aJumpOfTheClockIsSaidOnce() async throws {
        let watch = watch(try await Storefront.selling())
        await watch.look()
        #expect(log.take().isEmpty)
        for seconds in [86_400, -86_400] {
            jump.withLock { $0 = .seconds(seconds) }
            for _ in 1...3 { await watch.look() }
            let lines = log.take()
            #expect(lines.count == 1 && lines[0].hasPrefix("error the wall clock has jumped"))
        }
        jump.withLock { $0 = nil }
        for _ in 1...3 { await watch.look() }
        #expect(log.take().count == 1)
        // Deadlines go by another clock: it is no reason not to sell.
        #expect(watch.reasons.isEmpty)
    }

    @Test func aLedgerThatIsGoneClosesTheSales() async throws {
        let front = try await Storefront.selling()
        let alice = try await front.logIn("alice")
        let link = try await front.link("tea", alice)
        let watch = watch(front)
        trouble.withLock { $0 = SeckillError(.unavailable, "removed") }
        for _ in 1...3 { await watch.look() }
        #expect(watch.reasons == ["removed"])
        #expect(log.take() == ["error this node cannot sell seckill.reason=removed"])
        #expect(try await front.send(.post, link, nil, alice).problem == .unavailable)
        trouble.withLock { $0 = nil }
        await watch.look()
        #expect(watch.reasons.isEmpty && log.take().count == 1)
    }
}
