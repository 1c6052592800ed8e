internal import ArgumentParser
internal import Clock
internal import Cryptography
internal import Files
internal import Foundation
package import TestPKI
internal import TestRig

/// Large lists, for trying and measuring.
struct RevocationListCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "crl",
        abstract: "Write a signed list of any length, or partitions of one, with the test authority that signs it.",
        discussion: """
            FOLDER gets ca.pem, ca-key.der (a test key; used again when it is there) and national.crl, or
            partition-0001.crl … with --partitions; with --delta the names end in .delta.crl and the base is number - 1.
            """)

    @Option(help: "Entries in all.")
    var entries = 1_000_000
    @Option(help: "Bytes of a serial: 4 or 16.")
    var serialBytes = 4
    @Option(help: "Municipal partitions; 0: one national list.")
    var partitions = 0
    @Flag(help: "Write delta lists.")
    var delta = false
    @Option(help: "The lists' CRL number.")
    var number = 1
    @Option(help: "Hours until nextUpdate.")
    var hours = 36
    @Argument(help: "The folder; made when it is not there.")
    var folder: String

    func run() throws {
        guard let width = SyntheticEntries.Width(rawValue: serialBytes) else {
            throw ValidationError("--serial-bytes is 4 or 16.")
        }
        guard (0...1 << 30).contains(entries), (0...100_000).contains(partitions), number >= 0, hours > 0 else {
            throw ValidationError("--entries, --partitions, --number and --hours are not negative, and not absurd.")
        }
        let lists = LargeLists(
            folder: folder, entries: entries, width: width, partitions: partitions, isDelta: delta, number: number,
            hours: hours)
        let bytes = try lists.write { done, all in if done % 100 == 0 || done == all { note("  \(done) of \(all)") } }
        note("\(folder): \(entries) entries, \(bytes / 1_000_000) MB. Next:")
        note("  kazashi crl import --store STORE --issuer \(folder)/ca.pem \(folder)/\(lists.names[0])")
    }
}

/// A folder of large lists and the authority that signs them.
package struct LargeLists: Sendable {
    package var folder: String
    package var entries: Int
    package var width: SyntheticEntries.Width
    package var partitions = 0
    package var isDelta = false
    package var number = 1
    package var hours = 36

    package init(
        folder: String, entries: Int, width: SyntheticEntries.Width = .four, partitions: Int = 0, isDelta: Bool = false,
        number: Int = 1, hours: Int = 36
    ) {
        (self.folder, self.entries, self.width, self.partitions) = (folder, entries, width, partitions)
        (self.isDelta, self.number, self.hours) = (isDelta, number, hours)
    }

    package var names: [String] {
        let end = isDelta ? ".delta.crl" : ".crl"
        guard partitions > 0 else { return ["national" + end] }
        return (1...partitions).map { String(format: "partition-%04d", $0) + end }
    }

    package func authority() throws -> TestAuthority {
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        let file = folder + "/ca-key.der"
        let key = try readFile(file).map { try RSAPrivateKey(encoded: $0) } ?? RSAPrivateKey()
        let now = systemTime()
        let authority = try TestAuthority(
            validFrom: now - 366 * 86_400, validTo: now + 3_660 * 86_400, key: key)
        if readFile(file) == nil {
            try Data(try key.derEncoded()).write(to: URL(filePath: file))
            chmod(file, 0o600)
            try Data(PEM.encode(authority.certificate, label: "CERTIFICATE"))
                .write(to: URL(filePath: folder + "/ca.pem"))
        }
        return authority
    }

    /// - Returns: the bytes written.
    @discardableResult
    package func write(progress: (Int, Int) -> Void = { _, _ in }) throws -> Int {
        let authority = try authority()
        let thisUpdate = systemTime() - 60
        let synthetic = SyntheticEntries(width, thisUpdate: thisUpdate)
        var written = 0
        let names = names
        for (index, name) in names.enumerated() {
            var list = TestRevocationList(
                authority, thisUpdate: thisUpdate, nextUpdate: thisUpdate + Int64(hours) * 3_600)
            list.number = number
            if isDelta { list.base = max(0, number - 1) }
            if partitions > 0 { list.scope = Self.point(index) }
            let range = entries * index / names.count..<entries * (index + 1) / names.count
            let path = folder + "/" + name
            guard FileManager.default.createFile(atPath: path, contents: nil),
                let file = FileHandle(forWritingAtPath: path)
            else { throw ChildProcess.Failed(description: "\(path) cannot be written") }
            try list.stream(synthetic, range, signedBy: authority) { piece in
                try file.write(contentsOf: Data(piece))
                written += piece.count
            }
            try file.close()
            progress(index + 1, names.count)
        }
        return written
    }

    /// The distribution point of partition `index`, counted from 0.
    package static func point(_ index: Int) -> TestName {
        TestAuthority.distributionPoint(String(format: "Test-shi %04d", index + 1))
    }
}
