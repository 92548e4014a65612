import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent

# The fleet's files, and the lab's, import each other as neighbours, wherever pytest is started.
sys.path[:0] = [str(HERE), str(HERE.parent / "lab")]
