internal import Crypto

#if canImport(FoundationEssentials)
    internal import FoundationEssentials
#else
    internal import Foundation
#endif

/// Mints and checks order ids and purchase links, with no store: HMAC-SHA256 (RFC 2104), truncated to 144 bits for
/// order ids and 192 for links.
///
/// An order id is `sale.epoch.random.mac`, the MAC over sale, epoch, random and *user*. The random part is 64 random bits
/// and the time of minting, by which a ledger keeps orders of one time together. A link's token is
/// `order.user.expiry.mac`, the MAC over everything before it, the expiry in seconds since 1970. So a forged or altered
/// token is refused without reading a store, and a stolen one is worthless to any other user. Tokens are compared as
/// text, in constant time, before anything in them is decoded: each token has one spelling.
///
/// A MAC begins with the version of its format, one character, which is `1` today. Keys are derived per version. A token
/// of an unknown version is refused like a forged one.
///
/// The token names its user, so that a node knows whose it is without reading a store. Only a node with the secret can
/// read the name, because addresses end up in logs. See ``SealedUser``.
public struct LinkSigner: Sendable {
    private static let version = "1"

    // Keyed and not yet fed: a copy costs less than keying anew. The first signs; all verify.
    private let orderCodes: [KeyedCode]
    private let linkCodes: [Keys]
    private let random: any RandomSource

    /// A public name for each secret, in the order of the secrets: two nodes have a secret in common if and only if they
    /// have its fingerprint in common. 72 bits of a MAC with the secret as its key, from which the secret cannot be
    /// computed.
    public let fingerprints: [String]

    private struct Keys: Sendable {
        var code: KeyedCode
        var seal: KeyedCode
    }

    /// Creates a signer with `secrets`. The first signs; links and orders signed with any of them are accepted, so that a
    /// secret can be replaced without breaking the links that are in use. There may be any number of former secrets.
    /// - Throws: `invalid` if there is no secret, or one is shorter than 32 bytes.
    public init(secrets: [[UInt8]], random: any RandomSource = .system) throws {
        guard !secrets.isEmpty else { throw SeckillError(.invalid, "a secret is needed to sign links") }
        guard secrets.allSatisfy({ $0.count >= 32 }) else {
            throw SeckillError(.invalid, "a secret must be 32 bytes or longer")
        }
        func derive(_ purpose: String) -> [[UInt8]] {
            secrets.map { secret in
                let code = HMAC<SHA256>.authenticationCode(
                    for: Array("seckill/\(Self.version)/\(purpose)".utf8),
                    using: SymmetricKey(data: secret)
                )
                return Array(code)
            }
        }
        orderCodes = derive("order").map { KeyedCode(key: $0) }
        linkCodes = zip(derive("link"), derive("user")).map { Keys(code: KeyedCode(key: $0), seal: KeyedCode(key: $1)) }
        fingerprints = derive("fingerprint").map { Base64URL.encode($0.prefix(9)) }
        self.random = random
    }

    /// A new order id.
    /// - Parameter now: the time, of which the id tells the second. It only makes recording cheaper.
    public func mintOrder(
        sale: SaleID,
        epoch: Int,
        user: UserID,
        at now: Timestamp = Timestamp(milliseconds: 0)
    ) -> OrderID {
        let second = withUnsafeBytes(of: UInt32(truncatingIfNeeded: now.milliseconds / 1000).bigEndian) { Array($0) }
        let body = "\(sale.text).\(epoch).\(Base64URL.encode(random.bytes(8) + second))"
        return OrderID("\(body).\(Self.orderCode(body, user, orderCodes[0]))")!
    }

    /// Returns whether `order` was minted for `user` with one of the secrets.
    public func owns(_ user: UserID, _ order: OrderID) -> Bool {
        guard let dot = order.text.utf8.lastIndex(of: UInt8(ascii: ".")) else { return false }
        let body = String(order.text[..<dot])
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
        var token = token
        return token.withUTF8 { open($0) }
    }

    private func open(_ token: UnsafeBufferPointer<UInt8>) -> (order: OrderID, user: UserID, expiry: Timestamp)? {
        let dot = UInt8(ascii: ".")
        guard token.count <= 384, let end = token.lastIndex(of: dot) else { return nil }
        let body = token[..<end]
        let signed = UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(token)[..<end])
        let code = token[(end + 1)...]
        guard let keys = linkCodes.first(where: { Self.equal(Self.code(signed, $0.code, bytes: 24).utf8, code) }),
            let last = body.lastIndex(of: dot), let first = body[..<last].lastIndex(of: dot),
            let order = OrderID(String(decoding: body[..<first], as: UTF8.self)),
            let user = SealedUser.open(body[(first + 1)..<last], in: order, keys.seal),
            let seconds = Int64(String(decoding: body[(last + 1)...], as: UTF8.self))
        else { return nil }
        return (order, user, Timestamp(milliseconds: seconds * 1000))
    }

    private static func orderCode(_ body: String, _ user: UserID, _ keyed: KeyedCode) -> String {
        // The body holds no NUL and neither does a user, so no two pairs run together alike.
        code("\(body)\u{0}\(user.text)", keyed, bytes: 18)
    }

    private static func code(_ text: String, _ keyed: KeyedCode, bytes: Int) -> String {
        var text = text
        return text.withUTF8 { code(UnsafeRawBufferPointer($0), keyed, bytes: bytes) }
    }

    private static func code(_ text: UnsafeRawBufferPointer, _ keyed: KeyedCode, bytes: Int) -> String {
        var code = keyed
        code.update(text)
        return version + code.withCode { Base64URL.encode($0.prefix(bytes)) }
    }

    private static func equal(_ a: some Collection<UInt8>, _ b: some Collection<UInt8>) -> Bool {
        guard a.count == b.count else { return false }
        return zip(a, b).reduce(0 as UInt8) { $0 | ($1.0 ^ $1.1) } == 0
    }
}
