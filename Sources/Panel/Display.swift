internal import Glibc

/// A character display of two rows.
package protocol Display: Sendable {
    /// Shows a message until the next one.
    /// - Parameter isTest: the kiosk believes test cards, and says so wherever it says anything.
    func show(_ message: Message, isTest: Bool) async
}

/// The terminal: standard error, since standard output may carry events.
package struct TerminalDisplay: Display {
    private let write: @Sendable (String) -> Void
    private static let columns = 20

    package init() {
        self.init { text in
            let bytes = Array(text.utf8)
            _ = Glibc.write(STDERR_FILENO, bytes, bytes.count)
        }
    }

    package init(write: @escaping @Sendable (String) -> Void) { self.write = write }

    package func show(_ message: Message, isTest: Bool) async {
        let phrase = message.phrase
        let rows = [phrase.japanese, phrase.english].map { Cells.padded($0, to: Self.columns) }
        write("[\(rows[0])|\(rows[1])]\(isTest ? " TEST" : "")\n")
    }
}

/// No display: a kiosk whose host shows what it needs.
package struct NoDisplay: Display {
    package init() {}
    package func show(_ message: Message, isTest: Bool) async {}
}
