"""Reads what the compiler wrote about declarations and uses while it built: the index store of a debug build.

A `swift build` in the debug configuration leaves it in .build/debug/index/store. It is read through libIndexStore, which
belongs to the toolchain, so that nothing is guessed from the text of the sources.
"""

import ctypes
import shutil
from collections import namedtuple
from pathlib import Path

Symbol = namedtuple("Symbol", "usr name kind")
Occurrence = namedtuple("Occurrence", "symbol roles line bases")

DECLARATION, DEFINITION, REFERENCE = 1 << 0, 1 << 1, 1 << 2
BASE_OF = 1 << 10
MODULE, EXTENSION, PARAMETER = 1, 9, 25


class Text(ctypes.Structure):
    _fields_ = [("data", ctypes.c_void_p), ("length", ctypes.c_size_t)]

    def __str__(self):
        return ctypes.string_at(self.data, self.length).decode() if self.length else ""


TEXT_APPLIER = ctypes.CFUNCTYPE(ctypes.c_bool, ctypes.c_void_p, Text)
APPLIER = ctypes.CFUNCTYPE(ctypes.c_bool, ctypes.c_void_p, ctypes.c_void_p)


def library():
    swift = shutil.which("swift")
    if swift is None:
        raise SystemExit("index_store.py: no swift on the PATH, whose libIndexStore reads the index")
    folder = Path(swift).resolve().parent.parent / "lib"
    found = [*folder.glob("libIndexStore.so"), *folder.glob("libIndexStore.dylib")]
    if not found:
        raise SystemExit(f"index_store.py: {folder}: no libIndexStore, which Swift's toolchains carry")
    loaded = ctypes.CDLL(str(found[0]))

    def declare(name, result, *arguments):
        function = getattr(loaded, "indexstore_" + name)
        function.restype, function.argtypes = result, list(arguments)

    pointer = ctypes.c_void_p
    declare("store_create", pointer, ctypes.c_char_p, ctypes.POINTER(pointer))
    declare("store_units_apply_f", ctypes.c_bool, pointer, ctypes.c_uint, pointer, TEXT_APPLIER)
    for reader in ("unit_reader", "record_reader"):
        declare(reader + "_create", pointer, pointer, ctypes.c_char_p, ctypes.POINTER(pointer))
        declare(reader + "_dispose", None, pointer)
    for name in ("unit_reader_get_main_file", "unit_reader_get_module_name", "unit_dependency_get_name"):
        declare(name, Text, pointer)
    declare("unit_reader_get_modification_time", None, pointer, ctypes.POINTER(ctypes.c_int64), ctypes.POINTER(ctypes.c_int64))
    declare("unit_reader_dependencies_apply_f", ctypes.c_bool, pointer, pointer, APPLIER)
    declare("unit_dependency_get_kind", ctypes.c_int, pointer)
    declare("record_reader_occurrences_apply_f", ctypes.c_bool, pointer, pointer, APPLIER)
    declare("occurrence_get_symbol", pointer, pointer)
    declare("occurrence_get_roles", ctypes.c_uint64, pointer)
    declare("occurrence_get_line_col", None, pointer, ctypes.POINTER(ctypes.c_uint), ctypes.POINTER(ctypes.c_uint))
    declare("occurrence_relations_apply_f", ctypes.c_bool, pointer, pointer, APPLIER)
    declare("symbol_relation_get_roles", ctypes.c_uint64, pointer)
    declare("symbol_relation_get_symbol", pointer, pointer)
    declare("symbol_get_kind", ctypes.c_int, pointer)
    for name in ("symbol_get_usr", "symbol_get_name"):
        declare(name, Text, pointer)
    return loaded


def read(store, root):
    """{file below root: (module, [Occurrence])} of every source file that the newest build compiled."""
    store, root = Path(store), Path(root).resolve()
    if not store.is_dir():
        raise SystemExit(f"index_store.py: {store}: no index here: run `swift build` in the debug configuration first")
    index = library()
    opened = index.indexstore_store_create(str(store).encode(), None)
    if not opened:
        raise SystemExit(f"index_store.py: {store}: can't be opened as an index store")

    units = []
    index.indexstore_store_units_apply_f(opened, 1, None, TEXT_APPLIER(lambda _, name: units.append(str(name)) or True))

    # A file that moved between modules, or was compiled twice, has several units: the newest counts.
    newest = {}
    for unit in units:
        reader = index.indexstore_unit_reader_create(opened, unit.encode(), None)
        if not reader:
            continue
        main = Path(str(index.indexstore_unit_reader_get_main_file(reader)))
        if main.is_file() and root in main.resolve().parents:
            seconds, nanoseconds = ctypes.c_int64(), ctypes.c_int64()
            index.indexstore_unit_reader_get_modification_time(reader, seconds, nanoseconds)
            records = []

            def take(_, dependency):
                if index.indexstore_unit_dependency_get_kind(dependency) == 2:
                    records.append(str(index.indexstore_unit_dependency_get_name(dependency)))
                return True

            index.indexstore_unit_reader_dependencies_apply_f(reader, None, APPLIER(take))
            module = str(index.indexstore_unit_reader_get_module_name(reader))
            row = ((seconds.value, nanoseconds.value), module, records)
            key = main.resolve().relative_to(root)
            if key not in newest or newest[key][0] < row[0]:
                newest[key] = row
        index.indexstore_unit_reader_dispose(reader)

    def symbol(pointer):
        return Symbol(
            str(index.indexstore_symbol_get_usr(pointer)), str(index.indexstore_symbol_get_name(pointer)),
            index.indexstore_symbol_get_kind(pointer))

    files = {}
    for path, (_, module, records) in newest.items():
        occurrences = []
        for record in records:
            reader = index.indexstore_record_reader_create(opened, record.encode(), None)
            if not reader:
                continue

            def occurrence(_, found):
                bases = []

                def relation(_, related):
                    if index.indexstore_symbol_relation_get_roles(related) & BASE_OF:
                        bases.append(symbol(index.indexstore_symbol_relation_get_symbol(related)))
                    return True

                index.indexstore_occurrence_relations_apply_f(found, None, APPLIER(relation))
                line, column = ctypes.c_uint(), ctypes.c_uint()
                index.indexstore_occurrence_get_line_col(found, line, column)
                occurrences.append(Occurrence(
                    symbol(index.indexstore_occurrence_get_symbol(found)),
                    index.indexstore_occurrence_get_roles(found), line.value, bases))
                return True

            index.indexstore_record_reader_occurrences_apply_f(reader, None, APPLIER(occurrence))
            index.indexstore_record_reader_dispose(reader)
        files[path] = (module, occurrences)
    return files
