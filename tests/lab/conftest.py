import sys
from pathlib import Path

# The lab's files import each other as neighbours, whatever the tests are started from.
sys.path.insert(0, str(Path(__file__).resolve().parent))
