import Certificates
import Clock
import FuzzDriver
import Revocation

/// An authority of ours that has signed nothing of what comes.
let anchors = try? TrustAnchors([])

fuzz(objectMutation) { bytes in
    // As an anchor: what may sign lists is asked for its name and its key.
    if let own = try? TrustAnchors([bytes]) {
        _ = ListAuthorities(own.certificates)
        _ = ListCollector(authorities: [bytes])
        // Its own anchor, so that names, dates, extensions and policies are read to the end.
        let validated = try? own.validate(
            UnverifiedCertificate(der: bytes), intermediates: [bytes], requirements: CertificateRequirements(),
            at: TrustedTime(asserted: 1_800_000_000))
        if let validated { _ = RevocationLists().check(validated, anchors: own, maxAge: 3_600) }
    }
    // From a card.
    guard let anchors else { return }
    precondition(
        (try? anchors.validate(
            UnverifiedCertificate(der: bytes), requirements: CertificateRequirements(),
            at: TrustedTime(asserted: 1_800_000_000))) == nil)
}
