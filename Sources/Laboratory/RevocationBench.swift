internal import ArgumentParser
internal import CMbedTLS
internal import Certificates
internal import Clock
internal import Cryptography
internal import Files
internal import Foundation
internal import ListKeeper
internal import Revocation
internal import TestPKI
internal import TestRig

/// Import, index and look-ups of large lists beside what others do with the same bytes, in one run.
struct RevocationBench: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "crl",
        abstract:
            "Import large lists: this import, SHA-256 over the same bytes, Mbed TLS parse and verify, side by side.",
        discussion:
            "CPU seconds of one thread, the best of the rounds. Run it from a release build, with kazashi beside it.")

    @Option(help: "Entries of the national list.")
    var entries = 5_000_000
    @Option(help: "Rounds of each measurement.")
    var rounds = 3
    @Option(help: "Where the lists are made; about 2 GB are needed for a while.")
    var folder: String = FileManager.default.temporaryDirectory.path()
    @Flag(help: "Leave out Mbed TLS's own parser: it takes 178 bytes an entry.")
    var withoutMbedTLS = false

    func run() async throws {
        #if DEBUG
            note("This is a debug build: its figures mean nothing.")
        #endif
        guard entries >= 1_000, rounds >= 1 else { throw ValidationError("--entries is 1000 at least, --rounds 1.") }
        let path = folder + "/kazashi-bench-crl-\(UUID().uuidString)"
        defer { try? FileManager.default.removeItem(atPath: path) }
        let bench = LargeListBench(folder: path, entries: entries, rounds: rounds)
        emit("\(entries) entries; instructions for SHA-256: \(DigestEngine.fastest == .instructions ? "yes" : "no")")
        try bench.national(withMbedTLS: !withoutMbedTLS)
        try bench.sizes()
        try bench.lookUps()
        try bench.partitions()
        try await bench.checksMeanwhile()
        try await bench.memory()
    }
}

/// One run's lists and measurements.
private struct LargeListBench {
    let folder: String
    let entries: Int
    let rounds: Int

    private func lists(_ name: String, entries: Int, width: SyntheticEntries.Width = .four, partitions: Int = 0) throws
        -> LargeLists
    {
        let lists = LargeLists(
            folder: "\(folder)/\(name)", entries: entries, width: width, partitions: partitions, hours: 48)
        guard !FileManager.default.fileExists(atPath: lists.folder) else { return lists }
        note("making \(name): \(entries) entries …")
        try lists.write()
        return lists
    }

    private func file(_ lists: LargeLists) -> String { lists.folder + "/" + lists.names[0] }

    /// A new store with the lists in it.
    @discardableResult
    private func take(_ lists: LargeLists, engine: DigestEngine) throws -> RevocationStore {
        let folder = "\(folder)/store-\(UUID().uuidString)"
        let store = try RevocationStore(folder: folder)
        let anchors = try TrustAnchors(
            try derBlocks(in: readFile(lists.folder + "/ca.pem") ?? [], label: "CERTIFICATE"))
        let authorities = ListAuthorities(anchors.certificates)
        let intake = StoreIntake(store: store, authorities: authorities, clock: { nil })
        for name in lists.names {
            intake.begin()
            try readLists("\(lists.folder)/\(name)", scratch: store.scratch, engine: engine, each: intake.take)
        }
        for outcome in intake.finish().flatMap(\.outcomes) { _ = try outcome.result.get() }
        return store
    }

    /// Something that takes CPU time.
    private struct Work {
        let name: String
        let run: () throws -> Void
    }

    /// CPU seconds of each, the best of the rounds. Each round runs all of them, so that a busy machine is busy for all.
    private func best(_ works: [Work]) throws -> [Double] {
        var best = works.map { _ in Double.infinity }
        for _ in 0..<rounds {
            for (index, work) in works.enumerated() {
                let start = cpuSeconds()
                try work.run()
                best[index] = min(best[index], cpuSeconds() - start)
            }
        }
        for (work, seconds) in zip(works, best) { note("  \(work.name): \(number(seconds, 3)) s") }
        return best
    }

    /// Stores stay until the end: a file system is slow to make files where many were just removed.
    private func importing(_ lists: LargeLists, engine: DigestEngine, _ name: String) -> Work {
        Work(name: "\(name), SHA by \(engine)") { try take(lists, engine: engine) }
    }

    private func hashing(_ file: String, _ engine: DigestEngine) -> Work {
        Work(name: "SHA-256 of the file by \(engine)") {
            let handle = try FileHandle(forReadingFrom: URL(filePath: file))
            var digest = RunningDigest(.sha256, engine: engine)
            var room = [UInt8](repeating: 0, count: 256 * 1_024)
            while true {
                let count = read(handle.fileDescriptor, &room, room.count)
                guard count > 0 else { break }
                room.withUnsafeBytes { digest.update(UnsafeRawBufferPointer(rebasing: $0[..<count])) }
            }
            _ = digest.finish()
        }
    }

