/// A map that forgets what has not been touched for a lifetime, at no cost a call: two generations, of which the older
/// is dropped whole. An entry lives for at least one lifetime after its last touch and at most two.
package struct Generations<Key: Hashable & Sendable, Value: Sendable>: Sendable {
    private let lifetime: Duration
    private var young: [Key: Value] = [:]
    private var old: [Key: Value] = [:]
    private var bornAt: Duration?

    package init(lifetime: Duration) { self.lifetime = lifetime }

    package var count: Int { young.count + old.count }

    /// Drops what is old enough by `now`, a time that never goes back. Call it before the others.
    package mutating func age(to now: Duration) {
        guard let bornAt else {
            self.bornAt = now
            return
        }
        guard now - bornAt >= lifetime else { return }
        old = now - bornAt < lifetime * 2 ? young : [:]
        young = [:]
        self.bornAt = now
    }

    /// Reading does not touch; writing does.
    package subscript(key: Key) -> Value? {
        get { young[key] ?? old[key] }
        set {
            old[key] = nil
            young[key] = newValue
        }
    }
}
