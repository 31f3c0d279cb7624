internal import SeckillCore

/// Which commands may not use a connection that others share: those that block it, change what it is for everybody
/// after them, or answer otherwise than once.
enum CommandPolicy {
    private static let blocking: Set<String> = [
        "BLPOP", "BRPOP", "BLMOVE", "BRPOPLPUSH", "BLMPOP", "BZPOPMIN", "BZPOPMAX", "BZMPOP", "WAIT", "WAITAOF",
    ]
    private static let stateful: Set<String> = [
        "AUTH", "HELLO", "SELECT", "RESET", "QUIT", "MULTI", "EXEC", "DISCARD", "WATCH", "UNWATCH", "CLIENT",
        "ASKING", "READONLY", "READWRITE",
    ]
    private static let streaming: Set<String> = [
        "SUBSCRIBE", "PSUBSCRIBE", "SSUBSCRIBE", "UNSUBSCRIBE", "PUNSUBSCRIBE", "SUNSUBSCRIBE", "MONITOR",
        "SYNC", "PSYNC", "REPLCONF",
    ]

    static func check(_ command: RedisCommand) throws(SeckillError) {
        guard let first = command.name else { throw SeckillError(.invalid, "a command needs a name") }
        guard !first.isEmpty, first.allSatisfy(isOfName) else {
            throw SeckillError(.invalid, "a command's name is of letters, digits, dots, underscores and hyphens")
        }
        let name = String(decoding: first, as: UTF8.self).uppercased()
        if blocking.contains(name) || isBlockingRead(name, command) {
            throw SeckillError(.invalid, "\(name) would block everybody on this connection; open one of your own")
        }
        if stateful.contains(name) || isDebugging(name, command) {
            throw SeckillError(.invalid, "\(name) would change this connection for everybody; open one of your own")
        }
        if streaming.contains(name) {
            throw SeckillError(.invalid, "\(name) does not answer once; open a connection of your own")
        }
    }

    private static func isOfName(_ byte: UInt8) -> Bool {
        Base64URL.allows(byte) || byte == UInt8(ascii: ".")
    }

    /// XREAD and XREADGROUP with the option BLOCK, which may stand before STREAMS only.
    private static func isBlockingRead(_ name: String, _ command: RedisCommand) -> Bool {
        guard name == "XREAD" || name == "XREADGROUP" else { return false }
        var options = command.words.dropFirst()
        while let option = options.popFirst() {
            switch String(decoding: option, as: UTF8.self).uppercased() {
            case "BLOCK": return true
            case "STREAMS": return false
            case "GROUP": options = options.dropFirst(2)
            case "COUNT": options = options.dropFirst()
            default: break
            }
        }
        return false
    }

    private static func isDebugging(_ name: String, _ command: RedisCommand) -> Bool {
        name == "SCRIPT"
            && command.words.dropFirst().first.map { String(decoding: $0, as: UTF8.self).uppercased() } == "DEBUG"
    }
}
