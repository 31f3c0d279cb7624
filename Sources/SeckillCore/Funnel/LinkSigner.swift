internal import Crypto

#if canImport(FoundationEssentials)
    internal import FoundationEssentials
#else
    internal import Foundation
#endif

/// Mints and checks order ids and purchase links, with no store: HMAC-SHA256 (RFC 2104), truncated to 144 bits for
/// order ids and 192 for links.
///
/// An order id is `sale.epoch.random.mac`, the MAC over sale, epoch, random and *user*. A link's token is
/// `order.user.expiry.mac`, the MAC over all before it, the expiry in seconds since 1970. So a forged or altered token is
/// refused before anyone is asked who is calling, and a stolen one is worthless to any other user. Tokens are compared
/// as text, in constant time, and nothing of them is decoded before: there is one spelling of each.
///
/// The token names its user, so that a node knows whose it is without asking a store; but only to whoever has the
/// secret, since addresses end in logs. See ``SealedUser``.
public struct LinkSigner: Sendable {
    // Keyed and not yet fed: a copy costs less than keying anew. The first signs; all verify.
    private let orderCodes: [HMAC<SHA256>]
    private let linkCodes: [(code: HMAC<SHA256>, seal: HMAC<SHA256>)]
    private let random: any RandomSource

    /// A signer with `secrets`: the first signs, all are accepted, so that a secret can be replaced without breaking
    /// the links that are out.
    /// - Throws: `invalid` if there is none, or one is shorter than 32 bytes.
    public init(secrets: [[UInt8]], random: any RandomSource = .system) throws {
        guard !secrets.isEmpty else { throw SeckillError(.invalid, "a secret is needed to sign links") }
        guard secrets.allSatisfy({ $0.count >= 32 }) else {
            throw SeckillError(.invalid, "a secret must be 32 bytes or longer")
        }
        func derive(_ purpose: String) -> [HMAC<SHA256>] {
            secrets.map { secret in
                let code = HMAC<SHA256>.authenticationCode(
                    for: Array("seckill/\(purpose)".utf8),
                    using: SymmetricKey(data: secret)
                )
                return HMAC<SHA256>(key: SymmetricKey(data: Array(code)))
            }
        }
        orderCodes = derive("order")
        linkCodes = Array(zip(derive("link"), derive("user")))
        self.random = random
    }

    /// A new order id.
    public func mintOrder(sale: SaleID, epoch: Int, user: UserID) -> OrderID {
        let body = "\(sale.text).\(epoch).\(Base64URL.encode(random.bytes(12)))"
        return OrderID("\(body).\(Self.orderCode(body[...], user, orderCodes[0]))")!
    }

    /// Whether `order` was minted here for `user`.
    public func owns(_ user: UserID, _ order: OrderID) -> Bool {
        guard let dot = order.text.utf8.lastIndex(of: UInt8(ascii: ".")) else { return false }
        let body = order.text[..<dot]
        let code = order.text.utf8[order.text.utf8.index(after: dot)...]
        return orderCodes.contains { Self.equal(Self.orderCode(body, user, $0).utf8, code) }
    }

    /// The token of a link with which `user` may buy `order`, minted for them here; good until `expiry`, in whole
    /// seconds.
    public func token(for order: OrderID, of user: UserID, expiry: Timestamp) -> String {
        let keys = linkCodes[0]
        let sealed = SealedUser.seal(user, in: order, keys.seal)
        let body = "\(order.text).\(sealed).\(expiry.milliseconds / 1000)"
        return "\(body).\(Self.code(body, keys.code, bytes: 24))"
    }

    /// What `token` was signed for, or nil unless every character is as it was signed.
    public func open(_ token: String) -> (order: OrderID, user: UserID, expiry: Timestamp)? {
        guard token.utf8.count <= 384, let dot = token.utf8.lastIndex(of: UInt8(ascii: ".")) else { return nil }
        let body = token[..<dot]
        let code = token.utf8[token.utf8.index(after: dot)...]
        let text = String(body)
        guard let keys = linkCodes.first(where: { Self.equal(Self.code(text, $0.code, bytes: 24).utf8, code) }),
            let last = body.utf8.lastIndex(of: UInt8(ascii: ".")),
            let first = body.utf8[..<last].lastIndex(of: UInt8(ascii: ".")),
            let order = OrderID(body[..<first]),
            let user = SealedUser.open(body[body.utf8.index(after: first)..<last].utf8, in: order, keys.seal),
            let seconds = Int64(body[body.utf8.index(after: last)...])
        else { return nil }
        return (order, user, Timestamp(milliseconds: seconds * 1000))
    }

    private static func orderCode(_ body: Substring, _ user: UserID, _ keyed: HMAC<SHA256>) -> String {
        // The body holds no NUL and neither does a user, so no two pairs run together alike.
        code("\(body)\u{0}\(user.text)", keyed, bytes: 18)
    }

    private static func code(_ text: String, _ keyed: HMAC<SHA256>, bytes: Int) -> String {
        var hmac = keyed
        var text = text
        text.withUTF8 { hmac.update(data: UnsafeRawBufferPointer($0)) }
        return hmac.finalize().withUnsafeBytes { Base64URL.encode($0.prefix(bytes)) }
    }

    private static func equal(_ a: String.UTF8View, _ b: Substring.UTF8View) -> Bool {
        guard a.count == b.count else { return false }
        return zip(a, b).reduce(0 as UInt8) { $0 | ($1.0 ^ $1.1) } == 0
    }
}
