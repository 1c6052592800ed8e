import Cryptography
import FuzzDriver
import JOSE
import SecurityEvents

let signing = (try? P256PrivateKey.generate()).map { SigningKey($0) }
let shared = try? SharedKey.generate()
let ours = TokenID("AAAAAAAAAAAAAAAAAAAAAA")
let others = TokenID("BBBBBBBBBBBBBBBBBBBBBA")

/// What the library says, or the token that it comes in.
let mutation: Mutation = { input, random, most in
    input.first == UInt8(ascii: "{") ? jsonMutation(input, &random, most) : tokenMutation(input, &random, most)
}

fuzz(mutation) { bytes in
    guard let signing, let shared, let ours, let others else { return }
    // As it comes from the network: it is never believed.
    if (try? VerifiedAcknowledgement(bytes, keys: .signed([signing.publicJWK]))) != nil
        || (try? VerifiedAcknowledgement(bytes, keys: .shared(shared))) != nil
    {
        fatalError("a forgery is believed")
    }
    // As if the library itself had said it.
    guard let sealed = try? shared.seal(bytes, type: Acknowledgement.type),
        let acknowledgement = try? VerifiedAcknowledgement(sealed, keys: .shared(shared))
    else { return }
    let text = String(decoding: bytes, as: UTF8.self)
    for jti in [ours, others] {
        let answer = acknowledgement.answer(about: jti, from: "aud", to: "kiosk", signed: 100, now: 200)
        // An answer names its token; an escape in JSON may spell it otherwise.
        if answer != nil, !text.contains(jti.text), !text.contains("\\") { fatalError("an answer about another token") }
    }
    for (signed, now) in [(Int64.min, Int64.max), (.max, .min), (.max, .max)] {
        _ = acknowledgement.answer(about: ours, from: "aud", to: "kiosk", signed: signed, now: now)
    }
}
