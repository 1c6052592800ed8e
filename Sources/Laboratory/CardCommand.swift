internal import ArgumentParser
internal import Files
internal import Foundation
internal import Glibc
internal import Settings
internal import VirtualCard

/// What `card` and `tap` share: which card lies on which reader, and what is wrong with it.
struct CardOptions: ParsableArguments {
    @Option(help: "The card's profile, JSON as `pki init` writes it; its counters are kept there.")
    var profile: String
    @Option(help: "A fault; may be repeated: \(CardFaults.names).")
    var fault: [String] = []
    @Flag(help: "Talk T=0 with GET RESPONSE instead of T=1.")
    var t0 = false
    @Option(help: "Another answer to reset, hex.")
    var atr: [String] = []
    @Option(help: "Take a real card's time at this bit rate: 106, 212, 424 or 848 kbit/s.")
    var bitRate: [Double] = []
    @Option(help: "Milliseconds of one signature, with --bit-rate.")
    var signature: Double = 250
    @Option(help: "vpcd's port.")
    var port: UInt16 = 35_963

    func card() throws -> CardInField {
        guard let bytes = readFile(profile) else { throw ValidationError("\(profile) cannot be read.") }
        var profile = try CardProfile.read(bytes)
        var faults = CardFaults()
        for text in fault {
            guard faults.set(text) else { throw ValidationError("no fault \(text); there are: \(CardFaults.names)") }
        }
        if let atr = atr.last { profile.atr = atr }
        let file = self.profile
        return try CardInField(
            profile, faults: faults, timing: bitRate.last.map { CardTiming(bitRate: $0, signature: signature) },
            isT0: t0
        ) { changed in
            // Counters are non-volatile: a restart must not give tries back.
            if let json = try? changed.json() { try? Data(json).write(to: URL(filePath: file), options: .atomic) }
        }
    }
}

struct CardCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "card",
        abstract: "A virtual My Number Card on vpcd's reader; insert, remove and quit on standard input.")

    @OptionGroup var options: CardOptions

    func run() throws {
        let card = try options.card()
        let reader = VPCDReader(port: options.port)
        note("insert, remove or quit; カードを置く: insert, 取る: remove, 終わる: quit")
        while let line = readLine() {
            switch line.trimmingCharacters(in: .whitespaces) {
            case "insert": try reader.insert(card)
            case "remove": reader.remove()
            case "quit": return
            case "": continue
            default: note("insert, remove or quit")
            }
        }
    }
}

struct TapCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "tap", abstract: "Lay a virtual card on the reader for a while, then take it away.")

    @OptionGroup var options: CardOptions
    @Option(help: "How long it lies there, such as 2s or 800ms. vpcd sees nothing shorter than 400ms.")
    var hold = "2s"

    func run() async throws {
        guard let duration = WrittenDuration(hold) else { throw ValidationError("--hold wants a duration such as 2s.") }
        let card = try options.card()
        let reader = VPCDReader(port: options.port)
        try reader.insert(card)
        try await Task.sleep(for: .seconds(duration.seconds))
        reader.remove()
        note("\(card.commandCount) commands")
    }
}
