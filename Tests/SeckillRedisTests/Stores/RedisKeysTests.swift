import SeckillCore
import Testing

@testable import SeckillRedis

@Suite struct RedisKeysTests {
    private let keys = RedisKeys(namespace: "shop", database: 3)

    @Test func noLimitSharesACallersKeyWithAnother() {
        #expect(keys.rate("requests", "alice").text == "seckill:shop:rate:requests:alice")
        let names = ["a", "a:b", "a:", "a%3Ab", "a%", ""]
        let texts = names.flatMap { name in ["b:c", "c", ":c", "", "b:"].map { keys.rate(name, $0).text } }
        #expect(Set(texts).count == texts.count)
    }

    @Test func everythingIsInTheNamespace() {
        let sale = SaleID("sale")!
        let texts =
            [
                keys.waiting(.sample), keys.server, keys.restocks, keys.orders(of: sale),
                keys.orders(of: UserID("sale")!), keys.stock(sale),
                keys.staged(sale, "t"),
                keys.claim(sale),
                keys.outbox(sale, 1), keys.dead(.sample), keys.session("d"), keys.rate("r", "u"), keys.page("p"),
                keys.challenges("k", of: "d"), keys.queue("q"), keys.deadQueue("q"),
            ].map(\.text) + keys.rights.map(\.text)
        #expect(texts.allSatisfy { $0.hasPrefix("seckill:shop:") })
        #expect(Set(texts).count == texts.count)
        #expect(keys.stock(sale).text == "seckill:shop:{sale}:stock")
    }

    /// Redis knows channels by their names only, in all its databases.
    @Test func channelsNameTheDatabase() {
        let elsewhere = RedisKeys(namespace: "shop", database: 4)
        #expect(
            keys.restocks != elsewhere.restocks
                && keys.orders(of: SaleID("tea")!) != elsewhere.orders(of: SaleID("tea")!)
        )
        #expect(keys.server == elsewhere.server)
    }

    @Test(arguments: [("shop", true), ("A-z_0", true), ("", false), ("a:b", false), ("{a}", false), ("a b", false)])
    func aNamespaceHoldsNothingThatSeparates(_ text: String, _ isOne: Bool) {
        #expect(RedisKeys.isNamespace(text) == isOne)
    }
}
