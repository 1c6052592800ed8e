/// What can go wrong with the registrations. Nothing of a record is in it.
package struct RegistryError: Error, Equatable, Sendable, CustomStringConvertible {
    package enum Code: String, Sendable, CaseIterable {
        /// The storage key is not the one that the database was made with.
        case wrongKey = "wrong_key"
        /// The database, or a record in it, is not as it was written.
        case damaged
        /// SQLite could not read or write: disk, rights, another program.
        case unavailable
        /// The database was made by a newer program, which allows none as old as this one.
        case newerSchema = "newer_schema"
        /// No registration has that id.
        case unknownID = "unknown_id"
        /// A registration with another pinned card key stands already.
        case otherCardKey = "other_card_key"
        /// A registration has a pseudonym under the new name of a library already.
        case libraryTaken = "library_taken"
    }
    package let code: Code
    /// SQLite's result code, where there is one.
    package let status: Int?

    package init(_ code: Code, status: Int? = nil) {
        self.code = code
        self.status = status
    }

    package var description: String { status.map { "\(code.rawValue) (SQLite \($0))" } ?? code.rawValue }
}
