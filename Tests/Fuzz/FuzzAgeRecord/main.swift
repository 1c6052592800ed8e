import CardText
import FuzzDriver
import MyNumberCard

fuzz(objectMutation) { bytes in
    _ = try? AgeRecord(bytes)
    _ = try? BasicAttributes(bytes)
    _ = try? TextSignature(bytes)
    _ = try? TextKey(bytes)
    _ = try? TokenInformation(bytes)
    _ = try? CardKey(publicKeyInfo: bytes)
}
