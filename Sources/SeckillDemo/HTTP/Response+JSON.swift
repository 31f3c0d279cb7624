internal import HTTPTypes
internal import Hummingbird

extension Response {
    /// A JSON answer.
    init(_ status: HTTPResponse.Status = .ok, _ json: JSON, _ more: HTTPFields = [:]) {
        self.init(Reply(status, json, more))
    }
}

extension Call {
    /// The body's members.
    ///
    /// - Parameter canBeEmpty: whether no body at all is as good as an empty object.
    func fields(canBeEmpty: Bool = false) throws -> Fields {
        if let type = request.headers[.contentType], !Self.isJSON(type) {
            throw Problem(.unsupportedMediaType, "Send application/json in UTF-8.")
        }
        if canBeEmpty, body.readableBytes == 0 { return Fields([:])! }
        return try Fields(body: body.readableBytesView)
    }

    private static func isJSON(_ type: String) -> Bool {
        guard type.utf8.count <= 128 else { return false }
        var parts = type.lowercased().split(separator: ";", omittingEmptySubsequences: false)
            .map { $0.filter { $0 != " " && $0 != "\t" && $0 != "\"" } }
        guard !parts.isEmpty, parts.removeFirst() == "application/json" else { return false }
        return parts.allSatisfy { !$0.hasPrefix("charset=") || $0 == "charset=utf-8" }
    }
}

extension HTTPField.Name {
    static let secFetchSite = HTTPField.Name("Sec-Fetch-Site")!
}
