import Advice
import Registry
import Testing

@Suite struct RegistryWordsTests {
    @Test("What each code means and what to do about it", arguments: RegistryError.Code.allCases)
    func words(code: RegistryError.Code) {
        #expect(!code.meaning.isEmpty)
        #expect(RegistryError(code).advice.isInBothLanguages)
    }
}
