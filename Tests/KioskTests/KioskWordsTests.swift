import Advice
import Certificates
import Kiosk
import Laboratory
import Login
import Panel
import Registrations
import Settings
import Testing

@Suite struct KioskWordsTests {
    private static let all: [any Advised] =
        CatalogueTables.codes + Outcome.all + Cause.allCases + DeviceFault.allCases + ConfigurationError.Kind.allCases
        + CertificateError.Code.allCases + RegistrationImport.Reason.allCases + SigningKeyFile.Problem.allCases

    @Test("Every code says what happened and what to do, in English that is ASCII and in Japanese")
    func bothLanguages() {
        for code in Self.all {
            for words in [code.advice.happened, code.advice.action] {
                #expect(!words.english.isEmpty && words.english.allSatisfy(\.isASCII), "\(code.code)")
                #expect(words.japanese.contains { !$0.isASCII }, "\(code.code)")
            }
        }
    }

    @Test("What happened is a sentence without its full stop in English; all else ends with one")
    func stops() {
        for code in Self.all {
            let advice = code.advice
            #expect(!advice.happened.english.hasSuffix(".") && advice.action.english.hasSuffix("."), "\(code.code)")
            #expect(advice.happened.japanese.hasSuffix("。") && advice.action.japanese.hasSuffix("。"), "\(code.code)")
        }
    }

    @Test("A code of the journal has one meaning")
    func once() {
        #expect(Set(CatalogueTables.codes.map(\.code)).count == CatalogueTables.codes.count)
    }
}
