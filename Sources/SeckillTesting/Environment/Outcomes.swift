package import SeckillCore

extension LoginOutcome {
    /// The new session's, if there is one.
    package var token: SessionToken? { if case .granted(let token) = self { token } else { nil } }
}

extension ChallengeOutcome {
    /// The question, if there is one.
    package var prompt: ChallengePrompt? { if case .granted(let prompt) = self { prompt } else { nil } }
}
