import SeckillCore
import Testing

@testable import SeckillRedis

@Suite struct MailboxStateTests {
    private func take(_ mailbox: inout MailboxState, answered: Int = 0) -> MailboxState.Work {
        var work = MailboxState.Work()
        mailbox.rise(answered: answered)
        mailbox.take(into: &work)
        return work
    }

    private let session = RedisSession(number: 1, server: ServerName(run: "one", history: "one"))

    private let ping: RedisCommand = ["PING"]

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
        #expect(code { _ = try mailbox.append([ping], for: Reply()) } == .unavailable)
        _ = mailbox.open(session)
        #expect(code { _ = try mailbox.append([ping], for: Reply()) } == nil)
    }

    @Test func wakesTheThreadOncePerSleep() throws {
        var mailbox = open()
        #expect(try mailbox.append([ping], for: Reply()) == false, "the thread is awake and will look")
        #expect(take(&mailbox).entries.count == 1)
        #expect(try mailbox.append([ping], for: Reply()) == false, "it found something, so it looks again")
        #expect(take(&mailbox).entries.count == 1)
        #expect(take(&mailbox).entries.isEmpty)
        #expect(try mailbox.append([ping], for: Reply()) == true, "now it sleeps")
        #expect(try mailbox.append([ping], for: Reply()) == false, "and has been woken")
        #expect(take(&mailbox).entries.count == 2)
        _ = take(&mailbox)
        mailbox.rise(answered: 0)
        #expect(try mailbox.append([ping], for: Reply()) == false)
        _ = take(&mailbox)
        _ = take(&mailbox)
        #expect(mailbox.close() == true)
    }

    @Test func boundsWhatIsUnderWay() throws {
        var mailbox = open(limit: 3)
        _ = try mailbox.append([ping, ping], for: Reply())
        #expect(code { _ = try mailbox.append([ping, ping], for: Reply()) } == .overloaded)
        #expect(take(&mailbox).entries.count == 2, "a batch enters whole or not at all")
        _ = try mailbox.append([ping], for: Reply())
        #expect(code { _ = try mailbox.append([ping], for: Reply()) } == .overloaded, "what is in flight counts")
        _ = take(&mailbox, answered: 1)
        _ = try mailbox.append([ping], for: Reply())
        #expect(code { _ = try mailbox.append([ping], for: Reply()) } == .overloaded)
    }

    @Test func keepsCommandsOnTheConnectionTheyAreMeantFor() throws {
        var mailbox = open()
        _ = try mailbox.append([ping], for: Reply(), on: session)
        _ = mailbox.shut(because: "test")
        #expect(code { _ = try mailbox.append([ping], for: Reply(), on: session) } == .unavailable)
        // The same server, but nobody knows what happened in between.
        _ = mailbox.open(RedisSession(number: 2, server: session.server))
        #expect(code { _ = try mailbox.append([ping], for: Reply(), on: session) } == .unavailable)
        #expect(take(&mailbox).entries.isEmpty, "what entered before did not survive the break")
    }

    @Test func namesWhoIsStrandedByABreak() throws {
        var mailbox = MailboxState(limit: 3)
        #expect(mailbox.watch(Reply()) == true)
        #expect(mailbox.open(session).count == 1)
        #expect(mailbox.watch(Reply()) == false)
        _ = try mailbox.append([ping, ping, ping], for: Reply())
        #expect(mailbox.shut(because: "test").count == 3)
        _ = mailbox.open(session)
        _ = try mailbox.append([ping, ping, ping], for: Reply())
    }

    @Test func endsASessionThatIsInDoubt() throws {
        var mailbox = open()
        _ = try mailbox.append([ping], for: Reply())
        _ = take(&mailbox)
        _ = take(&mailbox)
        #expect(mailbox.suspect(session, because: "test") == true, "the thread must learn of it")
        #expect(code { _ = try mailbox.append([ping], for: Reply()) } == .unavailable)
        #expect(take(&mailbox).doubt == "test")
        #expect(take(&mailbox).doubt == nil)
        _ = mailbox.shut(because: "test")
        let next = RedisSession(number: 2, server: session.server)
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
        #expect(code { _ = try mailbox.append([ping], for: Reply()) } == .unavailable)
    }
}
