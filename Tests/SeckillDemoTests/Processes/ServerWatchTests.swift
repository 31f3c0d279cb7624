import HTTPTypes
import Logging
import SeckillCore
import SeckillTesting
import Testing

@testable import SeckillDemo

/// What a server notices of itself, once for each trouble.
struct ServerWatchTests {
    private struct Lines: LogHandler {
        let lines: Locked<[String]>
        var metadata: Logger.Metadata = [:]
        var metadataProvider: Logger.MetadataProvider?
        var logLevel = Logger.Level.trace

        subscript(metadataKey key: String) -> Logger.Metadata.Value? {
            get { metadata[key] }
            set { metadata[key] = newValue }
        }

        func log(event: LogEvent) { lines.withLock { $0.append("\(event.level) \(event.message)") } }
    }

    private let lines = Locked<[String]>([])
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
            logger: Logger(label: "test") { [lines] _ in Lines(lines: lines) }
        )
    }

    private func said() -> [String] {
        lines.withLock { lines in
            defer { lines = [] }
            return lines
        }
    }

    @Test func aJumpOfTheClockIsSaidOnce() async throws {
        let watch = watch(try await Storefront.selling())
        await watch.look()
        #expect(said().isEmpty)
        for seconds in [86_400, -86_400] {
            jump.withLock { $0 = .seconds(seconds) }
            for _ in 1...3 { await watch.look() }
            let lines = said()
            #expect(lines.count == 1 && lines[0].hasPrefix("error the wall clock has jumped"))
        }
        jump.withLock { $0 = nil }
        for _ in 1...3 { await watch.look() }
        #expect(said().count == 1)
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
        #expect(said() == ["error this node cannot sell"])
        #expect(try await front.send(.post, link, nil, alice).problem == .unavailable)
        trouble.withLock { $0 = nil }
        await watch.look()
        #expect(watch.reasons.isEmpty && said().count == 1)
    }
}
