/// A text as a key of a map: told apart by bytes, as every other store does, not by Unicode equivalence as `String`.
struct TextKey: Hashable, Sendable {
    private let text: String

    init(_ text: String) { self.text = text }

    static func == (a: TextKey, b: TextKey) -> Bool { a.text.utf8.elementsEqual(b.text.utf8) }

    func hash(into hasher: inout Hasher) {
        var text = text
        text.withUTF8 { hasher.combine(bytes: UnsafeRawBufferPointer($0)) }
    }
}
