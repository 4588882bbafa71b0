"""Why an import is refused. Nothing of a refused file is left behind."""

from __future__ import annotations

from reqtrail.kit.errors import Conflict, Invalid, NotFound, TooLarge


class ImportRefused(Invalid):
    """Base of what makes a file no file that could be imported."""

    code = "import_refused"
    title = "The file cannot be imported"


class NotXml(ImportRefused):
    """The file is not well-formed XML; ``line`` says where."""

    code = "not_well_formed"
    title = "The file is not well-formed"


class NotReqif(ImportRefused):
    """The file is well-formed, but no ReqIF."""

    code = "not_reqif"
    title = "The file is not ReqIF"


class HostileXml(ImportRefused):
    """The file declares a document type or entities, which ReqIF never needs and attacks do."""

    code = "document_type_refused"
    title = "The file declares a document type"


class BadValue(ImportRefused):
    """A number or a yes/no value is none; ``object`` says where."""

    code = "bad_value"
    title = "A value does not fit its datatype"


class BadArchive(ImportRefused):
    """The archive is damaged, encrypted, or names paths outside itself."""

    code = "bad_archive"
    title = "The archive cannot be read"


class ArchiveTooLarge(TooLarge):
    """The archive unpacks to more than is allowed, or to suspiciously more than its own size."""

    code = "archive_too_large"
    title = "The archive unpacks to too much"


class TooDeep(ImportRefused):
    """A hierarchy is deeper than a document's tree may be."""

    code = "too_deep"
    title = "A hierarchy is too deep"


class BrokenLine(ImportRefused):
    """A line of a history is not what it must be, or does not follow from those before it; ``line`` says which."""

    code = "broken_line"
    title = "A line of the history is broken"


class HistoryInvalid(ImportRefused):
    """What was asked for does not fit the history: a date, an author, a baseline."""

    code = "history_invalid"
    title = "The history cannot be imported like this"


class HistoryStopped(ImportRefused):
    """A line cannot be written because of what the project holds; ``line`` says which. Those before it stay."""

    code = "history_stopped"
    title = "The import of the history stopped"


class ImportFailed(ImportRefused):
    """What worked on the import ended several times, or met errors of Reqtrail's own."""

    code = "import_failed"
    title = "The import could not be finished"


class ExportNeedsArchive(Conflict):
    """The project holds several ReqIF files or attachments, which one .reqif cannot hold."""

    code = "export_needs_archive"
    title = "Export as .reqifz"


class JobNotFound(NotFound):
    """There is no such import in this project."""

    code = "import_not_found"
    title = "There is no such import"


class JobStateWrong(Conflict):
    """The import is not in a state in which this can be done."""

    code = "import_state"
    title = "The import is in another state"
