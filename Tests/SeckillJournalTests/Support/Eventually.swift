import Testing

/// Waits for something that another thread is about to do. Yields, and gives up after half a minute.
func eventually(
    _ comment: Comment,
    _ condition: () async throws -> Bool,
    sourceLocation: SourceLocation = #_sourceLocation
) async throws {
    let clock = ContinuousClock()
    let end = clock.now + .seconds(30)
    while try await !condition() {
        guard clock.now < end else {
            Issue.record(comment, sourceLocation: sourceLocation)
            return
        }
        await Task.yield()
    }
}
