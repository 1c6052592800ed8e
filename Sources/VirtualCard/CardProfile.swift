package import Cryptography
package import FoundationEssentials

/// Everything that a virtual card is: its answer to reset, applications, files, keys and counters. It is JSON on disk;
/// there is nothing of a real person in it.
package struct CardProfile: Codable, Sendable {
    /// Answer to reset, hex. The contactless form of a My Number Card by default.
    package var atr: String
    package var applications: [Application]

    package init(atr: String = contactlessATR, applications: [Application]) {
        (self.atr, self.applications) = (atr, applications)
    }

    package static let contactlessATR = "3b888001000005e0b381a1007f"

    package struct Application: Codable, Sendable {
        /// Hex.
        package var dfName: String
        package var files: [File] = []
        package var secrets: [Secret] = []
        package var keys: [Key] = []
        /// The key that `80 2A` with P2 = 00 uses.
        package var defaultKey: UInt8?

        package init(dfName: [UInt8]) { self.dfName = dfName.hexText }
    }

    /// A transparent file, or one with simple-TLV records.
    package struct File: Codable, Sendable {
        package var id: UInt8
        package var contents: Data
        /// Secrets of which one must be verified; empty: free.
        package var openedBy: [UInt8] = []
        package var isRecord = false

        package init(_ id: UInt8, _ contents: [UInt8], openedBy: [UInt8] = [], isRecord: Bool = false) {
            (self.id, self.contents, self.openedBy, self.isRecord) = (id, Data(contents), openedBy, isRecord)
        }
    }

    /// A key reference of VERIFY with its non-volatile counter.
    package struct Secret: Codable, Sendable {
        package var id: UInt8
        package var value: String
        package var most: Int
        package var left: Int

        package init(_ id: UInt8, _ value: String, tries: Int) {
            (self.id, self.value, self.most, self.left) = (id, value, tries, tries)
        }
    }

    /// An RSA key that signs.
    package struct Key: Codable, Sendable {
        package var id: UInt8
        /// PKCS#1 DER.
        package var der: Data
        /// The secret that must be verified; nil: none.
        package var guardedBy: UInt8?
        /// 00 88 answers 9000 (only the common application's).
        package var isForInternalAuthenticate = false

        package init(
            _ id: UInt8, _ key: RSAPrivateKey, guardedBy: UInt8? = nil, isForInternalAuthenticate: Bool = false
        ) throws {
            self.id = id
            der = Data(try key.derEncoded())
            self.guardedBy = guardedBy
            self.isForInternalAuthenticate = isForInternalAuthenticate
        }
    }

    package static func read(_ json: [UInt8]) throws -> CardProfile {
        try JSONDecoder().decode(CardProfile.self, from: Data(json))
    }

    package func json() throws -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
        return Array(try encoder.encode(self))
    }
}
