import ArgumentParser
import NIOPosix
import SeckillCore
import Testing

@testable import SeckillLoad

/// What one buyer makes of a server that does not answer well.
struct VisitTests {
    /// Buys from a server that answers purchases like this, one after the other, and then knows the order or not.
    private func buy(_ purchases: [ScriptedServer.Reaction], isThere: Bool) async throws -> Scoreboard.State {
        let left = Locked(purchases)
        let server = try await ScriptedServer { request in
            switch request {
            case "POST /api/session": .answer(204, "")
            case "POST /api/sales/tea/link": .answer(200, #"{"href":"/buy","order":"o"}"#)
            case "POST /buy": left.withLock { $0.removeFirst() }
            default: isThere ? .answer(200, #"{"order":"o","status":"paid"}"#) : .answer(404, #"{"code":"no_order"}"#)
            }
        }
        let target = try Target("http://127.0.0.1:\(server.port)", sale: "tea", adminToken: nil, isRemoteAllowed: false)
        let plan = Plan(try CrowdOptions.parse([]), arrivals: nil, isPrepared: false, pays: false)
        let scoreboard = Scoreboard()
        let line = Line(target, timeout: .seconds(30), on: MultiThreadedEventLoopGroup.singleton)
        var visit = Visit("alice", at: target, plan, over: line, nil, scoreboard)
        #expect(await visit.prepare(from: .now))
        _ = await visit.buy(from: .now)
        line.close()
        await server.close()
        #expect(left.withLock(\.isEmpty))
        return scoreboard.snapshot
    }

    private static let refused = ScriptedServer.Reaction.answer(409, #"{"code":"sold_out"}"#)
    private static let undecided = ScriptedServer.Reaction.answer(503, #"{"code":"unavailable"}"#)
    private static let inDoubt = [
        [.end, refused], [undecided, refused], [undecided, undecided, undecided, undecided], [.end, .end, .end, .end],
    ]

    @Test(arguments: inDoubt) func anOrderInDoubtIsLookedUp(_ purchases: [ScriptedServer.Reaction]) async throws {
        let found = try await buy(purchases, isThere: true)
        #expect(found.acknowledged == ["o"] && found.unknown.isEmpty)
        let lost = try await buy(purchases, isThere: false)
        #expect(lost.acknowledged.isEmpty && lost.unknown == ["o"])
    }

    @Test func aRefusalAtOnceIsNoDoubt() async throws {
        let state = try await buy([Self.refused], isThere: false)
        #expect(state.acknowledged.isEmpty && state.unknown.isEmpty)
    }
}
