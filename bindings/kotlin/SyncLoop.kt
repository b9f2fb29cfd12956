// Moves the bytes between a Roadbook and headquarters, with the HTTP client that both Android and the JVM have. Copy it into your app
// and change it freely: WorkManager calls `once()` in a worker; a foreground service keeps `listen` open.
//
// What the bytes mean is the library's business; what this file decides is only when to ask, how long to wait, and what to do when the
// line breaks. Every request may be repeated, and every answer may be lost: that costs time and nothing else.
package roadbook

import java.io.IOException
import java.io.InputStream
import java.net.HttpURLConnection
import java.net.URL
import kotlin.concurrent.thread

/** One [Roadbook] and the address of its headquarters, such as `https://roadbook.example`. Call from a background thread. */
class SyncLoop(private val book: Roadbook, server: String, private val app: String? = null) {
    private val server = server.trimEnd('/')

    /** Enrols this device. Throws [RoadbookException.EnrolmentRefused], or [IOException] when there is no line. */
    fun enrol(code: String, deviceName: String) {
        // The second round is for a clock that was wrong and has been set right by the first.
        if (!book.enrolResponse(send(book.enrolRequest(code, deviceName)))) {
            book.enrolResponse(send(book.enrolRequest(code, deviceName)))
        }
    }

    /** Exchanges until nothing waits on either side; returns what each round did. Throws [RoadbookException], or [IOException] when there is no line. */
    fun once(): List<Synced> {
        val rounds = mutableListOf<Synced>()
        do {
            val (arrived, broke) = exchange(book.syncRequest(app))
            try {
                rounds += book.syncResponse(arrived)
            } catch (unreadable: RoadbookException.AnswerUnreadable) {
                // Not even the first part was whole: the line is to blame, if it broke.
                throw broke ?: unreadable
            }
        } while (rounds.last().more && rounds.size < ROUNDS_MAX)
        return rounds
    }

    /**
     * Hands photos in after all text, chunk by chunk, until nothing is left; on a metered line only thumbnails go. Call it after [once], and
     * again whenever there is a line: a step that was cut goes on at its chunk.
     */
    fun photos(metered: Boolean): List<PhotosDone> {
        val steps = mutableListOf<PhotosDone>()
        while (steps.size < ROUNDS_MAX) {
            when (val step = book.photoStep(metered)) {
                is PhotoStep.TextFirst -> {
                    once()
                    if (book.photoStep(metered) is PhotoStep.TextFirst) return steps
                }
                is PhotoStep.Send -> steps += book.photoResponse(send(step.request))
                is PhotoStep.Paused, is PhotoStep.Rest -> return steps
            }
        }
        return steps
    }

    /** The bytes of a photo that a visit names, fetched when they are not on this device. */
    fun photo(visit: String, photo: String): ByteArray {
        for (round in 0 until ROUNDS_MAX) {
            val request = book.fetchPhoto(visit, photo) ?: break
            if (book.photoResponse(send(request)).refused.isNotEmpty()) break
        }
        return book.photoBytes(photo)
    }

    /** Calls [onNews] for every wake-up until the returned handle is closed or the line breaks; then [onEnd] is called once: listen again after a while. */
    fun listen(onNews: () -> Unit, onEnd: (Throwable?) -> Unit = {}): AutoCloseable {
        val connection = open(book.newsRequest(), SILENCE_MS)
        thread(isDaemon = true, name = "roadbook-news") {
            val end = runCatching {
                connection.inputStream.bufferedReader().useLines { lines ->
                    lines.filter { it.startsWith("data:") }.forEach { _ -> onNews() }
                }
            }
            onEnd(end.exceptionOrNull())
        }
        return AutoCloseable { connection.disconnect() }
    }

    private fun send(outgoing: Outgoing): Arrived {
        val (arrived, broke) = exchange(outgoing)
        if (broke != null) throw broke
        return arrived
    }

    /** What arrived, and what broke it off: the whole parts of a long answer are good, and the next request asks for the rest. */
    private fun exchange(outgoing: Outgoing): Pair<Arrived, IOException?> {
        val connection = open(outgoing, TIMEOUT_MS)
        try {
            val status = connection.responseCode
            val body = java.io.ByteArrayOutputStream()
            var broke: IOException? = null
            try {
                (if (status < 400) connection.inputStream else connection.errorStream)?.use { it.readAtMost(ANSWER_BYTES_MAX + 1, body) }
            } catch (error: IOException) {
                if (body.size() == 0) throw error
                broke = error
            }
            return Pair(Arrived(status.toUShort(), connection.getHeaderField("roadbook-time"), body.toByteArray()), broke)
        } finally {
            connection.disconnect()
        }
    }

    private fun open(outgoing: Outgoing, timeoutMs: Int): HttpURLConnection {
        val connection = URL(server + outgoing.path).openConnection() as HttpURLConnection
        connection.requestMethod = outgoing.method
        connection.connectTimeout = TIMEOUT_MS
        connection.readTimeout = timeoutMs
        connection.instanceFollowRedirects = false
        outgoing.headers.forEach { connection.setRequestProperty(it.name, it.value) }
        if (outgoing.method == "POST") {
            connection.doOutput = true
            connection.setRequestProperty("content-type", "application/octet-stream")
            connection.setFixedLengthStreamingMode(outgoing.body.size)
            connection.outputStream.use { it.write(outgoing.body) }
        }
        return connection
    }

    private fun InputStream.readAtMost(limit: Int, all: java.io.ByteArrayOutputStream) {
        val piece = ByteArray(64 shl 10)
        while (all.size() < limit) {
            val read = read(piece, 0, minOf(piece.size, limit - all.size()))
            if (read < 0) break
            all.write(piece, 0, read)
        }
    }

    private companion object {
        const val TIMEOUT_MS = 60_000
        /** The server breaks its silence every 25 seconds: after 60 the line is dead. */
        const val SILENCE_MS = 60_000
        /** More rounds than any honest exchange needs; a first sync takes about one for every 24 MB of documents. */
        const val ROUNDS_MAX = 10_000
        const val ANSWER_BYTES_MAX = 16 shl 20
    }
}
