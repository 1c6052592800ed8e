internal import Cryptography
internal import Trust

/// The lists that a kiosk serves from files and folders. A file that can't be used leaves the others as they are.
struct RevocationFiles {
    /// What is wrong with a file, by its name.
    struct Problem: Equatable {
        let file: String
        let reason: String
    }

    let lists: RevocationLists
    /// Those that an anchor signed: what freshness and the time's floor are read from.
    let served: [ServedRevocationList]
    let problems: [Problem]

    static func load(_ paths: [String], anchors: TrustAnchors) -> RevocationFiles {
        var lists: [UnverifiedRevocationList] = []
        var problems: [Problem] = []
        for file in paths.flatMap(filesUnder) {
            guard let bytes = readFile(file), let blocks = try? derBlocks(in: bytes, label: "X509 CRL"), !blocks.isEmpty
            else {
                problems.append(Problem(file: file, reason: "can not be read as PEM or DER"))
                continue
            }
            for der in blocks {
                do throws(TrustError) {
                    lists.append(try UnverifiedRevocationList(der: der))
                } catch {
                    problems.append(Problem(file: file, reason: error.reason))
                }
            }
        }
        let all = RevocationLists(lists)
        let served = all.served(under: anchors)
        if served.count < lists.count {
            problems.append(Problem(file: "-", reason: "\(lists.count - served.count) lists are signed by no anchor"))
        }
        return RevocationFiles(lists: all, served: served, problems: problems)
    }

    static let none = RevocationFiles(lists: RevocationLists(), served: [], problems: [])

    /// The list that was issued last.
    var newest: ServedRevocationList? { served.max { $0.thisUpdate < $1.thisUpdate } }

    func anyIsFresh(at time: TrustedTime, maxAge: Int64) -> Bool {
        served.contains { $0.isFresh(at: time, maxAge: maxAge) }
    }
}
