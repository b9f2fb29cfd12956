import sys, unittest, roadbook
class Story(unittest.TestCase):
    def test_v(self): self.assertEqual(roadbook.version(), "0.1.0")
if __name__ == "__main__":
    result = unittest.main(exit=False, verbosity=2).result
    bad = len(result.failures) + len(result.errors)
    print(f"\n{result.testsRun - bad} passed, {bad} failed")
    sys.exit(0 if result.wasSuccessful() and result.testsRun else 1)
