"""How a board and Redis become one: read the files, read the store, plan, apply.

The whole sync path, in the order it happens::

    sources ──load──▶ boards ─┐
                              ├─ planning ──▶ Plan ── applying ──▶ stage → commit → drain
    store ──read────▶ live ───┘

`guards` and `together` say what stands in a plan's way, `around` what a person wants to see beside it, `live`
is the one other way to change a definition.

The store is authoritative for what runs; the files are authoritative for what should; the base, kept with
every job, tells the two kinds of difference apart. Planning only reads. Applying writes new versions where
nobody looks, swaps all of them in one step or none, and then lets the due set follow; whoever dies in
between leaves either nothing that counts or work that anybody can finish.
"""
