import Foundation
import SeckillRedis

let rounds = CommandLine.arguments.dropFirst().first.flatMap { Int($0) } ?? 5
let server = try Server(port: 6399)
defer { server.stop() }
let redis = try await RedisConnection.connect(RedisConfiguration(url: "redis://127.0.0.1:6399"))
try await compareReservations(redis, beside: server, rounds: rounds)
try await compareGets(redis, beside: server, rounds: rounds)
await redis.close()
