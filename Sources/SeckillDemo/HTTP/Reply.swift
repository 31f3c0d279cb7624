internal import HTTPTypes
internal import Hummingbird
internal import NIOCore
internal import NIOHTTP1
internal import NIOHTTPTypesHTTP1
internal import SeckillCore
internal import SeckillNIO

/// A response whose body is at hand, so that it can be sent by Hummingbird or ahead of it.
struct Reply: Sendable {
    var status: HTTPResponse.Status
    var fields: HTTPFields
    var body: [UInt8] = []
}

extension Reply {
    /// A JSON answer.
    init(_ status: HTTPResponse.Status = .ok, _ json: JSON, _ more: HTTPFields = [:]) {
        var fields: HTTPFields = [.contentType: "application/json"]
        fields.append(contentsOf: more)
        self.init(status: status, fields: fields, body: json.bytes)
    }

    /// An error answer.
    init(_ problem: Problem) { self.init(status: problem.code.status, fields: problem.fields, body: problem.body) }
}

extension Response {
    /// For Hummingbird to send.
    init(_ reply: Reply) {
        self.init(
            status: reply.status,
            headers: reply.fields,
            body: ResponseBody(byteBuffer: ByteBuffer(bytes: reply.body))
        )
    }

    /// With the fields that all responses have.
    var withCommonFields: Response {
        var response = self
        response.headers[.xContentTypeOptions] = "nosniff"
        // What is for everybody says so itself.
        if !response.headers.contains(.cacheControl) { response.headers[.cacheControl] = "no-store" }
        return response
    }
}

extension EncodedResponse {
    /// For sending ahead of Hummingbird, with the fields that all responses have.
    init(_ reply: Reply, isHead: Bool = false) {
        self.init(
            HTTPResponseHead(Response(reply).withCommonFields.head),
            body: isHead ? ByteBuffer() : ByteBuffer(bytes: reply.body)
        )
    }
}
