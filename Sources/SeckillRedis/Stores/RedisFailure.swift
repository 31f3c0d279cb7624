internal import SeckillCore

/// What a store makes of Redis's refusals. Scripts check everything before they write, so a refusal means that nothing
/// happened.
extension RedisError {
    var asSeckillError: SeckillError {
        kind == "OOM"
            ? SeckillError(.overloaded, "Redis is at its memory limit", underlying: self)
            : SeckillError(.unavailable, "Redis refuses", underlying: self)
    }

    /// Whether the server is no longer what was checked when the connection was made.
    var isOfAnotherServer: Bool { ["NOSCRIPT", "READONLY", "MASTERDOWN", "LOADING"].contains(kind) }

    /// Whether what a script needs is not there or not what it was: the data were replaced or tampered with.
    var isOfDamagedData: Bool { ["WRONGTYPE", "NOSCRIPT", "NOGROUP", "ERR"].contains(kind) }
}

extension RedisConnection {
    /// For what is no part of a sale. Errors as protocols of SeckillCore promise them.
    func ask(_ command: RedisCommand) async throws -> RedisValue {
        let session = try session()
        do {
            return try await perform(command, on: session)
        } catch let error as RedisError {
            throw failure(error, on: session)
        }
    }

    func failure(_ error: RedisError, on session: RedisSession) -> SeckillError {
        if error.isOfAnotherServer { suspect(session) }
        return error.asSeckillError
    }
}
