internal import Files
internal import FoundationEssentials
internal import TOMLKit

/// kazashi.toml as it is written; `Configuration` is what it means.
struct ConfigurationFile: Decodable {
    var kiosk: Kiosk
    var time: Time?
    var reader: Reader?
    var trust: Trust
    var registration: Registration?
    var revocation: Revocation?
    var platform: Platform
    var library: [Library]
    var panel: Panel?
    var service: Service?
    var board: Board?

    struct Kiosk: Decodable {
        var id: String
        var language: String?
        var min_gap: String?
        var state: String
        var storage_key: String
        var signing_key: String
    }
    struct Time: Decodable { var source: String? }
    struct Reader: Decodable { var name: String? }
    struct Trust: Decodable {
        var anchors: [String]
        var card_anchors: [String]
        var policies: [String]?
        var denied: [String]?
        var test: Bool?
    }
    struct Registration: Decodable { var pin_at_first_proof: Bool? }
    struct Revocation: Decodable {
        var files: [String]?
        var urls: [String]?
        var max_age: String?
    }
    struct Platform: Decodable { var issuer: String }
    struct Library: Decodable {
        var name: String
        var audience: String
        var url: String
        var required: Bool?
        var suite: String?
        var receiver_key: String?
        var acknowledgement_key: String?
        var ca: String?
        var client_certificate: String?
        var client_key: String?
        var allow_plain_http: Bool?
        var shared_key: String?
        var report_out_of_service: Bool?
    }
    struct Service: Decodable {
        var status: String?
        var metrics: String?
    }
    struct Board: Decodable {
        var host_name: String?
        var address: String?
        var gateway: String?
        var name_servers: [String]?
        var time_servers: [String]?
        var update_url: String?
        var update_hours: String?
        var server_ca: String?
        var journal_url: String?
        var metrics_url: String?
    }
    struct Panel: Decodable {
        var display: String?
        var columns: Int?
        var kana: Bool?
        var lights: [String]?
        var beeper: String?
        var volume: String?
        var quiet: String?
    }

    /// - Throws: the line of what is not TOML, else the path of the key.
    static func parse(_ text: String, file: String) throws(ConfigurationError) -> ConfigurationFile {
        do {
            return try TOMLDecoder(strictDecoding: true).decode(ConfigurationFile.self, from: text)
        } catch let error as TOMLParseError {
            throw ConfigurationError(
                .notTOML, file: file, place: .line(error.source.begin.line), "not TOML: \(error.description)")
        } catch let error as UnexpectedKeysError {
            let paths = error.keys.map { key, path in
                let names = path.map(\.stringValue)
                return names.last == key ? names.joined(separator: ".") : (names + [key]).joined(separator: ".")
            }
            throw ConfigurationError(
                .unknownKey, file: file, place: .key(paths.sorted().joined(separator: ", ")), "unknown key")
        } catch DecodingError.keyNotFound(let key, let context) {
            var path = context.codingPath
            if path.last?.stringValue != key.stringValue { path.append(key) }
            // TOMLKit says of a value of another type that the key is not there.
            let isThere = isPresent(path, in: text)
            throw ConfigurationError(
                isThere ? .wrongValue : .missingKey, file: file, place: .key(written(path)),
                isThere ? "the value has the wrong type" : "the key is missing")
        } catch DecodingError.typeMismatch(_, let context), DecodingError.valueNotFound(_, let context),
            DecodingError.dataCorrupted(let context)
        {
            throw ConfigurationError(
                .wrongValue, file: file, place: .key(written(context.codingPath)), "the value has the wrong type")
        } catch {
            throw ConfigurationError(.notTOML, file: file, "not a configuration")
        }
    }
}

/// `library[0].url`.
private func written(_ path: [any CodingKey]) -> String {
    path.reduce(into: "") { text, key in
        text += key.intValue.map { "[\($0)]" } ?? (text.isEmpty ? "" : ".") + key.stringValue
    }
}

/// Whether a key stands in the text at all.
private func isPresent(_ path: [any CodingKey], in text: String) -> Bool {
    guard var table = try? TOMLTable(string: text) else { return false }
    var rest = path[...]
    while let key = rest.popFirst() {
        guard let value = table[key.stringValue] else { return false }
        var next = value.table
        if let index = rest.first?.intValue {
            rest.removeFirst()
            next = value.array?.dropFirst(index).first?.table
        }
        if rest.isEmpty { return true }
        guard let next else { return false }
        table = next
    }
    return false
}

extension ConfigurationFile.Library {
    /// The file that holds the client's key, and the key of the configuration that names it: without `client_key` libcurl reads
    /// it from the certificate's own file.
    var clientSecret: (name: String, path: String)? {
        client_key.map { ("client_key", $0) } ?? client_certificate.map { ("client_certificate", $0) }
    }
}
