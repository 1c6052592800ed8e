internal import Cryptography
internal import FoundationEssentials

/// A command as the card sees it.
struct ReceivedCommand {
    let cla, ins, p1, p2: UInt8
    let data: [UInt8]
    /// Nil without Le.
    let expected: Int?
    let isExtended: Bool

    /// Nil when the bytes are no command APDU (ISO/IEC 7816-4, 5.1).
    init?(_ bytes: [UInt8]) {
        guard bytes.count >= 4 else { return nil }
        (cla, ins, p1, p2) = (bytes[0], bytes[1], bytes[2], bytes[3])
        let body = Array(bytes.dropFirst(4))
        func le(_ slice: ArraySlice<UInt8>, all: Int) -> Int {
            let value = slice.reduce(0) { $0 << 8 | Int($1) }
            return value == 0 ? all : value
        }
        if body.isEmpty {
            (data, expected, isExtended) = ([], nil, false)
        } else if body.count == 1 {
            (data, expected, isExtended) = ([], le(body[...], all: 256), false)
        } else if body[0] != 0 {
            let count = Int(body[0])
            guard body.count == 1 + count || body.count == 2 + count else { return nil }
            data = Array(body[1..<1 + count])
            expected = body.count == 2 + count ? le(body.suffix(1), all: 256) : nil
            isExtended = false
        } else if body.count == 3 {
            (data, expected, isExtended) = ([], le(body[1...], all: 65_536), true)
        } else {
            guard body.count > 3 else { return nil }
            let count = Int(body[1]) << 8 | Int(body[2])
            guard body.count == 3 + count || body.count == 5 + count else { return nil }
            data = Array(body[3..<3 + count])
            expected = body.count == 5 + count ? le(body.suffix(2), all: 65_536) : nil
            isExtended = true
        }
    }
}

