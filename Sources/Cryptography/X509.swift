import CMbedTLS

/// A parsed certificate's fields, as values. Nothing about it is believed: only a verified path says that.
package struct X509Certificate: Sendable, Hashable {
    package let der: [UInt8]
    /// Big-endian contents of the serial number, as encoded.
    package let serial: [UInt8]
    /// The Names as encoded.
    package let issuer: [UInt8]
    package let subject: [UInt8]
    /// Both inclusive (RFC 5280 4.1.2.5).
    package let notBefore: CertificateTime
    package let notAfter: CertificateTime
    /// DER SubjectPublicKeyInfo.
    package let publicKeyInfo: [UInt8]
    /// The contents of `Extensions ::= SEQUENCE`, header included; empty when there are none.
    package let extensions: [UInt8]
    /// Nil without the extension; bit 0 of RFC 5280 (digitalSignature) is 0x80.
    package let keyUsage: UInt32?
    package let isCA: Bool
    /// 1, 2 or 3.
    package let version: Int
}

/// A certificate's date as it stands in it.
package struct CertificateTime: Sendable, Hashable {
    package let year, month, day, hour, minute, second: Int
}

/// Bits of keyUsage in the order of Mbed TLS (RFC 5280 4.2.1.3).
package enum KeyUsage {
    package static let digitalSignature: UInt32 = 0x80
    package static let keyCertSign: UInt32 = 0x04
    package static let crlSign: UInt32 = 0x02
}

/// Asked about each extension that Mbed TLS does not know, critical or not, and about certificatePolicies with a policy
/// other than anyPolicy: true takes it, false refuses the certificate.
package typealias ExtensionJudge = @Sendable (_ oid: [UInt8], _ critical: Bool, _ value: [UInt8]) -> Bool

/// Certificates held by Mbed TLS in one list, in the order given: what a path is searched in. It only grows.
package final class X509CertificateList {
    fileprivate let first: UnsafeMutablePointer<mbedtls_x509_crt>
    package private(set) var certificates: [X509Certificate] = []

    package init() {
        first = .allocate(capacity: 1)
        mbedtls_x509_crt_init(first)
    }

    deinit {
        mbedtls_x509_crt_free(first)
        first.deallocate()
    }

    /// - Throws: `malformed`, with Mbed TLS's status; −0x2562 and −0x2080 where `judge` refused an extension.
    @discardableResult
    package func append(_ der: [UInt8], judge: @escaping ExtensionJudge) throws(CryptographyError) -> X509Certificate {
        let box = JudgeBox(judge: judge)
        let status = withExtendedLifetime(box) {
            mbedtls_x509_crt_parse_der_with_ext_cb(
                first, der, der.count, 1,
                { context, _, oid, critical, start, end in
                    guard let context, let oid, let start, let end else { return -1 }
                    let box = Unmanaged<JudgeBox>.fromOpaque(context).takeUnretainedValue()
                    let name = Array(UnsafeBufferPointer(start: oid.pointee.p, count: oid.pointee.len))
                    let value = Array(UnsafeBufferPointer(start: start, count: end - start))
                    return box.judge(name, critical != 0, value) ? 0 : MBEDTLS_ERR_X509_FEATURE_UNAVAILABLE
                }, Unmanaged.passUnretained(box).toOpaque())
        }
        try check(status, .malformed)
        var last: UnsafePointer<mbedtls_x509_crt> = UnsafePointer(first)
        while let next = kz_crt_next(last) { last = next }
        // Trailing bytes would be signed by nobody and yet be part of what is looked up.
        guard last.pointee.raw.len == der.count else { throw CryptographyError(.malformed) }
        let certificate = X509Certificate(last)
        certificates.append(certificate)
        return certificate
    }

    private final class JudgeBox {
        let judge: ExtensionJudge
        init(judge: @escaping ExtensionJudge) { self.judge = judge }
    }
}

