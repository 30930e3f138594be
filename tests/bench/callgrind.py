"""Instructions per message of the engine, counted by callgrind: the same on a busy machine and on a quiet one."""
import json
import os
import re
import subprocess

# Smaller than engine.records' centre, since everything before the measured stretch runs under valgrind as well.
CENTRE = ["--agents", "1000", "--skills", "200", "--profiles", "100", "--classes", "500"]


def instructions_per_message(programs, scratch, waiting, turns=1000):
    scratch.mkdir(parents=True, exist_ok=True)
    out = scratch / f"callgrind.{os.getpid()}.{waiting}"
    command = ["valgrind", "-q", "--tool=callgrind", "--instr-atstart=no", f"--callgrind-out-file={out}",
               programs / "usher_bench_engine", "instructions", "--waiting", str(waiting), "--turns", str(turns), *CENTRE]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    seen = json.loads(done.stdout)
    if seen["offers"] == 0:
        raise RuntimeError("nothing was offered in the measured stretch")
    totals = re.findall(r"^(?:summary|totals): (\d+)", out.read_text(), re.M)
    out.unlink()
    if not totals or int(totals[-1]) == 0:
        raise RuntimeError("callgrind counted nothing: are valgrind's headers installed?")
    return int(totals[-1]) / seen["turns"]
