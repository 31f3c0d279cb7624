public import SeckillCore

/// What goes wrong in a backend, and when.
///
/// ```swift
/// let faults = Faults(clock: clock)
/// let store = faults.wrap(MemoryStockStore(clock: clock))
/// faults.inject(.failAfter, into: "reserve", calls: 2...2)        // the second call from now on
/// faults.inject(.failBefore, into: "giveBack", probability: 0.1)  // one in ten, by the seed
/// ```
///
/// Calls are named by the protocol's method without its arguments: `reserve`, `takeOver`. One script may serve any
/// number of backends. Where several faults strike one call, the one injected first surrounds the others.
public final class Faults: Sendable {
    /// What can go wrong with one call.
    public enum Fault: Hashable, Sendable {
        /// Nothing happens, and the caller is told so: `unavailable`.
        case failBefore
        /// It happens, and the caller does not learn of it: `outcomeUnknown`.
        case failAfter
        /// It happens later, by the injected clock.
        case delay(Duration)
        /// It happens twice, as when a client repeats what it takes for lost; the caller gets the second answer.
        case `repeat`
    }

    private struct Injection: Sendable {
        var fault: Fault
        /// Nil for every call.
        var call: String?
        var when: When
        var seen = 0
    }

    private enum When: Sendable {
        case calls(ClosedRange<Int>)
        case probability(Double)
    }

    private struct State: Sendable {
        var injections: [Injection] = []
        var struck: [String: Int] = [:]
    }

    private let clock: any SaleClock
    private let random: any RandomSource
    private let state = Locked(State())

    /// A script without faults.
    public init(clock: any SaleClock, random: any RandomSource = SeededRandom(0)) {
        self.clock = clock
        self.random = random
    }

    /// Lets `fault` strike the first to last of `calls` to `call`, counted from 1 and from now on.
    public func inject(_ fault: Fault, into call: String, calls: ClosedRange<Int>) {
        state.withLock { $0.injections.append(Injection(fault: fault, call: call, when: .calls(calls))) }
    }

    /// Lets `fault` strike each call to `call`, or every call if that is nil, with a probability of 0 to 1.
    public func inject(_ fault: Fault, into call: String? = nil, probability: Double) {
        state.withLock { $0.injections.append(Injection(fault: fault, call: call, when: .probability(probability))) }
    }

    /// No more faults.
    public func heal() { state.withLock { $0.injections = [] } }

    /// How often a fault struck `call`: a test that needs one should see that it came.
    public func count(of call: String) -> Int { state.withLock { $0.struck[call, default: 0] } }

    /// Calls `body`, with whatever is to go wrong with this call: all that a wrapper of a backend consists of.
    public func around<Result: Sendable>(
        _ call: String,
        _ body: () async throws -> Result
    ) async throws -> Result {
        try await apply(strike(call)[...], to: call, body)
    }

    private func strike(_ call: String) -> [Fault] {
        state.withLock { state in
            var faults: [Fault] = []
            for index in state.injections.indices where state.injections[index].call ?? call == call {
                state.injections[index].seen += 1
                let strikes =
                    switch state.injections[index].when {
                    case .calls(let calls): calls.contains(state.injections[index].seen)
                    // 53 bits: as many as a Double tells apart between 0 and 1.
                    case .probability(let limit): Double(random.next() >> 11) / Double(1 << 53) < limit
                    }
                if strikes { faults.append(state.injections[index].fault) }
            }
            if !faults.isEmpty { state.struck[call, default: 0] += 1 }
            return faults
        }
    }

    private func apply<Result: Sendable>(
        _ faults: ArraySlice<Fault>,
        to call: String,
        _ body: () async throws -> Result
    ) async throws -> Result {
        let rest = faults.dropFirst()
        switch faults.first {
        case nil:
            return try await body()
        case .failBefore:
            throw SeckillError(.unavailable, "injected before \(call)")
        case .failAfter:
            _ = try await apply(rest, to: call, body)
            throw SeckillError(.outcomeUnknown, "injected after \(call)")
        case .delay(let duration):
            try await clock.sleep(for: duration)
            return try await apply(rest, to: call, body)
        case .repeat:
            _ = try await apply(rest, to: call, body)
            return try await apply(rest, to: call, body)
        }
    }
}
