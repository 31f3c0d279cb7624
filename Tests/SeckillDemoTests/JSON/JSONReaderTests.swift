import Testing

@testable import SeckillDemo

struct JSONReaderTests {
    @Test(arguments: [
        ("null", JSON.null), (" true ", .bool(true)), ("false", .bool(false)), ("0", 0), ("-0", 0), ("-12", -12),
        ("9223372036854775807", .integer(.max)), ("-9223372036854775808", .integer(.min)),
        ("9223372036854775808", .otherNumber), ("1.0", .otherNumber), ("1e2", .otherNumber), ("1E+2", .otherNumber),
        ("0.5e-3", .otherNumber), (#""""#, ""), (#""a\"\\\/\b\f\n\r\t""#, "a\"\\/\u{8}\u{C}\n\r\t"),
        (#""\u00e9\uD83D\uDE00\u0000""#, "é😀\0"), ("\"é😀\"", "é😀"), ("\"\u{7F}\"", "\u{7F}"),
        ("[]", .array([])), ("[1, [2]\n]", .array([1, .array([2])])), ("{}", [:] as JSON),
        (#"{"a":1 ,"A":{"a":null}}"#, ["a": 1, "A": ["a": nil]] as JSON),
    ])
    func reads(_ text: String, _ expected: JSON) throws {
        #expect(try JSONReader.read(text.utf8) == expected)
    }

    @Test(arguments: [
        "", " ", "nul", "nulls", "True", "01", "-", "+1", ".5", "1.", "1e", "1e+", "0x1", "NaN", "Infinity", "1 2",
        "\"", #""\x""#, #""\u12""#, #""\u12g4""#, #""\uD83D""#, #""\uD83D\u0041""#, #""\uDE00""#, "\"\n\"", "\"\u{0}\"",
        "'a'", "[", "[1", "[1,]", "[,1]", "[1 2]", "{", "{a:1}", #"{"a"}"#, #"{"a":}"#, #"{"a":1,}"#, #"{"a":1"#,
        #"{"a" 1}"#, #"{1:1}"#, "{}{}", "[]]", "// no\n1", "\u{FEFF}1",
    ])
    func refuses(_ text: String) {
        #expect(throws: JSONReader.Failure.self) { try JSONReader.read(text.utf8) }
    }

    @Test func refusesANameGivenTwiceHoweverItIsSpelt() throws {
        for text in [#"{"a":1,"a":1}"#, #"{"a":1,"\u0061":2}"#] {
            #expect(throws: JSONReader.Failure.self) { try JSONReader.read(text.utf8) }
        }
        // Names are what is written, not how it looks.
        let alike = try JSONReader.read("{\"\u{E9}\":1,\"e\u{301}\":2}".utf8)
        #expect(alike.names.count == 2)
    }

    @Test(
        arguments: [[0xFF], [0x22, 0xC0, 0x80, 0x22], [0x22, 0xED, 0xA0, 0x80, 0x22], [0x22, 0xC3, 0x22]] as [[UInt8]]
    )
    func refusesWhatIsNotUTF8(_ bytes: [UInt8]) {
        #expect(throws: JSONReader.Failure.self) { try JSONReader.read(bytes) }
    }

    @Test func aLongTextIsNoField() throws {
        let text = String(repeating: "\u{301}", count: 257)
        let fields = try Fields(body: JSON.object([.init(name: "kind", value: .string(text))]).bytes)
        #expect(throws: Problem.self) { try fields.string("kind", "captcha or work") }
        #expect(try fields.string(ifPresent: text, "anything") == nil)
    }

    @Test func boundsDepth() throws {
        func nested(_ depth: Int) -> String {
            String(repeating: "[", count: depth) + String(repeating: "]", count: depth)
        }
        _ = try JSONReader.read(nested(JSONReader.maxDepth).utf8)
        #expect(throws: JSONReader.Failure.self) { try JSONReader.read(nested(JSONReader.maxDepth + 1).utf8) }
        // As deep as a body can be, and no deeper into the stack than the bound.
        #expect(throws: JSONReader.Failure.self) { try JSONReader.read(nested(8192).utf8) }
    }

    @Test func saysWhere() {
        #expect(throws: JSONReader.Failure(reason: "',' or '}' is missing", offset: 7)) {
            try JSONReader.read(#"{"a":1 2}"#.utf8)
        }
    }

    @Test func writesWhatItReads() throws {
        let value: JSON = [
            "text": "\"\\\u{0}\u{1F}é</script>&", "list": .array([1, -1, .bool(true), .bool(false), nil]), "empty": [:],
        ]
        #expect(try JSONReader.read(value.bytes) == value)
        #expect(!String(decoding: value.bytes, as: UTF8.self).contains("</"))
    }
}
