import Advice
@testable import Doctor
import Foundation
import Kiosk
import Login
import Panel
import class GRDB.DatabaseQueue
import HTTPClient
import Pilot
import Service
import Settings
import Testing

@Suite(.timeLimit(.minutes(2))) struct ExaminationTests {
    @Test(
        "What ends within 90 days is a warning, what has ended is wrong, all else is nothing",
        arguments: [
            ([90 * 86_400], nil), ([90 * 86_400 - 1, 1 << 40], .warning), ([0], .warning), ([-1, 1 << 40], .wrong),
            ([], nil),
        ] as [([Int64], Finding.State?)])
    func ending(left: [Int64], state: Finding.State?) {
        let finding = Examination.ending("anchors", Words("certificates", "証明書"), left: left, do: .anchorExpired)
        #expect(finding?.state == state)
    }

    @Test(
        "Lists: too old at the very second; wrong when all are, a warning when some are",
        arguments: [
            ([1, 7_200], .fine, "2, the newest 5 minutes old; the first expires in 0 minutes"),
            ([0, 7_200], .warning, "2, the newest 5 minutes old; 1 have expired"),
            ([0, -1], .wrong, "2, the newest 5 minutes old; all have expired"),
        ] as [([Int64], Finding.State, String)])
    func ageing(left: [Int64], state: Finding.State, seen: String) {
        let finding = Examination.ageing(left, newest: 5)
        #expect(finding.state == state && finding.seen.english == seen)
    }

    @Test("Why a library can't be reached is told by libcurl's number; one that answers is there, whatever it says")
    func connections() {
        let tls: Set<Int32> = [35, 51, 53, 54, 58, 59, 60, 66, 77, 80, 83, 90, 91]
        for code in 1...99 as ClosedRange<Int32> {
            let told = Examination.advice(on: .network(code))?.happened.english
            let expected =
                switch code {
                case 6: Advice.unknownHost.happened.english
                case 7: "connection refused"
                default: tls.contains(code) ? "TLS failed (libcurl \(code))" : "connection failed (libcurl \(code))"
                }
            #expect(told == expected)
        }
        #expect(Examination.advice(on: .timedOut)?.happened.english == "no answer within 5 s")
        #expect(Examination.advice(on: .unusableRequest) != nil)
        for error in [HTTPClientError.answerTooLarge, .cancelled, .stopped] {
            #expect(Examination.advice(on: error) == nil)
        }
    }

    private func findings(
        _ configuration: Configuration, report: StatusReport? = nil, setup: SetupOutcome? = nil,
        slot: RunningSlot? = nil
    ) async -> [Finding] {
        var findings: [Finding] = []
        await Examination(configuration, report: report, setup: setup, slot: slot).run { findings.append($0) }
        return findings
    }

    private func find(_ part: String, in findings: [Finding]) -> Finding? { findings.first { $0.part == part } }

    @Test("A kiosk's folder, with lists and registrations, and a library that answers: each part as it is")
    func whole() async throws {
        try await InProcessPilot.withPilot { cards, pilot in
            await pilot.stopKiosk()
            let all = await findings(try Configuration(file: cards.folder.configuration))
            func seen(_ part: String) -> String? { find(part, in: all)?.seen.english }
            #expect(find("service", in: all)?.state == .warning, "no kiosk runs")
            #expect(seen("rights") == (geteuid() == 0 ? Advice.asRoot.happened.english : "those of user \(geteuid())"))
            #expect(find("clock", in: all)?.state == .fine && find("keys", in: all)?.state == .fine)
            #expect(find("trust", in: all)?.state == .warning, "test cards")
            #expect(seen("anchors") == "1 certificates" && seen("registry") == "2 registrations")
            #expect(seen("display") == "the terminal")
            #expect(find("library central", in: all)?.state == .fine)
            let lists = try #require(seen("lists"))
            let numbers = lists.split { !$0.isNumber }.compactMap { Int($0) }
            // One, an hour old, and of 36 hours.
            try #require(numbers.count == 3)
            #expect(
                numbers[0] == 1 && (60...62).contains(numbers[1]) && (2_098...2_100).contains(numbers[2]), "\(lists)")
        }
    }

    @Test("Registrations that are damaged are counted")
    func damaged() async throws {
        try await InProcessPilot.withPilot { cards, pilot in
            await pilot.stopKiosk()
            let file = cards.folder.path + "/state/kazashi.sqlite"
            let configuration = try Configuration(file: cards.folder.configuration)
            try await DatabaseQueue(path: file).write { db in
                try db.execute(
                    sql: "UPDATE registration SET sealed = x'00' WHERE id = (SELECT min(id) FROM registration)")
            }
            let one = try #require(find("registry", in: await findings(configuration)))
            #expect(one.state == .wrong && one.seen.english == "1 of 2 registrations are damaged")
            try await DatabaseQueue(path: file).write { try $0.execute(sql: "DELETE FROM registration") }
            #expect(
                find("registry", in: await findings(configuration))?.seen.english
                    == Advice.noRegistrations.happened.english)
        }
    }

    @Test("While no time is believed no library is asked: a token bears the time")
    func noTime() async throws {
        try await InProcessPilot.withPilot { cards, pilot in
            await pilot.stopKiosk()
            try FileManager.default.removeItem(atPath: cards.folder.path + "/state/revocation")
            try cards.folder.write("state/time", Array("\(cards.folder.now + 86_400 * 365)\n".utf8))
            let all = await findings(try Configuration(file: cards.folder.configuration))
            #expect(find("clock", in: all)?.seen.english == Advice.clockBehind.happened.english)
            #expect(find("library central", in: all)?.seen.english == Advice.libraryUntried.happened.english)
        }
    }

    private func report(
        cause: String? = nil, reader: StatusReport.Reader? = nil, panel: [StatusReport.Part] = [],
        configuration: String? = nil
    ) -> StatusReport {
        StatusReport(
            kiosk: "kiosk", state: cause == nil ? "ready" : "out_of_service", cause: cause, code: nil, since: 0,
            uptime: 0,
            reader: reader, lists: .init(served: 0, entries: 0, age: nil, firstEnds: nil, lastEnds: nil), libraries: [],
            unconfigured: [], panel: panel, taps: [:], test: false, configuration: configuration)
    }

    @Test(
        "Without a list: it waits where no kiosk runs to import it, and is lacking where one does; so of the image's setup"
    )
    func noLists() async throws {
        let path = FileManager.default.temporaryDirectory.appending(path: "kz-\(UUID().uuidString.prefix(8))").path()
        defer { try? FileManager.default.removeItem(atPath: path) }
        let folder = try PilotCards.make(in: path).folder
        let configuration = try Configuration(file: folder.configuration)
        let waiting = Advice.listsNotImported.happened.english
        let lacking = Cause.revocation.advice.happened.english
        #expect(find("lists", in: await findings(configuration))?.seen.english == waiting)
        #expect(find("lists", in: await findings(configuration, report: report()))?.seen.english == lacking)
        #expect(find("setup", in: await findings(configuration, setup: SetupOutcome(.adopted))) == nil)
        let wrong = find("setup", in: await findings(configuration, setup: SetupOutcome(.kept, .wrong, line: 12)))
        #expect(wrong?.state == .warning && wrong?.seen.english == "line 12: kazashi.toml cannot be used")
        #expect(find("system", in: await findings(configuration)) == nil)
        let trial = RunningSlot(slot: "B", version: "0.5.1", isOnTrial: true, takesTestUpdates: true)
        let tried = find("system", in: await findings(configuration, slot: trial))
        #expect(tried?.state == .fine && tried?.seen.english == "slot B, 0.5.1, TEST, on trial")
        let fallback = RunningSlot(
            slot: "A", version: "0.5.0", insteadOf: .init(slot: "B", version: "0.5.1", wasGood: false))
        let fallen = find("system", in: await findings(configuration, slot: fallback))
        #expect(
            fallen?.state == .warning
                && fallen?.seen.english
                    == "slot A 0.5.0 instead of B 0.5.1: A newer system did not start well: the one before it runs"
        )
        try FileManager.default.removeItem(atPath: path + "/crl")
        let gone = await findings(configuration).filter { $0.part == "lists" }.map(\.seen.english)
        #expect(gone.count == 2 && gone.last == lacking)
    }

    @Test("What a running kiosk says of its reader, its panel and itself is told as that")
    func running() async throws {
        let path = FileManager.default.temporaryDirectory.appending(path: "kz-\(UUID().uuidString.prefix(8))").path()
        defer { try? FileManager.default.removeItem(atPath: path) }
        let configuration = try Configuration(file: PilotCards.make(in: path).folder.configuration)
        func reader(_ service: Bool, _ isThere: Bool, _ held: Bool) -> StatusReport.Reader {
            .init(
                service: service, reader: isThere, held: held, name: "Reader 0",
                others: [.init(name: "Reader 1", card: true)])
        }
        let parts = [StatusReport.Part(part: "display", condition: "well"), .init(part: "sound", condition: "missing")]
        let well = await findings(
            configuration, report: report(reader: reader(true, true, false), panel: parts, configuration: "another"))
        #expect(find("service", in: well)?.seen.english == "running, ready")
        #expect(find("configuration", in: well)?.state == .wrong)
        #expect(find("rights", in: well)?.seen.english == "those of the running kiosk")
        #expect(find("reader", in: well)?.seen.english == "Reader 0: ready, says the running kiosk")
        #expect(find("other readers", in: well)?.state == .warning)
        #expect(find("display", in: well)?.state == .fine && find("sound", in: well)?.state == .wrong)
        for (reader, part) in [
            (reader(false, false, false), "card service"), (reader(true, false, false), "reader"),
            (reader(true, true, true), "reader"),
        ] {
            let findings = await findings(
                configuration,
                report: report(cause: "reader", reader: reader, configuration: configuration.fingerprint))
            #expect(find(part, in: findings)?.state == .wrong)
            #expect(find("service", in: findings)?.seen.english.hasPrefix("out of service: reader") == true)
            #expect(find("configuration", in: findings) == nil)
        }
    }
}
