"""golden.py is a module of this folder. Bless in one process: the files are rewritten case by case."""
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
