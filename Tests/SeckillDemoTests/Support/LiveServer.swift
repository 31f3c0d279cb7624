import NIOCore
import SeckillCore
import ServiceLifecycle

@testable import SeckillDemo

extension Storefront {
    /// Serves on a port of its own while `body` runs, then shuts down gracefully. Time is the machine's where limits
    /// are concerned.
    func whileServing<Result: Sendable>(
        limits: ConnectionGuard.Limits = ConnectionGuard.Limits(),
        isHot: Bool = true,
        _ body: (_ port: Int, _ server: ServiceGroup) async throws -> Result
    ) async throws -> Result {
        let (ports, port) = AsyncStream.makeStream(of: Int.self)
        let web = shop.application(limits: limits, isHot: isHot) { port.yield($0) }
        let server = ServiceGroup(
            configuration: ServiceGroupConfiguration(services: shop.services(around: web), logger: shop.logger)
        )
        return try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                defer { port.finish() }
                try await server.run()
            }
            guard let port = await ports.first(where: { _ in true }) else {
                try await group.waitForAll()
                throw CancellationError()
            }
            do {
                let result = try await body(port, server)
                await server.triggerGracefulShutdown()
                try await group.waitForAll()
                return result
            } catch {
                await server.triggerGracefulShutdown()
                throw error
            }
        }
    }
}
