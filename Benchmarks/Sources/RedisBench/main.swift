import Foundation
import SeckillRedis

// RedisBench [rounds] [unix]: over TCP, or over a unix socket.
let rounds = CommandLine.arguments.dropFirst().first.flatMap { Int($0) } ?? 5
let server = try Server(port: 6399, isAskedBySocket: CommandLine.arguments.contains("unix"))
defer { server.stop() }
let redis = try await RedisConnection.connect(RedisConfiguration(url: server.url))
try await compareReservations(redis, beside: server, rounds: rounds)
try await compareGets(redis, beside: server, rounds: rounds)
await redis.close()
