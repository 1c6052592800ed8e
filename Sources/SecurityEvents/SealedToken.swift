internal import Cryptography
package import JOSE
internal import Synchronization

/// A token for one library: signed and sealed. Its bytes are the HTTP body and the datagram, the same on every
/// retransmission; what is inside is overwritten when the token is dropped.
package final class SealedToken: Sendable {
    package let jti: TokenID
    /// When it was signed, seconds since 1970.
    package let iat: Int64
    package let bytes: [UInt8]
    /// The key that it is sealed for; nil: one that both hold.
    package let receiver: PublicJWK?
    /// The signed token inside, where the suite has one: it can be sealed again for another key of the library.
    private let signed: SecretBytes?
    private let passage = Mutex(Passage.notYet)

    private enum Passage { case notYet, sent, withheld }

    /// What a receiver takes.
    package static let most = 1_452

    private init(jti: TokenID, iat: Int64, bytes: [UInt8], receiver: PublicJWK?, signed: SecretBytes?)
        throws(TokenError)
    {
        guard bytes.count <= Self.most else { throw .tooLarge }
        (self.jti, self.iat, self.bytes, self.receiver, self.signed) = (jti, iat, bytes, receiver, signed)
    }

    /// - Parameter prepared: an agreement with the suite's receiver, made before; used up.
    /// - Throws: `failed`, `tooLarge`.
    package convenience init(
        _ claims: EventClaims, suite: Suite, signingKey: SigningKey, prepared: PreparedAgreement? = nil
    ) throws(TokenError) {
        do {
            var payload = try claims.encoded()
            defer { wipe(&payload) }
            switch suite {
            case .nested(let receiver, _, _):
                var signed = try JWS.sign(payload, type: EventClaims.type, key: signingKey)
                defer { wipe(&signed) }
                try self.init(
                    jti: claims.jti, iat: claims.iat, bytes: Self.seal(signed, for: receiver, prepared),
                    receiver: receiver, signed: SecretBytes(copying: signed))
            case .direct(let key):
                try self.init(
                    jti: claims.jti, iat: claims.iat, bytes: key.seal(payload, type: EventClaims.type),
                    receiver: nil, signed: nil)
            }
        } catch let error as TokenError {
            throw error
        } catch {
            throw .failed
        }
    }

    /// The same token for another key of the library; nil where there is nothing to seal again.
    package func sealed(for receiver: PublicJWK) throws(TokenError) -> SealedToken? {
        guard let signed else { return nil }
        do {
            var inner = signed.withBytes { Array($0) }
            defer { wipe(&inner) }
            return try SealedToken(
                jti: jti, iat: iat, bytes: Self.seal(inner, for: receiver, nil), receiver: receiver, signed: signed)
        } catch {
            throw .failed
        }
    }

    private static func seal(_ signed: [UInt8], for receiver: PublicJWK, _ prepared: PreparedAgreement?)
        throws(JOSEError) -> [UInt8]
    {
        if let prepared, prepared.receiver == receiver { return try prepared.seal(signed) }
        return try PreparedAgreement(with: receiver).seal(signed)
    }

    /// True once a byte of it may have left: then it can't be unsaid, only withdrawn.
    package var wasSent: Bool { passage.withLock { $0 == .sent } }

    /// Asked just before a byte leaves, which makes it sent; false: it was withheld.
    package func mayLeave() -> Bool {
        passage.withLock { passage in
            if passage == .notYet { passage = .sent }
            return passage == .sent
        }
    }

    /// One that has not left never will.
    package func withhold() { passage.withLock { if $0 == .notYet { $0 = .withheld } } }

    /// The size that a token of these claims will have, in bytes, without making one: what configuration and import
    /// are checked with, so that no tap meets a token that is too large.
    package static func size(of claims: EventClaims, suite: Suite, signingKeyID: String) -> Int {
        let payload = (try? claims.encoded().count) ?? 0
        switch suite {
        case .nested(let receiver, _, _):
            return PreparedAgreement.size(
                of: JWS.size(of: payload, type: EventClaims.type, keyID: signingKeyID), receiverKeyID: receiver.keyID)
        case .direct(let key): return key.size(of: payload, type: EventClaims.type)
        }
    }
}
