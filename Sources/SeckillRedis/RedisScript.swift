internal import Crypto

/// A Lua script of this library, known to Redis by its SHA-1.
struct RedisScript: Hashable, Sendable {
    let name: String
    let digest: String
    private let source: [UInt8]

    init(_ name: String, _ source: [UInt8]) {
        self.name = name
        self.source = source
        digest = Insecure.SHA1.hash(data: source).map { byte in
            String(byte >> 4, radix: 16) + String(byte & 15, radix: 16)
        }.joined()
    }

    var loadCommand: RedisCommand {
        var command: RedisCommand = ["SCRIPT", "LOAD"]
        command.append(source)
        return command
    }

    /// A call with `keys`; append the arguments.
    func call(_ keys: String...) -> RedisCommand {
        var command = RedisCommand(reserving: 512)
        command.append("EVALSHA")
        command.append(digest)
        command.append(keys.count)
        for key in keys { command.append(key) }
        return command
    }
}

extension RedisScript {
    static let reserve = RedisScript("reserve.lua", PackageResources.reserve_lua)
    static let all: [RedisScript] = [reserve]
}
