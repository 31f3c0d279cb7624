/// A list of connections, the one that has been idle longest first. Appending and removing take constant time.
final class IdleList {
    /// A connection's place; it is in one list at most.
    final class Member {
        private(set) fileprivate var list: IdleList?
        fileprivate var previous: Member?
        fileprivate var next: Member?
        /// Closes the connection.
        let close: () -> Void

        init(close: @escaping () -> Void) { self.close = close }

        var isIdle: Bool { list != nil }

        func leave() { list?.remove(self) }

        fileprivate func enter(_ list: IdleList?) { self.list = list }
    }

    private(set) var count = 0
    private(set) var first: Member?
    private var last: Member?

    /// Puts `member` behind all others, wherever it was.
    func append(_ member: Member) {
        if last === member { return }
        member.leave()
        member.enter(self)
        member.previous = last
        last?.next = member
        last = member
        if first == nil { first = member }
        count += 1
    }

    private func remove(_ member: Member) {
        let (previous, next) = (member.previous, member.next)
        if let previous { previous.next = next } else { first = next }
        if let next { next.previous = previous } else { last = previous }
        (member.previous, member.next) = (nil, nil)
        member.enter(nil)
        count -= 1
    }
}
