import Cryptography
import FuzzDriver
import JOSE
import SecurityEvents

/// Keys that nobody has: one input in a great many gets behind them, so what lies behind is given the input as well.
let keys = (try? P256PrivateKey.generate(), try? SharedKey.generate())

/// Claims, or a token.
let mutation: Mutation = { input, random, most in
    input.first == UInt8(ascii: "{") ? jsonMutation(input, &random, most) : tokenMutation(input, &random, most)
}

fuzz(mutation) { bytes in
    // The token as it comes from the network.
    if let token = try? UnopenedJWE(bytes) {
        if let key = keys.0 { _ = try? token.opened(with: key) }
        if let key = keys.1 { _ = try? token.opened(with: key) }
    }
    // What is inside it, once it is opened.
    if let token = try? UnverifiedJWS(bytes) {
        _ = token.unverifiedIssuer
        if let key = keys.0 { _ = try? token.verified(under: key.publicKey) }
    }
    // The claims, once they are known to be a kiosk's: what is read is written and read again alike.
    guard let claims = try? bytes.withUnsafeBytes({ try ReceivedClaims(json: $0) }) else { return }
    _ = "\(claims)"
    guard let event = try? claims.event() else { return }
    let read = EventClaims(
        iss: claims.iss, aud: claims.aud, iat: claims.iat, toe: claims.toe, jti: claims.jti, event: event)
    guard let written = try? read.encoded(), let again = try? written.withUnsafeBytes({ try ReceivedClaims(json: $0) }),
        (try? again.event()) == event, again.jti == claims.jti, again.iat == claims.iat
    else { fatalError("claims do not survive their own encoding") }
}
