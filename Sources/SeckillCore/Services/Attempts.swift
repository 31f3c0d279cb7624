/// Attempts at many things, of which none that fails keeps the others from their turn.
struct Attempts {
    /// What failed first.
    private(set) var failure: (any Error)?

    /// Whether `body` succeeded.
    /// - Throws: `CancellationError`, at once.
    mutating func make(_ body: () async throws -> Void) async throws -> Bool {
        do {
            try await body()
            return true
        } catch let error as CancellationError {
            throw error
        } catch {
            failure = failure ?? error
            return false
        }
    }

    /// Once all have had their turn: throws what failed first.
    func end() throws {
        if let failure { throw failure }
    }
}
