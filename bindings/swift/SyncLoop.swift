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
    private let session: URLSession

    public init(book: Roadbook, server: URL, app: String? = nil, session: URLSession = .shared) {
        self.book = book
        self.server = server
        self.app = app
        self.session = session
    }

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
            let arrived = try await send(try book.syncRequest(app: app))
            rounds.append(try book.syncResponse(arrived: arrived))
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
        let (body, response) = try await session.answer(to: try request(outgoing, timeout: 60))
        guard let http = response as? HTTPURLResponse else { throw URLError(.badServerResponse) }
        return Arrived(status: UInt16(http.statusCode), time: http.value(forHTTPHeaderField: "roadbook-time"), body: body)
    }

    private func request(_ outgoing: Outgoing, timeout: TimeInterval) throws -> URLRequest {
        guard let url = URL(string: outgoing.path, relativeTo: server) else { throw URLError(.badURL) }
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

extension URLSession {
#if canImport(FoundationNetworking)
    /// On Linux, in place of `data(for:)`: there a request that is cancelled in the moment of its answer waits for ever or ends the process
    /// (swift-corelibs-foundation 6.0). So whoever gives up only stops waiting; the answer is lost, as any answer may be.
    fileprivate func answer(to request: URLRequest) async throws -> (Data, URLResponse) {
        let waiting = Waiting()
        return try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                waiting.begin(continuation)
                dataTask(with: request) { body, response, error in
                    if error == nil, let response {
                        waiting.end(.success((body ?? Data(), response)))
                    } else {
                        waiting.end(.failure(error ?? URLError(.unknown)))
                    }
                }.resume()
            }
        } onCancel: {
            waiting.end(.failure(CancellationError()))
        }
    }
#else
    fileprivate func answer(to request: URLRequest) async throws -> (Data, URLResponse) { try await data(for: request) }
#endif
}

#if canImport(FoundationNetworking)
/// Somebody who waits for one answer: whichever end comes first counts, also one that comes before the waiting begins.
private final class Waiting: @unchecked Sendable {
    typealias End = Result<(Data, URLResponse), Error>
    typealias Continuation = CheckedContinuation<(Data, URLResponse), Error>
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
#endif

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
