// Runs the JUnit classes and ends with the line that tests/run counts.
package roadbook

import kotlin.system.exitProcess
import org.junit.internal.TextListener
import org.junit.runner.JUnitCore

/** An environment variable that tests/run sets. */
fun setting(name: String): String = System.getenv(name) ?: error("$name is not set: start these tests with tests/run kotlin")

/** One-time codes, each good for one device of the salesperson of the story. */
val codes: ArrayDeque<String> by lazy { ArrayDeque(setting("ROADBOOK_CODES").trim().split(" ")) }

/** The same for another one, in another territory, with whom everything else is tried. */
val otherCodes: ArrayDeque<String> by lazy { ArrayDeque(setting("ROADBOOK_OTHER_CODES").trim().split(" ")) }

fun main() {
    val core = JUnitCore()
    core.addListener(TextListener(System.out))
    val result = core.run(StoryTest::class.java, EdgeTest::class.java)
    println("\n${result.runCount - result.failureCount} passed, ${result.failureCount} failed")
    exitProcess(if (result.wasSuccessful() && result.runCount > 0) 0 else 1)
}
