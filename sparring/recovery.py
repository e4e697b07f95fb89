"""Journals that a crash or a stop left behind, turned into Parquet before anyone reads the folder.

Knows that a recorder leaves its configuration beside its logs; refuses to touch a journal that is still
written. Called before judging and reporting.
"""

from recording.documents import load_document
from recording.errors import InputError
from recording.journal_reader import JournalReader
from recording.run_folder import RunFolder
from sparring.predictions import PredictionReader
from sparring.process_configs import config_file
from sparring.recorder.converter import recover
from sparring.recorder.folder_lock import FolderLock
from sparring.recorder.labels import Labels
from sparring.recorder.rows import RowMaker
from sparring.recorder.service import RecorderConfig


def recover_folder(folder: RunFolder) -> int:
    """The number of exchange rows that were recovered; 0 if nothing was left behind."""
    for journal in folder.journals():
        JournalReader(journal).drop_spares()
    left = [journal for journal in folder.journals() if any(journal.glob("*.seg"))]
    if not left:
        return 0
    for journal in left:
        if JournalReader(journal).is_written():
            raise InputError(
                "is still being recorded", place=str(folder.path), fix="stop the proxy or the run first"
            )
    lock = FolderLock(folder.path)
    if not lock.take_nowait():
        raise InputError("a recorder is still at it", place=str(folder.path), fix="wait for it, or stop it")
    try:
        return _recovered(folder)
    finally:
        lock.release()


def _recovered(folder: RunFolder) -> int:
    path = config_file(folder, "recorder")
    config = load_document(path, RecorderConfig) if path.exists() else RecorderConfig(folder=folder.path)
    trace = config.trace if config.trace is not None and config.trace.exists() else None
    rows = RowMaker(labels=Labels(trace), predictions=PredictionReader(config.predictions.paths()))
    return recover(folder, rows)
