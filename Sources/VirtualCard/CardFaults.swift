/// What a virtual card does wrong, on request.
package struct CardFaults: Sendable, Codable {
    /// Refuses extended lengths.
    package var shortOnly = false
    /// The first command after power-up answers 6F00.
    package var firstCommandFails = false
    /// Leaves the field at this command of a presence, counted from 1.
    package var tornAt: Int?
    /// Does not answer this command until it is taken away, counted from 1.
    package var silentAt: Int?
    /// Answers VERIFY with 9000 whatever it is given and notes it; signs with a key of its own.
    package var collectsBirthDates = false
    /// What the query of a key's tries answers instead of 63Cx.
    package var queryStatus: UInt16?
    /// Milliseconds that every command takes on top.
    package var delay: Double?
    /// Answers garbage, seeded, from this command on.
    package var garbageFrom: Int?
    package var garbageSeed: UInt64 = 1
    /// Answers 61xx for ever, from this command on.
    package var endlessFrom: Int?
    /// VERIFY is answered by this status and nothing changes.
    package var verifyStatus: UInt16?

    /// Leaves the field once it has looked at a VERIFY with data: its answer is lost.
    package var losesVerify = false

    package init() {}

    /// Sets one fault by its name on the command line: `torn=5`, `short-only`.
    /// - Returns: false when there is no such fault.
    package mutating func set(_ text: String) -> Bool {
        let parts = text.split(separator: "=", maxSplits: 1).map(String.init)
        let value = parts.count > 1 ? parts[1] : ""
        switch parts.first {
        case "short-only": shortOnly = true
        case "6f00-first": firstCommandFails = true
        case "torn": tornAt = Int(value)
        case "silent": silentAt = Int(value)
        case "collector": collectsBirthDates = true
        case "query": queryStatus = UInt16(value, radix: 16)
        case "verify": verifyStatus = UInt16(value, radix: 16)
        case "verify-lost": losesVerify = true
        case "slow": delay = Double(value)
        case "garbage": garbageFrom = Int(value) ?? 1
        case "endless": endlessFrom = Int(value) ?? 1
        default: return false
        }
        return true
    }

    package static let names =
        "short-only, 6f00-first, torn=N, silent=N, collector, query=SW, verify=SW, verify-lost, slow=MS, garbage[=N], endless[=N]"
}

/// How long a real card would take: Type B frames at a bit rate, and RSA.
package struct CardTiming: Sendable, Codable {
    /// kbit/s: 106, 212, 424 or 848.
    package var bitRate: Double
    /// Milliseconds for each frame of up to 256 bytes, both ways together.
    package var frameOverhead: Double
    /// Milliseconds of one RSA-2048 signature.
    package var signature: Double

    package init(bitRate: Double = 424, frameOverhead: Double = 1, signature: Double = 250) {
        (self.bitRate, self.frameOverhead, self.signature) = (bitRate, frameOverhead, signature)
    }

    /// Milliseconds of one exchange. A character of Type B is ten bits (ISO/IEC 14443-3, 7.1).
    func duration(command: Int, answer: Int, isSignature: Bool) -> Double {
        let frames = Double((command + 255) / 256 + (answer + 255) / 256)
        return Double(command + answer) * 10 / bitRate + frames * frameOverhead + (isSignature ? signature : 0)
    }
}
