"""`make desk`: the review desk on a temporary copy of the demo, until Ctrl-C.

Both systems are on this machine: all decisions and runs end with the desk.
"""

import signal
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from types import FrameType

TRUEUP = [sys.executable, "-m", "trueup"]


def main() -> int:
    """Serves until it is asked to stop; returns the exit code of `trueup review`.

    Arguments go on to that command.
    """
    with TemporaryDirectory(prefix="trueup-desk-") as folder:
        work = Path(folder) / "work"
        subprocess.run([*TRUEUP, "init", str(work)], check=True, stdout=subprocess.DEVNULL)
        command = [*TRUEUP, "review", "--project", str(work), *sys.argv[1:]]
        with subprocess.Popen(command) as desk:

            def stop(number: int, _frame: FrameType | None) -> None:
                desk.send_signal(number)

            # A terminal sends Ctrl-C to both; this process only waits for the other one.
            signal.signal(signal.SIGINT, signal.SIG_IGN)
            signal.signal(signal.SIGTERM, stop)
            return desk.wait()


if __name__ == "__main__":
    sys.exit(main())
