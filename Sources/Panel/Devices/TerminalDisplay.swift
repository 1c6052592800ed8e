internal import Glibc

/// The terminal: standard error, since standard output may carry events.
package struct TerminalDisplay: PanelDevice {
    private let write: @Sendable (String) -> Void

    package init() {
        self.init { text in
            let bytes = Array(text.utf8)
            _ = Glibc.write(STDERR_FILENO, bytes, bytes.count)
        }
    }

    package init(write: @escaping @Sendable (String) -> Void) { self.write = write }

    package func open() {}
    package func perform(_ screen: Screen) { write("[\(screen.upper)|\(screen.lower)]\n") }
    package func close() {}
}
