package import Cryptography
package import TLV

/// Object identifiers of RFC 5280 that this room decides by.
package enum ExtensionID {
    package static let subjectKeyIdentifier: [UInt8] = [0x55, 0x1D, 0x0E]
    package static let keyUsage: [UInt8] = [0x55, 0x1D, 0x0F]
    package static let issuerAltName: [UInt8] = [0x55, 0x1D, 0x12]
    package static let basicConstraints: [UInt8] = [0x55, 0x1D, 0x13]
    package static let crlNumber: [UInt8] = [0x55, 0x1D, 0x14]
    package static let reasonCode: [UInt8] = [0x55, 0x1D, 0x15]
    package static let invalidityDate: [UInt8] = [0x55, 0x1D, 0x18]
    package static let deltaCRLIndicator: [UInt8] = [0x55, 0x1D, 0x1B]
    package static let issuingDistributionPoint: [UInt8] = [0x55, 0x1D, 0x1C]
    package static let certificateIssuer: [UInt8] = [0x55, 0x1D, 0x1D]
    package static let crlDistributionPoints: [UInt8] = [0x55, 0x1D, 0x1F]
    package static let certificatePolicies: [UInt8] = [0x55, 0x1D, 0x20]
    package static let authorityKeyIdentifier: [UInt8] = [0x55, 0x1D, 0x23]
    package static let anyPolicy: [UInt8] = [0x55, 0x1D, 0x20, 0x00]
}

/// One Extension of a certificate, a list or an entry (RFC 5280 4.1).
package struct X509Extension {
    package let oid: [UInt8]
    package let isCritical: Bool
    package let value: ArraySlice<UInt8>

    /// The contents of `Extensions`, each identifier at most once (RFC 5280 4.2).
    package static func list(_ extensions: TLVElement) throws(TLVError) -> [X509Extension] {
        var reader = extensions.reader(rules: .der)
        var list: [X509Extension] = []
        repeat {
            guard list.count < Limits.extensions else {
                throw .beyondLimit("there are more than \(Limits.extensions) extensions")
            }
            var fields = try reader.next(.sequence).reader(rules: .der)
            let oid = try fields.next().objectIdentifier().bytes
            let critical = try fields.nextIfPresent(.boolean)
            // DEFAULT FALSE is not encoded in DER.
            if let critical, try !critical.boolean() { throw .notMinimal }
            let value = try fields.next(.octetString).contents
            try fields.end()
            guard !list.contains(where: { $0.oid == oid }) else { throw .badValue }
            list.append(X509Extension(oid: oid, isCritical: critical != nil, value: value))
        } while !reader.isAtEnd
        return list
    }
}

/// What of a certificate's extensions decides about it here; the rest Mbed TLS has read.
package struct CertificateExtensions {
    package var policies: [[UInt8]] = []
    package var distributionPoints: [DistributionPoint] = []
    package var subjectKeyIdentifier: [UInt8]?
    package var authorityKeyIdentifier: [UInt8]?

    package init(_ certificate: X509Certificate) throws(CertificateError) {
        guard !certificate.extensions.isEmpty else { return }
        do {
            let issuer = try DistinguishedName(encoded: certificate.issuer[...])
            let sequence = try TLVElement.only(.sequence, in: certificate.extensions[...], rules: .der)
            for item in try X509Extension.list(sequence) {
                switch item.oid {
                case ExtensionID.certificatePolicies: policies = try Self.policies(item.value)
                case ExtensionID.crlDistributionPoints:
                    distributionPoints = try DistributionPoint.list(item.value, issuer: issuer)
                case ExtensionID.subjectKeyIdentifier:
                    subjectKeyIdentifier = Array(
                        try TLVElement.only(.octetString, in: item.value, rules: .der).contents)
                case ExtensionID.authorityKeyIdentifier:
                    authorityKeyIdentifier = try Self.keyIdentifier(item.value)
                default: break
                }
            }
        } catch {
            throw CertificateError(.malformed, "an extension of the certificate is not as RFC 5280 4.2 asks: \(error)")
        }
    }

    /// Mbed TLS asks about what it does not know. Critical extensions that this room enforces are taken, any other
    /// critical one refuses the certificate (RFC 5280 4.2).
    package static let judge: ExtensionJudge = { oid, critical, value in
        switch oid {
        case ExtensionID.certificatePolicies: return (try? policies(value[...])) != nil
        // Decoded above; a certificate with a broken one is refused there.
        case ExtensionID.crlDistributionPoints: return true
        default: return !critical
        }
    }

    /// Every policy, with its qualifiers well-formed, none twice (RFC 5280 4.2.1.4).
    private static func policies(_ value: ArraySlice<UInt8>) throws(TLVError) -> [[UInt8]] {
        var reader = try TLVElement.only(.sequence, in: value, rules: .der).reader(rules: .der)
        var policies: [[UInt8]] = []
        repeat {
            guard policies.count < Limits.policies else {
                throw .beyondLimit("there are more than \(Limits.policies) policies")
            }
            var information = try reader.next(.sequence).reader(rules: .der)
            let policy = try information.next().objectIdentifier().bytes
            if let qualifiers = try information.nextIfPresent(.sequence) {
                var list = qualifiers.reader(rules: .der)
                repeat {
                    var qualifier = try list.next(.sequence).reader(rules: .der)
                    _ = try qualifier.next().objectIdentifier()
                    _ = try qualifier.next()
                    try qualifier.end()
                } while !list.isAtEnd
            }
            try information.end()
            guard !policies.contains(policy) else { throw .badValue }
            policies.append(policy)
        } while !reader.isAtEnd
        return policies
    }

    /// keyIdentifier of an AuthorityKeyIdentifier (RFC 5280 4.2.1.1).
    package static func keyIdentifier(_ value: ArraySlice<UInt8>) throws(TLVError) -> [UInt8]? {
        var fields = try TLVElement.only(.sequence, in: value, rules: .der).reader(rules: .der)
        return try fields.nextIfPresent(.context(0, constructed: false)).map { Array($0.contents) }
    }
}

