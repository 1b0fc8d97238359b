"""ELF objects: read (program headers only), edit (patchelf) and strip (binutils).

Standard library only: this package is copied into build containers.
"""

from commonwheel.elf.read import Elf, exported, exported_names, is_elf, read_elf, undefined
from commonwheel.elf.symbols import Symbol

__all__ = ["Elf", "Symbol", "exported", "exported_names", "is_elf", "read_elf", "undefined"]
