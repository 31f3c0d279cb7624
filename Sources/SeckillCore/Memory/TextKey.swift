/// A text as a key of a map: told apart by bytes, as every other store does, not by Unicode equivalence as `String`. Comparing
/// those takes quadratic time for texts that are made for it.
package struct TextKey: Hashable, Sendable {
    private let text: String

    package init(_ text: String) { self.text = text }

    package static func == (a: TextKey, b: TextKey) -> Bool { a.text.utf8.elementsEqual(b.text.utf8) }

    package func hash(into hasher: inout Hasher) {
        var text = text
        text.withUTF8 { hasher.combine(bytes: UnsafeRawBufferPointer($0)) }
    }
}
