import Cryptography
import Foundation
import OwnThreads
import Revocation
import TestPKI
import Testing

/// What a disk, a power cut or somebody else did to a store.
@Suite(.ownThreads) struct RevocationStoreDamageTests {
    @Test("Every truncation and every flipped bit of a list leaves what is served as it is")
    func alteredList() throws {
        try StoreFixture.withStore { store in
            try store.take(store.der(number: 1))
            let new = try store.der(number: 2, hour: 1)
            for count in 0..<new.count {
                #expect(throws: RevocationError.self) { try store.take(Array(new.prefix(count))) }
            }
            for index in new.indices {
                var changed = new
                changed[index] ^= 1 << UInt8(index % 8)
                #expect(throws: RevocationError.self, "bit of byte \(index)") { try store.take(changed) }
            }
            #expect(store.served == "1")
            #expect(try store.take(new).isNew)
        }
    }

    @Test("Every truncation and every flipped bit of an index is noticed, and never believed")
    func alteredIndex() throws {
        try StoreFixture.withStore { store in
            let serials = (0..<60).map { [0x31, UInt8($0), 0x07] } + [[UInt8](repeating: 0x51, count: 16)]
            try store.take(store.der(number: 1, serials: serials))
            let file = try store.indexFile
            let good = Array(try Data(contentsOf: URL(filePath: file)))
            func isBelieved(_ bytes: [UInt8]) throws -> Bool {
                try Data(bytes).write(to: URL(filePath: file))
                let contents = store.store.open()
                guard let list = contents.lists.first else {
                    #expect(contents.problems.first?.error.code == .storeDamaged)
                    return false
                }
                // Opened: the block that was altered is noticed when it is touched.
                for serial in serials {
                    do {
                        guard try list.index.reason(for: SerialNumber(contents: serial)) == .keyCompromise else {
                            return true
                        }
                    } catch {
                        return false
                    }
                }
                return (try? list.index.checkWhole()) != nil
            }
            #expect(try isBelieved(good))
            for count in 0..<good.count where try isBelieved(Array(good.prefix(count))) {
                Issue.record("believed when cut to \(count) bytes")
            }
            for index in good.indices {
                var changed = good
                changed[index] ^= 1 << UInt8(index % 8)
                if try isBelieved(changed) { Issue.record("a flipped bit of byte \(index) is believed") }
            }
            #expect(try !isBelieved(good + [0]))
        }
    }

    @Test("A damaged index is removed and its list taken again; an older one is not")
    func repair() throws {
        try StoreFixture.withStore { store in
            let first = try store.der(number: 1), second = try store.der(number: 2, hour: 1)
            try store.take(first)
            try store.take(second)
            let file = try store.indexFile
            var bytes = try Data(contentsOf: URL(filePath: file))
            bytes[bytes.count / 2] ^= 1
            try bytes.write(to: URL(filePath: file))
            #expect(try store.store.removeDamaged() == 1)
            #expect(try store.code(first) == .crlRollback)
            #expect(try store.take(second).isNew)
            #expect(try store.store.removeDamaged() == 0)
            #expect(store.served == "2")
        }
    }

    @Test("An index under another one's name is not served")
    func renamed() throws {
        try StoreFixture.withStore { store in
            try store.take(store.der(number: 1))
            let file = try store.indexFile
            try FileManager.default.moveItem(
                atPath: file, toPath: store.folder + "/" + String(repeating: "0", count: 32) + ".index")
            #expect(store.store.open().lists.isEmpty)
            #expect(store.store.open().problems.first?.error.code == .storeDamaged)
        }
    }

