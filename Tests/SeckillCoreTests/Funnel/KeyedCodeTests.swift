import Testing

@testable import SeckillCore

/// RFC 4231, cases 1 and 2.
struct KeyedCodeTests {
    @Test(arguments: [
        (
            Array(repeating: 0x0B as UInt8, count: 20), "Hi There",
            "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"
        ),
        (
            Array("Jefe".utf8), "what do ya want for nothing?",
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
        ),
    ])
    func isHMAC(_ key: [UInt8], _ text: String, _ expected: String) {
        let keyed = KeyedCode(key: key)
        // In any number of pieces, and any number of times.
        for pieces in 1...3 {
            var code = keyed
            var rest = Array(text.utf8)[...]
            for piece in 1...pieces {
                let next = piece == pieces ? rest : rest.prefix(3)
                next.withUnsafeBytes { code.update($0) }
                rest = rest.dropFirst(next.count)
            }
            let hex = code.withCode { $0.map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }.joined() }
            #expect(hex == expected)
        }
    }
}
