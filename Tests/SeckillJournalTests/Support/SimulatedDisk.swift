import Dispatch
import SeckillCore
import SeckillTesting

@testable import SeckillJournal

/// Files in memory that know what would outlive a loss of power, and that fail where they are told to.
///
/// It is as bad as disks are: a page that a failed sync has dropped is not written by the next one, pages reach the
/// platter in any order and by sectors, and new names are durable only once their directory is synced.
final class SimulatedDisk: FileSystem {
    enum Operation: Sendable { case create, write, resize, sync, rename, remove, syncDirectory }

    /// What becomes of one operation.
    enum Fault: Sendable {
        /// It fails and has done nothing; of a sync, that it has dropped what it should have written.
        case failure(String)
        /// A write ends in the middle, and nothing works any more: the process is dead.
        case death
    }

    typealias Plan = @Sendable (Operation, _ path: String, _ number: Int) -> Fault?

    struct Node: Sendable {
        static let page = 4096
        var cached: [UInt8] = []
        var durable: [UInt8] = []
        var dirty: Set<Int> = []

        mutating func write(_ bytes: some Collection<UInt8>, at offset: Int) {
            guard !bytes.isEmpty else { return }
            if cached.count < offset + bytes.count { resize(to: offset + bytes.count) }
            cached.replaceSubrange(offset..<offset + bytes.count, with: bytes)
            dirty.formUnion(offset / Self.page...(offset + bytes.count - 1) / Self.page)
        }

        mutating func resize(to size: Int) {
            if size < cached.count {
                cached.removeLast(cached.count - size)
                dirty = dirty.filter { $0 * Self.page < size }
            } else {
                cached += [UInt8](repeating: 0, count: size - cached.count)
            }
        }

        /// `keep` says whether the sector at an offset gets to the platter.
        mutating func settle(keeping keep: (Int) -> Bool = { _ in true }, size: Int? = nil) {
            let size = size ?? cached.count
            if durable.count > size { durable.removeLast(durable.count - size) }
            durable += [UInt8](repeating: 0, count: size - durable.count)
            for page in dirty {
                for start in stride(from: page * Self.page, to: min((page + 1) * Self.page, size), by: 512)
                where keep(start) {
                    let end = min(start + 512, size, cached.count)
                    if start < end { durable.replaceSubrange(start..<end, with: cached[start..<end]) }
                }
            }
            dirty = []
        }
    }

    struct State: Sendable {
        var nodes: [Int: Node] = [:]
        var names: [String: Int] = [:]
        var durableNames: [String: Int] = [:]
        var next = 0
        var operations = 0
        var isDead = false
        var plan: Plan?
    }

    let state: Locked<State>
    private let locks: Locked<[String: Int]>
    /// Syncs wait here while it is closed.
    let gate = Gate()

    init() {
        state = Locked(State())
        locks = Locked([:])
    }

    private init(_ state: State) {
        self.state = Locked(state)
        locks = Locked([:])
    }

    private convenience init(_ nodes: [String: Node]) {
        var state = State()
        for (path, node) in nodes {
            state.next += 1
            state.nodes[state.next] = node
            state.names[path] = state.next
        }
        state.durableNames = state.names
        self.init(state)
    }

    var isDead: Bool { state.withLock { $0.isDead } }
    var operations: Int { state.withLock { $0.operations } }
    func plan(_ plan: Plan?) { state.withLock { $0.plan = plan } }

    // MARK: What is left

    /// What a new process finds when only the old one died: all of it, some of it in the system's cache alone.
    func afterKill() -> SimulatedDisk {
        state.withLock { state in
            var left = state
            left.isDead = false
            left.plan = nil
            return SimulatedDisk(left)
        }
    }

    /// What is found when the power failed: everything synced, and of the rest some sectors, sizes and names, by chance.
    func afterPowerLoss(_ seed: UInt64?) -> SimulatedDisk {
        let random = SeededRandom(seed ?? 0)
        func chance() -> Bool { seed != nil && random.next() & 1 == 0 }
        return state.withLock { state in
            let names = chance() ? state.names : state.durableNames
            return SimulatedDisk(
                names.mapValues { id in
                    var node = state.nodes[id]!
                    node.settle(keeping: { _ in chance() }, size: chance() ? node.cached.count : node.durable.count)
                    node.cached = node.durable
                    return node
                }
            )
        }
    }

    /// A file's bytes, as a program sees them.
    subscript(path: String) -> [UInt8]? {
        get { state.withLock { state in state.names[path].map { state.nodes[$0]!.cached } } }
        set {
            state.withLock { state in
                guard let newValue else {
                    state.names[path] = nil
                    return
                }
                state.next += 1
                state.nodes[state.next] = Node(cached: newValue, durable: newValue)
                state.names[path] = state.next
                state.durableNames[path] = state.next
            }
        }
    }

    /// Removes the lock's file, as `rm` does: its owner holds a lock that nobody else sees.
    func removeLock() { locks.withLock { $0 = [:] } }

    // MARK: FileSystem

    func makeDirectory(_ path: String) throws(FileError) {}

    func resolve(_ path: String) throws(FileError) -> String { path }

    func lock(_ path: String) throws(FileError) -> any FileLock {
        let isFree = locks.withLock { locks in
            guard locks[path] == nil else { return false }
            locks[path] = 4711
            return true
        }
        guard isFree else { throw FileError(operation: "lock", path: path, reason: "held", lockHolder: 4711) }
        return Lock(
            isNamed: { [locks] path in locks.withLock { $0[path] == 4711 } },
            release: { [locks] in locks.withLock { $0[path] = nil } }
        )
    }

