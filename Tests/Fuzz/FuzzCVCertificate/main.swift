import FuzzDriver
import MyNumberCard

let anchors = CardAnchors(allowsTest: true)

fuzz(objectMutation) { bytes in
    guard let certificate = try? CVCertificate(bytes) else { return }
    // No anchor is there to vouch for anything.
    for use in CardAnchors.Use.allCases {
        precondition((try? certificate.verified(under: anchors, use: use)) == nil)
    }
}
