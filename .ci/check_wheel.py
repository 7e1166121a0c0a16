"""The wheel in the folder given holds every file of langevin_sgd/, its own metadata, and nothing
else.
"""

import sys
import zipfile
from pathlib import Path

(wheel,) = Path(sys.argv[1]).glob("*.whl")
held = {name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name}
package = {
    str(file)
    for file in Path("langevin_sgd").rglob("*")
    if file.is_file() and "__pycache__" not in file.parts
}
if held != package:
    sys.exit(f"{wheel.name}: missing {sorted(package - held)}, surplus {sorted(held - package)}")
print(f"{wheel.name}: {len(held)} files, all of langevin_sgd/ and nothing else")
