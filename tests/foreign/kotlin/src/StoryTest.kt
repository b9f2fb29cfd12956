package roadbook
import org.junit.Assert.assertEquals
import org.junit.Test
class StoryTest { @Test fun v() { assertEquals("0.1.0", version()) } }
