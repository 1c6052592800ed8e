internal import Certificates
internal import Files

/// What the store's disk refuses is `storeUnavailable`.
func onDisk<Value>(_ body: () throws(FilesError) -> Value) throws(TrustError) -> Value {
    do throws(FilesError) {
        return try body()
    } catch {
        throw TrustError(error)
    }
}

extension TrustError {
    init(_ error: FilesError) { self.init(.storeUnavailable, "\(error)") }
}
