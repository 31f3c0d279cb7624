import SeckillTesting
import Testing

@testable import SeckillCore

@Suite("A table of byte strings")
struct ByteTableTests {
    private func insert(_ texts: [String], into table: inout ByteTable, hash: (UnsafeBufferPointer<UInt8>) -> UInt64) {
        for var text in texts { text.withUTF8 { _ = table.insert($0, hash: hash($0)) } }
    }

    private func number(of text: String, in table: ByteTable, hash: (UnsafeBufferPointer<UInt8>) -> UInt64) -> Int? {
        var text = text
        return text.withUTF8 { table.number(of: $0, hash: hash($0)) }
    }

    @Test("finds every string, however many there are", arguments: [1, 2, 3, 1024, 1025, 5000, 200_000])
    func finds(count: Int) {
        var table = ByteTable()
        let texts = (0..<count).map { "order-\($0)" }
        insert(texts, into: &table, hash: ByteTable.hash)
        #expect(table.count == count)
        #expect(texts.indices.allSatisfy { number(of: texts[$0], in: table, hash: ByteTable.hash) == $0 })
        #expect(number(of: "order-\(count)", in: table, hash: ByteTable.hash) == nil)
        // What an insertion moves is bounded by that.
        #expect(table.largestSegment <= ByteTable.segmentSize)
    }

    @Test("finds strings whose hashes are all the same")
    func collisions() {
        var table = ByteTable()
        let texts = (0..<6000).map { "\($0)" }
        let hash: (UnsafeBufferPointer<UInt8>) -> UInt64 = { _ in 0xABCD_EF01_0000_0000 }
        insert(texts, into: &table, hash: hash)
        #expect(stride(from: 0, to: 6000, by: 97).allSatisfy { number(of: texts[$0], in: table, hash: hash) == $0 })
        #expect(number(of: "none", in: table, hash: hash) == nil)
    }

    @Test("keeps strings that fill a page to its last byte")
    func pages() {
        var table = ByteTable()
        let texts = (0..<3).map { String(repeating: "\($0)", count: 32_768) } + ["", "end"]
        insert(texts, into: &table, hash: ByteTable.hash)
        #expect(texts.indices.allSatisfy { table.strings.text(of: $0) == texts[$0] })
    }

    @Test("is a value: a copy does not see what is added later")
    func copies() {
        var table = ByteTable()
        insert((0..<10_000).map { "a\($0)" }, into: &table, hash: ByteTable.hash)
        let copy = table
        insert((0..<10_000).map { "b\($0)" }, into: &table, hash: ByteTable.hash)
        #expect(copy.count == 10_000)
        #expect(number(of: "b1", in: copy, hash: ByteTable.hash) == nil)
        #expect(number(of: "a9999", in: copy, hash: ByteTable.hash) == 9999)
        #expect(number(of: "b9999", in: table, hash: ByteTable.hash) == 19_999)
    }
}
