import TestRig

/// A shell inside the machine, on its first serial line (systemd's debug shell): the image itself has none.
struct GuestShell {
    struct Problem: Error, CustomStringConvertible { let description: String }

    /// What the kernel is to be told.
    static let kernelWords = "systemd.debug_shell=ttyS0"
    let line: PseudoTerminal

    /// What a command prints.
    func run(_ command: String) async throws -> String {
        _ = line.read()
        // As it is typed it does not hold the word that is waited for.
        guard line.write(Array("\(command); echo KAZASHI\"-\"END\r".utf8)) else {
            throw Problem(description: "the console takes nothing")
        }
        var said = ""
        while !said.contains("KAZASHI-END") {
            let bytes = line.read()
            said += String(decoding: bytes, as: UTF8.self)
            if bytes.isEmpty { try await Task.sleep(for: .milliseconds(50)) }
        }
        let lines = said.split(whereSeparator: \.isNewline).map { $0.trimmingSuffix { $0.isWhitespace } }
        return lines.filter { !$0.contains("KAZASHI") }.joined(separator: "\n")
    }

    /// Types a command, whose end nobody waits for.
    func begin(_ command: String) throws {
        guard line.write(Array("\(command)\r".utf8)) else { throw Problem(description: "the console takes nothing") }
    }

    /// The first number that a command prints.
    func number(_ command: String) async throws -> Int {
        let said = try await run(command)
        guard let number = said.split(whereSeparator: { !$0.isNumber }).first.flatMap({ Int($0) }) else {
            throw Problem(description: "\(command): \(said)")
        }
        return number
    }
}

extension StringProtocol {
    fileprivate func trimmingSuffix(_ isTrimmed: (Character) -> Bool) -> SubSequence {
        guard let last = lastIndex(where: { !isTrimmed($0) }) else { return self[startIndex..<startIndex] }
        return self[...last]
    }
}
