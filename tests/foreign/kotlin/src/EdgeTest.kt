// What only the Kotlin side can get wrong: a key of its own, observers and their handles, rubbish in, threads, use after close.
package roadbook

import java.security.KeyPairGenerator
import java.security.Signature
import java.security.interfaces.ECPublicKey
import java.security.spec.ECGenParameterSpec
import java.util.concurrent.CountDownLatch
import java.util.concurrent.TimeUnit
import java.util.concurrent.atomic.AtomicInteger
import kotlin.concurrent.thread
import kotlin.random.Random
import org.junit.After
import org.junit.Assert.assertArrayEquals
import org.junit.Assert.assertEquals
import org.junit.Assert.assertFalse
import org.junit.Assert.assertThrows
import org.junit.Assert.assertTrue
import org.junit.Before
import org.junit.Rule
import org.junit.Test
import org.junit.rules.TemporaryFolder

/** As an app does it with Android's Keystore: the same calls, with another provider. */
class PlatformKey : DeviceKey {
    private val pair = KeyPairGenerator.getInstance("EC").apply { initialize(ECGenParameterSpec("secp256r1")) }.generateKeyPair()
    var trouble: Exception? = null

    override fun publicKey(): ByteArray {
        val point = (pair.public as ECPublicKey).w
        fun bytes(number: java.math.BigInteger) = number.toByteArray().let { ByteArray(32) + it }.takeLast(32).toByteArray()
        return byteArrayOf(4) + bytes(point.affineX) + bytes(point.affineY)
    }

    override fun sign(message: ByteArray): ByteArray {
        trouble?.let { throw it }
        return Signature.getInstance("SHA256withECDSA").run { initSign(pair.private); update(message); sign() }
    }
}

class Watcher(private val fail: Boolean = false) : Observer {
    val times = AtomicInteger()
    override fun changed() {
        times.incrementAndGet()
        check(!fail) { "a mistake in the app" }
    }
}

class EdgeTest {
    @get:Rule val folder = TemporaryFolder()
    private val key = PlatformKey()
    private lateinit var book: Roadbook
    private lateinit var loop: SyncLoop

    @Before fun open() {
        book = Roadbook.open(folder.root.resolve("edge.sqlite").path, key, null)
        loop = SyncLoop(book, setting("ROADBOOK_URL"))
        loop.enrol(otherCodes.removeFirst(), "edge")
        loop.once()
    }

    @After fun close() = book.close()

    private fun begin(name: String) = book.newCustomer(listOf(Edit.Assert("trade_name", Value.Text(name), Provenance())))

    @Test fun aStorageKeyOpensItsFileAlone() {
        val (path, own, other) = Triple(folder.root.resolve("encrypted.sqlite").path, freshStorageKey(), freshStorageKey())
        Roadbook.open(path, key, own).close()
        assertThrows(RoadbookException.StorageKeyNeeded::class.java) { Roadbook.open(path, key, null) }
        assertThrows(RoadbookException.WrongStorageKey::class.java) { Roadbook.open(path, key, other) }
        changeStorageKey(path, own, other)
        Roadbook.open(path, key, other).close()
    }

    @Test fun aPlatformKeySignsAndItsTroublesHaveNames() {
        for ((trouble, name) in listOf(KeyException.Locked() to "Locked", KeyException.Gone() to "Gone", IllegalStateException("?") to "Failed")) {
            key.trouble = trouble
            val error = assertThrows(RoadbookException.KeyUnusable::class.java) { book.syncRequest(null) }
            assertEquals(name, error.reason.javaClass.simpleName)
        }
        key.trouble = null
        loop.once()
    }

    @Test fun anObserverLivesAsLongAsItsHandle() {
        val watcher = Watcher()
        val broken = Watcher(fail = true)
        val handles = listOf(book.observe(broken), book.observe(watcher))
        begin("一号小店")
        assertEquals(listOf(1, 1), listOf(broken.times.get(), watcher.times.get()))
        assertEquals(2uL, book.observerCount())
        handles.forEach { it.close() }
        assertEquals(0uL, book.observerCount())
        begin("二号小店")
        assertEquals(1, watcher.times.get())
    }

