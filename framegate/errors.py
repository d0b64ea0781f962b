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


class JournalError(FramegateError):
    """A journal cannot be read, or the run that was asked for is not there."""


class SamplesError(FramegateError):
    """Stored measurements cannot be read, or hold what no measurement can be: file and field are named."""


class ReleasesError(FramegateError):
    """The package index or the release history cannot be read, or holds what no release can be."""


class ReportError(FramegateError):
    """A report cannot be written where, or as, it was asked for: what was there before is still there."""
