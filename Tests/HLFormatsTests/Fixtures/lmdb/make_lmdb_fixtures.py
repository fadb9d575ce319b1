#!/usr/bin/env python3
"""Makes the LMDB databases that the tests read, with liblmdb itself.

Needs lmdb (made with py-lmdb 3.0). Run it in its own directory; it rewrites all .mdb files there.

small: 120 records in two transactions, with some deleted in between; record i has the key '%040x' % (2654435761 i) and
20 + i bytes (i + k) % 251, or 5000 + 40 i for i = 7, 57, 107. deep: 150 records with keys of 400 letters, so that the tree has three levels.
"""

import shutil
import tempfile
from pathlib import Path

import lmdb

here = Path(__file__).parent


def key(i):
    return b"%040x" % (i * 2654435761)


def value(i):
    size = 5000 + 40 * i if i % 50 == 7 else 20 + i
    return bytes((i + k) % 251 for k in range(size))


def write(name, fill, **options):
    folder = tempfile.mkdtemp()
    database = lmdb.open(folder, map_size=1 << 20, **options)
    fill(database)
    count = database.stat()
    database.close()
    shutil.copy(Path(folder) / "data.mdb", here / name)
    shutil.rmtree(folder)
    print(name, count)


def small(database):
    with database.begin(write=True) as transaction:
        for i in range(0, 120, 2):
            transaction.put(key(i), value(i))
        for i in range(1000, 1040):
            transaction.put(key(i), value(i % 50))
    with database.begin(write=True) as transaction:
        for i in range(1000, 1040):
            transaction.delete(key(i))
        for i in range(1, 120, 2):
            transaction.put(key(i), value(i))


def deep(database):
    with database.begin(write=True) as transaction:
        for i in range(150):
            transaction.put(b"%0400d" % (i * 7), b"%d" % i)


def named(database):
    with database.begin(write=True) as transaction:
        transaction.put(b"a", b"1", db=database.open_db(b"images", txn=transaction))


write("small.mdb", small)
write("deep.mdb", deep)
write("empty.mdb", lambda database: None)
write("named.mdb", named, max_dbs=1)
