"""The bench: our init beside others, each as PID 1 of its own namespaces, in one run: ``python -m bench``.

stamp.c    what the inits run; writes down when it started
stamps     that program, and what it wrote
inits      the inits, and how each is told what to run
packages   where the others come from
trial      one boot of one init, and what can be seen of its PID 1
tasks      what is measured: the table of all tasks
results    samples, medians, ratios, budgets
report     the table in text, the JSON
picture    the same, drawn
"""
