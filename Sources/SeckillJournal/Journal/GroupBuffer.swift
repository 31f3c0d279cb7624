internal import SeckillCore

/// Entries on their way to the disk, in groups, and the callers that wait for them. A plain value; its owner locks it,
/// writes the groups and resumes the waiters that it gets back.
///
/// **Cost**: constant for each call, whatever waits, except that a cancellation is a binary search. There are at most
/// three groups: one at the disk, one that fills, and one more after a cut.
struct GroupBuffer: Sendable {
    /// Names a group: what is appended is durable once its group is.
    typealias Ticket = UInt64
    typealias Waiter = CheckedContinuation<Void, any Error>

    struct Group: Sendable {
        var frame = Frame()
        var since: Duration
        var waiters = Waiters()
    }

    /// The callers that wait for one group, in the order of their ids.
    struct Waiters: Sendable {
        /// Nil where one was cancelled.
        private var entries: [(id: UInt64, waiter: Waiter?)] = []

        mutating func add(_ id: UInt64, _ waiter: Waiter) {
            // Ids are given out in order and arrive almost in order: only threads that race for the lock change places.
            var place = entries.count
            while place > 0, entries[place - 1].id > id { place -= 1 }
            entries.insert((id, waiter), at: place)
        }

        mutating func remove(_ id: UInt64) -> Waiter? {
            var range = 0..<entries.count
            while let middle = range.isEmpty ? nil : (range.lowerBound + range.upperBound) / 2 {
                if entries[middle].id == id {
                    defer { entries[middle].waiter = nil }
                    return entries[middle].waiter
                }
                range = entries[middle].id < id ? middle + 1..<range.upperBound : range.lowerBound..<middle
            }
            return nil
        }

        var count: Int { entries.count { $0.waiter != nil } }

        /// Resumes everybody. Not with a lock held.
        func resume(throwing error: (any Error)? = nil) {
            for case (_, let waiter?) in entries {
                if let error { waiter.resume(throwing: error) } else { waiter.resume() }
            }
        }
    }

    /// Oldest first. While `isWriting`, the frame of the first is at the disk.
    private(set) var groups: [Group] = []
    private var isWriting = false
    private var bytesWriting = 0
    /// Set if the last group must not grow any more.
    private var isCut = false
    /// Groups that are durable.
    private var done: Ticket = 0
    /// Bytes appended and not yet durable.
    private(set) var bytes = 0

    /// The group of whatever was appended last; durable if nothing is on its way.
    var lastTicket: Ticket { done + UInt64(groups.count) }
    /// When the first entry that is not durable was appended.
    var oldest: Duration? { groups.first?.since }

    mutating func append(clock: any SaleClock, _ encode: (inout [UInt8]) -> Void) -> Ticket {
        if groups.isEmpty || isCut || (isWriting && groups.count == 1) {
            groups.append(Group(since: clock.uptime))
            isCut = false
        }
        let before = groups[groups.count - 1].frame.count
        groups[groups.count - 1].frame.append(encode)
        bytes += groups[groups.count - 1].frame.count - before
        return lastTicket
    }

    /// Whatever is appended from now on goes into another group than what was before. The last group before the cut.
    mutating func cut() -> Ticket {
        isCut = true
        return lastTicket
    }

    /// False if the group is durable; otherwise the waiter will be handed back.
    mutating func wait(for ticket: Ticket, id: UInt64, _ waiter: Waiter) -> Bool {
        guard ticket > done else { return false }
        groups[Int(ticket - done) - 1].waiters.add(id, waiter)
        return true
    }

    /// Takes a waiter for the group back; nil if it no longer waits, or does not wait yet.
    mutating func cancel(_ id: UInt64, waitingFor ticket: Ticket) -> Waiter? {
        guard ticket > done, ticket <= lastTicket else { return nil }
        return groups[Int(ticket - done) - 1].waiters.remove(id)
    }

    /// The frame to write next; nil if there is none, or one is being written.
    mutating func take() -> Frame? {
        guard !isWriting, !groups.isEmpty else { return nil }
        isWriting = true
        let frame = groups[0].frame
        groups[0].frame = Frame()
        bytesWriting = frame.count - Frame().count
        return frame
    }

    /// Notes that the frame taken is durable, and returns the callers that waited for it.
    mutating func confirm() -> Waiters {
        isWriting = false
        done += 1
        bytes -= bytesWriting
        return groups.removeFirst().waiters
    }

    /// Takes back all callers that wait, or that wait for what was appended before `moment`; their groups stay.
    mutating func giveUp(appendedBefore moment: Duration? = nil) -> [Waiters] {
        var all: [Waiters] = []
        for group in groups.indices where moment.map({ groups[group].since < $0 }) ?? true {
            all.append(groups[group].waiters)
            groups[group].waiters = Waiters()
        }
        return all
    }
}
