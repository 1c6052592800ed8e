import Advice
import Certificates
import Foundation
import HTTPClient
@testable import ListKeeper
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

    @Test(
        "libcurl's numbers (libcurl-errors(3)) in an operator's words",
        arguments: [
            ([6], "unknown host name"), ([7], "connection refused, or no network"),
            ([51, 60, 83, 90, 91], "the server's certificate is not trusted"),
            ([35, 53, 54, 58, 59, 66, 77, 80], "TLS failed"), ([8, 18, 52, 55, 56, 92], "the connection broke"),
        ] as [([Int32], String)])
    func libcurl(numbers: [Int32], words: String) {
        for number in 1...99 as ClosedRange<Int32> {
            let told = ListWords(ListDownload.Failure.transfer(.network(number))).reason
            #expect(told.hasPrefix(words + " (") == numbers.contains(number), "\(number)")
        }
    }

    @Test("What has no words of its own is not told by its name in the program")
    func others() {
        for error in [CancellationError(), Odd(), HTTPClientError.stopped] as [any Error] {
            let words = ListWords(error)
            let reason = words.reason
            #expect(words.exitCode == 3)
            #expect(!reason.contains("Error") && !reason.contains("Odd") && !reason.contains("stopped"), "\(reason)")
        }
    }

    @Test("A store that is damaged may be well another time; a file that is not there is wrong use")
    func exitCodes() {
        #expect(ListWords(RevocationError(.storeDamaged, "an index is damaged")).exitCode == 3)
        #expect(ListWords(UnreadableList(file: "a.crl", errno: 2)).exitCode == 2)
    }

    @Test("A list that lies ahead of the clock is told of as that, with the clock in the advice")
    func ahead() {
        let words = ListWords(RevocationError(.crlAhead, "it lies ahead"))
        #expect(words.code == "crl_ahead" && words.exitCode == 1)
        #expect(words.advice.action.english.contains("clock") && words.advice.action.japanese.contains("時計"))
    }
}
