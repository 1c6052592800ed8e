import TestRig

/// A shell inside the machine, on its first serial line (systemd's debug shell): the image itself has none.
struct GuestShell {
    struct Problem: Error, CustomStringConvertible { let description: String }

    /// What the kernel is to be told.
    static let kernelWords = "systemd.debug_shell=ttyS0"
    private let line: PseudoTerminal

    /// Waits for it, and has it say nothing but what commands print.
    init(_ line: PseudoTerminal) async throws {
        self.line = line
        var said = ""
        while !said.contains("# ") {
            // Its prompt may have passed before anybody read.
            try begin("")
            try await Task.sleep(for: .milliseconds(200))
            said += String(decoding: line.read(), as: UTF8.self)
        }
        try begin("exec sh")
        try begin("stty -echo; PS1=")
        _ = try await run(":")
    }

    /// What a command prints.
    func run(_ command: String) async throws -> String {
        _ = line.read()
        // Where it is typed it does not hold the word that is waited for.
        try begin("\(command); echo KAZASHI\"-\"END")
        var said = ""
        while !said.contains("KAZASHI-END") {
            let bytes = line.read()
            said += String(decoding: bytes, as: UTF8.self)
            if bytes.isEmpty { try await Task.sleep(for: .milliseconds(50)) }
        }
        return said.split(whereSeparator: \.isNewline).filter { !$0.contains("KAZASHI") }.joined(separator: "\n")
    }

    /// Types a command, whose end nobody waits for.
    func begin(_ command: String) throws {
        guard line.write(Array("\(command)\r".utf8)) else { throw Problem(description: "the console takes nothing") }
    }

    /// The number that a command prints.
    func number(_ command: String) async throws -> Int {
        let said = try await run(command)
        guard let number = said.split(whereSeparator: { !$0.isNumber }).last.flatMap({ Int($0) }) else {
            throw Problem(description: "\(command): \(said)")
        }
        return number
    }
}
