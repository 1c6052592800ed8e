package import SmartCard

/// The applications of a My Number Card (個人番号カード) that this room knows, by DF name.
package enum CardApplication: Sendable, CaseIterable {
    /// 公的個人認証AP: certificates and their keys.
    case jpki
    /// 券面事項確認AP: what the card's face shows, and the card's own key.
    case visual
    /// 券面事項入力補助AP: what the card's face shows, as text.
    case text

    package var dfName: [UInt8] {
        switch self {
        case .jpki: [0xD3, 0x92, 0xF0, 0x00, 0x26, 0x01, 0x00, 0x00, 0x00, 0x01]
        case .visual: [0xD3, 0x92, 0x10, 0x00, 0x31, 0x00, 0x01, 0x01, 0x04, 0x02]
        case .text: [0xD3, 0x92, 0x10, 0x00, 0x31, 0x00, 0x01, 0x01, 0x04, 0x08]
        }
    }
}

/// An elementary file of one application. Every identifier lies in 0001–001E, so each is a short identifier too.
package struct CardFile: Hashable, Sendable {
    package let application: CardApplication
    package let identifier: UInt8
    /// Bytes that the file may have at the most; longer is malformed.
    package let most: Int

    // JPKI
    /// トークン情報: 160 bytes laid out as PKCS#11's CK_TOKEN_INFO; free.
    package static let tokenInformation = CardFile(application: .jpki, identifier: 0x06, most: 160)
    /// 利用者証明用電子証明書: X.509, free.
    package static let authenticationCertificate = CardFile(application: .jpki, identifier: 0x0A, most: 4_096)
    /// The certificate of the CA that issued it; free.
    package static let authenticationCACertificate = CardFile(application: .jpki, identifier: 0x0B, most: 4_096)

    // 券面事項確認
    /// The age record, opened by the birth date.
    package static let ageRecord = CardFile(application: .visual, identifier: 0x01, most: 1_024)
    /// AP基本情報; free.
    package static let visualInformation = CardFile(application: .visual, identifier: 0x03, most: 1_024)
    /// The CV certificate of the key that signed this application's records; free.
    package static let visualCVCertificate = CardFile(application: .visual, identifier: 0x04, most: 1_024)

    // 券面事項入力補助
    /// 基本4情報, opened by the PIN or 照合番号B.
    package static let basicAttributes = CardFile(application: .text, identifier: 0x02, most: 2_048)
    /// Digests of the records and the issuer's signature over them.
    package static let textSignature = CardFile(application: .text, identifier: 0x03, most: 1_024)
    package static let textCVCertificate = CardFile(application: .text, identifier: 0x04, most: 1_024)
    /// The signed public key of this application's own key.
    package static let textKey = CardFile(application: .text, identifier: 0x07, most: 1_024)
}

/// A key reference of VERIFY in one application.
package struct CardKeyReference: Hashable, Sendable {
    package let application: CardApplication
    package let identifier: UInt8

    /// 生年月日: six digits, ten tries.
    package static let birthDate = CardKeyReference(application: .visual, identifier: 0x11)
    /// 利用者証明用電子証明書暗証番号: four digits, three tries.
    package static let authenticationPIN = CardKeyReference(application: .jpki, identifier: 0x18)
    /// 券面事項入力補助用暗証番号: four digits, three tries.
    package static let textPIN = CardKeyReference(application: .text, identifier: 0x11)
}

/// What VERIFY without data answers about a key.
package enum RetryCounter: Hashable, Sendable {
    /// 63Cx.
    case left(Int)
    /// 6983, 6984.
    case blocked
    /// 9000: the key counts as verified already, which a card fresh from power-up must not say.
    case alreadyVerified
    /// 6300 and everything else: the card does not say how many.
    case unknown
}

/// What VERIFY with data ended with.
package enum VerifyResult: Hashable, Sendable {
    case accepted
    case refused
}

extension CardChannel {
    /// SELECT by full DF name, no answer wanted. Selecting another application clears what the previous one verified.
    package func select(_ application: CardApplication) async throws(SmartCardError) {
        _ = try await sendExpectingSuccess(
            CommandAPDU(ins: 0xA4, p1: 0x04, p2: 0x0C, data: application.dfName))
    }

    /// Asks how many tries `key` has left; costs none. Its application must be selected.
    package func triesLeft(of key: CardKeyReference) async throws(SmartCardError) -> RetryCounter {
        let response = try await send(CommandAPDU(ins: 0x20, p1: 0x00, p2: 0x80 | key.identifier))
        if let left = response.status.triesLeft { return left == 0 ? .blocked : .left(left) }
        switch response.status {
        case .keyBlocked, .methodBlocked: return .blocked
        case .ok: return .alreadyVerified
        default: return .unknown
        }
    }

    /// VERIFY. A wrong value costs one of the key's tries: ask `triesLeft` first.
    package func verify(_ key: CardKeyReference, digits: [UInt8]) async throws(SmartCardError) -> VerifyResult {
        let response = try await send(CommandAPDU(ins: 0x20, p1: 0x00, p2: 0x80 | key.identifier, data: digits))
        switch response.status {
        case .ok: return .accepted
        case .keyBlocked, .methodBlocked: return .refused
        default:
            guard response.status.sw1 == 0x63 else { throw .status(response.status) }
            return .refused
        }
    }

    /// `80 2A 00 00`: the application's own key, which needs no VERIFY, signs `digestInfo` (PKCS#1 v1.5 around it as
    /// it is).
    package func signWithCardKey(_ digestInfo: [UInt8]) async throws(SmartCardError) -> [UInt8] {
        let signature = try await sendExpectingSuccess(
            CommandAPDU(cla: 0x80, ins: 0x2A, p1: 0x00, p2: 0x00, data: digestInfo, expected: .short(256)))
        guard signature.count == 256 else { throw .malformedAnswer }
        return signature
    }

    /// Reads a file that holds one BER-TLV object.
    package func readObject(_ file: CardFile) async throws(SmartCardError) -> [UInt8] {
        try await readObject(file: file.identifier, most: file.most, length: objectLength)
    }
}

/// The whole length of the object that begins with `head`; nil when the head is no object's.
func objectLength(_ head: ArraySlice<UInt8>) -> Int? {
    var bytes = head
    guard let tag = bytes.popFirst() else { return nil }
    if tag & 0x1F == 0x1F {
        var tagBytes = 1
        while let next = bytes.popFirst() {
            tagBytes += 1
            guard tagBytes <= 3 else { return nil }
            if next & 0x80 == 0 { break }
        }
    }
    guard let first = bytes.popFirst() else { return nil }
    var length = Int(truncatingIfNeeded: first)
    if first & 0x80 != 0 {
        let count = Int(truncatingIfNeeded: first & 0x7F)
        guard (1...3).contains(count), bytes.count >= count else { return nil }
        length = bytes.prefix(count).reduce(0) { $0 << 8 | Int(truncatingIfNeeded: $1) }
        bytes = bytes.dropFirst(count)
    }
    return bytes.startIndex - head.startIndex + length
}
