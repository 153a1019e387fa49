"""What it takes to have language and sentiment ready, in a process of its own: all imports, all models, a first text in every language.

Prints JSON: seconds of CPU since the process began, and megabytes that it holds.
"""

import json
import os
from time import process_time

from processes import end_with_parent, resident_bytes

from agents.lexicons import LANGUAGES, load_engine
from agents.models import load_identifier

MEGABYTE = 1_000_000

if __name__ == "__main__":
    end_with_parent()
    identifier, engine = load_identifier(), load_engine()
    identifier.identify(["wat een fijne dag"])
    engine.score(["super!"] * len(LANGUAGES), LANGUAGES)
    print(json.dumps({"seconds": process_time(), "megabytes": resident_bytes(os.getpid()) / MEGABYTE}))
