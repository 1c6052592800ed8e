/// What is wrong with data that a card gave. Nothing of the data is in it.
package enum CardDataError: Error, Equatable, Sendable {
    /// The file or record does not have its form.
    case malformed(Record)
    /// The CV certificate names an issuer that is not among the anchors, or one of another use.
    case unknownIssuer
    /// An issuer of the test range (key ids 6000…), where `test` is not set.
    case testIssuer
    /// The key id or the card's key is denied by configuration.
    case denied
    /// A signature does not verify; of what.
    case signature(Record)
    /// The card's key is not the one that was pinned.
    case otherKey

    package enum Record: Hashable, Sendable {
        case tokenInformation, ageRecord, cvCertificate, basicAttributes, textSignature, textKey, cardKey, challenge,
            anchors
    }
}
