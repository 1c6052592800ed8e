import Advice
import ArgumentParser
import Kiosk
import Registrations
import Registry
import Settings

/// Opens the kiosk's database for the length of `body`.
func withDatabase<Value>(_ configuration: Configuration, _ body: (KioskDatabase) async throws -> Value)
    async throws -> Value
{
    try actAsOwner(of: configuration.state)
    let database: KioskDatabase
    do {
        // What a command changes is dated as the kiosk would date it.
        database = try KioskDatabase(configuration, clock: .ofStore(configuration))
    } catch {
        say(RegistryWords.of(error))
        throw ExitCode.wrongUse
    }
    let result: Result<Value, any Error>
    do {
        result = .success(try await body(database))
    } catch {
        result = .failure(error)
    }
    // Whatever it ended with: some of what was asked for may be done.
    if await !database.close() { say("  \(Advice.logHeld.text.english)\n  \(Advice.logHeld.text.japanese)") }
    do {
        return try result.get()
    } catch let error as RegistryError {
        say(RegistryWords.of(error))
        throw error.code == .libraryTaken ? ExitCode.no : ExitCode.couldNotTell
    }
}

extension Advice {
    fileprivate static let logHeld = Advice(
        "Removed records are still in the database log, because another program uses it",
        "別のプログラムがデータベースを使用中のため、削除した登録がログに残っています。",
        do: "Stop that program, then run this command again.", "そのプログラムを終了してから、もう一度実行してください。")
}
