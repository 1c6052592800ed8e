import Clock
import Cryptography
import ListKeeper
import Revocation
import TLV

/// The answer of `crl import`; `code` and `reason` are of the first list that was not taken, or of the source.
struct ImportOutput: Encodable {
    let lists: [ImportedList]
    /// Lists that `lists` does not tell of.
    let more_refused, more_taken: Int
    let code, reason: String?
}

/// What became of one list of a source.
enum ImportedList: Encodable {
    case taken(ListDescription)
    case refused(RefusedList)

    init?(_ outcome: StoreIntake.Outcome, _ store: RevocationStore) {
        switch outcome.result {
        case .success(let taken):
            guard let list = store.list(id: taken.id) else { return nil }
            self = .taken(ListDescription(list, result: taken.isNew ? "taken" : "already", position: outcome.position))
        case .failure(let error): self = .refused(RefusedList(outcome, error))
        }
    }

    func encode(to encoder: any Encoder) throws {
        switch self {
        case .taken(let list): try list.encode(to: encoder)
        case .refused(let list): try list.encode(to: encoder)
        }
    }
}

/// A list that was not taken: what it says of itself where its form is right.
struct RefusedList: Encodable {
    let result = "refused"
    let position: Int
    let code, reason: String
    let issuer, number, this_update, next_update: String?
    let scope: [String]?

    init(_ outcome: StoreIntake.Outcome, _ error: RevocationError) {
        let (words, summary) = (ListWords(error), outcome.summary)
        (position, code, reason) = (outcome.position, words.code, words.reason)
        (issuer, number, scope) = (summary?.issuer, summary?.number, summary?.scope)
        this_update = summary.map { CivilTime(secondsSince1970: $0.thisUpdate).rfc3339 }
        next_update = summary.map { CivilTime(secondsSince1970: $0.nextUpdate).rfc3339 }
    }
}

/// A list of a store, for people and programs.
struct ListDescription: Encodable {
    let result: String?
    /// Which list of the source, from 1.
    let position: Int?
    let id: String
    let issuer: String
    let issuer_key: String
    let scope: [String]
    let only: String?
    let delta: Bool
    let number: String
    let base_number: String?
    let this_update: String
    let next_update: String
    let stale: Bool
    let entries: Int
    let bytes: Int

    init(_ list: Revocation.RevocationList, result: String?, position: Int? = nil) {
        (self.result, self.position) = (result, position)
        (id, issuer, issuer_key) = (list.id.hexText, list.issuerText, list.issuerKey.hexText)
        (scope, only, delta) = (list.pointTexts, list.only, list.isDelta)
        (number, base_number) = (list.numberText, list.baseNumberText)
        this_update = CivilTime(secondsSince1970: list.thisUpdate).rfc3339
        next_update = CivilTime(secondsSince1970: list.nextUpdate).rfc3339
        stale = !list.isFresh(at: TrustedTime(asserted: systemTime()), maxAge: nil)
        (entries, bytes) = (list.index.count, list.index.byteCount)
    }

    var text: String {
        let scope = scope.isEmpty ? "whole list" : scope.joined(separator: " | ")
        let kind = delta ? "delta on \(base_number ?? "?")" : "complete"
        return "\(result.map { "\($0): " } ?? "")number \(number) (\(kind)), \(entries) entries, \(this_update) to "
            + "\(next_update)\(stale ? " STALE" : ""): \(scope) [\(id)]"
    }
}
