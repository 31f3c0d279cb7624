internal import NIOCore
internal import NIOHTTP1

/// A request, and where its answer is awaited.
struct Call: Sendable {
    var method: HTTPMethod
    var path: String
    var headers: [(String, String)] = []
    var body: String?
    let answer: EventLoopPromise<Answer>
}

/// What a server answered.
struct Answer: Sendable {
    var status: Int
    var cookie: String?
    var body: ByteBuffer
}

/// Why there is no answer. Whether the server did what it was asked is unknown.
enum Silence: String, Error {
    case refused = "connection refused"
    case broken = "connection broken"
    case timeout = "no answer in time"
}
