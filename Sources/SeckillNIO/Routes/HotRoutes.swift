public import NIOCore

/// What is answered ahead of the server behind, on the event loop that read the request.
///
/// See ``NIOCore/ChannelPipeline/SynchronousOperations/addHotRoutes(_:in:idleTimeout:)``.
public protocol HotRoutes: Sendable {
    /// The answer to `request`. Called on the event loop: must not block, and costs every request that it is asked about.
    func answer(_ request: HotRequest) -> HotAnswer
}

/// Who answers, and when.
public enum HotAnswer: Sendable {
    /// The server behind: it gets the request as it came.
    case elsewhere
    /// These bytes, at once: a whole response of HTTP/1.1 after which the connection goes on.
    case now(ByteBuffer)
    /// The bytes that this returns. It runs on the connection's event loop whenever it is not waiting, at first before
    /// ``HotRoutes/answer(_:)``'s caller goes on, and is not cancelled. Until it returns, the connection's next requests wait.
    case later(@Sendable () async -> ByteBuffer)
}
