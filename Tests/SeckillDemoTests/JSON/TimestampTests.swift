import SeckillCore
import Testing

@testable import SeckillDemo

struct TimestampTests {
    @Test(arguments: [
        ("1970-01-01T00:00:00Z", 0), ("1969-12-31T23:59:59.999Z", -1), ("2000-02-29T12:00:00Z", 951_825_600_000),
        ("2026-11-22T10:00:00Z", 1_795_341_600_000), ("2026-11-22T10:00:00.120Z", 1_795_341_600_120),
        ("0000-01-01T00:00:00Z", -62_167_219_200_000), ("9999-12-31T23:59:59.999Z", 253_402_300_799_999),
    ])
    func readsAndWrites(_ text: String, _ milliseconds: Int64) {
        let moment = Timestamp(milliseconds: milliseconds)
        #expect(Timestamp(iso8601: text) == moment)
        #expect(moment.iso8601 == text)
    }

    @Test(arguments: [
        ("2026-11-22T10:00:00.1Z", 100), ("2026-11-22T10:00:00.123999999Z", 123), ("2026-11-22T10:00:00.0Z", 0),
    ])
    func cutsFinerFractions(_ text: String, _ milliseconds: Int64) {
        #expect(Timestamp(iso8601: text)?.milliseconds == 1_795_341_600_000 + milliseconds)
    }

    @Test(arguments: [
        "", "2026-11-22", "2026-11-22T10:00:00", "2026-11-22T10:00:00+00:00", "2026-11-22t10:00:00z",
        "2026-11-22 10:00:00Z", "2026-11-22T10:00Z", "2026-11-22T10:00:00.Z", "2026-11-22T10:00:00,5Z",
        "2026-11-22T10:00:00.1234567890Z", "2026-00-22T10:00:00Z", "2026-13-22T10:00:00Z", "2026-02-29T10:00:00Z",
        "1900-02-29T10:00:00Z", "2026-04-31T10:00:00Z", "2026-11-00T10:00:00Z", "2026-11-22T24:00:00Z",
        "2026-11-22T10:60:00Z", "2026-11-22T10:00:60Z", "+2026-11-22T10:00:0Z", "-026-11-22T10:00:00Z",
        "２026-11-22T10:00Z", "2026-11-22T10:00:00ZZ", "20261122T100000Z.....", "2026-11-22T10:00:00.-1Z",
    ])
    func refuses(_ text: String) {
        #expect(Timestamp(iso8601: text) == nil)
    }

    @Test func daysOfEightCenturiesSurvive() {
        for day in stride(from: Int64(-146_097), through: 146_097, by: 13) {
            let moment = Timestamp(milliseconds: day * 86_400_000 + 86_399_999)
            #expect(Timestamp(iso8601: moment.iso8601) == moment)
        }
    }
}
