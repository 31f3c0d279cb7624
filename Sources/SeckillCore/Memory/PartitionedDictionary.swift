/// A dictionary in parts, so that no single operation moves or drops more than one part of it: what a lock is held for
/// stays short at a million entries.
///
/// A dictionary that doubles hashes all of its entries again, and a copy that is written to copies all of them; here it is
/// a 256th. Which part a key is in decides nothing that can be seen.
package struct PartitionedDictionary<Key: Hashable & Sendable, Value: Sendable>: Sendable {
    private static var partitionCount: Int { 256 }
    private var partitions = ContiguousArray(repeating: [Key: Value](), count: partitionCount)
    package private(set) var count = 0

    package init() {}

    package subscript(key: Key) -> Value? {
        get { partitions[Self.partition(of: key)][key] }
        set {
            let partition = Self.partition(of: key)
            if let newValue {
                if partitions[partition].updateValue(newValue, forKey: key) == nil { count += 1 }
            } else if partitions[partition].removeValue(forKey: key) != nil {
                count -= 1
            }
        }
    }

    /// The value of a key, which is added with a default value if it is not there.
    package subscript(key: Key, default defaultValue: @autoclosure () -> Value) -> Value {
        get { self[key] ?? defaultValue() }
        _modify {
            let partition = Self.partition(of: key)
            let before = partitions[partition].count
            defer { count += partitions[partition].count - before }
            yield &partitions[partition][key, default: defaultValue()]
        }
    }

    private static func partition(of key: Key) -> Int { key.hashValue & (partitionCount - 1) }
}
