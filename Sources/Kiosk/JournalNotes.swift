internal import Logging
internal import Login
internal import Registry
internal import Service
internal import Settings

extension Logger {
    /// The configuration can't be used.
    func note(_ error: ConfigurationError) {
        self.error(
            "the configuration can not be used",
            metadata: Self.words(Cause.configuration.rawValue, error.advice, ["seen": "\(error.seen)"]))
    }

    /// The registrations, or what is owed, could not be read or written.
    func note(_ error: RegistryError, _ text: Message) {
        self.error(text, metadata: Self.words("\(error)", error.advice))
    }
}