    func national(withMbedTLS: Bool) throws {
        let lists = try lists("national", entries: entries)
        let file = file(lists)
        let hasInstructions = DigestEngine.fastest == .instructions
        var works = [hashing(file, .mbedTLS), importing(lists, engine: .mbedTLS, "import")]
        if hasInstructions {
            works += [hashing(file, .instructions), importing(lists, engine: .instructions, "import")]
        }
        if withMbedTLS { works.append(try parseAndVerify(file, authority: lists.authority())) }
        let seconds = try best(works)
        emit("one list of 4-byte serials")
        row(
            "import − SHA-256, both by Mbed TLS, ns an entry", (seconds[1] - seconds[0]) / Double(entries) * 1e9,
            "≤ 120, aim 60")
        row("import ÷ SHA-256, both by Mbed TLS", seconds[1] / seconds[0], "≤ 1.6, aim 1.25")
        if hasInstructions {
            row(
                "import − SHA-256, both with instructions, ns", (seconds[3] - seconds[2]) / Double(entries) * 1e9,
                "≤ 120, aim 60")
            row("import ÷ SHA-256, both with instructions", seconds[3] / seconds[2], "≤ 2.5, aim 2.0")
        }
        guard withMbedTLS, let theirs = seconds.last else { return }
        row("import ÷ Mbed TLS parse + verify, SHA by Mbed TLS", seconds[1] / theirs, "≤ 0.75, aim 0.5")
        if hasInstructions {
            row("import ÷ Mbed TLS parse + verify, as a kiosk does", seconds[3] / theirs, "≤ 0.75, aim 0.5")
        }
    }

    private func parseAndVerify(_ file: String, authority: TestAuthority) throws -> Work {
        let info = CertificateBuilder.publicKeyInfo(authority.key.publicKey)
        return Work(name: "Mbed TLS parse + verify") {
            let bytes = readFile(file) ?? []
            var crl = mbedtls_x509_crl()
            var key = mbedtls_pk_context()
            mbedtls_x509_crl_init(&crl)
            mbedtls_pk_init(&key)
            defer {
                mbedtls_x509_crl_free(&crl)
                mbedtls_pk_free(&key)
            }
            guard mbedtls_x509_crl_parse_der(&crl, bytes, bytes.count) == 0,
                mbedtls_pk_parse_public_key(&key, info, info.count) == 0, kz_crl_verify(&crl, &key) == 0
            else { throw ChildProcess.Failed(description: "Mbed TLS does not take the list") }
        }
    }

    func sizes() throws {
        emit("index, bytes an entry, reasons and all")
        for (width, aim) in [(SyntheticEntries.Width.four, "≤ 2.0, aim 1.75"), (.sixteen, "≤ 15, aim 14.5")] {
            let lists = try lists(width == .four ? "national" : "national-16", entries: entries, width: width)
            let cpu = cpuSeconds()
            let contents = try take(lists, engine: .fastest).open()
            if width == .sixteen { note("  import of 16-byte serials: \(number(cpuSeconds() - cpu, 3)) s") }
            let bytes = contents.lists.reduce(0) { $0 + $1.index.byteCount }
            row("one list, \(width.rawValue)-byte serials", Double(bytes) / Double(entries), aim)
        }
    }

    func lookUps() throws {
        let lists = try lists("national", entries: entries)
        let store = try take(lists, engine: .fastest)
        let wall = ContinuousClock()
        var opened = Duration.seconds(1_000)
        for _ in 0..<max(5, rounds) {
            let start = wall.now
            _ = try RevocationStore(folder: store.folder).open()
            opened = min(opened, start.duration(to: wall.now))
        }
        row("opening the store, ms (wall)", opened.milliseconds, "≤ 5")
        guard let index = store.open().lists.first?.index else { return }
        let synthetic = SyntheticEntries(.four, thisUpdate: 0)
        func run(_ numbers: Range<Int>, _ name: String, isListed: Bool) throws {
            // In no order.
            let serials = numbers.map { SerialNumber(contents: synthetic.serial($0)) }.shuffled()
            func pass() throws {
                for serial in serials where (try index.reason(for: serial) != nil) != isListed {
                    throw ChildProcess.Failed(description: "the index does not answer as the list does")
                }
            }
            try pass()
            let cpu = cpuSeconds()
            let passes = max(1, 200_000 / serials.count)
            for _ in 0..<passes { try pass() }
            row(name, (cpuSeconds() - cpu) / Double(passes * serials.count) * 1e9, "≤ 1000, aim 100")
        }
        let some = min(entries, 200_000)
        try run(0..<some, "warm look-up that hits, ns: \(some) serials", isListed: true)
        try run(entries..<entries + some, "warm look-up that misses, ns: \(some) serials", isListed: false)
        try run(0..<1_000, "warm look-up that hits, ns: 1000 serials", isListed: true)
        try run(entries..<entries + 1_000, "warm look-up that misses, ns: 1000 serials", isListed: false)
    }