/// Revocation reasons as bits of ReasonFlags (RFC 5280 4.2.1.13), aACompromise included.
package struct ReasonFlags: OptionSet, Hashable, Sendable {
    package let rawValue: UInt16
    /// Bits 1 to 8: keyCompromise … aACompromise. Bit 0 is unused.
    package static let all = ReasonFlags(rawValue: 0x1FE)

    package init(rawValue: UInt16) { self.rawValue = rawValue }

    /// - Parameter contents: of the BIT STRING.
    package init(contents: ArraySlice<UInt8>) throws(TLVError) {
        guard let unused = contents.first, unused < 8, (2...3).contains(contents.count) else { throw .badValue }
        var raw: UInt16 = 0
        for (byte, octet) in contents.dropFirst().enumerated() {
            for bit in 0..<8 where octet & (0x80 >> bit) != 0 { raw |= 1 << (byte * 8 + bit) }
        }
        self.init(rawValue: raw & Self.all.rawValue)
    }
}

/// One entry of cRLDistributionPoints (RFC 5280 4.2.1.13).
package struct DistributionPoint {
    /// Empty where the point has no name of its own.
    package let names: Set<PointName>
    package let reasons: ReasonFlags
    /// True where another authority issues the list: an indirect CRL.
    package let namesCRLIssuer: Bool

    package static func list(_ value: ArraySlice<UInt8>, issuer: DistinguishedName) throws(TLVError)
        -> [DistributionPoint]
    {
        var reader = try TLVElement.only(.sequence, in: value, rules: .der).reader(rules: .der)
        var points: [DistributionPoint] = []
        repeat {
            guard points.count < Limits.points else {
                throw .beyondLimit("there are more than \(Limits.points) distribution points")
            }
            var fields = try reader.next(.sequence).reader(rules: .der)
            let name = try fields.nextIfPresent(.context(0, constructed: true))
            let reasons = try fields.nextIfPresent(.context(1, constructed: false))
            let crlIssuer = try fields.nextIfPresent(.context(2, constructed: true))
            try fields.end()
            points.append(
                DistributionPoint(
                    names: try name.map { (name) throws(TLVError) in try PointName.set(name, issuer: issuer) } ?? [],
                    reasons: try reasons.map { (flags) throws(TLVError) in try ReasonFlags(contents: flags.contents) }
                        ?? .all, namesCRLIssuer: crlIssuer != nil))
        } while !reader.isAtEnd
        return points
    }
}

/// One name of a distribution point: a directoryName in its normal form, anything else as encoded.
package enum PointName: Hashable, Sendable {
    case directory(DistinguishedName)
    case other([UInt8])

    /// Told apart from every other name's, and the same for equal names.
    package var canonicalBytes: [UInt8] {
        switch self {
        case .directory(let name): [4] + name.canonicalBytes
        case .other(let encoded): [0] + encoded
        }
    }

    /// - Parameter field: DistributionPointName: [0] GeneralNames or [1] RelativeDistinguishedName.
    package static func set(_ field: TLVElement, issuer: DistinguishedName) throws(TLVError) -> Set<PointName> {
        var choice = field.reader(rules: .der)
        let name = try choice.next()
        try choice.end()
        switch name.tag {
        case .context(0, constructed: true):
            var names: Set<PointName> = []
            var reader = name.reader(rules: .der)
            repeat {
                let general = try reader.next()
                guard names.count < Limits.names, general.encoded.count <= Limits.name else {
                    throw .beyondLimit(
                        "a distribution point has more than \(Limits.names) names, or one of over \(Limits.name) bytes")
                }
                if general.tag == .context(4, constructed: true) {
                    names.insert(.directory(try DistinguishedName(encoded: general.contents)))
                } else {
                    names.insert(.other(Array(general.encoded)))
                }
            } while !reader.isAtEnd
            return names
        case .context(1, constructed: true):
            return [.directory(try issuer.appending(relative: name))]
        default: throw .unexpectedTag(name.tag)
        }
    }
}
