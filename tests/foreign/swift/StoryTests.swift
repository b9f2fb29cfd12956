import XCTest
@testable import Roadbook
final class StoryTests: XCTestCase { func testV() { XCTAssertEqual(version(), "0.1.0") } }
