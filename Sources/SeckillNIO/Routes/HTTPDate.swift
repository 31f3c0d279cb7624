internal import NIOCore
public import SeckillCore

/// A moment as `Date` tells it: RFC 9110, section 5.6.7, such as `Sun, 06 Nov 1994 08:49:37 GMT`.
public struct HTTPDate: Hashable, Sendable, CustomStringConvertible {
    /// Whole seconds since 1970.
    public let seconds: Int64
    private let text: String

    static let length = 29

    /// The date of `moment`, which is not before 1970.
    public init(_ moment: Timestamp) { self.init(seconds: moment.milliseconds / 1000) }

    init(seconds: Int64) {
        self.seconds = seconds
        let (days, rest) = seconds.quotientAndRemainder(dividingBy: 86_400)
        // Years begin in March, so that the leap day is the last; 400 of them have 146,097 days.
        let shifted = days + 719_468
        let (era, day) = shifted.quotientAndRemainder(dividingBy: 146_097)
        let yearOfEra = (day - day / 1460 + day / 36_524 - day / 146_096) / 365
        let dayOfYear = day - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let month = (5 * dayOfYear + 2) / 153
        let year = era * 400 + yearOfEra + (month >= 10 ? 1 : 0)
        func padded(_ number: Int64) -> String { number < 10 ? "0\(number)" : "\(number)" }
        let date = "\(padded(dayOfYear - (153 * month + 2) / 5 + 1)) \(Self.months[Int(month)]) \(year)"
        let time = "\(padded(rest / 3600)):\(padded(rest / 60 % 60)):\(padded(rest % 60))"
        text = "\(Self.weekdays[Int(days % 7)]), \(date) \(time) GMT"
    }

    /// As it is sent.
    public var description: String { text }

    func write(to bytes: inout ByteBuffer) { bytes.writeString(text) }

    private static let months = ["Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec", "Jan", "Feb"]
    private static let weekdays = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"]
}

/// Tells the date; makes its text once a second.
public final class DateTeller: Sendable {
    private let last = Locked(HTTPDate(seconds: 0))
    private let now: @Sendable () -> Timestamp

    /// A teller of the time that `now` tells.
    public init(now: @escaping @Sendable () -> Timestamp = { SystemClock().now }) { self.now = now }

    /// The present second.
    public var date: HTTPDate {
        let seconds = now().milliseconds / 1000
        return last.withLock { last in
            if last.seconds != seconds { last = HTTPDate(seconds: seconds) }
            return last
        }
    }
}
