import BenchmarkSupport
import SeckillCore

let arguments = CommandLine.arguments.dropFirst()
let rounds = arguments.first.flatMap { Int($0) } ?? 5

try await compareReservations(rounds: rounds)
try await compareLinks(rounds: rounds)
