"""Write the parts of a test, each begun by a line `;--- name`, as files of a folder: split.py TEST FOLDER"""

import sys
from pathlib import Path

test, folder = Path(sys.argv[1]), Path(sys.argv[2])
for part in ("\n" + test.read_text()).split("\n;--- ")[1:]:
    name, _, text = part.partition("\n")
    path = folder / name.strip()
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
