internal import Glibc

/// Hands a card number on as a bar code scanner does that pretends to be a keyboard: the digits, then Enter. It writes
/// to whatever stands for the keyboard: a serial line, a pipe, a terminal.
package struct KeyboardWedge: Sendable {
    private let path: String

    package init(path: String) { self.path = path }

    /// False when it could not be written at once: a reader that is not there delays nothing.
    package func type(_ cardNumber: String) -> Bool {
        // What a keyboard has no key for is no card number.
        guard !cardNumber.isEmpty, cardNumber.utf8.allSatisfy({ (0x20..<0x7F).contains($0) }) else { return false }
        let descriptor = open(path, O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC)
        guard descriptor >= 0 else { return false }
        defer { close(descriptor) }
        let line = Array("\(cardNumber)\r".utf8)
        return write(descriptor, line, line.count) == line.count
    }
}
