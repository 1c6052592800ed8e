import Certificates
import Clock
import Foundation
import ListKeeper
import Pilot
import Revocation
import TestPKI
import Testing
import VirtualCard

/// `kazashi crl check`: what a kiosk's store says of a certificate.
@Suite struct StoreCheckTests {
    @Test("By a list of its issuer; of another issuer's, or without a list, it can't tell, and says why")
    func answers() throws {
        let path = FileManager.default.temporaryDirectory.appending(path: "kazashi-sc-\(UUID().uuidString)").path()
        defer { try? FileManager.default.removeItem(atPath: path) }
        let cards = try PilotCards.make(in: path)
        let store = try RevocationStore(folder: path + "/state/revocation")
        let check = StoreCheck(store: store, time: TrustedTime(asserted: cards.folder.now), maxAge: nil)
        let good = cards.good.certificate
        let empty = check.run(good)
        #expect(empty.code == .lists(.noCRL) && empty.reason == "the store holds no list")
        let anchors = try TrustAnchors([cards.folder.issuers.authority.certificate]).certificates
        _ = try store.take(
            UnverifiedRevocationList(der: cards.folder.list(revoked: [cards.revoked.serial])),
            authorities: ListAuthorities(anchors), clock: nil)
        #expect(check.run(good).code == .good)
        #expect(check.run(cards.revoked.certificate).code == .revoked)
        let stranger = check.run(try PilotFolder(path + "/other").issuers.authority.certificate)
        #expect(stranger.code != .good && stranger.code != .revoked)
    }
}
