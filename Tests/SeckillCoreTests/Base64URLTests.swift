import SeckillCore
import SeckillTesting
import Testing

struct Base64URLTests {
    @Test func whatIsEncodedIsDecoded() {
        let random = SeededRandom(1)
        for length in stride(from: 0, through: 300, by: 3) {
            let bytes = random.bytes(length)
            #expect(Base64URL.decode(Array(Base64URL.encode(bytes).utf8)) == bytes)
        }
        #expect(Base64URL.encode(Array("swift-".utf8) + [0xFB, 0xFF, 0xBF]) == "c3dpZnQt-_-_")
    }

    @Test(arguments: ["a", "ab", "abc", "abc=", "abcde", "ab+d", "ab/d", "ab d", "abcé"])
    func whatIsNotEncodedIsNotDecoded(text: String) {
        #expect(Base64URL.decode(Array(text.utf8)) == nil)
    }
}
