import Foundation

/// A redis-server of this benchmark's own: a free port of its own, a folder of its own, AOF everysec.
final class Server {
    let port: Int
    private let process = Process()
    private let folder: URL

    init(port: Int) throws {
        self.port = port
        folder = FileManager.default.temporaryDirectory.appending(path: "seckill-bench-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = [
            "redis-server", "--port", "\(port)", "--bind", "127.0.0.1", "--dir", folder.path, "--save", "",
            "--appendonly", "yes", "--appendfsync", "everysec", "--loglevel", "warning",
        ]
        process.standardOutput = FileHandle.nullDevice
        try process.run()
    }

    func stop() {
        process.terminate()
        process.waitUntilExit()
        try? FileManager.default.removeItem(at: folder)
    }

    /// Requests a second that redis-benchmark reaches with `command`.
    func benchmark(_ command: [String], requests: Int, clients: Int = 50, pipeline: Int) throws -> Double {
        let benchmark = Process()
        let output = Pipe()
        benchmark.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        benchmark.arguments =
            [
                "redis-benchmark", "-p", "\(port)", "-c", "\(clients)", "-P", "\(pipeline)", "-n", "\(requests)",
                "-r", "1000000000", "--csv",
            ] + command
        benchmark.standardOutput = output
        try benchmark.run()
        let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        benchmark.waitUntilExit()
        let fields = text.split(separator: "\n").last?.split(separator: "\",\"") ?? []
        guard fields.count > 2, let rate = Double(fields[1]) else {
            throw CocoaError(.fileReadCorruptFile, userInfo: [NSDebugDescriptionErrorKey: text])
        }
        return rate
    }
}
