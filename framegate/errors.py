"""What can go wrong: one class per thing a caller would do differently."""


class FramegateError(Exception):
    """The message says what was found, what was wanted and what to type next."""


class MatrixError(FramegateError):
    """matrix.toml or a file of environments/ does not say what it must."""


class PythonMissing(FramegateError):
    """No interpreter of the wanted version: the cells of that environment are skipped."""


class LibraryMissing(FramegateError):
    """A system library that an environment needs is not there: the cells of that environment are skipped."""


class EnvironmentFailed(FramegateError):
    """A requirement cannot be solved, or an installation failed."""


class DataMissing(FramegateError):
    """A dataset that must be fetched by hand is not there: its cells are skipped."""


class DataFailed(FramegateError):
    """A dataset is there but wrong: truncated, another hash, hostile."""


class WorkerFailed(FramegateError):
    """A worker crashed, hung, was killed or wrote something else than events: that cell fails, the run goes on."""

    launch: str = ""  # the name of the launch that failed: one of two, where two alternate
    ended: str = (
        ""  # how it ended, in one line, for a table: "killed by signal 6 (Aborted); 2 of 3 epochs were done; ..."
    )


class JournalError(FramegateError):
    """A journal cannot be read, or the run that was asked for is not there."""


class SamplesError(FramegateError):
    """Stored measurements cannot be read, or hold what no measurement can be: file and field are named."""


class ReleasesError(FramegateError):
    """The package index or the release history cannot be read, or holds what no release can be."""


class ReportError(FramegateError):
    """A report cannot be written where, or as, it was asked for: what was there before is still there."""


class SideError(FramegateError):
    """What was typed for a side of a gate is no environment, requirement, wheel or requirements file, or fits nothing."""


class SearchError(FramegateError):
    """A search is not there, its budget is too small, its storage is another's, or none of its trials finished."""


class GateBusy(FramegateError):
    """Another gate measures in this suite: two at once would measure each other."""


class DiskFull(FramegateError):
    """The store cannot be written: free space, then go on with --resume."""


class HistoryError(FramegateError):
    """asv's results or its configuration are not there, or are not asv's."""
