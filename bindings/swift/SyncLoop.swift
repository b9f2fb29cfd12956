// Moves the bytes between a Roadbook and headquarters, with URLSession. Copy it into your app and change it freely: BGAppRefreshTask calls
// `once()`; while the app is open, `listen` keeps the wake-up channel.
//
// What the bytes mean is the library's business; what this file decides is only when to ask, how long to wait, and what to do when the
// line breaks. Every request may be repeated, and every answer may be lost: that costs time and nothing else.
import Foundation
#if canImport(FoundationNetworking)
import FoundationNetworking
#endif

/// One `Roadbook` and the address of its headquarters, such as `https://roadbook.example`.
public final class SyncLoop: Sendable {
    /// The server breaks its silence every 25 seconds: after 60 the line is dead.
    private static let silence: TimeInterval = 60
    /// More rounds than any honest exchange needs; a first sync takes about one for every 24 MB of documents.
    private static let roundsMax = 10_000

    private let book: Roadbook
    private let server: URL
    private let app: String?
    private let line: HeadquartersLine

    /// `configuration` is for proxies, background transfer and the like; requests carry their own time limits.
    public init(book: Roadbook, server: URL, app: String? = nil, configuration: URLSessionConfiguration = .ephemeral) {
        self.book = book
        self.server = server
        self.app = app
        self.line = HeadquartersLine(configuration)
    }

    deinit { line.close() }

    /// Enrols this device. Throws `RoadbookError.EnrolmentRefused`, or `URLError` when there is no line.
    public func enrol(code: String, deviceName: String) async throws {
        // The second round is for a clock that was wrong and has been set right by the first.
        for _ in 0..<2 {
            let outgoing = try book.enrolRequest(code: code, deviceName: deviceName)
            if try book.enrolResponse(arrived: await send(outgoing)) { return }
        }
    }

    /// Exchanges until nothing waits on either side; returns what each round did. Throws `RoadbookError`, or `URLError` when there is no line.
    @discardableResult
    public func once() async throws -> [Synced] {
        var rounds: [Synced] = []
        repeat {
            let (arrived, broke) = try await exchange(try book.syncRequest(app: app))
            do {
                rounds.append(try book.syncResponse(arrived: arrived))
            } catch RoadbookError.AnswerUnreadable where broke != nil {
                // Not even the first part was whole: the line is to blame.
                throw broke ?? URLError(.unknown)
            }
        } while rounds[rounds.count - 1].more && rounds.count < Self.roundsMax
        return rounds
    }

    /// Hands photos in after all text, chunk by chunk, until nothing is left; on a metered line only thumbnails go. Call it after `once`, and
    /// again whenever there is a line: a step that was cut goes on at its chunk.
    @discardableResult
    public func photos(metered: Bool) async throws -> [PhotosDone] {
        var steps: [PhotosDone] = []
        while steps.count < Self.roundsMax {
            switch try book.photoStep(metered: metered) {
            case .textFirst:
                try await once()
                if case .textFirst = try book.photoStep(metered: metered) { return steps }
            case .send(let request):
                steps.append(try book.photoResponse(arrived: await send(request)))
            case .paused, .rest:
                return steps
            }
        }
        return steps
    }

    /// The bytes of a photo that a visit names, fetched when they are not on this device.
    public func photo(visit: String, photo: String) async throws -> Data {
        for _ in 0..<Self.roundsMax {
            guard let request = try book.fetchPhoto(visit: visit, photo: photo) else { break }
            if !(try book.photoResponse(arrived: await send(request))).refused.isEmpty { break }
        }
        return try book.photoBytes(photo: photo)
    }

    /// Calls `onNews` for every wake-up until the returned handle is cancelled or the line breaks; then `onEnd` is called once: listen again after a while.
    public func listen(onNews: @escaping @Sendable () -> Void, onEnd: @escaping @Sendable (Error?) -> Void = { _ in }) throws -> News {
        let news = News(onNews: onNews, onEnd: onEnd)
        news.start(try request(try book.newsRequest(), timeout: Self.silence))
        return news
    }

    private func send(_ outgoing: Outgoing) async throws -> Arrived {
        let (arrived, broke) = try await exchange(outgoing)
        if let broke { throw broke }
        return arrived
    }

    /// What arrived, and what broke it off: the whole parts of a long answer are good, and the next request asks for the rest.
    private func exchange(_ outgoing: Outgoing) async throws -> (Arrived, Error?) {
        let (body, response, broke) = try await line.answer(to: try request(outgoing, timeout: 60))
        guard let http = response as? HTTPURLResponse else { throw URLError(.badServerResponse) }
        let arrived = Arrived(status: UInt16(http.statusCode), time: http.value(forHTTPHeaderField: "roadbook-time"), body: body)
        return (arrived, broke)
    }

