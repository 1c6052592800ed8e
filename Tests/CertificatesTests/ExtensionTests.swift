import Certificates
import TLV
import Testing

/// Extensions as RFC 5280 has them.
@Suite struct ExtensionTests {
    @Test("Object identifiers: those of RFC 5280")
    func identifiers() {
        let known: [([UInt8], String)] = [
            (ExtensionID.subjectKeyIdentifier, "2.5.29.14"), (ExtensionID.keyUsage, "2.5.29.15"),
            (ExtensionID.issuerAltName, "2.5.29.18"), (ExtensionID.basicConstraints, "2.5.29.19"),
            (ExtensionID.crlNumber, "2.5.29.20"), (ExtensionID.reasonCode, "2.5.29.21"),
            (ExtensionID.invalidityDate, "2.5.29.24"), (ExtensionID.deltaCRLIndicator, "2.5.29.27"),
            (ExtensionID.issuingDistributionPoint, "2.5.29.28"), (ExtensionID.certificateIssuer, "2.5.29.29"),
            (ExtensionID.crlDistributionPoints, "2.5.29.31"), (ExtensionID.certificatePolicies, "2.5.29.32"),
            (ExtensionID.authorityKeyIdentifier, "2.5.29.35"), (ExtensionID.anyPolicy, "2.5.29.32.0"),
        ]
        for (bytes, text) in known { #expect(OID(text)?.bytes == bytes, "\(text)") }
    }

    private func list(_ extensions: [[UInt8]]) throws -> [X509Extension] {
        try X509Extension.list(
            TLVElement.only(.sequence, in: der(0x30, extensions.flatMap { der(0x30, $0) })[...], rules: .der))
    }

    private func oid(_ number: UInt8) -> [UInt8] { der(0x06, [0x2A, 0x03, number]) }

    @Test("A list of extensions: critical or not, each once, sixty-four at the most")
    func extensions() throws {
        let value = der(0x04, [0x05, 0x00])
        let two = try list([oid(1) + der(0x01, [0xFF]) + value, oid(2) + value])
        #expect(two.map(\.isCritical) == [true, false])
        #expect(two.map(\.oid) == [[0x2A, 0x03, 1], [0x2A, 0x03, 2]])
        #expect(two.allSatisfy { Array($0.value) == [0x05, 0x00] })
        // DEFAULT FALSE is not encoded; the same identifier twice is none of the two.
        #expect(throws: TLVError.self) { try list([oid(1) + der(0x01, [0x00]) + value]) }
        #expect(throws: TLVError.self) { try list([oid(1) + value, oid(1) + value]) }
        #expect(throws: TLVError.self) { try list([oid(1) + value + value]) }
        #expect(throws: TLVError.self) { try list([]) }
        #expect(try list((0..<64).map { oid($0) + value }).count == 64)
        #expect(throws: TLVError.self) { try list((0..<65).map { oid($0) + value }) }
    }

    @Test("ReasonFlags: bits from the left, bit 0 unused, one or two octets")
    func reasons() throws {
        func flags(_ bytes: [UInt8]) throws -> UInt16 { try ReasonFlags(contents: bytes[...]).rawValue }
        #expect(try flags([0x05, 0x60]) == 0b0110)
        #expect(try flags([0x00, 0xFF]) == 0xFE)
        #expect(try flags([0x07, 0xFF, 0x80]) == 0x1FE)
        #expect(try flags([0x07, 0x00, 0x80]) == 0x100)
        #expect(try flags([0x00, 0x00, 0x7F]) == 0)
        for wrong in [[], [0x00], [0x08, 0x60], [0x00, 0x60, 0x00, 0x00]] as [[UInt8]] {
            #expect(throws: TLVError.self) { try flags(wrong) }
        }
    }

    @Test("Distribution points: names, reasons, another issuer; sixty-four at the most")
    func points() throws {
        let issuer = try DistinguishedName(encoded: der(0x30, [])[...])
        func points(_ all: [[UInt8]]) throws -> [DistributionPoint] {
            try DistributionPoint.list(der(0x30, all.flatMap { der(0x30, $0) })[...], issuer: issuer)
        }
        let uri = der(0x86, Array("http://a".utf8))
        let name = der(0xA0, der(0xA0, uri))
        let read = try points([name, name + der(0x81, [0x05, 0x60]), der(0xA2, der(0xA4, der(0x30, [])))])
        #expect(read.map(\.names) == [[.other(uri)], [.other(uri)], []])
        #expect(read.map(\.reasons.rawValue) == [0x1FE, 0b0110, 0x1FE])
        #expect(read.map(\.namesCRLIssuer) == [false, false, true])
        #expect(try points([[UInt8]](repeating: name, count: 64)).count == 64)
        #expect(throws: TLVError.self) { try points([[UInt8]](repeating: name, count: 65)) }
    }
}
