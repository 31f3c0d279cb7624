import Hummingbird

/// The ceiling of the HTTP benchmarks: a Hummingbird route that does nothing but answer.
let router = Router(context: BasicRequestContext.self)
router.post("/constant") { _, _ in
    Response(
        status: .accepted,
        headers: [.contentType: "application/json"],
        body: .init(byteBuffer: ByteBuffer(string: #"{"order":"x","status":"queued","sequence":1}"#))
    )
}
let port = CommandLine.arguments.dropFirst().first.flatMap { Int($0) } ?? 8099
let application = Application(
    router: router,
    configuration: ApplicationConfiguration(address: .hostname("127.0.0.1", port: port))
)
try await application.runService()
