import SeckillCore
import Testing

@testable import SeckillRedis

@Suite struct InFlightTests {
    private func number(_ receiver: InFlight.Receiver?, of replies: [Reply]) -> Int? {
        if case .caller(let reply) = receiver { replies.firstIndex { $0 === reply } } else { nil }
    }

    @Test func answersComeInOrder() {
        let replies = [Reply(), Reply(), Reply()]
        var line = InFlight()
        for reply in replies { line.append(.caller(reply), at: .zero) }
        #expect((0..<3).map { _ in number(line.next(), of: replies) } == [0, 1, 2])
        #expect(line.next() == nil)
    }

    @Test func whoWaitedTooLongKeepsItsPlace() {
        let replies = [Reply(), Reply(), Reply()]
        var line = InFlight()
        for (second, reply) in replies.enumerated() { line.append(.caller(reply), at: .seconds(second)) }
        #expect(line.nextOverdue(after: .seconds(2)) == .seconds(2))
        #expect(line.overdue(at: .seconds(1), after: .seconds(2)).isEmpty)
        #expect(line.overdue(at: .seconds(2), after: .seconds(2)).map { $0 === replies[0] } == [true])
        #expect(line.overdue(at: .seconds(2), after: .seconds(2)).isEmpty, "told once")
        #expect(line.nextOverdue(after: .seconds(2)) == .seconds(3))
        #expect(number(line.next(), of: replies) == 0, "the late answer is not the next one's")
        #expect(line.overdue(at: .seconds(3), after: .seconds(2)).map { $0 === replies[1] } == [true])
        #expect(line.oldest == .seconds(1))
        #expect(number(line.next(), of: replies) == 1)
        #expect(number(line.next(), of: replies) == 2)
        #expect(line.oldest == nil)
        #expect(line.nextOverdue(after: .seconds(2)) == nil)
    }

    @Test func theConnectionsOwnQuestionsAreNotCallers() {
        var line = InFlight()
        line.append(.own { _ in }, at: .zero)
        #expect(line.overdue(at: .seconds(9), after: .seconds(2)).isEmpty)
    }
}

@Suite struct ReplyTests {
    @Test func theFirstEndCounts() async throws {
        let reply = Reply()
        let value = try await reply.wait {
            reply.answer(.integer(1))
            reply.answer(.integer(2))
            reply.fail(CancellationError())
        }
        #expect(value == .integer(1))
    }

    @Test func collectsAnswersInOrder() async throws {
        let reply = Reply(answers: 3)
        let value = try await reply.wait { for number in 1...4 { reply.answer(.integer(number)) } }
        #expect(value == .array([.integer(1), .integer(2), .integer(3)]))
    }

    @Test func aCancelledCallerStopsWaiting() async throws {
        let reply = Reply()
        let (started, startedNow) = AsyncStream.makeStream(of: Void.self)
        let task = Task { try await reply.wait { startedNow.yield() } }
        for await _ in started { break }
        task.cancel()
        await #expect(throws: CancellationError.self) { try await task.value }
        reply.answer(.integer(1))
    }

    @Test func aCallerThatIsCancelledAlreadyAsksNothing() async throws {
        let asked = Locked(false)
        let task = Task {
            withUnsafeCurrentTask { $0?.cancel() }
            return try await Reply().wait { asked.withLock { $0 = true } }
        }
        await #expect(throws: CancellationError.self) { try await task.value }
        #expect(asked.withLock { !$0 })
    }
}
