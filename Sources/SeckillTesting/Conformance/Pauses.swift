internal import SeckillCore

/// Runs `body` and watches the machine meanwhile. The longest time for which nothing here was run at all.
///
/// Where time passes for real, a check that failed while the machine stood still has shown nothing.
func watchingForPauses(
    _ body: @Sendable () async throws -> Void
) async -> (result: Result<Void, any Error>, longest: Duration) {
    let clock = SystemClock()
    return await withTaskGroup(of: Duration.self) { group in
        group.addTask {
            var longest = Duration.zero
            var last = clock.uptime
            while !Task.isCancelled {
                try? await clock.sleep(for: .milliseconds(10))
                longest = max(longest, clock.uptime - last)
                last = clock.uptime
            }
            return longest
        }
        let result: Result<Void, any Error>
        do {
            result = .success(try await body())
        } catch {
            result = .failure(error)
        }
        group.cancelAll()
        return (result, await group.next() ?? .zero)
    }
}
