import Announcement
import Cryptography
import Foundation
import GRDB
import Glibc
import JOSE
import LibraryDesk
import Testing

/// What a desk keeps to whatever comes, in whatever order, from whomever.
@Suite(.timeLimit(.minutes(2))) struct DeskSafetyTests {
    private let table: Tabletop

    init() throws { table = try Tabletop() }

    @Test("HTTP that is none, or could be read in two ways, is refused; slow connections keep no kiosk out")
    func attacks() async throws {
        let site = try Site("direct")
        let server = try DeskServer(desk: site.desk())
        let port = try await server.start()
        try await HTTPAttacks(token: site.token).prove(on: port, site, keepsConnections: true)
        await server.stop()
        #expect(throws: RawConnection.Refused.self) { try RawConnection(port: port) }
    }
}
