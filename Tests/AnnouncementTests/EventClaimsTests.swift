import Cryptography
@testable import SecurityEvents
import Testing

@Suite struct EventClaimsTests {
    private static let subject = #""sub_id":{"format":"iss_sub","iss":"p","sub":"PPID"},"#

    private func read(_ subject: String, _ event: String, _ members: String = "{}") throws -> SecurityEvent {
        let json =
            #"{"iss":"kiosk","aud":"aud","iat":2,"toe":1,"jti":"AAAAAAAAAAAAAAAAAAAAAA",\#(subject)"#
            + #""events":{"urn:kazashi:\#(event)":\#(members)}}"#
        return try Array(json.utf8).withUnsafeBytes { try ReceivedClaims(json: $0) }.event()
    }

    @Test(
        "What is about a person names one, and what is about the kiosk nobody",
        arguments: [
            ("presented", "{}"), ("registered", "{}"), ("suspended", "{}"), ("removed", "{}"),
            ("attributes-changed", "{}"), ("replaced", #"{"previous":"OLD"}"#),
        ])
    func person(event: String, members: String) throws {
        #expect(try read(Self.subject, event, members).subject?.subject == "PPID")
        #expect(throws: ClaimsError.subject) { try read("", event, members) }
        for wrong in ["\"sub\":\"\"", "\"sub\":\"PPID\",\"more\":\"x\"", "\"uri\":\"PPID\""] {
            let subject = #""sub_id":{"format":"iss_sub","iss":"p",\#(wrong)},"#
            #expect(throws: ClaimsError.subject) { try read(subject, event, members) }
        }
        #expect(throws: ClaimsError.unknownEvent) { try read(Self.subject, event, #"{"unknown":"x"}"#) }
    }

    @Test(
        "What is about the kiosk",
        arguments: [
            ("withdrawn", #"{"jti":"AAAAAAAAAAAAAAAAAAAAAA"}"#),
            ("presence-ended", #"{"jti":"AAAAAAAAAAAAAAAAAAAAAA"}"#),
            ("out-of-service", #"{"cause":"reader"}"#), ("card-left", "{}"),
        ])
    func kiosk(event: String, members: String) throws {
        #expect(try read("", event, members).uri == "urn:kazashi:\(event)")
        #expect(throws: ClaimsError.subject) { try read(Self.subject, event, members) }
        #expect(throws: ClaimsError.unknownEvent) { try read("", event, #"{"unknown":"x"}"#) }
    }

    @Test("An event that nobody knows is named so, whoever it is about")
    func unknown() {
        for subject in ["", Self.subject] {
            #expect(throws: ClaimsError.unknownEvent) { try read(subject, "other") }
        }
    }
}
