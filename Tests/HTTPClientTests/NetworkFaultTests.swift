import HTTPClient
import Testing

/// libcurl-errors(3): what operators are told different things of.
@Suite struct NetworkFaultTests {
    @Test("Every number of libcurl's means one thing, and what is not named is told as any other")
    func numbers() {
        let named: [(NetworkFault, Set<Int32>)] = [
            (.unknownHost, [6]), (.noConnection, [7]), (.untrusted, [51, 60, 83, 90, 91]),
            (.tls, [35, 53, 54, 58, 59, 66, 77, 80]), (.broken, [8, 18, 52, 55, 56, 92]),
        ]
        for number in Int32(0)...110 {
            let expected = named.first { $0.1.contains(number) }?.0 ?? .other
            #expect(NetworkFault(libcurl: number) == expected, "\(number)")
        }
    }
}
