import Advice
import Login
import Testing

@Suite struct LoginWordsTests {
    @Test("What to do about each outcome stands in both languages", arguments: Outcome.all)
    func outcomes(outcome: Outcome) { #expect(outcome.advice.isInBothLanguages) }

    @Test("What to do about each cause stands in both languages", arguments: Cause.allCases)
    func causes(cause: Cause) { #expect(cause.advice.isInBothLanguages) }
}
