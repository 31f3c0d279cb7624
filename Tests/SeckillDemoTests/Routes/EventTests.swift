import HTTPTypes
import NIOCore
import SeckillCore
import SeckillTesting
import ServiceLifecycle
import Testing

@testable import SeckillDemo

struct EventTests {
    /// Opens a stream on a connection of its own.
    private func listen(_ port: Int, _ buyer: HTTPFields = [:]) async throws -> RawConnection {
        try await RawConnection.listening(to: "tea", at: port, buyer)
    }

    private func events(_ name: String, in text: String) -> [JSON] {
        text.replacing("\r\n", with: "\n").split(separator: "event: \(name)\ndata: ").dropFirst().map {
            (try? JSONReader.read($0.prefix { $0 != "\n" }.utf8)) ?? .null
        }
    }

    @Test func aStreamEndsAfterAWhileSoThatItsCallerIsLookedAtAnew() async throws {
        let front = try await Storefront.selling()
        let heard = try await front.whileServing { port, _ in
            let connection = try await listen(port, front.logIn("alice"))
            #expect(await eventually { front.shop.events.listenerCount == 1 })
            #expect(
                await eventually(within: .seconds(30)) {
                    front.clock.advance(by: .seconds(3))
                    return front.shop.events.listenerCount == 0
                }
            )
            // Not cut off, as a reader that does not read is.
            #expect(await eventually { connection.heard.hasSuffix("\r\n0\r\n\r\n") })
            return connection.heard
        }
        #expect(heard.replacing("\r\n", with: "\n").split(separator: ":\n\n").count > 30)
    }

    @Test func salesAndOnesOwnOrdersAreToldAndTheEndOfTheServerEndsIt() async throws {
        let front = try await Storefront.selling()
        let alice = try await front.logIn("alice")
        let bob = try await front.logIn("bob")
        let (mine, others, strangers) = try await front.whileServing { port, server in
            let connections = (try await listen(port, alice), try await listen(port, bob), try await listen(port))
            #expect(await eventually { front.shop.events.listenerCount == 3 })
            let order = try await front.send(.post, front.link("tea", alice), nil, alice)["order"].text!
            // Paid before she is told that it awaits payment, she would hear only the latest.
            #expect(
                await eventually {
                    front.clock.advance(by: .milliseconds(250))
                    return connections.0.heard.contains("awaiting_payment")
                }
            )
            let paid = try await eventually {
                front.clock.advance(by: .milliseconds(250))
                return try await front.send(.post, "/api/orders/\(order)/payment", nil, alice).status == 200
            }
            #expect(paid)
            _ = try await front.admin(.post, "/admin/sales/tea/pause")
            #expect(
                await eventually {
                    front.clock.advance(by: .milliseconds(250))
                    return [connections.0, connections.1, connections.2].allSatisfy { $0.heard.contains("paused") }
                }
            )
            await server.triggerGracefulShutdown()
            return (
                try await connections.0.heardAtTheEnd(), try await connections.1.heardAtTheEnd(),
                try await connections.2.heardAtTheEnd()
            )
        }
        for heard in [mine, others, strangers] {
            #expect(heard.hasPrefix("HTTP/1.1 200"))
            #expect(heard.lowercased().contains("content-type: text/event-stream"))
            #expect(heard.lowercased().contains("cache-control: no-store"))
            let sales = events("sale", in: heard)
            #expect(
                sales.first?["state"] == "open" && sales.first?["remaining"] == 3
                    && sales.first?["serverTime"].text != nil
            )
            #expect(sales.last?["state"] == "paused" && sales.last?["remaining"] == 2)
            // Ended as HTTP has it, not cut off.
            #expect(heard.hasSuffix("0\r\n\r\n"))
        }
        #expect(events("order", in: mine).map { $0["status"] } == ["awaiting_payment", "paid"])
        #expect(events("order", in: others).isEmpty && events("order", in: strangers).isEmpty)
        #expect(front.shop.events.listenerCount == 0)
    }

    @Test func theStreamOfNoSaleIsAProblem() async throws {
        let front = try await Storefront.selling()
        #expect(try await front.send(.get, "/api/sales/none/events").problem == .noSale)
        #expect(try await front.send(.post, "/api/sales/tea/events").problem == .methodNotAllowed)
        #expect(try await front.send(.head, "/api/sales/tea/events").fields[.contentType] == "text/event-stream")
        #expect(front.shop.events.listenerCount == 0)
    }

    @Test func aCommentKeepsTheStreamAlive() async throws {
        let front = try await Storefront.selling()
        try await front.whileServing { port, _ in
            let connection = try await listen(port)
            #expect(await eventually { connection.heard.contains("event: sale") })
            #expect(!connection.heard.contains(":\n\n"))
            // In steps that leave it time to take one comment before the next.
            #expect(
                await eventually {
                    front.clock.advance(by: .milliseconds(250))
                    return connection.heard.contains(":\n\n")
                }
            )
            await connection.close()
            // Gone is noticed when something is sent.
            #expect(
                await eventually {
                    front.clock.advance(by: .seconds(15))
                    return front.shop.events.listenerCount == 0
                }
            )
        }
    }

    /// Whoever takes nothing between two comments is dropped; the others do not notice.
    @Test func aSlowReaderIsDropped() async throws {
        let front = try await Storefront.selling()
        let hub = front.shop.events
        let working = Task { try await hub.run() }
        defer { working.cancel() }
        let sale = SaleID("tea")!
        let slow = Task {
            try await hub.listen(to: sale, as: nil) { _ in
                // A send that hangs until it is cancelled.
                while !Task.isCancelled { await Task.yield() }
                throw CancellationError()
            }
        }
        let taken = Locked(0)
        let quick = Task {
            try await hub.listen(to: sale, as: nil) { mailbox in
                while await mailbox.next() != nil { taken.withLock { $0 += 1 } }
            }
        }
        #expect(await eventually { hub.listenerCount == 2 })
        #expect(
            await eventually {
                front.clock.advance(by: .seconds(15))
                for _ in 0..<100 { await Task.yield() }
                return hub.listenerCount == 1
            }
        )
        await #expect(throws: EventHub.SlowReader.self) { try await slow.value }
        #expect(taken.withLock { $0 } >= 1)
        quick.cancel()
        _ = try? await quick.value
        #expect(hub.listenerCount == 0)
    }

    @Test func aMailboxKeepsTheLatestOfEachThing() async throws {
        let mailbox = EventMailbox()
        let order = OrderID("tea.1.AAAAAAAAAAAA.BBBBBBBBBBBB")!
        for number in 0..<10_000 {
            mailbox.put(sale: ByteBuffer(string: "sale \(number)\n"))
            mailbox.put(ByteBuffer(string: "order \(number)\n"), of: order)
        }
        #expect(mailbox.greet())
        #expect(!mailbox.greet())
        let events = await mailbox.next()
        #expect(events.map { String(buffer: $0) } == ":\n\nsale 9999\norder 9999\n")
        #expect(mailbox.greet())
        _ = await mailbox.next()
        let waiting = Task { await mailbox.next() }
        mailbox.close()
        let (waited, later) = (await waiting.value, await mailbox.next())
        #expect(waited == nil && later == nil)
    }
}
