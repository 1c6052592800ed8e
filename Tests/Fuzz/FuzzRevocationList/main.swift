import Certificates
import Files
import FuzzDriver
import Revocation

/// True when the bytes, handed over in pieces of `size`, are a list.
func walk(_ bytes: [UInt8], pieces size: Int) -> Bool {
    var intake = ListIntake(scratch: .temporary) { (list) throws(RevocationError) in _ = try list.get() }
    do throws(RevocationError) {
        var rest = bytes[...]
        while !rest.isEmpty {
            let piece = Array(rest.prefix(size))
            try piece.span.bytes.withUnsafeBytes { (piece) throws(RevocationError) in try intake.take(piece) }
            rest = rest.dropFirst(piece.count)
        }
        try intake.finish()
        return true
    } catch {
        return false
    }
}

// In one piece and in small ones: the same answer.
fuzz(bundleMutation(label: "X509 CRL")) { bytes in precondition(walk(bytes, pieces: .max) == walk(bytes, pieces: 7)) }
