internal import SeckillCore

/// What a check saw and should not have.
struct Violation: Error, CustomStringConvertible {
    var description: String

    init(_ what: String, _ file: StaticString, _ line: UInt) { description = "\(what) (\(file):\(line))" }
}

func expect(
    _ holds: Bool,
    _ otherwise: @autoclosure () -> String,
    file: StaticString = #fileID,
    line: UInt = #line
) throws {
    guard holds else { throw Violation(otherwise(), file, line) }
}

func expect<Value: Equatable>(
    _ found: Value,
    equals expected: Value,
    _ what: @autoclosure () -> String,
    file: StaticString = #fileID,
    line: UInt = #line
) throws {
    guard found == expected else {
        throw Violation("\(what()): expected \(expected), found \(found)", file, line)
    }
}

func expectError<Value>(
    _ codes: SeckillError.Code...,
    from what: String,
    file: StaticString = #fileID,
    line: UInt = #line,
    _ body: () async throws -> Value
) async throws {
    do {
        let value = try await body()
        throw Violation("\(what): expected \(codes), found \(value)", file, line)
    } catch let error as SeckillError {
        guard codes.contains(error.code) else {
            throw Violation("\(what): expected \(codes), found \(error)", file, line)
        }
    }
}

/// The value, where a check cannot go on without it.
func require<Value>(
    _ value: Value?,
    _ what: String,
    file: StaticString = #fileID,
    line: UInt = #line
) throws -> Value {
    guard let value else { throw Violation("\(what): found nil", file, line) }
    return value
}

/// Runs `body` for 0 to `count` - 1, all at once.
func together<Value: Sendable>(
    _ count: Int,
    _ body: @escaping @Sendable (Int) async throws -> Value
) async throws -> [Value] {
    try await withThrowingTaskGroup(of: (Int, Value).self) { group in
        for index in 0..<count { group.addTask { (index, try await body(index)) } }
        var values: [(Int, Value)] = []
        for try await value in group { values.append(value) }
        return values.sorted { $0.0 < $1.0 }.map(\.1)
    }
}