/// The card's operating system: applications, files, keys, and the rules of when they open. One command in, one answer
/// out; what it costs and what goes wrong on the way is `VirtualCard`'s.
package struct CardLogic {
    package private(set) var profile: CardProfile
    private var keys: [String: [UInt8: RSAPrivateKey]] = [:]
    private var current: Int?
    private var currentFile: UInt8?
    /// Secrets verified, and in which application: it outlives a reset, but neither power-down nor another application.
    private var verified: (application: Int, secrets: Set<UInt8>)?
    /// True when the last command made a signature.
    private(set) var didSign = false

    package init(_ profile: CardProfile) throws {
        self.profile = profile
        for application in profile.applications {
            for key in application.keys {
                keys[application.dfName, default: [:]][key.id] = try RSAPrivateKey(encoded: Array(key.der))
            }
        }
    }

    package mutating func powerDown() {
        (current, currentFile, verified) = (nil, nil, nil)
    }

    package mutating func reset() { (current, currentFile) = (nil, nil) }

    /// Data and status word.
    mutating func answer(_ command: ReceivedCommand) -> [UInt8] {
        didSign = false
        guard command.cla & 0x03 == 0 else { return status(0x6881) }
        switch (command.cla, command.ins) {
        case (0x00, 0xA4): return select(command)
        case (0x00, 0xB0): return readBinary(command)
        case (0x00, 0xB2): return readRecord(command)
        case (0x00, 0x20): return verify(command)
        case (0x00, 0x24): return changeSecret(command)
        case (0x00, 0x84): return getChallenge(command)
        case (0x00, 0x88): return internalAuthenticate(command)
        case (0x80, 0x2A): return computeSignature(command)
        case (0x80, 0xFC): return status(0x6700)
        case (0x80, 0xA2): return status(command.p1 == 0x06 && command.p2 == 0xC1 ? 0x6700 : 0x6A86)
        case (0x80, 0xAE): return status(0x66F1)
        case (0x00, 0xCA): return status(current == nil ? 0x6A88 : 0x6985)
        case (0x00, _), (0x80, _): return status(0x6D00)
        default: return status(0x6E00)
        }
    }

    private func status(_ word: UInt16, _ data: [UInt8] = []) -> [UInt8] {
        data + [UInt8(word >> 8), UInt8(word & 0xFF)]
    }

    private var application: CardProfile.Application? { current.map { profile.applications[$0] } }

    // MARK: SELECT

    private mutating func select(_ command: ReceivedCommand) -> [UInt8] {
        switch (command.p1, command.p2) {
        case (0x04, 0x0C), (0x04, 0x00):
            // A shortened name selects the first application that fits (JICSAP 4.2).
            let wanted = command.data.hexText
            guard !wanted.isEmpty, let index = profile.applications.firstIndex(where: { $0.dfName.hasPrefix(wanted) })
            else { return status(0x6A82) }
            current = index
            currentFile = nil
            if verified?.application != index { verified = nil }
            guard command.p2 == 0x00 else { return status(0x9000) }
            let name = [UInt8](hexText: profile.applications[index].dfName) ?? []
            return status(0x9000, [0x6F, UInt8(name.count + 2), 0x84, UInt8(name.count)] + name)
        case (0x02, 0x0C):
            guard command.data.count == 2 else { return status(0x6700) }
            guard let application else { return status(0x6A82) }
            guard command.data[0] == 0, application.has(command.data[1]) else { return status(0x6A82) }
            currentFile = command.data[1]
            return status(0x9000)
        case (0x00, 0x00):
            guard command.data.isEmpty else { return status(0x6A82) }
            return status(current == nil ? 0x6A86 : 0x9000)
        default: return status(command.p1 == 0x04 ? 0x6A82 : 0x6A86)
        }
    }

    // MARK: Reading

    private mutating func readBinary(_ command: ReceivedCommand) -> [UInt8] {
        guard let application else { return status(0x6986) }
        guard let expected = command.expected else { return status(0x6700) }
        let offset: Int
        if command.p1 & 0x80 != 0 {
            let id = command.p1 & 0x1F
            guard application.has(id) else { return status(0x6A82) }
            currentFile = id
            offset = Int(command.p2)
        } else {
            offset = Int(command.p1) << 8 | Int(command.p2)
        }
        guard let id = currentFile else { return status(0x6986) }
        guard let file = application.files.first(where: { $0.id == id }), !file.isRecord else { return status(0x6981) }
        guard isOpen(file) else { return status(0x6982) }
        guard offset < file.contents.count else { return status(0x6B00) }
        return status(0x9000, Array(file.contents.dropFirst(offset).prefix(expected)))
    }

    private mutating func readRecord(_ command: ReceivedCommand) -> [UInt8] {
        guard let application else { return status(0x6986) }
        guard command.p2 & 0x07 == 0x04 else { return status(0x6A81) }
        let sfi = command.p2 >> 3
        if sfi != 0 {
            guard application.has(sfi) else { return status(0x6A82) }
            currentFile = sfi
        }
        guard let id = currentFile, let file = application.files.first(where: { $0.id == id }) else {
            return status(0x6986)
        }
        guard file.isRecord else { return status(0x6981) }
        guard isOpen(file) else { return status(0x6982) }
        guard command.p1 == 1 else { return status(0x6A83) }
        guard command.expected != nil else { return status(0x6700) }
        return status(0x9000, Array(file.contents))
    }

    private func isOpen(_ file: CardProfile.File) -> Bool {
        file.openedBy.isEmpty || file.openedBy.contains { isVerified($0) }
    }

    private func isVerified(_ secret: UInt8) -> Bool {
        verified?.application == current && verified?.secrets.contains(secret) == true
    }

    // MARK: Secrets

    /// The key that P2 names: 80 is the current file, 80 + n a short identifier.
    private func reference(_ p2: UInt8) -> UInt8? {
        guard p2 & 0x80 != 0 else { return nil }
        return p2 == 0x80 ? currentFile : p2 & 0x1F
    }

    private mutating func verify(_ command: ReceivedCommand) -> [UInt8] {
        guard let current, let id = reference(command.p2), command.p1 == 0 else { return status(0x6986) }
        guard let index = profile.applications[current].secrets.firstIndex(where: { $0.id == id }) else {
            return status(application?.has(id) == true ? 0x6981 : 0x6A82)
        }
        let secret = profile.applications[current].secrets[index]
        guard !command.data.isEmpty else {
            if isVerified(id) { return status(0x9000) }
            return status(0x63C0 | UInt16(secret.left))
        }
        guard secret.left > 0 else { return status(0x6984) }
        guard command.data.elementsEqual(secret.value.utf8) else {
            profile.applications[current].secrets[index].left -= 1
            verified?.secrets.remove(id)
            return status(0x63C0 | UInt16(secret.left - 1))
        }
        profile.applications[current].secrets[index].left = secret.most
        var secrets = verified?.application == current ? verified?.secrets ?? [] : []
        secrets.insert(id)
        verified = (current, secrets)
        return status(0x9000)
    }

    private mutating func changeSecret(_ command: ReceivedCommand) -> [UInt8] {
        guard let current, let id = reference(command.p2), command.p1 == 1 else { return status(0x6A86) }
        guard let index = profile.applications[current].secrets.firstIndex(where: { $0.id == id }) else {
            return status(0x6A82)
        }
        guard isVerified(id) else { return status(0x6982) }
        guard !command.data.isEmpty else { return status(0x6700) }
        profile.applications[current].secrets[index].value = String(decoding: command.data, as: UTF8.self)
        return status(0x9000)
    }

    // MARK: Keys

    private func getChallenge(_ command: ReceivedCommand) -> [UInt8] {
        guard let expected = command.expected, !command.isExtended, let bytes = try? SecureRandom.shared.bytes(expected)
        else { return status(0x6985) }
        return status(0x9000, bytes)
    }

    private mutating func internalAuthenticate(_ command: ReceivedCommand) -> [UInt8] {
        guard let application, let id = reference(command.p2) else { return status(0x6986) }
        guard let key = application.keys.first(where: { $0.id == id }) else { return status(0x6A82) }
        guard key.isForInternalAuthenticate else { return status(key.guardedBy == nil ? 0x6985 : 0x6982) }
        guard let rsa = keys[application.dfName]?[id], !command.data.isEmpty,
            let signature = try? rsa.sign(command.data)
        else { return status(0x6985) }
        didSign = true
        return status(0x9000, signature)
    }

    private mutating func computeSignature(_ command: ReceivedCommand) -> [UInt8] {
        guard let application else { return status(0x6986) }
        guard let id = command.p2 == 0x00 ? application.defaultKey : reference(command.p2) else {
            return status(0x6986)
        }
        guard let key = application.keys.first(where: { $0.id == id }), let rsa = keys[application.dfName]?[id] else {
            return status(application.has(id) ? 0x6981 : 0x6A82)
        }
        if let secret = key.guardedBy, !isVerified(secret) { return status(0x6982) }
        guard command.expected != nil, !command.data.isEmpty else { return status(0x6700) }
        let data = command.data
        let signature: [UInt8]?
        switch command.p1 {
        case 0x00: signature = data.count <= 245 ? try? rsa.signPadded(data) : nil
        case 0x01: signature = try? rsa.signPadded(sha256(data))
        case 0x02: signature = data.count == 32 ? try? rsa.signPadded(digestInfo(ofSHA256: data)) : nil
        case 0x03: signature = try? rsa.signPadded(digestInfo(ofSHA256: sha256(data)))
        case 0x04: signature = data.count == 32 ? try? rsa.signPSS(digest: data) : nil
        case 0x05: signature = try? rsa.signPSS(digest: sha256(data))
        default: return status(0x6A86)
        }
        guard let signature else { return status(0x6985) }
        didSign = true
        return status(0x9000, signature)
    }
}

extension CardProfile.Application {
    /// True for any elementary file: data, secret or key.
    func has(_ id: UInt8) -> Bool {
        files.contains { $0.id == id } || secrets.contains { $0.id == id } || keys.contains { $0.id == id }
    }
}
