// The story of tests/foreign/story.json against a real server.
import Foundation
import XCTest

@testable import Roadbook

/// An environment variable that tests/run sets.
func setting(_ name: String) -> String {
    guard let value = ProcessInfo.processInfo.environment[name] else { fatalError("\(name) is not set: start these tests with tests/run swift") }
    return value
}

var server: URL { URL(string: setting("ROADBOOK_URL"))! }

/// One-time codes, each good for one device.
final class Codes: @unchecked Sendable {
    /// For the salesperson of the story.
    static let story = Codes("ROADBOOK_CODES")
    /// For another one, in another territory, with whom everything else is tried.
    static let other = Codes("ROADBOOK_OTHER_CODES")
    private let lock = NSLock()
    private var left: [String]
    private init(_ name: String) { left = setting(name).split(separator: " ").map(String.init) }
    func next() -> String { lock.withLock { left.removeFirst() } }
}

/// The arm of an error, as the story names it.
func arm(_ error: Error) -> String { String("\(error)".prefix { $0 != "(" }.split(separator: ".").last ?? "") }

/// A device of the story: its file, its key, and the words of the story.
final class Phone {
    private let path: String, name: String, secret: Data, storageKey: Data
    var book: Roadbook!
    var loop: SyncLoop!

    init(folder: URL, name: String) throws {
        path = folder.appendingPathComponent(name + ".sqlite").path
        self.name = name
        secret = try freshKeySecret()
        storageKey = try freshStorageKey()
        try open()
    }

    private func open() throws {
        book = try Roadbook.open(path: path, key: softwareKey(secret: secret), storageKey: storageKey)
        loop = SyncLoop(book: book, server: server, app: "story")
    }

    func begin(_ name: String) throws { _ = try book.newCustomer(edits: [assert("trade_name", .text(name))]) }

    private func find(_ name: String) throws -> SubjectId {
        try XCTUnwrap(try book.search(text: name, max: 10).found.first { $0.customer.name == name }, name).customer.subject
    }

    private func assert(_ field: String, _ value: Value) -> Edit { .assert(field: field, value: value, provenance: Provenance()) }

    private func write(_ customer: String, _ edit: Edit) throws {
        let card = try book.card(customer: find(customer))
        _ = try book.editCard(customer: card.subject, seen: card.heads, edits: [edit])
    }

    private func withFields(_ step: [String: Any]) throws -> VisitDraft {
        var draft = try XCTUnwrap(try book.drafts().first)
        for (field, text) in step["fields"] as? [String: String] ?? [:] { draft.fields[field] = .text(text) }
        return draft
    }

    private func plain(_ value: Value) -> AnyHashable? {
        switch value {
        case .text(let text): return text
        case .int(let number): return Int(number)
        case .bool(let yes): return yes
        case .null, .list, .map: return nil
        }
    }

    /// Does a step and returns what there is to see afterwards.
    func perform(_ step: [String: Any]) async throws -> [String: Any] {
        func text(_ key: String) -> String { step[key] as? String ?? "" }
        switch text("do") {
        case "enrol": try await loop.enrol(code: step["code"] as? String ?? Codes.story.next(), deviceName: name)
        case "sync":
            try await loop.once()
            return ["unsent": Int(try book.outbox().changes), "user": try book.profile()?.name ?? ""]
        case "list": return ["names": try book.customers(query: CustomerQuery(), sort: .name, after: nil, max: 50).lines.map(\.name)]
        case "search": return ["names": try book.search(text: text("text"), max: 50).found.map(\.customer.name).sorted()]
        case "card":
            let card = try book.card(customer: find(text("customer")))
            return [
                "facts": card.facts.compactMapValues { plain($0.value) },
                "phones": (card.lists["phones"] ?? []).compactMap { plain($0.fields["number"]!.value) as? String }.sorted(),
                "rivals": card.facts.mapValues { AnyHashable($0.rivals.count) },
            ]
        case "add_phone":
            let fields: [String: Value] = ["number": .text(text("number")), "kind": .text("mobile")]
            try write(text("customer"), .entry(list: "phones", entry: try book.newEntryId(), fields: fields, provenance: Provenance()))
        case "assert":
            let value = (step["int"] as? Int).map { Value.int(Int64($0)) } ?? .text(text("text"))
            try write(text("customer"), assert(text("field"), value))
        case "new_customer": try begin(text("customer"))
        case "check_in":
            let place = Place(latE7: 312_000_000, lonE7: 1_214_000_000, accuracyM: 20, provider: "gps", mock: false)
            _ = try book.checkIn(customer: find(text("customer")), tour: nil, place: place)
        case "save_draft": try book.saveDraft(draft: withFields(step))
        case "check_out": _ = try book.checkOut(draft: withFields(step), place: nil)
        case "reopen":
            book = nil
            loop = nil
            try open()
            return ["drafts": try book.drafts().count]
        case "visits": return ["outcomes": try book.visits(customer: find(text("customer")), after: nil, max: 50).lines.map(\.visit.outcome)]
        case "outbox": return ["waiting": try book.outbox().changes > 0]
        case "history":
            let values = try book.history(customer: find(text("customer")), path: text("field")).compactMap { plain($0.value) as? Int }
            return ["values": values.sorted()]
        default: XCTFail("the story has a word that Swift does not know: \(text("do"))")
        }
        return [:]
    }
}

final class StoryTests: XCTestCase {
    func testTheStory() async throws {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString)
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let text = try Data(contentsOf: URL(fileURLWithPath: setting("ROADBOOK_STORY")))
        let story = try XCTUnwrap(JSONSerialization.jsonObject(with: text) as? [String: Any])
        var phones: [String: Phone] = [:]
        for step in try XCTUnwrap(story["steps"] as? [[String: Any]]) {
            let name = step["name"] as? String ?? "", on = step["on"] as? String ?? ""
            let phone = try phones[on] ?? Phone(folder: folder, name: on)
            phones[on] = phone
            var got: [String: Any]
            do { got = try await phone.perform(step) } catch let error as RoadbookError { got = ["error": arm(error)] }
            let expected = step["expect"] as? [String: Any] ?? [:]
            if expected["error"] == nil { XCTAssertNil(got["error"], name) }
            for (key, value) in expected { XCTAssertEqual(seen(got[key], value), seen(value, value), "\(name): \(key)") }
        }
    }

    /// Of a dictionary, only what the story asks about; as text, to compare what JSON and the library both say.
    private func seen(_ got: Any?, _ expected: Any) -> String {
        if let wanted = expected as? [String: Any], let found = got as? [String: Any] {
            return wanted.keys.sorted().map { "\($0)=\(text(found[$0]))" }.joined(separator: " ")
        }
        if let list = got as? [Any] { return list.map(text).joined(separator: " ") }
        return text(got)
    }

    /// JSON's numbers know no difference between true and 1.
    private func text(_ value: Any?) -> String {
        guard let value else { return "nothing" }
        if type(of: value) == Bool.self { return value as? Bool == true ? "1" : "0" }
        return "\(value)"
    }
}
