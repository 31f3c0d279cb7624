import SeckillCore
import SeckillTesting
import Testing

struct LinkSignerTests {
    let signer = try! Shop.signer()
    let user = UserID("alice")!
    var order: OrderID { signer.mintOrder(sale: SaleID("phone")!, epoch: 3, user: user) }
    let expiry = Timestamp(milliseconds: 1_900_000_000_000)

    @Test func aTokenOpensToWhatWasSigned() {
        let order = order
        let opened = signer.open(signer.token(for: order, of: user, expiry: expiry))
        #expect(opened?.order == order)
        #expect(opened?.user == user)
        #expect(opened?.expiry == expiry)
        #expect(order.sale.text == "phone" && order.epoch == 3)
    }

    @Test func aTokenAlteredInAnyCharacterIsRefused() {
        let token = signer.token(for: order, of: user, expiry: expiry)
        for index in token.indices {
            for other in "aB3-_.%/ é\u{0}=" where other != token[index] {
                var altered = token
                altered.replaceSubrange(index...index, with: [other])
                #expect(signer.open(altered) == nil, "\(altered)")
            }
        }
        for cut in 1...8 {
            #expect(signer.open(String(token.dropLast(cut))) == nil)
            #expect(signer.open(token + String(repeating: "A", count: cut)) == nil)
        }
    }

    @Test func aTokenNamesItsUserToThoseWithTheSecretOnly() throws {
        let signer = try LinkSigner(secrets: [Array(repeating: 1, count: 32)])
        let texts = ["a", "alice", "\u{1F6D2} o'brien", String(repeating: "x", count: 128)]
        for user in texts.map({ UserID($0)! }) {
            let sale = SaleID(String(repeating: "s", count: 64))!
            let orders = (1...2).map { _ in signer.mintOrder(sale: sale, epoch: .max, user: user) }
            let tokens = orders.map { signer.token(for: $0, of: user, expiry: expiry) }
            for (order, token) in zip(orders, tokens) {
                #expect(signer.open(token)?.user == user && signer.open(token)?.order == order)
                #expect(
                    token.utf8.count <= 384 && token.utf8.allSatisfy { $0 == UInt8(ascii: ".") || Base64URL.allows($0) }
                )
                #expect(!token.contains(user.text) || user.text == "a")
                #expect(
                    !token.contains(Base64URL.encode(Array(user.text.utf8.prefix(user.text.utf8.count / 3 * 3))))
                        || user.text == "a"
                )
            }
            // Not even that two links are one user's.
            let sealed = tokens.map { $0.split(separator: ".")[4] }
            #expect(sealed[0] != sealed[1] && sealed[0].count == sealed[1].count && sealed[0].count % 16 == 0)
            // Nor that a part is repeated.
            let bytes = try #require(Base64URL.decode(Array(sealed[0].utf8)))
            let blocks = stride(from: 0, to: bytes.count, by: 32).map { Array(bytes[$0..<min($0 + 32, bytes.count)]) }
            #expect(Set(blocks).count == blocks.count)
        }
    }

    @Test func anOrderIsItsBuyersAlone() {
        let order = order
        #expect(signer.owns(user, order))
        #expect(!signer.owns(UserID("alicf")!, order))
        #expect(!signer.owns(UserID("alice ")!, order))
        for part in ["other.3", "phone.4"] {
            let forged = OrderID(part + order.text.dropFirst("phone.3".count))!
            #expect(!signer.owns(user, forged))
        }
    }

    @Test func anOldSecretStillOpensAndAnotherDoesNot() throws {
        let old = [UInt8](repeating: 1, count: 32)
        let new = [UInt8](repeating: 2, count: 32)
        let order = order
        let token = signer.token(for: order, of: user, expiry: expiry)
        let rotated = try LinkSigner(secrets: [new, old])
        #expect(rotated.open(token)?.order == order)
        #expect(rotated.owns(user, order))
        let replaced = try LinkSigner(secrets: [new])
        #expect(replaced.open(token) == nil)
        #expect(!replaced.owns(user, order))
        #expect(signer.open(rotated.token(for: order, of: user, expiry: expiry)) == nil)
    }

    /// In order ids and in tokens, in front of the MAC.
    @Test func anotherVersionIsRefused() throws {
        let order = order
        let token = signer.token(for: order, of: user, expiry: expiry)
        for (index, version) in "023456789ABCxyz-_".enumerated() {
            func altered(_ text: String) -> String {
                var parts = text.split(separator: ".").map { String($0) }
                #expect(parts[parts.count - 1].first == "1")
                parts[parts.count - 1] = String(version) + parts[parts.count - 1].dropFirst()
                return parts.joined(separator: ".")
            }
            #expect(signer.open(altered(token)) == nil, "\(index)")
            #expect(!signer.owns(user, try #require(OrderID(altered(order.text)))))
        }
        // As before there were versions.
        let mac = try #require(token.split(separator: ".").last)
        #expect(signer.open("\(token.dropLast(mac.count))\(mac.dropFirst())") == nil)
    }

    @Test func nodesHaveAFingerprintInCommonIfTheyHaveASecretInCommon() throws {
        let secrets = (1...3).map { [UInt8](repeating: $0, count: 32) }
        let old = try LinkSigner(secrets: Array(secrets[...1])).fingerprints
        let new = try LinkSigner(secrets: Array(secrets[1...])).fingerprints
        #expect(Set(old).count == 2 && old[1] == new[0] && !new.contains(old[0]) && !old.contains(new[1]))
        #expect(old.allSatisfy { $0.utf8.count == 12 })
    }

    @Test func aShortSecretIsRefused() {
        #expect(throws: SeckillError.self) { try LinkSigner(secrets: [Array(repeating: 0, count: 31)]) }
        #expect(throws: SeckillError.self) { try LinkSigner(secrets: []) }
    }

    @Test(arguments: [
        "", ".", "a.1.b", "a.0.aaaaaaaa.aaaaaaaa", "a.01.aaaaaaaa.aaaaaaaa", "a.+1.aaaaaaaa.aaaaaaaa",
        "a.1.aaaaaaaa.aaaaaaaa.", "a/b.1.aaaaaaaa.aaaaaaaa", "a.1.aaaaaaaa.aaaaaaa=", "ä.1.aaaaaaaa.aaaaaaaa",
    ])
    func anOrderIdOfAnotherFormIsNone(text: String) {
        #expect(OrderID(text) == nil)
    }
}
