import Foundation
import SeckillRedis

/// A redis-server of this benchmark's own: a free port and a socket, a folder of its own, AOF everysec.
final class Server {
    private let port: Int
    private let isAskedBySocket: Bool
    private let process = Process()
    private let folder: URL

    init(port: Int, isAskedBySocket: Bool) throws {
        self.port = port
        self.isAskedBySocket = isAskedBySocket
        folder = FileManager.default.temporaryDirectory.appending(path: "seckill-bench-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = [
            "redis-server", "--port", "\(port)", "--bind", "127.0.0.1", "--dir", folder.path, "--save", "",
            "--appendonly", "yes", "--appendfsync", "everysec", "--loglevel", "warning", "--unixsocket", socket,
        ]
        process.standardOutput = FileHandle.nullDevice
        try process.run()
    }

    private var socket: String { folder.appending(path: "redis.sock").path }

    /// Where to ask it.
    var url: String { isAskedBySocket ? "unix://\(socket)" : "redis://127.0.0.1:\(port)" }

    func stop() {
        process.terminate()
        process.waitUntilExit()
        try? FileManager.default.removeItem(at: folder)
    }

    /// Seconds of processor time that the server has used.
    func processorTime(_ redis: RedisConnection) async throws -> Double {
        let lines = try await redis.send(["INFO", "cpu"]).text!.split(whereSeparator: \.isNewline)
        return lines.filter { $0.hasPrefix("used_cpu_sys:") || $0.hasPrefix("used_cpu_user:") }
            .compactMap { Double($0.split(separator: ":")[1]) }.reduce(0, +)
    }

    /// Requests a second that redis-benchmark reaches with `command`, and the seconds of processor time it needs.
    func benchmark(
        _ command: [String],
        requests: Int,
        clients: Int = 50,
        pipeline: Int
    ) throws -> (rate: Double, cpu: Double) {
        let benchmark = Process()
        let output = Pipe()
        benchmark.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        benchmark.arguments =
            ["redis-benchmark"] + (isAskedBySocket ? ["-s", socket] : ["-p", "\(port)"]) + [
                "-c", "\(clients)", "-P", "\(pipeline)", "-n", "\(requests)", "-r", "1000000000", "--csv",
            ] + command
        benchmark.standardOutput = output
        let before = childrensTime()
        try benchmark.run()
        let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        benchmark.waitUntilExit()
        let fields = text.split(separator: "\n").last?.split(separator: "\",\"") ?? []
        guard fields.count > 2, let rate = Double(fields[1]) else {
            throw CocoaError(.fileReadCorruptFile, userInfo: [NSDebugDescriptionErrorKey: text])
        }
        return (rate, childrensTime() - before)
    }

    private func childrensTime() -> Double {
        var usage = rusage()
        #if canImport(Glibc)
            getrusage(__rusage_who_t(RUSAGE_CHILDREN.rawValue), &usage)
        #else
            getrusage(RUSAGE_CHILDREN, &usage)
        #endif
        return [usage.ru_utime, usage.ru_stime].map { Double($0.tv_sec) + Double($0.tv_usec) / 1e6 }.reduce(0, +)
    }
}
