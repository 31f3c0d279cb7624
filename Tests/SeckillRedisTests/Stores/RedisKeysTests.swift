import Testing

@testable import SeckillRedis

@Suite struct RedisKeysTests {
    private let keys = RedisKeys(prefix: "shop:")

    @Test func noLimitSharesACallersKeyWithAnother() {
        #expect(keys.rate("requests", "alice").text == "shop:seckill:rate:requests:alice")
        let names = ["a", "a:b", "a:", "a%3Ab", "a%", ""]
        let texts = names.flatMap { name in ["b:c", "c", ":c", "", "b:"].map { keys.rate(name, $0).text } }
        #expect(Set(texts).count == texts.count)
    }

    @Test(arguments: ["", "shop:", "{shop}", "a{shop}{}", "}{x}", "{"]) func aPrefixMayHoldAHashTag(_ prefix: String) {
        #expect(RedisKeys.keepsSalesTogether(prefix))
    }

    @Test(arguments: ["{}", "a{}b{c}"]) func aPrefixMayNotHoldAnEmptyTag(_ prefix: String) {
        #expect(!RedisKeys.keepsSalesTogether(prefix))
    }
}
