internal import HTTPTypes
internal import Hummingbird
internal import NIOCore
internal import SeckillCore

/// What happens to a sale and to the caller's orders in it, as it happens.
struct EventRoutes: Sendable {
    let flashSale: FlashSale
    let visitors: Visitors
    let events: EventHub

    var resources: [Resource] { [Resource("/api/sales/{sale}/events", [.get: listen])] }

    private func listen(_ call: Call) async throws -> Response {
        try events.requireRoom()
        guard let sale = call.sale, try await flashSale.status(of: sale) != nil else { throw Problem(.noSale) }
        let user = try await flashSale.user(for: visitors.caller(of: call))
        return Response(
            status: .ok,
            // nginx and its like would keep events until they fill a buffer.
            headers: [
                .contentType: "text/event-stream", .cacheControl: "no-store",
                HTTPField.Name("X-Accel-Buffering")!: "no",
            ],
            body: ResponseBody { writer in
                // Handed to one task alone, which is over before the writer is used again.
                nonisolated(unsafe) var stream = writer
                try await events.listen(to: sale, as: user) { mailbox in
                    // Listening already, so that nothing falls between this look and the first event.
                    if let status = try await flashSale.status(of: sale) {
                        mailbox.put(sale: EventHub.event("sale", .sale(status)))
                    }
                    while let events = await mailbox.next() { try await stream.write(events) }
                }
                try await writer.finish(nil)
            }
        )
    }
}