    func open(_ path: String, writing: Bool) throws(FileError) -> (any File)? {
        try state.withLock { state throws(FileError) in
            if state.isDead { throw FileError(operation: "open", path: path, reason: "dead") }
            return state.names[path].map { Handle(disk: self, path: path, node: $0) }
        }
    }

    func create(_ path: String) throws(FileError) -> any File {
        let node = try perform(.create, path) { state in
            state.next += 1
            state.nodes[state.next] = Node()
            state.names[path] = state.next
            return state.next
        }
        return Handle(disk: self, path: path, node: node)
    }

    func rename(_ path: String, to other: String) throws(FileError) {
        try perform(.rename, path) { state in
            state.names[other] = state.names[path]
            state.names[path] = nil
        }
    }

    func remove(_ path: String) throws(FileError) { try perform(.remove, path) { $0.names[path] = nil } }

    func syncDirectory(_ path: String) throws(FileError) {
        try perform(.syncDirectory, path) { state in
            func isInside(_ name: String) -> Bool { name.hasPrefix(path + "/") }
            state.durableNames = state.durableNames.filter { !isInside($0.key) }
            state.durableNames.merge(state.names.filter { isInside($0.key) }) { $1 }
        }
    }

    fileprivate func perform<Result: Sendable>(
        _ operation: Operation,
        _ path: String,
        onDeath: (inout State) -> Void = { _ in },
        onFailure: (inout State) -> Void = { _ in },
        _ work: (inout State) -> Result
    ) throws(FileError) -> Result {
        try state.withLock { state throws(FileError) in
            if state.isDead { throw FileError(operation: "\(operation)", path: path, reason: "dead") }
            state.operations += 1
            switch state.plan?(operation, path, state.operations) {
            case nil: return work(&state)
            case .failure(let reason):
                onFailure(&state)
                throw FileError(operation: "\(operation)", path: path, reason: reason)
            case .death:
                onDeath(&state)
                state.isDead = true
                throw FileError(operation: "\(operation)", path: path, reason: "dead")
            }
        }
    }

    private final class Lock: FileLock {
        private let isNamed: @Sendable (String) -> Bool
        private let release: @Sendable () -> Void

        init(isNamed: @escaping @Sendable (String) -> Bool, release: @escaping @Sendable () -> Void) {
            self.isNamed = isNamed
            self.release = release
        }

        func isNamed(_ path: String) throws(FileError) -> Bool { isNamed(path) }

        deinit { release() }
    }
}

/// What comes after a death.
enum Reboot: String, CaseIterable {
    case killed, powerLost, powerLostTorn

    func after(_ disk: SimulatedDisk, seed: UInt64) -> SimulatedDisk {
        switch self {
        case .killed: disk.afterKill()
        case .powerLost: disk.afterPowerLoss(nil)
        case .powerLostTorn: disk.afterPowerLoss(seed)
        }
    }
}

private final class Handle: File {
    let disk: SimulatedDisk
    let path: String
    let node: Int

    init(disk: SimulatedDisk, path: String, node: Int) {
        self.disk = disk
        self.path = path
        self.node = node
    }

    func isNamed(_ path: String) throws(FileError) -> Bool { disk.state.withLock { $0.names[path] == node } }

    func size() throws(FileError) -> Int { disk.state.withLock { $0.nodes[node]!.cached.count } }

    func read(into buffer: UnsafeMutableRawBufferPointer, at offset: Int) throws(FileError) -> Int {
        let bytes = disk.state.withLock { state in
            let cached = state.nodes[node]!.cached
            return Array(cached[min(offset, cached.count)..<min(offset + buffer.count, cached.count)])
        }
        buffer.copyBytes(from: bytes)
        return bytes.count
    }

    func write(_ bytes: UnsafeRawBufferPointer, at offset: Int) throws(FileError) {
        let bytes = Array(bytes)
        try disk.perform(
            .write,
            path,
            onDeath: { $0.nodes[self.node]!.write(bytes[..<(bytes.count / 2)], at: offset) },
            { $0.nodes[self.node]!.write(bytes, at: offset) }
        )
    }

    func resize(to size: Int) throws(FileError) {
        try disk.perform(.resize, path) { $0.nodes[self.node]!.resize(to: size) }
    }

    func sync() throws(FileError) {
        disk.gate.pass()
        try disk.perform(
            .sync,
            path,
            onFailure: { $0.nodes[self.node]!.dirty = [] },
            { $0.nodes[self.node]!.settle() }
        )
    }
}

/// Lets everybody through until it is closed, and then nobody.
final class Gate: Sendable {
    private struct State: Sendable {
        var isClosed = false
        var waiting = 0
    }

    private let state = Locked(State())
    private let opened = DispatchSemaphore(value: 0)

    /// How many stand before it.
    var waiting: Int { state.withLock { $0.waiting } }

    func close() { state.withLock { $0.isClosed = true } }

    func open() {
        let waiting = state.withLock { state in
            state.isClosed = false
            defer { state.waiting = 0 }
            return state.waiting
        }
        for _ in 0..<waiting { opened.signal() }
    }

    /// On the disk's thread, which may block.
    func pass() {
        let mustWait = state.withLock { state in
            if state.isClosed { state.waiting += 1 }
            return state.isClosed
        }
        if mustWait { opened.wait() }
    }
}
