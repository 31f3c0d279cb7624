public import NIOCore

/// A response of which all but a few texts is always the same, as is their length.
public struct ResponseTemplate: Sendable {
    private struct Blank: Sendable {
        /// Which text.
        var index: Int
        /// Where it stands in the whole response.
        var offset: Int
    }

    private let sample: EncodedResponse
    private let blanks: [Blank]

    /// A template made from one such response.
    ///
    /// - Parameter texts: what is filled in, as `sample` has it. Every place that holds one of them is filled.
    public init(_ sample: EncodedResponse, texts: [String]) {
        self.sample = sample
        let bytes = sample.bytes(HTTPDate(seconds: 0)).readableBytesView
        blanks = texts.enumerated().flatMap { index, text in
            let text = Array(text.utf8)
            return bytes.indices.filter { bytes[$0...].starts(with: text) }
                .map { Blank(index: index, offset: $0 - bytes.startIndex) }
        }
    }

    /// The whole response, as of `date`.
    ///
    /// - Parameter texts: one for each of the sample's, of the same number of bytes.
    public func bytes(_ date: HTTPDate, texts: [String]) -> ByteBuffer {
        var bytes = sample.bytes(date)
        for blank in blanks { bytes.setString(texts[blank.index], at: bytes.readerIndex + blank.offset) }
        return bytes
    }
}
