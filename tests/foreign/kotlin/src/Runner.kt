// Runs the JUnit classes and ends with the line that tests/run counts.
package roadbook

import kotlin.system.exitProcess
import org.junit.internal.TextListener
import org.junit.runner.JUnitCore

fun main() {
    val core = JUnitCore()
    core.addListener(TextListener(System.out))
    val result = core.run(StoryTest::class.java)
    println("\n${result.runCount - result.failureCount} passed, ${result.failureCount} failed")
    exitProcess(if (result.wasSuccessful() && result.runCount > 0) 0 else 1)
}
