let arguments = Array(CommandLine.arguments.dropFirst())
switch arguments.first {
case "growth": try await measureGrowth(to: arguments.dropFirst().first.flatMap { Int($0) } ?? 1_000_000)
case "settling": try await measureSettling(arguments.dropFirst().first.flatMap { Int($0) } ?? 1_000_000)
case let rounds: try await compareLedgers(rounds: rounds.flatMap { Int($0) } ?? 5)
}
