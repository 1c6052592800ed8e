package import Advice
package import Cryptography
internal import FoundationEssentials
internal import Glibc
internal import MyNumberCard
package import Registry

/// `registration import`: every record that can be used is stored, each that can't is named by its index and the
/// reason. Nothing of a record is ever repeated.
package struct RegistrationImport: Sendable {
    package struct Report: Sendable, Equatable {
        package var stored = 0
        package var leftOut: [LeftOut] = []
    }
    package struct LeftOut: Sendable, Equatable {
        package let index: Int
        package let reason: Reason
    }
    package enum Reason: String, Advised, CaseIterable {
        case notARecord = "not_a_record"
        case certificate
        case birthDate = "birth_date"
        case birthKey = "birth_key"
        case cardKey = "card_key"
        case noLibrary = "no_library"
        case length
        case otherCardKey = "other_card_key"
        case storage

        package var advice: Advice {
            let mend = Words("Correct the record and import it again.", "記録を直して、もう一度取り込んでください。")
            return switch self {
            case .notARecord:
                Advice(
                    Words(
                        "It must be an object with certificate, ppid and birth_date",
                        "certificate・ppid・birth_date を持つ記録ではありません。"), do: mend)
            case .certificate:
                Advice(Words("certificate must be one PEM block", "certificate は PEM ブロック 1 個でなければなりません。"), do: mend)
            case .birthDate:
                Advice(Words("birth_date must be YYYY-MM-DD", "birth_date が YYYY-MM-DD ではありません。"), do: mend)
            case .birthKey:
                Advice(
                    Words(
                        "birth_key must be six digits; required for births before 1912-07-30",
                        "birth_key は数字 6 桁です。1912-07-30 より前の生年月日では必須です。"), do: mend)
            case .cardKey:
                Advice(
                    Words(
                        "card_key must be the base64 DER of an RSA key of 2048 bits or more",
                        "card_key が 2048 ビット以上の RSA 公開鍵（DER の base64）ではありません。"), do: mend)
            case .noLibrary:
                Advice(Words("ppid must name a configured library", "ppid には設定済みの図書館の名前が必要です。"), do: mend)
            case .length:
                Advice(
                    Words(
                        "Each value of ppid and service_ids must have 1 to 64 bytes, and fit into the library's token",
                        "ppid と service_ids の各値は 1〜64 バイトで、図書館へのトークンに収まる長さでなければなりません。"), do: mend)
            case .otherCardKey: RegistryError.Code.otherCardKey.advice
            case .storage: RegistryError.Code.unavailable.advice
            }
        }
    }

    private let store: RegistrationStore
    private let libraries: Set<String>
    private let fits: Fits

    /// Whether a token about this pseudonym, with this library card number, is small enough for a library.
    package typealias Fits = @Sendable (_ library: String, _ ppid: PPID, _ serviceID: Confidential<String>?) -> Bool

    package init(store: RegistrationStore, libraries: [String], fits: @escaping Fits = { _, _, _ in true }) {
        (self.store, self.libraries, self.fits) = (store, Set(libraries), fits)
    }

    /// - Parameter json: an array of records, or one.
    /// - Returns: nil when it is no JSON of that kind: nothing was stored.
    package func run(_ json: [UInt8], now: Int64) async -> Report? {
        let decoder = JSONDecoder()
        let records: [Lenient]
        if let list = try? decoder.decode([Lenient].self, from: Data(json)) {
            records = list
        } else if let one = try? decoder.decode(Record.self, from: Data(json)) {
            records = [Lenient(record: one)]
        } else {
            return nil
        }
        var report = Report()
        for (index, lenient) in records.enumerated() {
            do throws(Refused) {
                guard let record = lenient.record else { throw Refused(reason: .notARecord) }
                let registration = try registration(from: record, now: now)
                do throws(RegistryError) {
                    try await store.store(registration)
                } catch {
                    throw Refused(reason: error.code == .otherCardKey ? .otherCardKey : .storage)
                }
                report.stored += 1
            } catch {
                report.leftOut.append(LeftOut(index: index, reason: error.reason))
            }
        }
        return report
    }

    private struct Refused: Error { let reason: Reason }

    private func registration(from record: Record, now: Int64) throws(Refused) -> Registration {
        guard let certificates = try? derBlocks(in: Array(record.certificate.utf8), label: "CERTIFICATE"),
            let certificate = certificates.first, certificates.count == 1,
            certificate.count <= CardFile.authenticationCertificate.most,
            certificate.first == 0x30
        else { throw Refused(reason: .certificate) }
        guard let birthDate = BirthDate(record.birth_date) else { throw Refused(reason: .birthDate) }
        if let key = record.birth_key {
            guard BirthDateKey(key) != nil else { throw Refused(reason: .birthKey) }
        } else {
            guard birthDate.eraKey != nil else { throw Refused(reason: .birthKey) }
        }
        var cardKey: [UInt8]?
        if let text = record.card_key {
            guard let der = Data(base64Encoded: text), (try? CardKey(publicKeyInfo: Array(der))) != nil else {
                throw Refused(reason: .cardKey)
            }
            cardKey = Array(der)
        }
        guard !libraries.isDisjoint(with: record.ppid.keys) else { throw Refused(reason: .noLibrary) }
        let texts = Array(record.ppid.values) + Array((record.service_ids ?? [:]).values)
        guard texts.allSatisfy({ (1...64).contains($0.utf8.count) }) else { throw Refused(reason: .length) }
        let fit = record.ppid.allSatisfy { library, ppid in
            fits(library, Confidential(ppid), record.service_ids?[library].map { Confidential($0) })
        }
        guard fit else { throw Refused(reason: .length) }
        return Registration(
            certificate: Confidential(certificate), ppids: record.ppid.mapValues { Confidential($0) },
            serviceIDs: (record.service_ids ?? [:]).mapValues { Confidential($0) },
            birthDate: Confidential(birthDate.sealedText), birthKey: record.birth_key.map { Confidential($0) },
            cardKey: cardKey.map { Confidential($0) }, since: now)
    }

    /// One element of the array: nil where it is no record, so that the others can still be stored.
    private struct Lenient: Decodable {
        let record: Record?
        init(record: Record?) { self.record = record }
        init(from decoder: any Decoder) throws { record = try? Record(from: decoder) }
    }
}

/// A record as the contract writes it; also what `registration export` gives.
package struct Record: Codable, Sendable {
    package var certificate: String
    package var ppid: [String: String]
    package var birth_date: String
    package var birth_key: String?
    package var card_key: String?
    package var service_ids: [String: String]?

    package init(_ registration: Registration) {
        certificate = String(
            decoding: PEM.encode(registration.certificate.revealed, label: "CERTIFICATE"), as: UTF8.self)
        ppid = registration.ppids.mapValues(\.revealed)
        birth_date = registration.birthDate.revealed
        birth_key = registration.birthKey?.revealed
        card_key = registration.cardKey.map { Data($0.revealed).base64EncodedString() }
        service_ids = registration.serviceIDs.isEmpty ? nil : registration.serviceIDs.mapValues(\.revealed)
    }
}