    @Test fun rubbishIsAnsweredWithErrors() {
        fun arrived(status: Int, body: ByteArray) = Arrived(status.toUShort(), null, body)
        assertThrows(RoadbookException.AnswerUnreadable::class.java) { book.syncResponse(arrived(200, ByteArray(0))) }
        assertThrows(RoadbookException.UpdateNeeded::class.java) { book.syncResponse(arrived(200, "<html>hotel</html>".toByteArray())) }
        assertThrows(RoadbookException.ServerRefused::class.java) { book.syncResponse(arrived(503, "busy".toByteArray())) }
        assertThrows(RoadbookException.Mistake::class.java) { book.card("no id") }
        assertThrows(RoadbookException.NotHere::class.java) { book.tour("00000000-0000-4000-8000-000000000000") }
        assertThrows(RoadbookException.Mistake::class.java) { book.tours("yesterday", "today") }
        assertThrows(RoadbookException.FormOutdated::class.java) { book.editCard("00000000-0000-4000-8000-000000000000", ByteArray(3), listOf()) }
        assertThrows(RoadbookException.KeyUnusable::class.java) { softwareKey(ByteArray(5)) }
    }

    @Test fun aClockThatIsWrongIsSetRightOnce() {
        val refused = Arrived(401u, "4102444800000", ByteArray(0))
        assertTrue(book.syncResponse(refused).more)
        assertThrows(RoadbookException.ServerRefused::class.java) { book.syncResponse(refused) }
        assertFalse(loop.once().last().more)
    }

    @Test fun manyThreadsAtOnce() {
        val done = AtomicInteger()
        val threads = (1..8).map { thread { begin("同时小店"); book.search("惠民", 10u); done.incrementAndGet() } }
        threads.forEach { it.join() }
        assertEquals(8, done.get())
    }

    @Test fun photosFollowAllTextAndAnUrgentReportIsToldThatItArrived() {
        val shop = begin("照片小店")
        val draft = book.checkIn(shop, null, null)
        // A picture as far as anybody looks: the head of a PNG, then noise.
        val head = byteArrayOf(0x89.toByte()) + "PNG\r\n\u001a\n".toByteArray() + byteArrayOf(0, 0, 0, 13) + "IHDR".toByteArray() + byteArrayOf(0, 0, 2, 0x80.toByte(), 0, 0, 1, 0xe0.toByte())
        val png = head + Random.Default.nextBytes(300_000)
        val small = png.copyOf(2_000)
        val photo = book.addPhoto(draft.doc, "shelf", png, small, 1_772_000_000_000)
        assertThrows(RoadbookException.PhotoRefused::class.java) { book.addPhoto(draft.doc, "shelf", "GIF89a".toByteArray(), null, 0) }
        val visit = book.checkOut(draft.copy(fields = draft.fields + ("outcome" to Value.Text("order"))), null)
        assertEquals(PhotoStep.TextFirst, book.photoStep(false))
        book.keepOriginals(0u)
        assertEquals(listOf(visit), loop.photos(metered = false).last().complete)
        assertEquals(listOf(Triple(false, true, PhotoState.COMPLETE)), book.photos(visit).map { Triple(it.here, it.thumbnailHere, it.state) })
        assertArrayEquals(png, loop.photo(visit, photo))

        val report = book.reportUrgent(UrgentReport("accident", "high", shop, null, "店里进水", small))
        loop.once()
        val urgent = book.urgent(report)
        assertEquals(listOf("received"), urgent?.handling?.map { it.what })
        assertArrayEquals(small, urgent?.picture)
    }

    @Test fun newsArrive() {
        val heard = CountDownLatch(1)
        val other = Phone(folder.root, "writer")
        other.loop.enrol(otherCodes.removeFirst(), "writer")
        val channel = loop.listen({ heard.countDown() })
        // What was written before the channel was open wakes nobody: write until it does.
        val woken = (1..20).any { other.begin("叫醒小店$it"); other.loop.once(); heard.await(1, TimeUnit.SECONDS) }
        channel.close()
        other.close()
        assertTrue(woken)
    }

    @Test fun useAfterCloseIsRefused() {
        val other = Roadbook.open(folder.root.resolve("closed.sqlite").path, key, null)
        other.close()
        assertThrows(IllegalStateException::class.java) { other.outbox() }
    }

    @Test fun theLinesOfTheReadme() {
        assertTrue("惠民超市" in aDay(setting("ROADBOOK_URL"), otherCodes.removeFirst(), folder.root.path))
    }
}
