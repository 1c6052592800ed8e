internal import Cryptography
internal import MyNumberCard
internal import SmartCard

/// The card's side of one presence: what is sent to it, in the order that the login asks for.
actor CardSession {
    private let source: any CardSource
    private let reader: String
    private let deadline: ContinuousClock.Instant
    private var channel: CardChannel?
    private var isReleased = false

    init(source: any CardSource, reader: String, deadline: ContinuousClock.Instant) {
        (self.source, self.reader, self.deadline) = (source, reader, deadline)
    }

    /// Exchanges so far, and the time spent inside the reader.
    var cost: (exchanges: Int, cardTime: Duration) { (channel?.exchanges ?? 0, channel?.cardTime ?? .zero) }

    /// Connects, selects JPKI (which also clears any verified state that a reset left) and reads the certificate's bytes.
    func readCertificate() async throws(CardFault) -> SecretBytes {
        try await CardFault.wrap { () async throws(SmartCardError) -> SecretBytes in
            let transport = try await source.connect(to: reader, deadline: deadline)
            let channel = CardChannel(transport, budget: CardChannel.Budget(deadline: deadline))
            self.channel = channel
            do throws(SmartCardError) {
                try await channel.select(.jpki)
            } catch .status(.internalError) {
                throw .status(.internalError)
            } catch .status(_) {
                // A chip answered, but it has no such application.
                throw .status(.fileNotFound)
            }
            var bytes = try await channel.readObject(.authenticationCertificate)
            defer { wipe(&bytes) }
            return SecretBytes(copying: bytes)
        }
    }

    /// Physical card, or a phone, or something else: asked before a first proof, and of what is not registered.
    func isMyNumberCard() async throws(CardFault) -> Bool {
        let bytes = try await wrapped { (channel) async throws(SmartCardError) in
            try await channel.readObject(file: CardFile.tokenInformation.identifier, most: 160) { _ in 160 }
        }
        return (try? TokenInformation(bytes))?.medium == .card
    }

    /// The card's signature over a fresh nonce.
    func answer(to challenge: CardChallenge) async throws(CardFault) -> UnverifiedChallengeAnswer {
        let digestInfo = challenge.digestInfo
        let signature = try await wrapped { (channel) async throws(SmartCardError) in
            try await channel.select(.visual)
            return try await channel.signWithCardKey(digestInfo)
        }
        return challenge.answered(signature)
    }

    func triesLeft() async throws(CardFault) -> Int? {
        let counter = try await wrapped { (channel) async throws(SmartCardError) in
            try await channel.triesLeft(of: .birthDate)
        }
        guard case .left(let left) = counter else { return nil }
        return left
    }

    func verify(_ key: BirthDateKey) async throws(CardFault) -> Bool {
        let result = try await wrapped { (channel) async throws(SmartCardError) in
            var digits = key.secret.withBytes { Array($0) }
            defer { wipe(&digits) }
            return try await channel.verify(.birthDate, digits: digits)
        }
        return result == .accepted
    }

    func readAgeRecord() async throws(CardFault) -> [UInt8] {
        try await wrapped { (channel) async throws(SmartCardError) in try await channel.readObject(.ageRecord) }
    }

    func readCVCertificate() async throws(CardFault) -> [UInt8] {
        try await wrapped { (channel) async throws(SmartCardError) in try await channel.readObject(.visualCVCertificate)
        }
    }

    /// Powers the card down, once.
    func release() async {
        guard !isReleased else { return }
        isReleased = true
        await channel?.powerDown()
    }

    private func wrapped<Value>(_ body: (CardChannel) async throws(SmartCardError) -> Value) async throws(CardFault)
        -> Value
    {
        guard let channel, !isReleased else { throw CardFault.pulled }
        return try await CardFault.wrap { () async throws(SmartCardError) -> Value in try await body(channel) }
    }
}

/// What a card's failure means for the login.
enum CardFault: Error {
    case notThisCard, pulled, failed, timedOut

    static func wrap<Value>(_ body: () async throws(SmartCardError) -> Value) async throws(CardFault) -> Value {
        do throws(SmartCardError) {
            return try await body()
        } catch {
            switch error {
            case .status(.fileNotFound): throw .notThisCard
            // Nobody else can reset a card in our transaction: it left, and was back at once.
            case .cardRemoved, .cardReset, .cancelled: throw .pulled
            case .timedOut: throw .timedOut
            case .serviceUnavailable, .readerUnavailable, .sharingViolation, .cardUnresponsive,
                .transmissionFailed, .readerHeld, .budgetExceeded, .status, .malformedAnswer:
                throw .failed
            }
        }
    }
}
