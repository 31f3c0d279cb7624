import Testing

@testable import SeckillJournal

@Suite("The journal's format")
struct FormatTests {
    static let known: [([UInt8], UInt32)] = [
        (Array("123456789".utf8), 0xE306_9283),
        ([UInt8](repeating: 0, count: 32), 0x8A91_36AA),
        ([UInt8](repeating: 0xFF, count: 32), 0x62A8_AB43),
        ((0..<32).map { UInt8($0) }, 0x46DD_794E),
        ((0..<32).reversed().map { UInt8($0) }, 0x113F_DB5C),
        ([], 0),
    ]

    @Test("CRC32C agrees with the check value and the examples of RFC 3720", arguments: known)
    func checksum(bytes: [UInt8], expected: UInt32) {
        #expect(bytes.withUnsafeBytes { CRC32C.checksum(of: $0) } == expected)
        // In any two pieces it is the same.
        for cut in bytes.indices {
            let head = bytes[..<cut].withUnsafeBytes { CRC32C.checksum(of: $0) }
            #expect(bytes[cut...].withUnsafeBytes { CRC32C.checksum(of: $0, after: head) } == expected)
        }
    }
}
