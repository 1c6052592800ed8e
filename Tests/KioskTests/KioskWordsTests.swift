import Advice
import Settings
import Registrations
import Laboratory
import Testing

@Suite struct KioskWordsTests {
    @Test("Whatever the journal tells stands in both languages, each code once")
    func journal() {
        for entry in CatalogueTables.codes { #expect(entry.advice.isInBothLanguages && !entry.meaning.isEmpty) }
        #expect(Set(CatalogueTables.codes.map(\.code)).count == CatalogueTables.codes.count)
    }

    @Test("What to do about a configuration stands in both languages", arguments: ConfigurationError.Kind.allCases)
    func configuration(kind: ConfigurationError.Kind) {
        #expect(ConfigurationError(kind, file: "kazashi.toml", "").advice.isInBothLanguages)
    }

    @Test("So does what to do about a record, and about a signing key")
    func records() {
        for reason in RegistrationImport.Reason.allCases { #expect(reason.advice.isInBothLanguages) }
        for problem in SigningKeyFile.Problem.allCases { #expect(problem.advice.isInBothLanguages) }
    }
}
