import Certificates
import Clock
import Foundation
import PathFixture
import Revocation
import TestPKI
import Testing

/// A store in a folder of its own, and lists to put into it.
struct StoreFixture {
    let folder: String
    let store: RevocationStore
    let fixture: Fixture

    /// In a folder that is gone when the body has ended.
    static func withStore(_ body: (StoreFixture) throws -> Void) throws {
        let store = try StoreFixture()
        defer { try? FileManager.default.removeItem(atPath: store.folder) }
        try body(store)
    }

    private init() throws {
        folder = FileManager.default.temporaryDirectory.appending(path: "kazashi-store-\(UUID().uuidString)").path()
        store = try RevocationStore(folder: folder)
        fixture = try Fixture.shared.get()
    }

    var authorities: ListAuthorities { get throws { ListAuthorities(try fixture.anchors().certificates) } }

    func der(
        number: Int, hour: Int64 = 0, serials: [[UInt8]] = [[0x11]],
        _ change: (inout TestRevocationList) -> Void = { _ in }
    ) throws -> [UInt8] {
        var list = TestRevocationList(
            fixture.authority, thisUpdate: now - 7_200 + hour * 3_600, nextUpdate: now + 86_400)
        list.number = number
        list.entries = serials.map { .init(serial: $0, date: now - 86_400, reason: 1) }
        change(&list)
        return try list.signed(by: fixture.authority)
    }

    @discardableResult
    func take(_ der: [UInt8], in store: RevocationStore? = nil, clock: TrustedTime? = nil) throws
        -> RevocationStore.Taken
    {
        try (store ?? self.store).take(UnverifiedRevocationList(der: der), authorities: authorities, clock: clock)
    }

    func code(_ der: [UInt8], in store: RevocationStore? = nil, clock: TrustedTime? = nil) throws -> RevocationError
        .Code?
    {
        do {
            try take(der, in: store, clock: clock)
            return nil
        } catch let error as RevocationError {
            return error.code
        }
    }

    /// The number of the one list that is served.
    var served: String? {
        let lists = store.open().lists
        return lists.count == 1 ? lists[0].numberText : nil
    }

    var indexFile: String {
        get throws {
            let names = try FileManager.default.contentsOfDirectory(atPath: folder).filter { $0.hasSuffix(".index") }
            return folder + "/" + (try #require(names.first))
        }
    }
}