/// Mbed TLS's verdict on a path: the certificates from the end entity to the anchor, each with what is wrong with it.
package struct X509Path: Sendable {
    package struct Faults: OptionSet, Sendable {
        package let rawValue: UInt32
        package init(rawValue: UInt32) { self.rawValue = rawValue }

        package static let notTrusted = Faults(rawValue: UInt32(truncatingIfNeeded: MBEDTLS_X509_BADCERT_NOT_TRUSTED))
        package static let weak = Faults(
            rawValue: UInt32(
                MBEDTLS_X509_BADCERT_BAD_MD | MBEDTLS_X509_BADCERT_BAD_PK | MBEDTLS_X509_BADCERT_BAD_KEY))
        package static let keyUsage = Faults(rawValue: UInt32(truncatingIfNeeded: MBEDTLS_X509_BADCERT_KEY_USAGE))
        /// By the system's clock; the verifier's own clock decides instead.
        package static let dates = Faults(
            rawValue: UInt32(truncatingIfNeeded: MBEDTLS_X509_BADCERT_EXPIRED | MBEDTLS_X509_BADCERT_FUTURE))
    }
    package struct Step: Sendable {
        package let certificate: X509Certificate
        package let faults: Faults
    }
    /// The end entity first.
    package let steps: [Step]

    /// Searches a path from the first certificate of `candidates`, over the others, to one of `anchors`, and verifies
    /// its signatures, CA flags, path lengths and the CAs' keyUsage (RFC 5280 6.1). Dates are left to the caller.
    /// - Throws: `internal` when Mbed TLS could not even try.
    package static func search(from candidates: X509CertificateList, to anchors: X509CertificateList)
        throws(CryptographyError) -> X509Path
    {
        guard !candidates.certificates.isEmpty, !anchors.certificates.isEmpty else {
            return X509Path(steps: candidates.certificates.prefix(1).map { Step(certificate: $0, faults: .notTrusted) })
        }
        let walk = Walk()
        var flags: UInt32 = 0
        var profile = mbedtls_x509_crt_profile(
            allowed_mds: [MBEDTLS_MD_SHA256, MBEDTLS_MD_SHA384, MBEDTLS_MD_SHA512].reduce(0) {
                $0 | 1 << ($1.rawValue - 1)
            },
            allowed_pks: [MBEDTLS_PK_RSA, MBEDTLS_PK_ECKEY, MBEDTLS_PK_ECDSA].reduce(0) { $0 | 1 << ($1.rawValue - 1) },
            allowed_curves: [MBEDTLS_ECP_DP_SECP256R1, MBEDTLS_ECP_DP_SECP384R1].reduce(0) {
                $0 | 1 << ($1.rawValue - 1)
            }, rsa_min_bitlen: 2048)
        let status = withExtendedLifetime(walk) {
            mbedtls_x509_crt_verify_with_profile(
                candidates.first, anchors.first, nil, &profile, nil, &flags,
                { context, crt, _, flags in
                    guard let context, let crt, let flags else { return -1 }
                    let walk = Unmanaged<Walk>.fromOpaque(context).takeUnretainedValue()
                    walk.steps.append(
                        Step(certificate: X509Certificate(crt), faults: Faults(rawValue: flags.pointee)))
                    return 0
                }, Unmanaged.passUnretained(walk).toOpaque())
        }
        guard status == 0 || status == MBEDTLS_ERR_X509_CERT_VERIFY_FAILED else {
            throw CryptographyError(.internal, status: status)
        }
        // The callback comes from the anchor down.
        return X509Path(steps: walk.steps.reversed())
    }

    private final class Walk { var steps: [Step] = [] }
}

extension X509Certificate {
    fileprivate init(_ crt: UnsafePointer<mbedtls_x509_crt>) {
        func bytes(_ buffer: mbedtls_x509_buf) -> [UInt8] {
            Array(UnsafeBufferPointer(start: buffer.p, count: buffer.len))
        }
        func time(_ time: mbedtls_x509_time) -> CertificateTime {
            CertificateTime(
                year: Int(truncatingIfNeeded: time.year), month: Int(truncatingIfNeeded: time.mon),
                day: Int(truncatingIfNeeded: time.day), hour: Int(truncatingIfNeeded: time.hour),
                minute: Int(truncatingIfNeeded: time.min), second: Int(truncatingIfNeeded: time.sec))
        }
        let c = crt.pointee
        der = bytes(c.raw)
        serial = bytes(c.serial)
        issuer = bytes(c.issuer_raw)
        subject = bytes(c.subject_raw)
        notBefore = time(c.valid_from)
        notAfter = time(c.valid_to)
        publicKeyInfo = bytes(c.pk_raw)
        extensions = bytes(c.v3_ext)
        keyUsage = kz_crt_has_key_usage(crt) != 0 ? kz_crt_key_usage(crt) : nil
        isCA = kz_crt_is_ca(crt) != 0
        version = Int(truncatingIfNeeded: c.version)
    }
}
