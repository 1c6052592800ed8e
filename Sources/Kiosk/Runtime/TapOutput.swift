internal import Glibc
package import Login

/// The JSON lines of `run --taps-to-stdout`, and nothing of the patron in them.
package struct TapOutput: Sendable {
    private let write: @Sendable (String) -> Void

    package init(write: @escaping @Sendable (String) -> Void) { self.write = write }

    package static let standardOutput = TapOutput { line in
        let bytes = Array((line + "\n").utf8)
        _ = Glibc.write(STDOUT_FILENO, bytes, bytes.count)
    }
    package static let none = TapOutput { _ in }

    package func state(_ cause: Cause?) {
        let state = cause == nil ? "ready" : "out_of_service"
        let text = cause.map { "\"\($0.rawValue)\"" } ?? "null"
        write(#"{"event":"state","state":"\#(state)","cause":\#(text)}"#)
    }

    package func tap(_ outcome: Outcome, milliseconds: Double, cardMilliseconds: Double, exchanges: Int) {
        let kind = outcome == .welcomed ? "welcomed" : "refused"
        write(
            #"{"event":"tap","outcome":"\#(kind)","code":"\#(outcome.code)","ms":\#(rounded(milliseconds)),"#
                + #""card_ms":\#(rounded(cardMilliseconds)),"apdus":\#(exchanges)}"#)
    }
}

/// Microseconds are as fine as the clock means anything.
func rounded(_ milliseconds: Double) -> Double { (milliseconds * 1_000).rounded() / 1_000 }
