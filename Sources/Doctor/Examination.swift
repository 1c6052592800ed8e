package import Advice
internal import Announcement
internal import Certificates
internal import Clock
internal import Cryptography
internal import Glibc
internal import JOSE
internal import Kiosk
internal import ListKeeper
internal import Login
internal import Panel
internal import Registrations
internal import Registry
internal import Revocation
package import Service
package import Settings
internal import SmartCard

/// Looks at every part that a tap needs, one after another, and says what is wrong and what to do. It changes nothing:
/// where a kiosk runs it asks that one about reader and panel, which are its.
package struct Examination: Sendable {
    let configuration: Configuration
    /// A running kiosk's own report.
    let report: StatusReport?
    let setup: SetupOutcome?
    let slot: RunningSlot?

    package init(_ configuration: Configuration) {
        self.init(
            configuration, report: try? StatusSocket.ask(configuration.statusSocket), setup: SetupOutcome(),
            slot: RunningSlot())
    }

    /// - Parameters:
    ///   - report: a running kiosk's own; nil: none runs.
    ///   - setup: what the image found when it started; nil: this is none.
    ///   - slot: which of the image's systems runs; nil: this is none.
    package init(
        _ configuration: Configuration, report: StatusReport?, setup: SetupOutcome? = nil, slot: RunningSlot? = nil
    ) {
        (self.configuration, self.report, self.setup, self.slot) = (configuration, report, setup, slot)
    }

    /// Everything, in the order in which it is mended; each finding is told as soon as it is there.
    package func run(_ tell: (Finding) -> Void) async {
        tell(Finding("version", "kazashi \(KazashiVersion.text)", "kazashi \(KazashiVersion.text)"))
        tell(service)
        if let report, let running = report.configuration, running != configuration.fingerprint {
            tell(Finding("configuration", .wrong, .configurationOlder))
        }
        if let setup, let code = setup.code {
            tell(Finding("setup", .warning, code.advice, of: setup.line.map { "line \($0)" }))
        }
        if let slot { tell(system(slot)) }
        tell(rights)
        let lists = ServedLists(of: configuration)
        let clock = KioskClock(configuration, lists: lists)
        let now = clock.now()
        tell(self.time(clock))
        keys.forEach(tell)
        tell(anchors(now))
        for file in configuration.anchorFilesLeftOut {
            tell(Finding("anchors", .warning, KioskNote.anchorLeftOut.advice, of: file))
        }
        if configuration.isTest {
            tell(Finding("trust", .warning, .testCards))
        }
        self.lists(lists, now).forEach(tell)
        for finding in await reader() { tell(finding) }
        tell(storage)
        if let writes { tell(writes) }
        for finding in await registry(clock) { tell(finding) }
        for library in configuration.libraries {
            certificates(of: library, now).forEach(tell)
            tell(await check(library, clock))
        }
        devices().forEach(tell)
    }

    private var service: Finding {
        guard let report else { return Finding("service", .warning, .kioskNotRunning) }
        guard let cause = report.cause else { return Finding("service", "running, ready", "動作中、利用できます。") }
        let (why, code) = (Cause(rawValue: cause)?.advice.happened, report.code ?? "-")
        return Finding(
            "service", .wrong,
            Words(
                "out of service: \(cause) (\(code))\(why.map { ". \($0.english)" } ?? "")",
                "利用できません：\(cause)（\(code)）。\(why?.japanese ?? "")"),
            do: Words("See the findings below.", "以下の項目を確認してください。"))
    }

    private func system(_ slot: RunningSlot) -> Finding {
        if let other = slot.insteadOf, let fault = slot.fault {
            return Finding(
                "system", .warning, fault.advice,
                of: "slot \(slot.slot) \(slot.version) instead of \(other.slot) \(other.version)")
        }
        let words = "slot \(slot.slot), \(slot.version)" + (slot.takesTestUpdates ? ", TEST" : "")
        return slot.isOnTrial
            ? Finding("system", "\(words), on trial", "\(words)（確認中）")
            : Finding("system", words, words)
    }

    /// Where no kiosk runs that could tell, devices and card service are opened with the rights of whoever asks.
    private var rights: Finding {
        if report != nil { return Finding("rights", "those of the running kiosk", "動作中の端末の権限です。") }
        return geteuid() == 0
            ? Finding("rights", .warning, .asRoot)
            : Finding("rights", "those of user \(geteuid())", "ユーザー \(geteuid()) の権限です。")
    }

    private func time(_ clock: KioskClock) -> Finding {
        guard !clock.isBehind else { return Finding("clock", .wrong, .clockBehind) }
        guard configuration.timeSource == .synchronised else {
            return Finding(
                "clock", "the system's, as configured (time.source)", "システムの時計を使います（time.source の設定どおり）。")
        }
        switch (clock.now(), KernelClock.now) {
        case (nil, .unknown(let number)):
            return Finding("clock", .wrong, KioskNote.clockUnknown.advice, of: "\(SystemProblem(number))")
        case (nil, _):
            return Finding(
                "clock", .wrong, Words("system clock not synchronised", "システムの時計が同期していません。"),
                do: advice(on: .clock).action)
        case (_, .synchronised): return Finding("clock", "synchronised", "同期しています。")
        case (_, .unsynchronised), (_, .unknown):
            return Finding("clock", "synchronised earlier since this start-up", "起動後に一度同期しました。")
        }
    }

    /// Seconds in which somebody should have got a new one.
    private static let soon: Int64 = 90 * 86_400

    /// What is to be said of certificates that end, or have; nil when none does within 90 days.
    /// - Parameter left: seconds until each ends; negative: it has.
    package static func ending(_ part: String, _ what: Words, left: [Int64], do action: Words) -> Finding? {
        guard let first = left.min(), first < soon else { return nil }
        let (all, ended, ending) = (left.count, left.count { $0 < 0 }, left.count { $0 < soon })
        if first < 0 {
            return Finding(
                part, .wrong,
                Words(
                    "\(ended) of \(all) \(what.english) have expired",
                    "\(what.japanese) \(all) 件中 \(ended) 件の有効期限が切れています。"),
                do: action)
        }
        let days = first / 86_400
        return Finding(
            part, .warning,
            Words(
                "\(ending) of \(all) \(what.english) expire within 90 days, the first in \(days)",
                "\(what.japanese) \(all) 件中 \(ending) 件が 90 日以内に期限切れになります（最短で \(days) 日後）。"),
            do: action)
    }

    private var keys: [Finding] {
        let exposed = configuration.exposedSecrets
        guard exposed.isEmpty else { return exposed.map { Finding("keys", $0) } }
        let kid = configuration.signingKey.publicJWK.keyID
        return [
            Finding(
                "keys", "all keys present, readable by the owner only; the signing key's kid is \(kid)",
                "すべての鍵があり、所有者だけが読み取れます。署名鍵の kid は \(kid) です。")
        ]
    }

    private func anchors(_ now: TrustedTime?) -> Finding {
        let certificates = configuration.anchors.certificates
        let left = now.map { now in
            certificates.map { ($0.notAfter.secondsSince1970 ?? .max) - now.secondsSince1970 }
        }
        return Self.ending("anchors", Words("certificates", "証明書"), left: left ?? [], do: .anchorExpired)
            ?? Finding("anchors", "\(certificates.count) certificates", "証明書 \(certificates.count) 件")
    }

    private var hasListSources: Bool {
        !configuration.revocationFiles.isEmpty || !configuration.revocationURLs.isEmpty
    }

    private func lists(_ lists: ServedLists, _ now: TrustedTime?) -> [Finding] {
        var findings: [Finding] = []
        for path in configuration.revocationFiles where access(path, R_OK) != 0 {
            findings.append(Finding("lists", .wrong, ListNote.sourceMissing.advice, of: path))
        }
        guard !lists.signed.isEmpty else {
            // The service imports what the configuration names; nothing else does.
            let waits = report == nil && findings.isEmpty && hasListSources
            return findings + [Finding("lists", .wrong, waits ? .listsNotImported : advice(on: .revocation))]
        }
        guard let now, let newest = lists.newest else { return findings }
        return findings + [
            Self.ageing(
                lists.ends(maxAge: configuration.maxAge).map { $0 - now.secondsSince1970 },
                newest: (now.secondsSince1970 - newest.thisUpdate) / 60)
        ]
    }

    /// - Parameters:
    ///   - left: seconds until each list is too old; at 0 it is.
    ///   - minutes: since the newest of them was issued.
    static func ageing(_ left: [Int64], newest minutes: Int64) -> Finding {
        let stale = left.count { $0 <= 0 }
        let age = Words(
            "\(left.count), the newest \(minutes) minutes old", "失効リスト \(left.count) 件、最新は \(minutes) 分前のものです。")
        guard stale > 0 else {
            let first = (left.min() ?? 0) / 60
            return Finding(
                "lists", "\(age.english); the first expires in \(first) minutes",
                age.japanese + "最初の期限切れは \(first) 分後です。")
        }
        let expired = stale == left.count ? "all" : "\(stale)"
        return Finding(
            "lists", stale == left.count ? .wrong : .warning,
            Words("\(age.english); \(expired) have expired", age.japanese + "\(stale) 件の期限が切れています。"),
            do: ListNote.expired.advice.action)
    }

    private func advice(on cause: Cause) -> Advice { slot == nil ? cause.advice : cause.adviceOnTheImage }

    // MARK: Reader

    private func reader() async -> [Finding] {
        let answers = Finding("card service", "pcscd answers", "pcscd が応答しています。")
        if let reader = report?.reader {
            guard reader.service else {
                return [Finding("card service", .wrong, advice(on: .cardService))]
            }
            let others = others(reader.others.map { OtherReader(name: $0.name, card: $0.card) })
            guard reader.reader else { return [Finding("reader", .wrong, advice(on: .reader))] + others }
            guard !reader.held else { return [Finding("reader", .wrong, .readerHeld)] + others }
            let name = reader.name ?? "-"
            return [Finding("reader", "\(name): ready, says the running kiosk", "\(name)：利用できます（動作中の端末による）。")]
                + others
        }
        let (first, seen) = await Self.firstEvent(of: configuration.readerName)
        let others = others(seen)
        switch first {
        case .serviceUnavailable, nil:
            return [
                Finding(
                    "card service", .wrong,
                    Words(
                        "pcscd does not answer, or denies this user access",
                        "カードサービス（pcscd）が応答しないか、このユーザーに許可していません。"),
                    do: advice(on: .cardService).action)
            ]
        case .readerUnavailable:
            let wanted = configuration.readerName
            let seen =
                wanted.isEmpty
                ? advice(on: .reader).happened
                : Words("no reader name contains \(wanted)", "名前に \(wanted) を含むリーダーがありません。")
            return [answers, Finding("reader", .wrong, seen, do: advice(on: .reader).action)] + others
        case .readerAvailable(let name), .cardInserted(let name):
            return [answers, Finding("reader", name, name)] + others
        case .cardRemoved, .others, .readerHeld, .readerReleased:
            return [Finding("reader", "found", "見つかりました。")] + others
        }
    }

    /// Whoever lays a card on one of these waits in vain.
    private func others(_ others: [OtherReader]) -> [Finding] {
        others.map { other in
            other.card
                ? Finding("other readers", .warning, .cardOnOtherReader, of: other.name)
                : Finding("other readers", "not used: \(other.name)", "使用していません：\(other.name)")
        }
    }

    /// Whether pcscd answers within five seconds, whatever readers there are.
    package static func cardServiceAnswers() async -> Bool {
        switch await firstEvent(of: "").0 {
        case .serviceUnavailable, nil: false
        default: true
        }
    }

    /// What PC/SC says first, and the readers that are not used; nil when it says nothing within five seconds.
    private static func firstEvent(of reader: String) async -> (ReaderEvent?, [OtherReader]) {
        let (events, continuation) = AsyncStream<ReaderEvent>.makeStream()
        let source = PCSCCardSource(nameFilter: reader)
        let watching = Task { await source.watch { continuation.yield($0) } }
        let limit = Task {
            if (try? await Task.sleep(for: .seconds(5))) != nil { continuation.finish() }
        }
        defer {
            watching.cancel()
            limit.cancel()
        }
        var last: ReaderEvent?
        var others: [OtherReader] = []
        for await event in events {
            if case .others(let seen) = event {
                others = seen
                continue
            }
            last = event
            // A service that starts when it is asked is not there at first.
            if event != .serviceUnavailable { break }
        }
        return (last, others)
    }

    // MARK: Registry, storage

    private var storage: Finding {
        let state = configuration.state
        guard access(state, F_OK) == 0 else {
            return Finding(
                "storage", .warning, Words("\(state) does not exist yet", "\(state) はまだありません。"),
                do: Advice.kioskNotRunning.action)
        }
        guard StateFolder.isWritable(state) else {
            return Finding("storage", .wrong, advice(on: .storage), of: state)
        }
        let free = StateFolder.room(state) >> 20
        return Finding("storage", "\(free) MiB free under \(state)", "\(state) の空き容量は \(free) MiB です。")
    }

    private var writes: Finding? {
        guard let writes = DiskWrites(under: configuration.state) else { return nil }
        func size(_ bytes: UInt64) -> String { "\(bytes / 1_000_000).\(bytes / 100_000 % 10) MB" }
        let (all, hours) = (size(writes.bytes), writes.seconds / 3_600)
        let day = writes.bytesADay.map(size)
        return Finding(
            "writes",
            "\(all) written to its disk in \(hours) h since the start" + (day.map { ", \($0) a day" } ?? ""),
            "起動後 \(hours) 時間のディスク書き込み量は \(all)" + (day.map { "（1 日あたり \($0)）" } ?? "") + "です。")
    }

    private func registry(_ clock: KioskClock) async -> [Finding] {
        guard access(KioskDatabase.path(in: configuration.state), F_OK) == 0 else {
            return [Finding("registry", .warning, .noRegistrations)]
        }
        do throws(RegistryError) {
            let database = try KioskDatabase(configuration, clock: clock)
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
                return [
                    Finding(
                        "registry", .wrong,
                        Words(
                            "\(damaged) of \(list.count) registrations are damaged",
                            "登録 \(list.count) 件中 \(damaged) 件が破損しています。"),
                        do: .recordsDamaged)
                ]
            }
            let well =
                list.isEmpty
                ? Finding("registry", .warning, .noRegistrations)
                : Finding("registry", "\(list.count) registrations", "登録 \(list.count) 件")
            return [well] + orphans(among: list)
        } catch {
            return [Finding("registry", .wrong, error.code.advice, of: error.code.rawValue)]
        }
    }

    /// Registrations under a library's former name: nobody is told of their taps.
    private func orphans(among list: [RegistrationSummary]) -> [Finding] {
        let known = Set(configuration.libraries.map(\.name))
        let names = list.flatMap(\.libraries).reduce(into: [:]) { $0[$1, default: 0] += 1 }
        return names.filter { !known.contains($0.key) }.sorted { $0.key < $1.key }.map { name, count in
            Finding(
                "registry", .warning,
                Words(
                    "\(count) registrations name \(name), which is not configured",
                    "設定にない図書館 \(name) の登録が \(count) 件あります。"),
                do: .libraryRenamed)
        }
    }

    // MARK: Panel

    private func devices() -> [Finding] {
        if let report {
            return report.panel.map { part in
                let advice = (DeviceFault(rawValue: part.condition) ?? .blocked).advice
                return part.condition == "well"
                    ? Finding(part.part, "works, says the running kiosk", "正常です（動作中の端末による）。")
                    : Finding(part.part, .wrong, advice, of: part.condition)
            }
        }
        var findings: [Finding] = []
        func open(_ part: String, _ path: String, _ device: some PanelDevice) {
            var device = device
            do throws(DeviceFault) {
                try device.open()
                device.close()
                findings.append(Finding(part, path, path))
            } catch {
                findings.append(Finding(part, .wrong, error.advice, of: "\(path): \(error.rawValue)"))
            }
        }
        let panel = configuration.panel
        switch panel.display {
        case .none: findings.append(Finding("display", "none, as configured", "設定どおり、ありません。"))
        case .terminal: findings.append(Finding("display", "the terminal", "端末の画面"))
        case .device(let commands, let path):
            open("display", path, CharacterDisplay(commands, path: path, hasKana: panel.layout.hasKana))
        case .gpio(let chip, let lines): open("display", chip, HD44780Display(GPIOLines(chip: chip, offsets: lines)))
        case .backpack(let bus, let address):
            open("display", bus, HD44780Display(BackpackLines(bus: bus, address: address)))
        }
        if !panel.lights.isEmpty { open("lights", panel.lights.joined(separator: ", "), LampRow(panel.lights)) }
        if let path = panel.beeper { open("sound", path, Beeper(path: path, volume: panel.volume)) }
        return findings
    }
}
