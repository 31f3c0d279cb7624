/// The configured name of a stock store, such as `redis://127.0.0.1:6379/0` or `journal:/var/lib/shop/journals`.
///
/// A store keeps its name when it restarts, even if it lost its data: the name says where a store is, and
/// ``StoreIdentity`` which life of it. The ledger names, for each sale, the one store that may hold it.
public struct StoreName: Hashable, Sendable, CustomStringConvertible {
    /// The name, as operators read it in messages.
    public let text: String

    /// A store's name.
    public init(_ text: String) { self.text = text }

    /// The name.
    public var description: String { text }
}
