// The story of tests/foreign/story.json against a real server.
package roadbook

import com.google.gson.JsonElement
import com.google.gson.JsonObject
import com.google.gson.JsonParser
import java.io.File
import org.junit.Assert.assertEquals
import org.junit.Assert.assertNull
import org.junit.Rule
import org.junit.Test
import org.junit.rules.TemporaryFolder

/** A device of the story: its file, its key, and the words of the story. */
class Phone(private val folder: File, private val name: String) {
    private val secret = freshKeySecret()
    private val storageKey = freshStorageKey()
    lateinit var book: Roadbook
    lateinit var loop: SyncLoop

    init { open() }

    private fun open() {
        book = Roadbook.open(File(folder, "$name.sqlite").path, softwareKey(secret), storageKey)
        loop = SyncLoop(book, setting("ROADBOOK_URL"), "story")
    }

    private fun find(name: String) = book.search(name, 10u).found.first { it.customer.name == name }.customer.subject

    private fun assert(field: String, value: Value) = Edit.Assert(field, value, Provenance())

    fun begin(name: String) = book.newCustomer(listOf(assert("trade_name", Value.Text(name))))

    private fun write(customer: String, edit: Edit) {
        val card = book.card(find(customer))
        book.editCard(card.subject, card.heads, listOf(edit))
    }

    private fun withFields(step: JsonObject): VisitDraft {
        val draft = book.drafts().first()
        return draft.copy(fields = draft.fields + step["fields"].asJsonObject.entrySet().associate { it.key to Value.Text(it.value.asString) })
    }

    private fun plain(value: Value): Any? = when (value) {
        is Value.Text -> value.v1
        is Value.Int -> value.v1
        is Value.Bool -> value.v1
        else -> null
    }

    /** Does a step and returns what there is to see afterwards. */
    fun perform(step: JsonObject): Map<String, Any?> {
        fun text(key: String) = step[key].asString
        when (text("do")) {
            "enrol" -> loop.enrol(step["code"]?.asString ?: codes.removeFirst(), name)
            "sync" -> {
                loop.once()
                return mapOf("unsent" to book.outbox().changes.toLong(), "user" to book.profile()?.name)
            }
            "list" -> return mapOf("names" to book.customers(CustomerQuery(), CustomerSort.Name, null, 50u).lines.map { it.name })
            "search" -> return mapOf("names" to book.search(text("text"), 50u).found.map { it.customer.name }.sorted())
            "card" -> {
                val card = book.card(find(text("customer")))
                return mapOf(
                    "facts" to card.facts.mapValues { plain(it.value.value) },
                    "phones" to card.lists["phones"].orEmpty().map { plain(it.fields.getValue("number").value) as String }.sorted(),
                    "rivals" to card.facts.mapValues { it.value.rivals.size.toLong() },
                )
            }
            "add_phone" -> {
                val fields = mapOf("number" to Value.Text(text("number")), "kind" to Value.Text("mobile"))
                write(text("customer"), Edit.Entry("phones", book.newEntryId(), fields, Provenance()))
            }
            "assert" -> {
                val value = step["int"]?.let { Value.Int(it.asLong) } ?: Value.Text(text("text"))
                write(text("customer"), assert(text("field"), value))
            }
            "new_customer" -> begin(text("customer"))
            "check_in" -> book.checkIn(find(text("customer")), null, Place(312_000_000, 1_214_000_000, 20, "gps", false))
            "save_draft" -> book.saveDraft(withFields(step))
            "check_out" -> book.checkOut(withFields(step), null)
            "reopen" -> {
                book.close()
                open()
                return mapOf("drafts" to book.drafts().size.toLong())
            }
            "visits" -> return mapOf("outcomes" to book.visits(find(text("customer")), null, 50u).lines.map { it.visit.outcome })
            "outbox" -> return mapOf("waiting" to (book.outbox().changes > 0u))
            "history" -> {
                val values = book.history(find(text("customer")), text("field")).map { plain(it.value) as Long }
                return mapOf("values" to values.sorted())
            }
            else -> error("the story has a word that Kotlin does not know: ${text("do")}")
        }
        return emptyMap()
    }

    fun close() = book.close()
}

class StoryTest {
    @get:Rule val folder = TemporaryFolder()

    @Test fun theStory() {
        val phones = mutableMapOf<String, Phone>()
        val story = JsonParser.parseString(File(setting("ROADBOOK_STORY")).readText()).asJsonObject
        for (step in story["steps"].asJsonArray.map { it.asJsonObject }) {
            val name = step["name"].asString
            val phone = phones.getOrPut(step["on"].asString) { Phone(folder.root, step["on"].asString) }
            val got = try { phone.perform(step) } catch (error: RoadbookException) { mapOf("error" to error.javaClass.simpleName) }
            val expected = step["expect"]?.asJsonObject ?: JsonObject()
            if (!expected.has("error")) assertNull("$name: ${got["error"]}", got["error"])
            for ((key, value) in expected.entrySet()) assertEquals("$name: $key", read(value), seen(got[key], value))
        }
        phones.values.forEach { it.close() }
    }

    private fun read(json: JsonElement): Any? = when {
        json.isJsonArray -> json.asJsonArray.map { read(it) }
        json.isJsonObject -> json.asJsonObject.entrySet().associate { it.key to read(it.value) }
        json.asJsonPrimitive.isNumber -> json.asLong
        json.asJsonPrimitive.isBoolean -> json.asBoolean
        else -> json.asString
    }

    /** Of a map, only what the story asks about. */
    private fun seen(got: Any?, expected: JsonElement): Any? =
        if (expected.isJsonObject && got is Map<*, *>) expected.asJsonObject.keySet().associateWith { got[it] } else got
}
