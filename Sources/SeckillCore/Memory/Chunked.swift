/// An array in pieces: growing moves nothing, and writing to one that a copy still shares copies one piece.
package struct Chunked<Element: Sendable>: Sendable {
    private static var bits: Int { 12 }
    private var chunks: ContiguousArray<ContiguousArray<Element>> = []
    package private(set) var count = 0

    package init() {}

    package mutating func append(_ element: Element) {
        if count & (1 << Self.bits - 1) == 0 { chunks.append([]) }
        chunks[chunks.count - 1].append(element)
        count += 1
    }

    package subscript(index: Int) -> Element {
        get { chunks[index >> Self.bits][index & (1 << Self.bits - 1)] }
        _modify { yield &chunks[index >> Self.bits][index & (1 << Self.bits - 1)] }
    }
}
