internal import Crypto

/// A Lua script of this library, known to Redis by its SHA-1.
struct RedisScript: Hashable, Sendable {
    let name: String
    let digest: String
    private let source: [UInt8]
    /// The words that every call begins with.
    private let call: [UInt8]

    init(_ name: String, _ source: [UInt8]) {
        self.name = name
        self.source = source
        digest = Insecure.SHA1.hash(data: source).map { byte in
            String(byte >> 4, radix: 16) + String(byte & 15, radix: 16)
        }.joined()
        call = RedisCommand(["EVALSHA", digest]).arguments
    }

    /// A script that calls others: each becomes a local function of its name, its KEYS and ARGV the parameters.
    init(_ name: String, _ source: [UInt8], calling parts: KeyValuePairs<String, [UInt8]>) {
        let functions = parts.flatMap { name, body in
            Array("local function \(name)(KEYS, ARGV)\n".utf8) + body + Array("\nend\n".utf8)
        }
        self.init(name, functions + source)
    }

    /// A script behind the functions of `stock.lua`.
    init(ofStock name: String, _ source: [UInt8]) {
        self.init(name, PackageResources.stock_lua + source)
    }

    var loadCommand: RedisCommand {
        var command: RedisCommand = ["SCRIPT", "LOAD"]
        command.append(source)
        return command
    }

    /// A call with `keys`; append the arguments.
    func call(_ keys: [RedisKey]) -> RedisCommand {
        var command = RedisCommand(reserving: 480)
        command.append(encoded: call, holding: 2)
        command.append(keys.count)
        for key in keys { command.append(key) }
        return command
    }
}

extension RedisScript {
    static let reserve = RedisScript("reserve.lua", PackageResources.reserve_lua)
    static let giveBack = RedisScript(ofStock: "give_back.lua", PackageResources.give_back_lua)
    static let snapshot = RedisScript(ofStock: "snapshot.lua", PackageResources.snapshot_lua)
    static let update = RedisScript(ofStock: "update.lua", PackageResources.update_lua)
    static let claim = RedisScript(ofStock: "claim.lua", PackageResources.claim_lua)
    static let renew = RedisScript("renew.lua", PackageResources.renew_lua)
    static let stage = RedisScript("stage.lua", PackageResources.stage_lua)
    static let install = RedisScript(ofStock: "install.lua", PackageResources.install_lua)
    static let abandon = RedisScript("abandon.lua", PackageResources.abandon_lua)
    static let distrust = RedisScript("distrust.lua", PackageResources.distrust_lua)
    static let acknowledge = RedisScript(ofStock: "acknowledge.lua", PackageResources.acknowledge_lua)
    static let takeOver = RedisScript("take_over.lua", PackageResources.take_over_lua)
    static let deadLetter = RedisScript(ofStock: "dead_letter.lua", PackageResources.dead_letter_lua)
    static let depth = RedisScript("depth.lua", PackageResources.depth_lua)
    static let retire = RedisScript("retire.lua", PackageResources.retire_lua)
    static let append = RedisScript("append.lua", PackageResources.append_lua)
    static let admit = RedisScript("admit.lua", PackageResources.admit_lua)
    static let purchase = RedisScript(
        "purchase.lua",
        PackageResources.purchase_lua,
        calling: [
            "use": PackageResources.session_use_lua, "admit": PackageResources.admit_lua,
            "reserve": PackageResources.reserve_lua,
        ]
    )
    static let createSession = RedisScript("session_create.lua", PackageResources.session_create_lua)
    static let getSession = RedisScript(
        "session_get.lua",
        PackageResources.session_get_lua,
        calling: ["use": PackageResources.session_use_lua]
    )
    static let refreshSession = RedisScript("session_refresh.lua", PackageResources.session_refresh_lua)
    static let revokeSession = RedisScript("session_revoke.lua", PackageResources.session_revoke_lua)
    static let putPage = RedisScript("page_put.lua", PackageResources.page_put_lua)
    static let getPage = RedisScript("page_get.lua", PackageResources.page_get_lua)
    static let ask = RedisScript("challenge_ask.lua", PackageResources.challenge_ask_lua)
    static let readQuestion = RedisScript("challenge_read.lua", PackageResources.challenge_read_lua)
    static let settle = RedisScript("challenge_settle.lua", PackageResources.challenge_settle_lua)
    static let identify = RedisScript("identify.lua", PackageResources.identify_lua)
    static let rights = RedisScript("rights.lua", PackageResources.rights_lua)

    /// What every connection loads before it is used.
    static let all = [
        reserve, giveBack, snapshot, update, claim, renew, stage, install, abandon, distrust, acknowledge, takeOver,
        deadLetter, depth, retire, append, admit, purchase, createSession, getSession, refreshSession, revokeSession,
        putPage, getPage, ask, readQuestion, settle, identify, rights,
    ]
}
