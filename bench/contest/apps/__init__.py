"""Tasks that do next to nothing, once for each contestant, run by the interpreter that has it installed.

Each module has ``send(task, count)``, which enqueues so many of the task of that name in ``tally``, and is
what a worker of the contestant is pointed at. BENCH_URL says where the store is.
"""
