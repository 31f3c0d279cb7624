public import NIOCore
public import NIOHTTP1

/// A response whose bytes are made once and sent many times: all but the `Date`.
public struct EncodedResponse: Sendable {
    /// Status line and fields, without `Date` and the empty line.
    private let head: ByteBuffer
    private let body: ByteBuffer

    /// Encodes `head` and `body`.
    ///
    /// - Parameters:
    ///   - head: must tell the length of the body, and no `Date`.
    ///   - body: empty where the request was a `HEAD`, or the status has none.
    public init(_ head: HTTPResponseHead, body: ByteBuffer = ByteBuffer()) {
        var bytes = ByteBuffer()
        bytes.writeString("HTTP/1.1 \(head.status.code) \(head.status.reasonPhrase)\r\n")
        let hasNoBody = !head.status.mayHaveResponseBody
        for (name, value) in head.headers where !(hasNoBody && name.lowercased() == "content-length") {
            bytes.writeString("\(name): \(value)\r\n")
        }
        bytes.writeStaticString("Date: ")
        self.head = bytes
        self.body = body
    }

    /// The whole response, as of `date`.
    public func bytes(_ date: HTTPDate) -> ByteBuffer {
        var bytes = ByteBufferAllocator().buffer(
            capacity: head.readableBytes + HTTPDate.length + 4 + body.readableBytes
        )
        bytes.writeImmutableBuffer(head)
        date.write(to: &bytes)
        bytes.writeStaticString("\r\n\r\n")
        bytes.writeImmutableBuffer(body)
        return bytes
    }
}
