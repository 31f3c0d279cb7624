let arguments = CommandLine.arguments.dropFirst()
try await compareLedgers(rounds: arguments.first.flatMap { Int($0) } ?? 5)