    private func request(_ outgoing: Outgoing, timeout: TimeInterval) throws -> URLRequest {
        // Joined as text: a server below a path keeps it.
        let base = server.absoluteString
        guard let url = URL(string: (base.hasSuffix("/") ? String(base.dropLast()) : base) + outgoing.path) else { throw URLError(.badURL) }
        var request = URLRequest(url: url, timeoutInterval: timeout)
        request.httpMethod = outgoing.method
        for header in outgoing.headers { request.setValue(header.value, forHTTPHeaderField: header.name) }
        if outgoing.method == "POST" {
            request.setValue("application/octet-stream", forHTTPHeaderField: "content-type")
            request.httpBody = outgoing.body
        }
        return request
    }
}

/// The connection to headquarters: answers come whole, or with what came before they broke off. Whoever gives up only stops waiting; the
/// answer is lost, as any answer may be.
private final class HeadquartersLine: NSObject, URLSessionDataDelegate, @unchecked Sendable {
    typealias Answer = (Data, URLResponse, Error?)
    private let lock = NSLock()
    private var session: URLSession!
    private var waiting: [Int: (waiter: Waiting, body: Data)] = [:]

    init(_ configuration: URLSessionConfiguration) {
        super.init()
        session = URLSession(configuration: configuration, delegate: self, delegateQueue: nil)
    }

    func close() { session.finishTasksAndInvalidate() }

    func answer(to request: URLRequest) async throws -> Answer {
        let task = session.dataTask(with: request)
        let waiter = Waiting()
        lock.withLock { waiting[task.taskIdentifier] = (waiter, Data()) }
        return try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                waiter.begin(continuation)
                task.resume()
            }
        } onCancel: {
            waiter.end(.failure(CancellationError()))
        }
    }

    func urlSession(_ session: URLSession, dataTask: URLSessionDataTask, didReceive data: Data) {
        lock.withLock { waiting[dataTask.taskIdentifier]?.body.append(data) }
    }

    func urlSession(_ session: URLSession, task: URLSessionTask, didCompleteWithError error: Error?) {
        guard let (waiter, body) = lock.withLock({ waiting.removeValue(forKey: task.taskIdentifier) }) else { return }
        if let response = task.response, error == nil || !body.isEmpty {
            waiter.end(.success((body, response, error)))
        } else {
            waiter.end(.failure(error ?? URLError(.unknown)))
        }
    }
}

/// Somebody who waits for one answer: whichever end comes first counts, also one that comes before the waiting begins.
private final class Waiting: @unchecked Sendable {
    typealias End = Result<HeadquartersLine.Answer, Error>
    typealias Continuation = CheckedContinuation<HeadquartersLine.Answer, Error>
    private let lock = NSLock()
    private var continuation: Continuation?
    private var early: End?

    func begin(_ continuation: Continuation) {
        let ended = lock.withLock {
            if early == nil { self.continuation = continuation }
            return early
        }
        if let ended { continuation.resume(with: ended) }
    }

    func end(_ end: End) {
        let waits = lock.withLock {
            if continuation == nil, early == nil { early = end }
            defer { continuation = nil }
            return continuation
        }
        waits?.resume(with: end)
    }
}

/// An open wake-up channel.
public final class News: NSObject, URLSessionDataDelegate, @unchecked Sendable {
    private let onNews: @Sendable () -> Void
    private let onEnd: @Sendable (Error?) -> Void
    private var session: URLSession?
    // Touched only by the session's own serial queue.
    private var rest = Data()

    init(onNews: @escaping @Sendable () -> Void, onEnd: @escaping @Sendable (Error?) -> Void) {
        self.onNews = onNews
        self.onEnd = onEnd
    }

    func start(_ request: URLRequest) {
        let session = URLSession(configuration: .ephemeral, delegate: self, delegateQueue: nil)
        self.session = session
        session.dataTask(with: request).resume()
    }

    /// Closes the channel.
    public func cancel() { session?.invalidateAndCancel() }

    public func urlSession(_ session: URLSession, dataTask: URLSessionDataTask, didReceive data: Data) {
        rest.append(data)
        while let end = rest.firstIndex(of: UInt8(ascii: "\n")) {
            let line = rest[rest.startIndex..<end]
            if line.starts(with: Data("data:".utf8)) { onNews() }
            rest = Data(rest[rest.index(after: end)...])
        }
    }

    public func urlSession(_ session: URLSession, task: URLSessionTask, didCompleteWithError error: Error?) {
        session.finishTasksAndInvalidate()
        onEnd(error)
    }
}