    func partitions() throws {
        let parts = try lists("partitions", entries: entries, partitions: 1_741)
        let whole = try lists("national", entries: entries)
        let contents = try take(parts, engine: .mbedTLS).open()
        let bytes = contents.lists.reduce(0) { $0 + $1.index.byteCount }
        emit("1741 partitions of 4-byte serials")
        row("index, bytes an entry", Double(bytes) / Double(entries), "≤ 4.5")
        let engines = DigestEngine.allCases.filter { $0 == .mbedTLS || $0 == DigestEngine.fastest }
        let seconds = try best(
            engines.flatMap { engine in
                [importing(whole, engine: engine, "one list"), importing(parts, engine: engine, "1741 partitions")]
            })
        for (index, engine) in engines.enumerated() {
            row(
                "import of partitions ÷ one list, SHA by \(engine)", seconds[2 * index + 1] / seconds[2 * index],
                "≤ 1.5, aim 1.2")
        }
    }

    /// A card's certificate is checked while another thread imports.
    func checksMeanwhile() async throws {
        let lists = try lists("national", entries: entries)
        let authority = try lists.authority()
        let now = systemTime()
        let key = try RSAPrivateKey()
        let user = TestAuthority.UserCertificate(
            serial: [0x7F, 0xFF, 0xFF, 0xFE, 0x01], commonName: "bench", publicKey: key.publicKey,
            validFrom: now - 86_400, validTo: now + 86_400)
        let certificate = try authority.issue(user)
        let anchors = try TrustAnchors([authority.certificate])
        let served = RevocationLists(try take(lists, engine: .fastest).open().lists)
        func checks(_ count: Int) throws -> [Double] {
            try (0..<count).map { _ in
                let start = ContinuousClock.now
                let validated = try anchors.validate(
                    UnverifiedCertificate(der: certificate), requirements: CertificateRequirements(),
                    at: TrustedTime(asserted: now))
                guard case .good = served.check(validated, anchors: anchors, maxAge: nil) else {
                    throw ChildProcess.Failed(description: "the certificate is not good")
                }
                return start.duration(to: .now).milliseconds
            }
        }
        _ = try checks(20)
        let alone = try checks(200)
        let importing = Task.detached { for _ in 0..<3 { try take(lists, engine: .mbedTLS) } }
        try await Task.sleep(for: .milliseconds(200))
        let beside = try checks(200)
        try await importing.value
        func quantile(_ values: [Double], _ part: Double) -> Double {
            values.sorted()[min(values.count - 1, Int(Double(values.count) * part))]
        }
        emit("a card's certificate checked, ms")
        row("alone, p50 / while an import runs, p50", quantile(alone, 0.5), "\(number(quantile(beside, 0.5), 3))")
        row("while an import runs − alone, p50", quantile(beside, 0.5) - quantile(alone, 0.5), "≤ 1")
        row("while an import runs − alone, p99", quantile(beside, 0.99) - quantile(alone, 0.99), "")
    }

    /// `kazashi crl import` as its own process, looked at as often as can be.
    func memory() async throws {
        emit("kazashi crl import as a process, the peak")
        for millions in [1, 5, 10] {
            let lists = try lists("memory-\(millions)", entries: millions * 1_000_000)
            let child = try ChildProcess(
                Programs.kazashi,
                [
                    "crl", "import", "--store", "\(folder)/memory-store-\(millions)", "--issuer",
                    "\(lists.folder)/ca.pem",
                    file(lists),
                ])
            var (anonymous, resident) = (0, 0)
            while let figures = try? ProcessFigures(pid: child.pid), figures.residentKiB > 0 {
                anonymous = max(anonymous, figures.anonymousKiB)
                resident = max(resident, figures.residentKiB)
            }
            guard await child.exitCode() == 0 else { throw ChildProcess.Failed(description: child.standardError) }
            row("RssAnon, MB, \(millions) M entries", Double(anonymous) / 1_024, "≤ 24, aim 12")
            row("VmRSS, MB, \(millions) M entries", Double(resident) / 1_024, "")
            try FileManager.default.removeItem(atPath: lists.folder)
        }
    }

    private func row(_ name: String, _ value: Double, _ aim: String) {
        emit("  \(name.padding(toLength: 54, withPad: " ", startingAt: 0))\(number(value, 3))   \(aim)")
    }

    private func number(_ value: Double, _ digits: Int) -> String { String(format: "%9.\(digits)f", value) }
}
