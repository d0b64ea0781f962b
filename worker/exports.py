"""A trained model is left on disk in the form of another world, or the words with which the exporter refused."""

import os
import traceback


def export(session, form, out):
    """Write OUT/exported.FORM, a file or a folder; or OUT/refused.txt, where the exporter raises: that is a result."""
    try:
        session.export(form, os.path.join(out, "exported." + form))
    except OSError:
        raise  # a full disk is no refusal
    except Exception as error:
        traceback.print_exc()  # into the log
        with open(os.path.join(out, "refused.txt"), "w", encoding="utf-8") as file:
            file.write("{}: {}".format(type(error).__name__, error))
