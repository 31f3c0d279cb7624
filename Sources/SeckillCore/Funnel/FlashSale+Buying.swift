extension FlashSale {
    // MARK: Sessions

    /// Logs a user in. Proving who it is was the caller's task.
    ///
    /// - Parameter client: the key by which logins are limited, such as the address of the request; nil for no limit. Limit
    ///   clients that may log in without proof: see ``SessionStore`` for what ends when there are too many sessions.
    public func logIn(_ user: UserID, from client: String? = nil) async -> LoginOutcome {
        await metrics.login.measure(clock) {
            do {
                if let client, let wait = try await wait(of: "login \(client)", clientLimiter) {
                    return .refused(.rateLimited(retryAfter: wait))
                }
                let token = try await sessions.create(for: user, lifetime: configuration.sessionLifetime)
                outage.succeeded()
                return .granted(token)
            } catch {
                return .refused(unavailable(error))
            }
        } refusal: {
            if case .refused(let refusal) = $0 { refusal } else { nil }
        }
    }

    /// Ends a session. Idempotent.
    public func logOut(_ session: SessionToken) async throws { try await sessions.revoke(session) }

    /// Who is asking, or nil. Sessions in the second half of their life are refreshed.
    public func user(for caller: Caller) async throws -> UserID? {
        switch caller {
        case .user(let user): return user
        case .session(nil): return nil
        case .session(let token?):
            guard let session = try await sessions.look(up: token) else { return nil }
            await slide(session, token)
            return session.user
        }
    }

    private func slide(_ session: Session, _ token: SessionToken) async {
        guard session.expiresAt - clock.now < configuration.sessionLifetime / 2 else { return }
        _ = try? await sessions.refresh(token, lifetime: configuration.sessionLifetime)
    }

    // MARK: Buying

    /// Asks a session a new question of `kind`; nil if no such challenge is set. Checks the client's rate, the session, and
    /// the user's rate, in this order.
    ///
    /// - Parameter client: the key by which challenges are limited, as in ``logIn(_:from:)``.
    public func challenge(
        _ kind: String,
        for session: SessionToken?,
        from client: String? = nil
    ) async -> ChallengeOutcome? {
        guard let challenge = challenges.first(where: { $0.kind == kind }) else { return nil }
        return await metrics.challenge.measure(clock) {
            do {
                return try await ask(challenge, session, client)
            } catch {
                return .refused(unavailable(error))
            }
        } refusal: {
            if case .refused(let refusal) = $0 { refusal } else { nil }
        }
    }

    private func ask(
        _ challenge: any Challenge,
        _ session: SessionToken?,
        _ client: String?
    ) async throws -> ChallengeOutcome {
        if let client, let wait = try await wait(of: "challenge \(client)", clientLimiter) {
            return .refused(.rateLimited(retryAfter: wait))
        }
        guard let session, let user = try await user(for: .session(session)) else { return .refused(.noSession) }
        // Apart from links and purchases: no user's name has a control character.
        if let wait = try await wait(of: "challenge\0\(user)", limiter) {
            return .refused(.rateLimited(retryAfter: wait))
        }
        let prompt = try await challenge.issue(to: session)
        outage.succeeded()
        return .granted(prompt)
    }

    /// Gives the purchase link for one unit of `sale`. Checks sale, session, rate limit, opening, stock store and challenge,
    /// in this order: the answer is used up last, when nothing else can refuse the link.
    ///
    /// Minting is free and holds nothing: a link may lose the race for the last unit. `answer` is needed only where
    /// challenges are set, and then the caller must be a session.
    public func link(to sale: SaleID, for caller: Caller, answer: ChallengeAnswer? = nil) async -> LinkOutcome {
        await metrics.link.measure(clock) {
            do {
                let outcome = try await decideLink(to: sale, for: caller, answer: answer)
                outage.succeeded()
                return outcome
            } catch {
                return .refused(unavailable(error))
            }
        } refusal: {
            if case .refused(let refusal) = $0 { refusal } else { nil }
        }
    }

    /// Buys with a link: signature, sold-out flag, session, owner, rate limit, then one atomic step in the stock store.
    ///
    /// The sold-out flag refuses only orders that the stock store does not know, so that a repeat finds its order.
    /// Idempotent: one token is one order, whatever is lost or repeated. Cancelling stops the wait, not the purchase.
    public func purchase(_ token: String, of sale: SaleID, by caller: Caller) async -> PurchaseOutcome {
        switch beginPurchase(token, of: sale, by: caller) {
        case .decided(let outcome): outcome
        case .undecided(let attempt): await finish(attempt)
        }
    }

    /// The part of ``purchase(_:of:by:)`` that waits for nothing, for servers that answer where they read: an unknown
    /// sale, a link that is not good, a new order of a sale that is known to be sold out, nobody's session.
    public func beginPurchase(_ token: String, of sale: SaleID, by caller: Caller) -> PurchaseStart {
        var attempt = PurchaseAttempt(
            token: token,
            sale: sale,
            caller: caller,
            startedAt: metrics.purchase.begin(clock)
        )
        guard let isKnown = catalog.knows(sale) else { return .undecided(attempt) }
        guard isKnown else { return .decided(ended(attempt, .refused(.noSale, order: nil))) }
        switch check(attempt) {
        case .failure(let refused): return .decided(ended(attempt, refused.outcome))
        case .success(let link):
            attempt.link = link
            return .undecided(attempt)
        }
    }

    /// The part that waits: the rest of ``purchase(_:of:by:)``. Once for each attempt.
    public func finish(_ attempt: PurchaseAttempt) async -> PurchaseOutcome {
        let outcome = await decide(attempt)
        if case .refused(.unavailable, _) = outcome { return ended(attempt, outcome) }
        outage.succeeded()
        return ended(attempt, outcome)
    }

    private func decideLink(to sale: SaleID, for caller: Caller, answer: ChallengeAnswer?) async throws -> LinkOutcome {
        guard let record = try await catalog.record(of: sale) else { return .refused(.noSale) }
        noteRequest(of: sale)
        guard let user = try await user(for: caller) else { return .refused(.noSession) }
        if let wait = try await wait(of: user.text, limiter) { return .refused(.rateLimited(retryAfter: wait)) }
        let now = clock.now
        if record.isClosed(at: now) { return .refused(.closed) }
        if now < record.sale.opensAt { return .refused(.notOpen(opensAt: record.sale.opensAt)) }
        if !challenges.isEmpty, answer == nil { return .refused(.challengeFailed) }
        guard let snapshot = try await stock.snapshot(of: sale) else {
            return .refused(.unavailable(retryAfter: configuration.retryAfter))
        }
        guard try await passes(answer, caller) else { return .refused(.challengeFailed) }
        let order = signer.mintOrder(sale: sale, epoch: snapshot.epoch, user: user, at: now)
        let expiresAt = Timestamp(
            milliseconds: (now + configuration.linkLifetime).milliseconds / 1000 * 1000
        )
        return .granted(
            PurchaseLink(
                order: order,
                token: signer.token(for: order, of: user, expiry: expiresAt),
                expiresAt: expiresAt
            )
        )
    }

    private func decide(_ attempt: PurchaseAttempt) async -> PurchaseOutcome {
        var signed = attempt.link
        do {
            let (order, owner): (OrderID, UserID)
            if let signed {
                (order, owner) = signed
            } else {
                guard try await catalog.record(of: attempt.sale) != nil else { return .refused(.noSale, order: nil) }
                (order, owner) = try check(attempt).get()
                signed = (order, owner)
            }
            if let purchases, case .session(let session?) = attempt.caller {
                return try await purchase(order, for: owner, in: session, from: purchases)
            }
            guard let user = try await user(for: attempt.caller) else { return .refused(.noSession, order: order) }
            guard user == owner else { return .refused(.badLink, order: nil) }
            if let wait = try await wait(of: user.text, limiter) {
                return .refused(.rateLimited(retryAfter: wait), order: order)
            }
            return try await outcome(of: try await stock.reserve(order, for: user), order, user)
        } catch let refused as Refused {
            return refused.outcome
        } catch {
            if let order = signed?.order, let outcome = await outcomeOfRetiredSale(order) { return outcome }
            return .refused(unavailable(error), order: signed?.order)
        }
    }

    /// What the ledger says of an order of a sale that no store holds any more; nil for any other sale.
    private func outcomeOfRetiredSale(_ order: OrderID) async -> PurchaseOutcome? {
        guard catalog.isRetired(order.sale), let answer = try? await ledger.lookUp(order) else { return nil }
        return answer.order.map { .accepted($0) } ?? .refused(.closed, order: order)
    }

    private struct Refused: Error { var outcome: PurchaseOutcome }

    /// What can be said of an attempt at a known sale without asking anybody.
    private func check(_ attempt: PurchaseAttempt) -> Result<(order: OrderID, user: UserID), Refused> {
        func refused(_ refusal: Refusal, _ order: OrderID?) -> Result<(order: OrderID, user: UserID), Refused> {
            .failure(Refused(outcome: .refused(refusal, order: order)))
        }
        guard let (order, owner, expiry) = signer.open(attempt.token), order.sale == attempt.sale else {
            return refused(.badLink, nil)
        }
        guard clock.now < expiry else { return refused(.linkExpired, order) }
        if !stock.isInProcess, soldOut.refuses(order) { return refused(.soldOut, order) }
        if case .session(nil) = attempt.caller { return refused(.noSession, order) }
        return .success((order, owner))
    }

    private func ended(_ attempt: PurchaseAttempt, _ outcome: PurchaseOutcome) -> PurchaseOutcome {
        let refusal: Refusal? = if case .refused(let refusal, _) = outcome { refusal } else { nil }
        metrics.purchase.end(clock, since: attempt.startedAt, refusal)
        return outcome
    }

    /// Session, owner, rate limit and stock, in one step.
    private func purchase(
        _ order: OrderID,
        for owner: UserID,
        in token: SessionToken,
        from purchases: any PurchaseStore
    ) async throws -> PurchaseOutcome {
        let answer = try await purchases.purchase(order, for: owner, in: token)
        if let session = answer.session { await slide(session, token) }
        switch answer {
        case .noSession: return .refused(.noSession, order: order)
        case .anotherUser: return .refused(.badLink, order: nil)
        case .rateLimited(_, let wait): return .refused(.rateLimited(retryAfter: wait), order: order)
        case .decided(_, let reserved): return try await outcome(of: reserved, order, owner)
        }
    }

    private func outcome(
        of reserved: ReserveOutcome,
        _ order: OrderID,
        _ user: UserID
    ) async throws -> PurchaseOutcome {
        switch reserved {
        case .reserved(let sequence):
            learn(order)
            return .accepted(Order(id: order, user: user, status: .queued, sequence: sequence))
        case .alreadyReserved(let sequence):
            learn(order)
            let recorded = try await ledger.lookUp(order).order
            return .accepted(recorded ?? Order(id: order, user: user, status: .queued, sequence: sequence))
        case .soldOut(let version):
            if !stock.isInProcess { noteRequest(of: order.sale) }
            soldOut.set(for: order.sale, version: version)
            return .refused(.soldOut, order: order)
        case .limitReached: return .refused(.limitReached, order: order)
        case .notOpen(let opensAt): return .refused(.notOpen(opensAt: opensAt), order: order)
        case .paused: return .refused(.paused, order: order)
        case .closed: return .refused(.closed, order: order)
        case .stale:
            // It never sells again, but it may have bought before its epoch ended.
            if let recorded = try await ledger.lookUp(order).order { return .accepted(recorded) }
            return .refused(.linkExpired, order: order)
        }
    }

    private func learn(_ order: OrderID) {
        // Where asking the store is cheap, nothing is refused before it.
        guard !stock.isInProcess else { return }
        noteRequest(of: order.sale)
        soldOut.learn(order)
    }

    /// Has the next sweep look at a sale.
    private func noteRequest(of sale: SaleID) { requested.withLock { _ = $0.insert(sale) } }

    private func passes(_ answer: ChallengeAnswer?, _ caller: Caller) async throws -> Bool {
        if challenges.isEmpty { return true }
        guard let answer, case .session(let session?) = caller else { return false }
        for challenge in challenges where try await challenge.verify(answer.text, to: answer.id, from: session) {
            return true
        }
        return false
    }

    /// How long to wait until a request of `key` would be admitted; nil if this one is.
    private func wait(of key: String, _ limiter: (any RateLimiter)?) async throws -> Duration? {
        guard let limiter, case .refused(let wait) = try await limiter.admit(key) else { return nil }
        return wait
    }

    private func unavailable(_ error: any Error) -> Refusal {
        if !(error is CancellationError) { outage.failed(error) }
        return .unavailable(retryAfter: configuration.retryAfter)
    }
}

/// An answer to a challenge.
public struct ChallengeAnswer: Hashable, Sendable {
    /// The question's id.
    public var id: String
    /// What was answered.
    public var text: String

    /// An answer.
    public init(id: String, text: String) {
        self.id = id
        self.text = text
    }
}
