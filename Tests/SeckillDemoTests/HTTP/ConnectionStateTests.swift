import Testing

@testable import SeckillDemo

struct ConnectionStateTests {
    private var state = ConnectionState()

    /// Takes a request, all of it.
    private mutating func request(isLast: Bool = false) {
        _ = state.bytesArrived()
        state.requestBegan(isLast: isLast)
        state.requestEnded()
    }

    @Test mutating func aRequestBeginsWithItsFirstBytes() {
        #expect(state.bytesArrived() == true)
        #expect(state.bytesArrived() == false)
        state.requestBegan(isLast: false)
        state.requestEnded()
        #expect(state.bytesArrived() == true)
        #expect(!state.isIdle)
    }

    @Test mutating func aHeadThatIsLateIsRefused() {
        _ = state.bytesArrived()
        #expect(state.refuse(.timeout) == .refuse(.timeout))
        #expect(state.isOver && state.isDeaf)
    }

    @Test mutating func aBodyThatIsLateIsRefusedUntilItsAnswerBegins() {
        _ = state.bytesArrived()
        state.requestBegan(isLast: false)
        var answering = state
        #expect(state.refuse(.timeout) == .refuse(.timeout))
        #expect(answering.responseBegan() == false)
        var answered = answering
        #expect(answering.refuse(.timeout) == .close)
        #expect(answered.responseEnded() == .none)
        #expect(answered.refuse(.timeout) == .close)
    }

    @Test mutating func aRefusalWaitsForTheAnswersBeforeIt() {
        request()
        request()
        _ = state.bytesArrived()
        #expect(state.refuse(.headTooLarge) == .none)
        #expect(state.isDeaf && !state.isOver)
        _ = state.responseBegan()
        #expect(state.responseEnded() == .none)
        _ = state.responseBegan()
        #expect(state.responseEnded() == .refuse(.headTooLarge))
    }

    @Test mutating func theLastAnswerSaysSoAndCloses() {
        request(isLast: true)
        #expect(state.isDeaf)
        #expect(state.bytesArrived() == false)
        #expect(state.responseBegan() == true)
        #expect(state.responseEnded() == .close)
    }

    @Test mutating func atShutdownWhatWasAskedIsAnswered() {
        request()
        request()
        state.stop()
        #expect(state.expire() == .none)
        #expect(state.responseBegan() == false)
        #expect(state.responseEnded() == .none)
        #expect(state.responseBegan() == true)
        #expect(state.responseEnded() == .close)
    }

    @Test mutating func atShutdownAQuietConnectionGetsOneMoreChance() {
        request()
        _ = state.responseBegan()
        _ = state.responseEnded()
        state.stop()
        var quiet = state
        #expect(quiet.expire() == .close)
        request()
        #expect(state.expire() == .none)
        #expect(state.responseBegan() == true)
        #expect(state.responseEnded() == .close)
    }
}
