// What only the Swift side can get wrong: a key of its own, observers and their handles, rubbish in, tasks at once.
import Foundation
import XCTest

@testable import Roadbook

struct Bug: Error {}

/// Stands for the Secure Enclave: the library only ever asks it to sign.
final class PlatformKey: DeviceKey, @unchecked Sendable {
    private let inner = try! softwareKey(secret: try! freshKeySecret())
    private let lock = NSLock()
    private var hidden: Error?
    var trouble: Error? {
        get { lock.withLock { hidden } }
        set { lock.withLock { hidden = newValue } }
    }
    func publicKey() throws -> Data { try inner.publicKey() }
    func sign(message: Data) throws -> Data {
        if let trouble { throw trouble }
        return try inner.sign(message: message)
    }
}

final class Watcher: Observer, @unchecked Sendable {
    private let lock = NSLock(), fail: Bool
    private var count = 0
    var times: Int { lock.withLock { count } }
    init(fail: Bool = false) { self.fail = fail }
    func changed() throws {
        lock.withLock { count += 1 }
        if fail { throw Bug() }
    }
}

final class EdgeTests: XCTestCase {
    private var folder: URL!
    private var book: Roadbook!
    private var loop: SyncLoop!
    private let key = PlatformKey()

    override func setUp() async throws {
        folder = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString)
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        book = try Roadbook.open(path: folder.appendingPathComponent("edge.sqlite").path, key: key, storageKey: nil)
        loop = SyncLoop(book: book, server: server)
        try await loop.enrol(code: Codes.other.next(), deviceName: "edge")
        try await loop.once()
    }

    override func tearDown() async throws {
        loop = nil
        book = nil
        try FileManager.default.removeItem(at: folder)
    }

    private func begin(_ name: String) throws {
        _ = try book.newCustomer(edits: [.assert(field: "trade_name", value: .text(name), provenance: Provenance())])
    }

    private func expect<T>(_ expected: String, line: UInt = #line, _ call: () throws -> T) {
        XCTAssertThrowsError(try call(), line: line) { XCTAssertEqual(arm($0), expected, line: line) }
    }

    func testAStorageKeyOpensItsFileAlone() throws {
        let (path, own, other) = (folder.appendingPathComponent("encrypted.sqlite").path, try freshStorageKey(), try freshStorageKey())
        _ = try Roadbook.open(path: path, key: key, storageKey: own)
        expect("StorageKeyNeeded") { try Roadbook.open(path: path, key: key, storageKey: nil) }
        expect("WrongStorageKey") { try Roadbook.open(path: path, key: key, storageKey: other) }
        try changeStorageKey(path: path, old: own, new: other)
        XCTAssertNil(try Roadbook.open(path: path, key: key, storageKey: other).setAside())
    }

    func testAPlatformKeySignsAndItsTroublesHaveNames() async throws {
        for (trouble, name) in [(KeyError.Locked as Error, "Locked"), (KeyError.Gone, "Gone"), (Bug(), "Failed")] {
            key.trouble = trouble
            XCTAssertThrowsError(try book.syncRequest(app: nil)) { error in
                guard case RoadbookError.KeyUnusable(let reason) = error else { return XCTFail("\(error)") }
                XCTAssertEqual(arm(reason), name)
            }
        }
        key.trouble = nil
        try await loop.once()
    }

    func testAnObserverLivesAsLongAsItsHandle() throws {
        let watcher = Watcher(), broken = Watcher(fail: true)
        var handles = [book.observe(observer: broken), book.observe(observer: watcher)]
        try begin("一号小店")
        XCTAssertEqual([broken.times, watcher.times], [1, 1])
        XCTAssertEqual(book.observerCount(), 2)
        handles.removeAll()
        XCTAssertEqual(book.observerCount(), 0)
        try begin("二号小店")
        XCTAssertEqual(watcher.times, 1)
    }

    func testRubbishIsAnsweredWithErrors() {
        func arrived(_ status: UInt16, _ body: String) -> Arrived { Arrived(status: status, time: nil, body: Data(body.utf8)) }
        let some = "00000000-0000-4000-8000-000000000000"
        expect("AnswerUnreadable") { try book.syncResponse(arrived: arrived(200, "")) }
        expect("UpdateNeeded") { try book.syncResponse(arrived: arrived(200, "<html>hotel</html>")) }
        expect("ServerRefused") { try book.syncResponse(arrived: arrived(503, "busy")) }
        expect("Mistake") { try book.card(customer: "no id") }
        expect("NotHere") { try book.tour(tour: some) }
        expect("Mistake") { try book.tours(from: "yesterday", to: "today") }
        expect("FormOutdated") { try book.editCard(customer: some, seen: Data([1, 2, 3]), edits: []) }
        expect("KeyUnusable") { try softwareKey(secret: Data([1])) }
    }

    func testAClockThatIsWrongIsSetRightOnce() async throws {
        let refused = Arrived(status: 401, time: "4102444800000", body: Data())
        XCTAssertTrue(try book.syncResponse(arrived: refused).more)
        expect("ServerRefused") { try book.syncResponse(arrived: refused) }
        let rounds = try await loop.once()
        XCTAssertEqual(rounds.last?.more, false)
    }

    func testManyTasksAtOnce() async throws {
        let book = self.book!
        let edits: [Edit] = [.assert(field: "trade_name", value: .text("同时小店"), provenance: Provenance())]
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<8 {
                group.addTask {
                    _ = try book.newCustomer(edits: edits)
                    _ = try book.search(text: "惠民", max: 10)
                }
            }
            try await group.waitForAll()
        }
    }

    func testASyncMayBeGivenUpAtAnyMoment() async throws {
        let loop = self.loop!
        for moment in 0..<60 {
            let sync = Task { try await loop.once() }
            try await Task.sleep(nanoseconds: UInt64(moment) * 200_000)
            sync.cancel()
            _ = await sync.result
        }
        let rounds = try await loop.once()
        XCTAssertEqual(rounds.last?.more, false)
    }

    func testNewsArrive() async throws {
        let heard = expectation(description: "news")
        heard.assertForOverFulfill = false
        let other = try Phone(folder: folder, name: "writer")
        try await other.loop.enrol(code: Codes.other.next(), deviceName: "writer")
        let channel = try loop.listen(onNews: { heard.fulfill() })
        // What was written before the channel was open wakes nobody: write until it does.
        let writer = Task {
            for number in 0..<20 where !Task.isCancelled {
                try other.begin("叫醒小店\(number)")
                try await other.loop.once()
                try await Task.sleep(nanoseconds: 500_000_000)
            }
        }
        await fulfillment(of: [heard], timeout: 30)
        writer.cancel()
        _ = await writer.result
        channel.cancel()
    }

    func testPhotosFollowAllTextAndAnUrgentReportIsToldThatItArrived() async throws {
        let shop = try book.newCustomer(edits: [.assert(field: "trade_name", value: .text("照片小店"), provenance: Provenance())])
        var draft = try book.checkIn(customer: shop, tour: nil, place: nil)
        // A picture as far as anybody looks: the head of a PNG, then noise.
        var png = Data([0x89]) + Data("PNG\r\n\u{1a}\n\0\0\0\rIHDR".utf8) + Data([0, 0, 2, 0x80, 0, 0, 1, 0xe0])
        png.append(contentsOf: (0..<300_000).map { _ in UInt8.random(in: .min ... .max) })
        let small = png.prefix(2_000), doc = draft.doc
        let photo = try book.addPhoto(draft: doc, kind: "shelf", bytes: png, thumbnail: small, takenAt: 1_772_000_000_000)
        expect("PhotoRefused") { try book.addPhoto(draft: doc, kind: "shelf", bytes: Data("GIF89a".utf8), thumbnail: nil, takenAt: 0) }
        draft.fields["outcome"] = .text("order")
        let visit = try book.checkOut(draft: draft, place: nil)
        guard case .textFirst = try book.photoStep(metered: false) else { return XCTFail("text comes first") }
        try book.keepOriginals(hours: 0)
        let steps = try await loop.photos(metered: false)
        XCTAssertEqual(steps.last?.complete, [visit])
        let known = try book.photos(visit: visit)
        XCTAssertEqual(known.map { [$0.here, $0.thumbnailHere, $0.state == .complete] }, [[false, true, true]])
        let bytes = try await loop.photo(visit: visit, photo: photo)
        XCTAssertEqual(bytes, png)

        let asked = UrgentReport(kind: "accident", severity: "high", customer: shop, territory: nil, text: "店里进水", picture: small)
        let report = try book.reportUrgent(report: asked)
        try await loop.once()
        let urgent = try book.urgent(report: report)
        XCTAssertEqual(urgent?.handling.map(\.what), ["received"])
        XCTAssertEqual(urgent?.picture, small)
    }

    func testTheLinesOfTheReadme() async throws {
        let names = try await aDay(server: server, code: Codes.other.next(), folder: folder)
        XCTAssertTrue(names.contains("惠民超市"))
    }
}
