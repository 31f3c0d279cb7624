import SeckillCore
import Testing

@testable import SeckillRedis

@Suite struct RedisFailureTests {
    private static let wrapped = "ERR Error running script (call to f_8d2cd7b4b3bd3d3a0b2bc6a1c5e2a1b2a7a3c4d5): "

    @Test(arguments: [
        ("OOM command not allowed when used memory > 'maxmemory'.", "OOM"),
        (wrapped + "@user_script:43: @user_script: 43: -OOM command not allowed when used memory is full", "OOM"),
        (wrapped + "@user_script:12: WRONGTYPE Operation against a key holding the wrong kind of value", "WRONGTYPE"),
        (wrapped + "@user_script:9: -READONLY You can't write against a read only replica.", "READONLY"),
        (wrapped + "@user_script:9: -MISCONF Errors writing to the AOF file: No space left on device", "MISCONF"),
        (wrapped + "@user_script:20: user_script:20: attempt to compare nil with number", "ERR"),
        ("ERR settled is no number", "ERR"), ("NOSCRIPT No matching script. Please use EVAL.", "NOSCRIPT"), ("", ""),
    ])
    func isKnownByWhatWentWrongInTheScript(_ message: String, _ cause: String) {
        #expect(RedisError(message).cause == cause)
    }

    @Test func aFullServerIsNoDamage() {
        let error = RedisError(Self.wrapped + "@user_script:43: -OOM command not allowed")
        #expect(!error.isOfDamagedData && error.asSeckillError.code == .overloaded)
    }
}
