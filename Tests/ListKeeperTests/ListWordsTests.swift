import Advice
import Certificates
import Foundation
import HTTPClient
import ListKeeper
import Revocation
import Testing

/// What an operator reads of a list that was not taken: words, and never a value of the program.
@Suite struct ListWordsTests {
    private struct Odd: Error { let secretMember = 1 }

    @Test("Every way in which a transfer fails has words; a number of libcurl's stands beside them")
    func transfers() {
        let numbers = (1...99).map { HTTPClientError.network($0) }
        for error in numbers + [.unusableRequest, .timedOut, .answerTooLarge, .cancelled, .stopped] {
            let words = ListWords(ListDownload.Failure.transfer(error))
            #expect(words.reason.contains(" ") && !words.reason.contains("\(error)"), "\(words.reason)")
            if case .network(let number) = error { #expect(words.reason.hasSuffix(" (libcurl \(number))")) }
            #expect(words.exitCode == (error == .unusableRequest ? 2 : 3))
        }
        #expect(ListWords(ListDownload.Failure.status(404, retryAfter: nil)).reason == "the server answered 404")
    }

    @Test("What has no words of its own is not told by its name in the program")
    func others() {
        for error in [CancellationError(), Odd(), HTTPClientError.stopped] as [any Error] {
            let reason = ListWords(error).reason
            #expect(!reason.contains("Error") && !reason.contains("Odd") && !reason.contains("stopped"), "\(reason)")
        }
    }

    @Test("A list that lies ahead of the clock is told of as that, with the clock in the advice")
    func ahead() {
        let words = ListWords(RevocationError(.crlAhead, "it lies ahead"))
        #expect(words.code == "crl_ahead" && words.exitCode == 1)
        #expect(words.advice.action.english.contains("clock") && words.advice.action.japanese.contains("時計"))
    }
}
