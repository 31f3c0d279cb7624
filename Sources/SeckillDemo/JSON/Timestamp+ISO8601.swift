internal import SeckillCore

/// Moments as the API writes and reads them: ISO 8601 in UTC, `2026-11-22T10:00:00Z`, with one to nine digits of a
/// second's fraction after a point if there are any. No other form is read: a moment has one spelling per millisecond,
/// and finer fractions are cut.
extension Timestamp {
    init?(iso8601 text: String) {
        let bytes = Array(text.utf8)
        func number(_ range: Range<Int>) -> Int? {
            guard bytes[range].allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }) else { return nil }
            return bytes[range].reduce(0) { $0 * 10 + Int($1 - UInt8(ascii: "0")) }
        }
        func has(_ scalar: Unicode.Scalar, at indices: Int...) -> Bool {
            indices.allSatisfy { bytes[$0] == UInt8(ascii: scalar) }
        }
        guard bytes.count >= 20, has("-", at: 4, 7), has("T", at: 10), has(":", at: 13, 16), bytes.last == 0x5A,
            let year = number(0..<4), let month = number(5..<7), let day = number(8..<10),
            let hour = number(11..<13), let minute = number(14..<16), let second = number(17..<19),
            (1...12).contains(month), day >= 1, day <= Self.days(in: month, of: year),
            hour < 24, minute < 60, second < 60
        else { return nil }
        var milliseconds = 0
        if bytes.count > 20 {
            guard has(".", at: 19), (22...30).contains(bytes.count), number(20..<bytes.count - 1) != nil else {
                return nil
            }
            let digits = Array((bytes[20..<bytes.count - 1] + [0x30, 0x30]).prefix(3))
            milliseconds = digits.reduce(0) { $0 * 10 + Int($1 - UInt8(ascii: "0")) }
        }
        let seconds = ((Self.daysSince1970(year, month, day) * 24 + hour) * 60 + minute) * 60 + second
        self.init(milliseconds: Int64(seconds * 1000 + milliseconds))
    }

    var iso8601: String {
        let (days, rest) = Self.divide(milliseconds, by: 86_400_000)
        let (year, month, day) = Self.date(daysSince1970: days)
        func padded(_ number: Int, _ width: Int = 2) -> String {
            let digits = String(number)
            return String(repeating: "0", count: max(0, width - digits.count)) + digits
        }
        let (seconds, milliseconds) = (rest / 1000, rest % 1000)
        let date = "\(padded(year, 4))-\(padded(month))-\(padded(day))"
        let time = "\(padded(seconds / 3600)):\(padded(seconds / 60 % 60)):\(padded(seconds % 60))"
        return "\(date)T\(time)\(milliseconds == 0 ? "" : ".\(padded(milliseconds, 3))")Z"
    }

    // MARK: The proleptic Gregorian calendar

    // Years begin in March, so that the leap day is the last; 400 of them, an era, have 146,097 days.

    private static func days(in month: Int, of year: Int) -> Int {
        switch month {
        case 2: year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) ? 29 : 28
        case 4, 6, 9, 11: 30
        default: 31
        }
    }

    private static func daysSince1970(_ year: Int, _ month: Int, _ day: Int) -> Int {
        let (era, yearOfEra) = divide(Int64(month > 2 ? year : year - 1), by: 400)
        let dayOfYear = (153 * ((month + 9) % 12) + 2) / 5 + day - 1
        return era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468
    }

    private static func date(daysSince1970 days: Int) -> (year: Int, month: Int, day: Int) {
        let (era, dayOfEra) = divide(Int64(days + 719_468), by: 146_097)
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let shifted = (5 * dayOfYear + 2) / 153
        let month = shifted < 10 ? shifted + 3 : shifted - 9
        return (era * 400 + yearOfEra + (month <= 2 ? 1 : 0), month, dayOfYear - (153 * shifted + 2) / 5 + 1)
    }

    /// Quotient rounded down, and the remainder, never negative.
    private static func divide(_ number: Int64, by divisor: Int64) -> (Int, Int) {
        let remainder = (number % divisor + divisor) % divisor
        return (Int((number - remainder) / divisor), Int(remainder))
    }
}
