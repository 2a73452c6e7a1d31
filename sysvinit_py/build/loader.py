# Several programs in one file. onefile.py, which puts it together, says what follows this, and why.
# License: MIT (the parser: MPL-2.0, see its source).
# In the syntax of Python 3.4, so that a Python that is too old can say so. The first line defines sys and f.
# mypy: ignore-errors
# ruff: noqa: D100, D102, E402, F821
from marshal import load, loads

magic, bundles, program, too_old = load(f)
if sys.version_info < (3, 11):
    exec(too_old)
from _signal import SIG_DFL, SIG_IGN, SIGINT, getsignal, signal

if getsignal(SIGINT) != SIG_IGN:
    signal(
        SIGINT, SIG_DFL
    )  # it ends nothing half-way with a traceback: not PID 1 at all, and telinit without a word
import gc
from _frozen_importlib import ModuleSpec
from _frozen_importlib_external import MAGIC_NUMBER


class Modules:
    "Finds the modules of this file. When one is wanted, all of its bundle are made, in order of need."

    def __init__(self):
        self.kind = "code" if magic == MAGIC_NUMBER else "source"
        self.bundles = {name: bundle for bundle in bundles for name in bundle["names"]}
        self.begin = f.tell()

    def find_spec(self, name, path=None, target=None):
        if name in self.bundles:
            self.make(*self.bundles[name][self.kind])
            return ModuleSpec(name, self)
        return None

    def make(self, offset, size):
        f.seek(self.begin + offset)
        content = f.read(size)
        if self.kind == "source":
            from zlib import decompress

            content = decompress(content)
        for name, code in loads(content).items():
            if isinstance(code, bytes):
                code = compile(code, name, "exec", dont_inherit=True, optimize=2)
            module = sys.modules[name] = type(sys)(name)
            module.__path__ = []  # packages need one, and it harms no other
            package, _, child = name.rpartition(".")
            if package:
                setattr(sys.modules[package], child, module)
            exec(code, module.__dict__)

    def create_module(self, spec):
        return sys.modules[spec.name]

    def exec_module(self, module):
        pass


gc.disable()  # there is no garbage yet
del sys.argv[0]
sys.meta_path.insert(0, Modules())
__import__(program)
be = sys.modules[program].program()
f.close()
gc.freeze()  # nor will any of this be
gc.enable()
