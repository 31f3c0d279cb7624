import SeckillCore
import Testing

@testable import SeckillRedis

@Suite struct MailboxStateTests {
    private let session = RedisSession(number: 1, identity: StoreIdentity("one"))

    private func entry() -> MailboxState.Entry { MailboxState.Entry(command: ["PING"], reply: Reply()) }

    private func open(limit: Int = 10) -> MailboxState {
        var mailbox = MailboxState(limit: limit)
        _ = mailbox.open(session)
        return mailbox
    }

    private func code(_ body: () throws -> Void) -> SeckillError.Code? {
        do {
            try body()
            return nil
        } catch {
            return (error as? SeckillError)?.code
        }
    }

    @Test func takesNothingUntilItIsOpen() {
        var mailbox = MailboxState(limit: 10)
        #expect(code { _ = try mailbox.append([entry()]) } == .unavailable)
        _ = mailbox.open(session)
        #expect(code { _ = try mailbox.append([entry()]) } == nil)
    }

    @Test func wakesTheThreadOncePerSleep() throws {
        var mailbox = open()
        #expect(try mailbox.append([entry()]) == false, "the thread is awake and will look")
        #expect(mailbox.take(answered: 0).entries.count == 1)
        #expect(try mailbox.append([entry()]) == false, "it found something, so it looks again")
        #expect(mailbox.take(answered: 0).entries.count == 1)
        #expect(mailbox.take(answered: 0).entries.isEmpty)
        #expect(try mailbox.append([entry()]) == true, "now it sleeps")
        #expect(try mailbox.append([entry()]) == false, "and has been woken")
        #expect(mailbox.take(answered: 0).entries.count == 2)
        _ = mailbox.take(answered: 0)
        mailbox.rise()
        #expect(try mailbox.append([entry()]) == false)
        _ = mailbox.take(answered: 0)
        _ = mailbox.take(answered: 0)
        #expect(mailbox.close() == true)
    }

    @Test func boundsWhatIsUnderWay() throws {
        var mailbox = open(limit: 3)
        _ = try mailbox.append([entry(), entry()])
        #expect(code { _ = try mailbox.append([entry(), entry()]) } == .overloaded)
        #expect(mailbox.take(answered: 0).entries.count == 2, "a batch enters whole or not at all")
        _ = try mailbox.append([entry()])
        #expect(code { _ = try mailbox.append([entry()]) } == .overloaded, "what is in flight counts")
        _ = mailbox.take(answered: 1)
        _ = try mailbox.append([entry()])
        #expect(code { _ = try mailbox.append([entry()]) } == .overloaded)
    }

    @Test func keepsCommandsOnTheConnectionTheyAreMeantFor() throws {
        var mailbox = open()
        _ = try mailbox.append([entry()], on: session)
        _ = mailbox.shut(because: "test")
        #expect(code { _ = try mailbox.append([entry()], on: session) } == .unavailable)
        // The same server, but nobody knows what happened in between.
        _ = mailbox.open(RedisSession(number: 2, identity: session.identity))
        #expect(code { _ = try mailbox.append([entry()], on: session) } == .unavailable)
        #expect(mailbox.take(answered: 0).entries.isEmpty, "what entered before did not survive the break")
    }

    @Test func namesWhoIsStrandedByABreak() throws {
        var mailbox = MailboxState(limit: 3)
        #expect(mailbox.watch(Reply()) == true)
        #expect(mailbox.open(session).count == 1)
        #expect(mailbox.watch(Reply()) == false)
        _ = try mailbox.append([entry(), entry(), entry()])
        #expect(mailbox.shut(because: "test").count == 3)
        _ = mailbox.open(session)
        _ = try mailbox.append([entry(), entry(), entry()])
    }

    @Test func endsASessionThatIsInDoubt() throws {
        var mailbox = open()
        _ = try mailbox.append([entry()])
        _ = mailbox.take(answered: 0)
        _ = mailbox.take(answered: 0)
        #expect(mailbox.suspect(session, because: "test") == true, "the thread must learn of it")
        #expect(code { _ = try mailbox.append([entry()]) } == .unavailable)
        #expect(mailbox.take(answered: 0).doubt == "test")
        #expect(mailbox.take(answered: 0).doubt == nil)
        _ = mailbox.shut(because: "test")
        let next = RedisSession(number: 2, identity: session.identity)
        _ = mailbox.open(next)
        #expect(mailbox.suspect(session, because: "late") == false)
        #expect(mailbox.session == next, "a late doubt does not hit the next connection")
    }

    @Test func staysClosed() {
        var mailbox = open()
        _ = mailbox.close()
        _ = mailbox.shut(because: "test")
        _ = mailbox.open(session)
        #expect(mailbox.isClosed)
        #expect(mailbox.session == nil)
        #expect(code { _ = try mailbox.append([entry()]) } == .unavailable)
    }
}
