package import Settings
internal import Service
internal import ListKeeper
internal import Registrations
internal import Kiosk
internal import Certificates
internal import Clock
internal import Cryptography
internal import Glibc
internal import JOSE
package import Advice
internal import Panel
internal import Registry
internal import SmartCard
internal import Revocation

/// Looks at every part that a tap needs, one after another, and says what is wrong and what to do. It changes nothing:
/// where a kiosk runs it asks that one about reader and panel, which are its.
package struct Examination: Sendable {
    let configuration: Configuration
    /// A running kiosk's own report.
    let report: StatusReport?

    package init(_ configuration: Configuration) {
        self.configuration = configuration
        report = try? StatusSocket.ask(configuration.statusSocket)
    }

    /// Everything, in the order in which it is mended; each finding is told as soon as it is there.
    package func run(_ tell: (Finding) -> Void) async {
        tell(Finding("version", "kazashi \(KazashiVersion.text)"))
        tell(service)
        if let report, let running = report.configuration, running != configuration.fingerprint {
            tell(
                Finding(
                    "configuration", .wrong, "the kiosk runs with an older one than the file's", .configurationOlder))
        }
        tell(rights)
        let lists = servedLists
        let clock = TrustedClock(configuration)
        let stored = StoredTime(state: configuration.state).value
        let now = clock.now(
            floor: lists.floor(stored: stored, maxAge: configuration.maxAge, limit: clock.issueLimit(stored: stored)))
        tell(self.clock(now))
        keys.forEach(tell)
        tell(anchors(now))
        for file in configuration.anchorFilesLeftOut {
            tell(Finding("anchors", .warning, "\(file) holds no certificate and is left out", .badKey))
        }
        if configuration.isTest {
            tell(Finding("trust", .warning, "test cards are believed (trust.test)", .testCards))
        }
        self.lists(lists, now).forEach(tell)
        for finding in await reader() { tell(finding) }
        tell(storage)
        tell(await registry())
        for library in configuration.libraries {
            certificates(of: library, now).forEach(tell)
            tell(await check(library))
        }
        devices().forEach(tell)
    }

    private var service: Finding {
        guard let report else { return Finding("service", .warning, "no kiosk runs here", .kioskNotRunning) }
        guard let cause = report.cause else { return Finding("service", "running, ready") }
        return Finding("service", .wrong, "running, out of service: \(cause) (\(report.code ?? "-"))", .outOfServiceNow)
    }

    /// Where no kiosk runs that could tell, devices and card service are opened with the rights of whoever asks.
    private var rights: Finding {
        if report != nil { return Finding("rights", "those of the running kiosk") }
        return geteuid() == 0
            ? Finding("rights", .warning, "root's", .asRoot) : Finding("rights", "those of user \(geteuid())")
    }

    private func clock(_ now: TrustedTime?) -> Finding {
        guard configuration.timeSource == .synchronised else {
            return Finding("clock", "the system's, as configured (time.source)")
        }
        switch (now, KernelClock.now) {
        case (nil, .unknown(let number)):
            return Finding("clock", .wrong, "the kernel can not be asked: \(SystemProblem(number))", .clockUnknown)
        case (nil, _): return Finding("clock", .wrong, "not synchronised", .clockUnset)
        case (_, .synchronised): return Finding("clock", "synchronised")
        case (_, .unsynchronised), (_, .unknown): return Finding("clock", "synchronised earlier since this start-up")
        }
    }

    /// Seconds in which somebody should have got a new one.
    private static let soon: Int64 = 90 * 86_400

    /// What is to be said of certificates that end, or have; nil when none does within 90 days.
    /// - Parameter left: seconds until each ends; negative: it has.
    package static func ending(_ part: String, _ what: String, left: [Int64], _ advice: Words) -> Finding? {
        guard let first = left.min(), first < soon else { return nil }
        if first < 0 {
            return Finding(part, .wrong, "\(left.count { $0 < 0 }) of \(left.count) \(what) have expired", advice)
        }
        let seen =
            "\(left.count { $0 < soon }) of \(left.count) \(what) expire within 90 days, the first in \(first / 86_400)"
        return Finding(part, .warning, seen, advice)
    }

    private var keys: [Finding] {
        let exposed = configuration.exposedSecrets
        guard exposed.isEmpty else { return exposed.map { Finding("keys", $0) } }
        let kid = configuration.signingKey.publicJWK.keyID
        return [Finding("keys", "every secret is there, for its owner alone; the signing key's kid is \(kid)")]
    }

    private func anchors(_ now: TrustedTime?) -> Finding {
        let certificates = configuration.anchors.certificates
        let left = now.map { now in
            certificates.map { ($0.notAfter.secondsSince1970 ?? .max) - now.secondsSince1970 }
        }
        return Self.ending("anchors", "certificates", left: left ?? [], .anchorExpired)
            ?? Finding("anchors", "\(certificates.count) certificates")
    }

    private var servedLists: ServedLists {
        let folder = configuration.revocationStore
        guard access(folder, F_OK) == 0, let store = try? RevocationStore(folder: folder) else { return .none }
        return ServedLists(store.open().lists, anchors: configuration.anchors.certificates.map(\.publicKeyInfo))
    }

    private func lists(_ lists: ServedLists, _ now: TrustedTime?) -> [Finding] {
        var findings: [Finding] = []
        for path in configuration.revocationFiles where access(path, R_OK) != 0 {
            findings.append(Finding("lists", .wrong, "\(path) is not there, or may not be read", .fileUnreadable))
        }
        guard !lists.signed.isEmpty else {
            return findings + [Finding("lists", .wrong, "the store holds none", .noLists)]
        }
        guard let now, let newest = lists.newest else { return findings }
        let ends = lists.ends(maxAge: configuration.maxAge).map { $0 - now.secondsSince1970 }
        let stale = ends.count { $0 <= 0 }
        let age = "\(lists.signed.count), the newest \((now.secondsSince1970 - newest.thisUpdate) / 60) minutes old"
        if stale == ends.count {
            findings.append(Finding("lists", .wrong, "\(age); all have run out", .listsRunOut))
        } else if stale > 0 {
            findings.append(Finding("lists", .warning, "\(age); \(stale) have run out", .listsRunOut))
        } else {
            findings.append(Finding("lists", "\(age); the first runs out in \((ends.min() ?? 0) / 60) minutes"))
        }
        return findings
    }

    // MARK: Reader

    private func reader() async -> [Finding] {
        if let reader = report?.reader {
            guard reader.service else {
                return [Finding("card service", .wrong, "pcscd does not answer", .noCardService)]
            }
            guard reader.reader else { return [Finding("reader", .wrong, "there is none", .noReader)] }
            guard !reader.held else { return [Finding("reader", .wrong, "a blocked call holds it", .readerHeld)] }
            return [Finding("reader", "ready, says the running kiosk")]
        }
        switch await firstEvent() {
        case .serviceUnavailable, nil:
            return [
                Finding("card service", .wrong, "pcscd does not answer, or does not let this user in", .noCardService)
            ]
        case .readerUnavailable:
            let wanted = configuration.readerName
            return [
                Finding("card service", "pcscd answers"),
                Finding("reader", .wrong, wanted.isEmpty ? "there is none" : "none is called \(wanted)", .noReader),
            ]
        case .readerAvailable(let name), .cardInserted(let name):
            return [Finding("card service", "pcscd answers"), Finding("reader", name)]
        case .cardRemoved, .readerHeld, .readerReleased: return [Finding("reader", "there is one")]
        }
    }

    /// What PC/SC says first; nil when it says nothing within five seconds.
    private func firstEvent() async -> ReaderEvent? {
        let (events, continuation) = AsyncStream<ReaderEvent>.makeStream()
        let source = PCSCCardSource(nameFilter: configuration.readerName)
        let watching = Task { await source.watch { continuation.yield($0) } }
        let limit = Task {
            if (try? await Task.sleep(for: .seconds(5))) != nil { continuation.finish() }
        }
        defer {
            watching.cancel()
            limit.cancel()
        }
        var last: ReaderEvent?
        for await event in events {
            last = event
            // A service that starts when it is asked is not there at first.
            if event != .serviceUnavailable { break }
        }
        return last
    }

    // MARK: Registry, storage

    private var storage: Finding {
        let state = configuration.state
        guard access(state, F_OK) == 0 else {
            return Finding("storage", .warning, "\(state) is not there yet", .kioskNotRunning)
        }
        guard StateFolder.isWritable(state) else {
            return Finding("storage", .wrong, "\(state) is read-only or full", .stateFolder)
        }
        return Finding("storage", "\(StateFolder.room(state) >> 20) MiB are free under \(state)")
    }

    private func registry() async -> Finding {
        guard access(KioskDatabase.path(in: configuration.state), F_OK) == 0 else {
            return Finding("registry", .warning, "nobody is registered yet", .noRegistrations)
        }
        do throws(RegistryError) {
            let database = try KioskDatabase(configuration)
            let list: [RegistrationSummary]
            do throws(RegistryError) {
                list = try await database.registrations.list()
            } catch {
                await database.close()
                throw error
            }
            await database.close()
            let damaged = list.count { $0.state == .damaged }
            if damaged > 0 {
                return Finding(
                    "registry", .wrong, "\(damaged) of \(list.count) registrations are damaged", .recordsDamaged)
            }
            return list.isEmpty
                ? Finding("registry", .warning, "nobody is registered yet", .noRegistrations)
                : Finding("registry", "\(list.count) registrations")
        } catch {
            return Finding("registry", .wrong, error.code.rawValue, error.advice)
        }
    }

    // MARK: Panel

    private func devices() -> [Finding] {
        if let report {
            return report.panel.map { part in
                let fault = DeviceFault(rawValue: part.condition)
                return part.condition == "well"
                    ? Finding(part.part, "works, says the running kiosk")
                    : Finding(part.part, .wrong, part.condition, fault?.advice ?? .deviceBlocked)
            }
        }
        var findings: [Finding] = []
        func open(_ part: String, _ path: String, _ device: some PanelDevice) {
            var device = device
            do throws(DeviceFault) {
                try device.open()
                device.close()
                findings.append(Finding(part, path))
            } catch {
                findings.append(Finding(part, .wrong, "\(path): \(error.rawValue)", error.advice))
            }
        }
        let panel = configuration.panel
        switch panel.display {
        case .none: findings.append(Finding("display", "none, as configured"))
        case .terminal: findings.append(Finding("display", "the terminal"))
        case .device(let commands, let path):
            open("display", path, CharacterDisplay(commands, path: path, hasKana: panel.layout.hasKana))
        }
        if !panel.lights.isEmpty { open("lights", panel.lights.joined(separator: ", "), LampRow(panel.lights)) }
        if let path = panel.beeper { open("sound", path, Beeper(path: path, volume: panel.volume)) }
        return findings
    }
}
