internal import TLV

/// A distinguished name, built from type and value pairs in order.
package struct TestName: Sendable, Hashable {
    package let parts: [Part]
    package struct Part: Sendable, Hashable {
        package let type: String
        package let value: String
    }

    package init(_ parts: (String, String)...) { self.parts = parts.map { Part(type: $0.0, value: $0.1) } }

    package var der: [UInt8] {
        let types: [String: [UInt8]] = [
            "C": [0x55, 0x04, 0x06], "O": [0x55, 0x04, 0x0A], "OU": [0x55, 0x04, 0x0B], "CN": [0x55, 0x04, 0x03],
            "L": [0x55, 0x04, 0x07],
        ]
        return DER.object(
            0x30,
            parts.flatMap { part in
                let value = part.type == "C" ? DER.printable(part.value) : DER.utf8(part.value)
                return DER.set(DER.sequence(DER.oid(types[part.type] ?? []), value))
            })
    }
}
