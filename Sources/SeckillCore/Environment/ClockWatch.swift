/// Derives the time that a process uses from two clocks: the wall clock, which may jump, and one that never does.
///
/// The wall clock is adopted once, at the beginning. From then on time moves with the other clock and follows the wall
/// clock by at most 500 millionths of the time that has passed. A difference of ``tolerance`` or more is a jump: it is
/// reported and not followed, because every deadline would jump with it.
struct ClockWatch: Sendable {
    /// The smallest difference that is a jump.
    static let tolerance: Duration = .seconds(1)
    private static let slowdown = 2000

    /// The time in use, since 1970, minus the uptime.
    private(set) var offset: Duration
    private var lookedAt: Duration
    /// By how much the wall clock is ahead of the time in use; nil while that is less than ``tolerance``. The same value
    /// until the wall clock jumps again.
    private(set) var jump: Duration?
    /// How often the wall clock has jumped, there and back.
    private(set) var jumps = 0

    /// Adopts the wall clock, which shows `wall` since 1970.
    init(wall: Duration, uptime: Duration) {
        offset = wall - uptime
        lookedAt = uptime
    }

    /// Compares the clocks, both read at the same moment.
    mutating func look(wall: Duration, uptime: Duration) {
        let elapsed = max(.zero, uptime - lookedAt)
        lookedAt = max(lookedAt, uptime)
        let difference = wall - uptime - offset
        guard Self.isJump(difference) else {
            if jump != nil { jumps += 1 }
            jump = nil
            let most = elapsed / Self.slowdown
            offset += min(max(difference, .zero - most), most)
            return
        }
        if Self.isJump(difference - (jump ?? .zero)) {
            jump = difference
            jumps += 1
        }
    }

    private static func isJump(_ difference: Duration) -> Bool {
        difference >= tolerance || difference <= .zero - tolerance
    }
}
