import Glibc
import Pilot
import Testing

/// What `board/test-image` runs and `board/test` does not, one after the other: a start takes a minute, and a fallback is four of
/// them.
@Suite(
    .serialized, .timeLimit(.minutes(60)),
    .enabled(if: getenv("KAZASHI_UPDATES") != nil, "minutes each: board/test-image runs them"))
struct ImageRuns {
    /// Nobody tells when a machine writes to its disk, or what it sends has come.
    static func wait(until holds: () async throws -> Bool) async throws {
        while try await !holds() { try await Task.sleep(for: .seconds(1)) }
    }
}

extension FlashedDisk {
    /// Settings with which a kiosk runs; its library is nowhere.
    func settle(board: String = "") async throws {
        let cards = try PilotCards.make(in: folder + "/pilot")
        try await TechnicianFiles(cards: cards, port: 9, board: board).put(on: self)
    }
}
