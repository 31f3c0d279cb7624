internal import SeckillCore

/// Entries on their way to the disk, in groups, and who waits for them. A plain value; its owner locks it, writes the
/// groups and resumes the waiters it is handed back.
struct GroupBuffer: Sendable {
    /// Names a group: what is appended is durable once its group is.
    typealias Ticket = UInt64
    typealias Waiter = CheckedContinuation<Void, any Error>

    struct Group: Sendable {
        var frame = Frame()
        var since: Duration
        var waiters: [(id: UInt64, waiter: Waiter)] = []
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
        groups[Int(ticket - done) - 1].waiters.append((id, waiter))
        return true
    }

    mutating func cancel(_ id: UInt64) -> Waiter? {
        for group in groups.indices {
            guard let index = groups[group].waiters.firstIndex(where: { $0.id == id }) else { continue }
            return groups[group].waiters.remove(at: index).waiter
        }
        return nil
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

    /// The frame taken is durable. Those who waited for it.
    mutating func confirm() -> [Waiter] {
        isWriting = false
        done += 1
        bytes -= bytesWriting
        return groups.removeFirst().waiters.map(\.waiter)
    }

    /// Everybody who waits, or who waits for what was appended before `moment`; their groups stay.
    mutating func giveUp(appendedBefore moment: Duration? = nil) -> [Waiter] {
        var all: [Waiter] = []
        for group in groups.indices where moment.map({ groups[group].since < $0 }) ?? true {
            all += groups[group].waiters.map(\.waiter)
            groups[group].waiters = []
        }
        return all
    }
}