    @Test("A memory of numbers that was damaged is told of; a record cut short is not one")
    func damagedMemory() throws {
        try StoreFixture.withStore { store in
            try store.take(store.der(number: 1))
            let second = try store.der(number: 2, hour: 1)
            try store.take(second)
            let file = URL(filePath: store.folder + "/numbers")
            let good = try Data(contentsOf: file)
            // Power failed in the middle of the second record.
            try good.prefix(good.count - 10).write(to: file)
            let again = try RevocationStore(folder: store.folder)
            #expect(again.open().problems.isEmpty)
            #expect(try store.take(second, in: again).isNew)
            #expect(try Data(contentsOf: file) == good)
            var bad = good
            bad[bad.count - 1] ^= 1
            try bad.write(to: file)
            try (bad + Data([0])).write(to: file)
            #expect(again.open().problems.map(\.error.code) == [.storeDamaged])
            #expect(again.notices().isEmpty)
            try Data("something else, and long enough".utf8).write(to: file)
            #expect(again.open().problems.map(\.error.code) == [.storeDamaged])
            #expect(try store.code(store.der(number: 3, hour: 2), in: again) == nil)
            #expect(again.notices() == [.numbersRebuilt] && again.open().problems.isEmpty)
        }
    }

    @Test("Whichever bit of the numbers is flipped, they are made anew, an import goes on, and no number goes back")
    func rebuiltMemory() throws {
        try StoreFixture.withStore { store in
            // One list that is served, and one whose index is gone: only the memory knows its number.
            try store.take(store.der(number: 5, hour: 1))
            let gone = try store.take(store.der(number: 7, hour: 1) { $0.onlyUserCertificates = true })
            try FileManager.default.removeItem(atPath: store.folder + "/" + gone.id + ".index")
            let file = URL(filePath: store.folder + "/numbers")
            let good = try Data(contentsOf: file)
            let old = try store.der(number: 4), oldOfGone = try store.der(number: 6) { $0.onlyUserCertificates = true }
            for index in good.indices {
                var bad = good
                bad[index] ^= 1 << UInt8(index % 8)
                try bad.write(to: file)
                let again = try RevocationStore(folder: store.folder)
                #expect(again.open().problems.map(\.file) == ["numbers"], "byte \(index)")
                #expect(try store.code(old, in: again) == .crlRollback, "byte \(index)")
                // The second record is the one of the list that is gone.
                if index < 8 + 82 { #expect(try store.code(oldOfGone, in: again) == .crlRollback, "byte \(index)") }
                #expect(again.open().problems.isEmpty && again.notices() == [.numbersRebuilt])
                again.remove(.numbersRebuilt)
            }
            try good.write(to: file)
            // Removing what is damaged mends them, too; the same list is served already, and a newer one is taken.
            var bad = good
            bad[2] ^= 1
            try bad.write(to: file)
            let again = try RevocationStore(folder: store.folder)
            #expect(try again.removeDamaged() == 0)
            #expect(again.notices() == [.numbersRebuilt] && again.open().problems.isEmpty)
            #expect(try !store.take(store.der(number: 5, hour: 1), in: again).isNew)
            #expect(try store.take(store.der(number: 6, hour: 2), in: again).isNew)
            // What was read before by another one that serves is read again.
            #expect(try store.code(store.der(number: 5, hour: 1)) == .crlRollback)
        }
    }

    @Test("Numbers that are lost, emptied or cut short are made anew of the lists that are served, and it is told")
    func lostMemory() throws {
        try StoreFixture.withStore { store in
            try store.take(store.der(number: 3, hour: 1))
            try store.take(store.der(number: 5, hour: 1) { $0.onlyUserCertificates = true })
            let old = try [
                store.der(number: 2), store.der(number: 4) { $0.onlyUserCertificates = true },
            ]
            let file = store.folder + "/numbers"
            let good = try Data(contentsOf: URL(filePath: file))
            // Its beginning is 8 bytes, a record 82.
            for kept in [nil, 0, 7, 8, 8 + 81, 8 + 82, 8 + 163] {
                try FileManager.default.removeItem(atPath: file)
                if let kept { try good.prefix(kept).write(to: URL(filePath: file)) }
                // One that serves already, and one that starts.
                for again in [store.store, try RevocationStore(folder: store.folder)] {
                    for list in old { #expect(try store.code(list, in: again) == .crlRollback, "\(kept ?? -1)") }
                }
                #expect(store.store.notices() == [.numbersRebuilt] && store.store.open().problems.isEmpty)
                store.store.remove(.numbersRebuilt)
                #expect(try Data(contentsOf: URL(filePath: file)).count == good.count)
            }
            try FileManager.default.removeItem(atPath: file)
            #expect(store.store.open().problems.map(\.file) == ["numbers"] && store.store.notices().isEmpty)
            #expect(try store.store.removeDamaged() == 0 && store.store.notices() == [.numbersRebuilt])
            // The same lists are served already.
            #expect(try !store.take(store.der(number: 3, hour: 1)).isNew)
        }
        // A new store has none, and that is told to nobody.
        try StoreFixture.withStore { store in
            #expect(store.store.open().problems.isEmpty)
            try store.take(store.der(number: 1))
            #expect(store.store.notices().isEmpty)
        }
    }

    @Test("A number that the power took back is still that of the list that is served")
    func servedNumber() throws {
        try StoreFixture.withStore { store in
            try store.take(store.der(number: 1))
            let file = URL(filePath: store.folder + "/numbers")
            let before = try Data(contentsOf: file)
            try store.take(store.der(number: 3, hour: 2))
            try before.write(to: file)
            #expect(try store.code(store.der(number: 2, hour: 1)) == .crlRollback)
            #expect(try store.code(store.der(number: 4, hour: 3)) == nil)
        }
    }

    @Test("What a killed import left behind goes; what another one is writing stays")
    func leftovers() throws {
        try StoreFixture.withStore { store in
            let left = store.folder + "/.0.index-1-1.new"
            try Data([1]).write(to: URL(filePath: left))
            let writing = store.folder + "/.0.index-1-2.new"
            try Data([1]).write(to: URL(filePath: writing))
            let handle = try #require(FileHandle(forReadingAtPath: writing))
            flock(handle.fileDescriptor, LOCK_EX)
            try store.take(store.der(number: 1))
            #expect(!FileManager.default.fileExists(atPath: left))
            #expect(FileManager.default.fileExists(atPath: writing))
            try handle.close()
        }
    }

    @Test("A store that another process holds is left after a while; what is served is served still")
    func held() throws {
        try StoreFixture.withStore { store in
            try store.take(store.der(number: 1))
            let handle = try #require(FileHandle(forReadingAtPath: store.folder + "/lock"))
            #expect(flock(handle.fileDescriptor, LOCK_EX) == 0)
            let impatient = try RevocationStore(folder: store.folder, patience: .milliseconds(20))
            #expect(try store.code(store.der(number: 2, hour: 1), in: impatient) == .storeUnavailable)
            #expect(throws: RevocationError.self) { try impatient.removeDamaged() }
            #expect(store.served == "1")
            try handle.close()
            #expect(try store.take(store.der(number: 2, hour: 1), in: impatient).isNew)
        }
    }

    @Test("A folder that takes no file is an error with a name, and what is served is served still")
    func unwritable() throws {
        try StoreFixture.withStore { store in
            try store.take(store.der(number: 1))
            // Where its files should stand stands a folder: no rights and no user could write there.
            let id = try #require(store.store.open().lists.first).id
            let file = try store.indexFile
            try FileManager.default.moveItem(atPath: store.folder + "/numbers", toPath: store.folder + "/kept")
            try FileManager.default.createDirectory(
                atPath: store.folder + "/numbers", withIntermediateDirectories: false)
            #expect(try store.code(store.der(number: 2, hour: 1)) == .storeUnavailable)
            #expect(FileManager.default.fileExists(atPath: file))
            #expect(store.store.list(id: id.hexText)?.numberText == "1")
        }
        #expect(throws: RevocationError.self) { try RevocationStore(folder: "/proc/nowhere/store") }
    }
}
