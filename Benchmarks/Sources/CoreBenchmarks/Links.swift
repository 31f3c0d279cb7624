import BenchmarkSupport
import SeckillCore

/// What checking a purchase link costs: the first refusal of the funnel, on the processor alone.
func compareLinks(rounds: Int) async throws {
    let count = 100_000
    let sale = SaleID("sale")!
    let signer = try LinkSigner(secrets: [Array(repeating: 7, count: 32)])
    let user = UserID("user")!
    let order = signer.mintOrder(sale: sale, epoch: 1, user: user)
    let token = signer.token(for: order, of: user, expiry: Timestamp(milliseconds: 4_000_000_000_000))
    let forged = String(token.dropLast()) + (token.hasSuffix("A") ? "B" : "A")
    var comparison = Comparison("Purchase links, one caller", rounds: rounds)
    comparison.add("mint order and link") {
        await measure {
            for _ in 0..<count {
                let order = signer.mintOrder(sale: sale, epoch: 1, user: user)
                _ = signer.token(for: order, of: user, expiry: Timestamp(milliseconds: 4_000_000_000_000))
            }
            return count
        }
    }
    comparison.add("accept: link and owner") {
        await measure {
            for _ in 0..<count {
                let link = signer.open(token)
                check(link?.order == order && link?.user == user, "a good link is good")
            }
            return count
        }
    }
    comparison.add("refuse: forged link") {
        await measure {
            for _ in 0..<count { check(signer.open(forged) == nil, "a forged link is refused") }
            return count
        }
    }
    try await comparison.run()
}
