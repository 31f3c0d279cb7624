/// A dictionary in parts, so that no single operation moves or drops more than one part of it: what a lock is held for
/// stays short at a million entries.
///
/// A dictionary that doubles hashes all of its entries again, and a copy that is written to copies all of them; here it is
/// a 256th. Which part a key is in decides nothing that can be seen.
package struct PartitionedDictionary<Key: Hashable & Sendable, Value: Sendable>: Sendable {
    package static var partitionCount: Int { 256 }
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

    /// The entries of one part.
    package func entries(in partition: Int) -> [Key: Value] { partitions[partition] }

    /// Removes the entries of one part that do not fulfil a condition.
    package mutating func filter(partition: Int, _ isIncluded: (Value) -> Bool) {
        let before = partitions[partition].count
        partitions[partition] = partitions[partition].filter { isIncluded($0.value) }
        count -= before - partitions[partition].count
    }

    package static func partition(of key: Key) -> Int { key.hashValue & (partitionCount - 1) }
}
