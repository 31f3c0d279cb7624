internal import SeckillCore

/// What a store makes of Redis's refusals. Scripts check everything before they write, so a refusal means that nothing
/// happened.
extension RedisError {
    var asSeckillError: SeckillError {
        if isOfMissingRights {
            return SeckillError(
                .unavailable,
                "Redis denies its user a command, key or channel; Docs/Redis.md lists the rights that are needed",
                underlying: self
            )
        }
        return cause == "OOM"
            ? SeckillError(.overloaded, "Redis is at its memory limit", underlying: self)
            : SeckillError(.unavailable, "Redis refuses", underlying: self)
    }

    /// Whether the server is no longer what was checked when the connection was made.
    var isOfAnotherServer: Bool { ["NOSCRIPT", "READONLY", "MASTERDOWN", "LOADING"].contains(cause) }

    /// Whether what a script needs is not there or not what it was: the data were replaced or tampered with. A refusal of
    /// any other kind lasts whatever is rebuilt.
    var isOfDamagedData: Bool {
        switch cause {
        case "WRONGTYPE", "NOSCRIPT", "NOGROUP", "DAMAGED": true
        case "ERR":
            // What a script stumbles over in the data; and a stream whose last id somebody has set, which takes no more.
            message.contains("user_script:") && message.contains(" attempt to ")
                || message.contains("exhausted the last possible ID")
        default: false
        }
    }

    /// Whether the user that this client logs in as may not do what it asked for.
    var isOfMissingRights: Bool {
        ["NOPERM", "NOAUTH", "WRONGPASS"].contains(cause) || message.contains("executing the script can't")
    }

    /// The kind of the error, of one within a script too. Before Redis 7 that stands behind where it happened:
    /// `ERR Error running script (call to f_…): @user_script:12: -OOM command not allowed …`.
    var cause: Substring {
        guard message.hasPrefix("ERR Error running script") else { return kind }
        for mark in message.ranges(of: ": ") {
            let rest = message[mark.upperBound...].drop { $0 == "-" }
            let word = rest.prefix { $0.isASCII && $0.isUppercase }
            if !word.isEmpty, rest.dropFirst(word.count).first ?? " " == " " { return word }
        }
        return kind
    }
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
