internal import ArgumentParser
internal import Desk
internal import VendorKit

struct VectorsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "vectors",
        abstract:
            "Write what a vendor needs: test vectors with keys made now, the claims' schema, a receiver in Python.",
        discussion: """
            FOLDER/vectors.json lists tokens with the receiver's clock and what each must be answered; nested.json and
            direct.json are the receivers' configurations. Prove the receiver that comes with them:
            python3 FOLDER/receiver.py --check FOLDER
            """)

    @Argument(help: "The folder; it is made.")
    var folder: String

    func run() async throws {
        let vectors = try TestVectors()
        let failures = try await vectors.failures()
        guard failures.isEmpty else {
            note(failures.joined(separator: "\n"))
            throw ExitCode(1)
        }
        try vectors.write(to: folder)
        emit("\(vectors.vectors.count) vectors in \(folder); our own desk answers every one as it must")
    }
}
