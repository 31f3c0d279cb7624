public import NIOCore
internal import SeckillCore

/// A response that is the same for everybody: its bytes are made once a second, for the `Date`.
public final class ConstantResponse: Sendable {
    private let response: EncodedResponse
    private let last = Locked<(date: HTTPDate, bytes: ByteBuffer)?>(nil)

    /// `response`, sent as it is.
    public init(_ response: EncodedResponse) { self.response = response }

    /// The whole response, as of `date`.
    public func bytes(_ date: HTTPDate) -> ByteBuffer {
        last.withLock { last in
            if let last, last.date == date { return last.bytes }
            let bytes = response.bytes(date)
            last = (date, bytes)
            return bytes
        }
    }
}
