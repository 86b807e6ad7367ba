"""Makes `from films import make_film` work from any test folder."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
