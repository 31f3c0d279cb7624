import NIOCore
import NIOHTTP1
import SeckillCore
import SeckillNIO
import Testing

struct ResponseTemplateTests {
    private func response(_ name: String, _ number: Int) -> EncodedResponse {
        let body = #"{"name":"\(name)","number":\(number)}"#
        let fields: HTTPHeaders = ["Location": "/names/\(name)", "Content-Length": "\(body.utf8.count)"]
        return EncodedResponse(
            HTTPResponseHead(version: .http1_1, status: .accepted, headers: fields),
            body: ByteBuffer(string: body)
        )
    }

    @Test func whatIsFilledInIsWhatWouldHaveBeenEncoded() {
        // A number that is also a part of the length of the body.
        let template = ResponseTemplate(response("alice", 29), texts: ["alice", #""number":29}"#])
        let date = HTTPDate(Timestamp(milliseconds: 1_000_000_000_000))
        #expect(template.bytes(date, texts: ["bobby", #""number":17}"#]) == response("bobby", 17).bytes(date))
        #expect(template.bytes(date, texts: ["alice", #""number":29}"#]) == response("alice", 29).bytes(date))
    }
}
