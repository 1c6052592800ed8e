internal import Cryptography
internal import Logging
internal import Login
internal import MyNumberCard
internal import Registry
internal import Settings

// The card's part of the effects: each asks the card for one thing and turns the answer into a fact.

extension KioskRuntime {
    func read(_ presence: Presence) {
        guard let session = evidence[presence]?.session else { return }
        spawn(presence) {
            do throws(CardFault) {
                await self.keep(certificate: try await session.readCertificate(), of: presence)
                return .certificateRead
            } catch {
                return .cardFailed(error.failure)
            }
        }
    }

    private func keep(certificate: SecretBytes, of presence: Presence) {
        evidence.keep(certificate, as: \.certificate, of: presence)
    }

    func identify(_ presence: Presence) {
        ask(presence) { (session) async throws(CardFault) in .identified(isCard: try await session.isMyNumberCard()) }
    }

    func challenge(_ presence: Presence) {
        guard let session = evidence[presence]?.session else { return }
        let pinned = evidence[presence]?.active?.registration.cardKey
        spawn(presence) {
            guard let challenge = try? CardChallenge(for: presence) else { return .cardFailed(.error) }
            do throws(CardFault) {
                let answer = try await session.answer(to: challenge)
                guard let pinned else {
                    await self.keep(.unpinned(answer), of: presence)
                    return .challengeAnswered(.unpinned)
                }
                // Verified before anything else is asked: only a card that has proved itself learns a birth date.
                guard let key = try? CardKey(publicKeyInfo: pinned.revealed),
                    let proved = try? answer.verified(under: key)
                else { return .challengeAnswered(.otherKey) }
                await self.keep(.pinned(proved), of: presence)
                return .challengeAnswered(.pinnedKey)
            } catch {
                return .cardFailed(error.failure)
            }
        }
    }

    private func keep(_ answer: PresenceEvidence.Answer, of presence: Presence) {
        evidence.keep(answer, as: \.answer, of: presence)
    }

    func countTries(_ presence: Presence) {
        ask(presence) { (session) async throws(CardFault) in .triesCounted(try await session.triesLeft()) }
    }

    func verifyBirthDate(_ presence: Presence) {
        guard let session = evidence[presence]?.session, let active = evidence[presence]?.active else { return }
        let registration = active.registration
        let written = registration.birthKey?.revealed
        guard let key = written.flatMap({ BirthDateKey($0) }) ?? BirthDate(registration.birthDate.revealed)?.eraKey
        else {
            return take(.registryFailed, of: presence)
        }
        guard registration.cardKey == nil else {
            return ask(presence) { (session) async throws(CardFault) in
                .birthDateVerified(accepted: try await session.verify(key))
            }
        }
        let (store, log) = (store, log)
        spawn(presence) {
            do {
                guard let counted = try await store.countBirthDateTry(of: active) else { return .registryFailed }
                await self.keep(counted, of: presence)
                let isAccepted = try await session.verify(key)
                if isAccepted {
                    guard let cleared = try await store.birthDateAccepted(of: counted) else { return .registryFailed }
                    await self.keep(cleared, of: presence)
                }
                return .birthDateVerified(accepted: isAccepted)
            } catch let error as CardFault {
                return .cardFailed(error.failure)
            } catch {
                let error = error as? RegistryError ?? RegistryError(.unavailable)
                log.note(error, "the tried birth date could not be counted")
                await self.noteDatabase(error)
                return .registryFailed
            }
        }
    }

    func prove(_ presence: Presence) {
        guard let held = evidence[presence], let answer = held.answer, let active = held.active else { return }
        let (session, anchors) = (held.session, configuration.cardAnchors)
        let registered = BirthDate(active.registration.birthDate.revealed)
        let known = active.registration.recordIssuer.flatMap { KeyIdentifier($0) }.flatMap { issuers[$0] }
        spawn(presence) {
            do throws(CardFault) {
                let record = try await session.readAgeRecord()
                if let known, let proof = try? CardProof.of(answer, record, under: known, anchors) {
                    await self.keep(proof, signedBy: known, of: presence)
                    return .proofChecked(proof.birthDate == registered ? .proven : .otherBirthDate)
                }
                // A record's issuer is a hint: the card may have been given a new record since.
                let certificate = try await session.readCVCertificate()
                guard let issuer = try? CVCertificate(certificate).verified(under: anchors, use: .visual),
                    let proof = try? CardProof.of(answer, record, under: issuer, anchors)
                else { return .proofChecked(.notProven) }
                await self.keep(proof, signedBy: issuer, of: presence)
                return .proofChecked(proof.birthDate == registered ? .proven : .otherBirthDate)
            } catch {
                return .cardFailed(error.failure)
            }
        }
    }

    private func keep(_ proof: CardProof, signedBy issuer: RecordIssuerKey, of presence: Presence) {
        evidence.keep(proof, as: \.proof, of: presence)
        issuers[issuer.identifier] = issuer
    }

    private func ask(
        _ presence: Presence, _ question: @escaping @Sendable (CardSession) async throws(CardFault) -> Fact
    ) {
        guard let session = evidence[presence]?.session else { return }
        spawn(presence) {
            do throws(CardFault) {
                return try await question(session)
            } catch {
                return .cardFailed(error.failure)
            }
        }
    }
}

extension CardProof {
    fileprivate static func of(
        _ answer: PresenceEvidence.Answer, _ record: [UInt8], under issuer: RecordIssuerKey, _ anchors: CardAnchors
    ) throws(CardDataError) -> CardProof {
        let record = try AgeRecord(record)
        return switch answer {
        case .pinned(let answer): try verify(answer, record: record, issuer: issuer, anchors: anchors)
        case .unpinned(let answer): try verify(answer, record: record, issuer: issuer, anchors: anchors)
        }
    }
}

extension CardFault {
    var failure: Fact.CardFailure {
        switch self {
        case .notThisCard: .notThisCard
        case .pulled: .pulled
        case .failed: .error
        case .timedOut: .timeout
        }
    }
}
